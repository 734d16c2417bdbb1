"""What Linux, macOS and Windows do differently with files, under one name each.

At the end is what follows from it: how files and directories of our own are made, for their owner.
Everything else in the house is written for all of them. The type checker reads it as each of the
three, so a name that one of them lacks is found here or nowhere.
"""

from __future__ import annotations

import errno
import functools
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

#: For every open: no child inherits it, and on Windows no line end is translated.
FLAGS: int = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
#: For a file of our own: and no link is followed. On Windows only administrators make them.
OWN: int = FLAGS | getattr(os, "O_NOFOLLOW", 0)
#: For a file of the user's, which may be a named pipe that nobody writes to.
NO_WAIT: int = FLAGS | getattr(os, "O_NONBLOCK", 0)

#: What is said of a link where the file system has none, or no more of them for a file.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}

#: Where Linux names each start of the machine.
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

#: Whether a file can be renamed while it is open, and so while it is locked.
RENAMES_OPEN_FILES = sys.platform != "win32"

if sys.platform == "win32":
    import msvcrt
    import threading

    # A descriptor has one position there, so moving it and reading belong together.
    _moving = threading.Lock()

    def read_into(descriptor: int, view: memoryview, position: int) -> int:
        """Fill `view` from `position` as far as one read goes; return the bytes, 0 at the end."""
        with _moving:
            os.lseek(descriptor, position, os.SEEK_SET)
            data = os.read(descriptor, len(view))
        view[: len(data)] = data
        return len(data)

    def write_at(descriptor: int, view: memoryview, position: int) -> int:
        """Write at `position` as far as one write goes; return how many bytes that was."""
        with _moving:
            os.lseek(descriptor, position, os.SEEK_SET)
            return os.write(descriptor, view)

    def sync(descriptor: int) -> None:
        """Put a file on disk: its bytes, size and times."""
        os.fsync(descriptor)

    def sync_directory(directory: Path) -> None:
        """Make new, renamed and removed names durable: NTFS logs them, and opens no directory."""

    def sync_names(_descriptor: int) -> None:
        """Do so for an open directory, which there is none of."""

    def lock(descriptor: int, *, wait: bool = False) -> None:
        """Lock an open file for this process; BlockingIOError when another has it."""
        # Far beyond the data: on Windows a locked range cannot be read by others.
        with _moving:
            position = os.lseek(descriptor, 0, os.SEEK_CUR)
            os.lseek(descriptor, 1 << 40, os.SEEK_SET)
            try:
                # To wait is to try ten times there, a second apart.
                msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            except OSError as error:
                if error.errno in {errno.EACCES, errno.EDEADLK}:
                    raise BlockingIOError(error.errno, os.strerror(error.errno)) from None
                raise
            finally:
                os.lseek(descriptor, position, os.SEEK_SET)

    def unlock(descriptor: int) -> None:
        """Let others lock a file that this process goes on to hold open."""
        with _moving:
            os.lseek(descriptor, 1 << 40, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
            except OSError:
                pass  # it was not locked, where there are no locks

    def is_range_locked(_descriptor: int, _position: int) -> bool:
        """Tell whether another process has a byte locked; there an open file cannot be replaced."""
        return False

    def set_mode(_descriptor: int, _mode: int) -> None:
        """Set who may do what; there a file has the rights of the directory that it is in."""

    def set_times(_descriptor: int, path: Path, modified_ns: int) -> None:
        """Set when a file was modified, in nanoseconds since 1970; there by its path alone."""
        os.utime(path, ns=(modified_ns, modified_ns))

    def is_own(_status: os.stat_result) -> bool:
        """Tell whether a file is this user's; there the rights of the directory see to it."""
        return True

    def room(_descriptor: int) -> int | None:
        """Return the free bytes of an open directory's file system; None, as it is not known."""
        return None

    def mode_beyond_owner(_status: os.stat_result) -> int:
        """Return what others than its owner may do with a file, as the low six bits of a mode."""
        return 0  # as above; the mode that Python reports is made up

    def mode_beyond_owner_and_own_group(_status: os.stat_result) -> int:
        """Return what others than its owner and this user's own group may do, likewise."""
        return 0

    def remove_locked(path: Path, descriptor: int) -> None:
        """Remove and close a file that this process has locked; an open one cannot be removed."""
        os.ftruncate(descriptor, 0)
        os.close(descriptor)
        try:
            path.unlink(missing_ok=True)
        except PermissionError:
            pass  # another run has just opened it, found it empty, and goes on with it

else:
    import fcntl
    import grp
    import pwd

    _ACCOUNTS = "/etc/passwd"
    _MOST_ACCOUNTS = 1 << 20  # characters; where more are listed, nothing is concluded

    def read_into(descriptor: int, view: memoryview, position: int) -> int:
        """Fill `view` from `position` as far as one read goes; return the bytes, 0 at the end."""
        return os.preadv(descriptor, [view], position)

    def write_at(descriptor: int, view: memoryview, position: int) -> int:
        """Write at `position` as far as one write goes; return how many bytes that was."""
        return os.pwrite(descriptor, view, position)

    def sync(descriptor: int) -> None:
        """Put a file on disk: its bytes, size and times."""
        if sys.platform == "darwin":
            try:  # a plain fsync leaves the bytes in the drive's own cache there
                fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            except OSError as error:
                if error.errno not in {errno.ENOTSUP, errno.EINVAL, errno.ENOTTY}:
                    raise
            else:
                return
        os.fsync(descriptor)

    def sync_directory(directory: Path) -> None:
        """Make new, renamed and removed names of a directory durable; OSError names it."""
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | FLAGS)
        try:
            sync_names(descriptor)
        except OSError as error:
            error.filename = str(directory)
            raise
        finally:
            os.close(descriptor)

    def sync_names(descriptor: int) -> None:
        """Do so for an open directory.

        File systems that cannot sync a directory say EINVAL or ENOTSUP; there is nothing better to
        do.
        """
        try:
            sync(descriptor)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
                raise

    def lock(descriptor: int, *, wait: bool = False) -> None:
        """Lock an open file for this process; BlockingIOError when another has it."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

    def unlock(descriptor: int) -> None:
        """Let others lock a file that this process goes on to hold open."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        except OSError:
            pass  # it was not locked, where there are no locks

    def is_range_locked(descriptor: int, position: int) -> bool:
        """Tell whether another process has a byte of a file locked, to read or to write it."""
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, position)
        except OSError as error:
            return error.errno in {errno.EACCES, errno.EAGAIN}
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, position)
        return False

    def set_mode(descriptor: int, mode: int) -> None:
        """Set who may do what with a file."""
        os.fchmod(descriptor, mode)

    def set_times(descriptor: int, _path: Path, modified_ns: int) -> None:
        """Set when a file was modified, in nanoseconds since 1970."""
        os.utime(descriptor, ns=(modified_ns, modified_ns))

    def is_own(status: os.stat_result) -> bool:
        """Tell whether a file is this user's."""
        return status.st_uid == os.geteuid()

    def room(descriptor: int) -> int | None:
        """Return the free bytes of an open directory's file system; None where it tells none."""
        try:
            found = os.fstatvfs(descriptor)
        except OSError:
            return None
        return found.f_bavail * found.f_frsize if found.f_blocks else None

    def mode_beyond_owner(status: os.stat_result) -> int:
        """Return what others than its owner may do with a file, as the low six bits of a mode."""
        return status.st_mode & 0o077

    def mode_beyond_owner_and_own_group(status: os.stat_result) -> int:
        """Return what others than its owner and this user's own group may do, likewise.

        Where users have a group of their own, their umask lets it write to all that they make.
        """
        mine = os.getegid()
        is_own = status.st_gid == mine and _is_alone(os.geteuid(), mine)
        return status.st_mode & (0o007 if is_own else 0o077)

    @functools.cache
    def _is_alone(user: int, group: int) -> bool:
        """Tell whether a user has a group alone and by name; False where that is not known.

        The name decides where the file lists only some of the accounts: a group of everybody's,
        such as `users` or `staff`, bears nobody's name.
        """
        try:
            name, found = pwd.getpwuid(user).pw_name, grp.getgrgid(group)
            with open(_ACCOUNTS, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                accounts = file.read(_MOST_ACCOUNTS)
                is_whole = not file.read(1)
        except (KeyError, OSError):
            return False
        return (
            is_whole and found.gr_name == name and is_own_group(name, group, found.gr_mem, accounts)
        )

    def remove_locked(path: Path, descriptor: int) -> None:
        """Remove and close a file that this process has locked."""
        path.unlink(missing_ok=True)  # first: who waits for the lock must find that it is gone
        os.close(descriptor)


def is_own_group(account: str, number: int, members: Iterable[str], accounts: str) -> bool:
    """Tell whether the group of this number has no member but one account.

    `members` are those that the group's entry lists, `accounts` is the text of /etc/passwd, whose
    lines name each account's primary group. An account that is not among them comes from a
    directory service, whose other accounts cannot be listed: nothing is known of the group then.
    """
    fields = [line.split(":") for line in accounts.splitlines()]
    primary = {each[0] for each in fields if len(each) > 3 and each[3] == str(number)}
    return primary == {account} and set(members) <= primary


def boot_id() -> str | None:
    """Return what names this start of the machine; None where the system has no name for it."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return None


def move_to_free(
    name: str | Path,
    new: str | Path,
    *,
    src_dir_fd: int | None = None,
    dst_dir_fd: int | None = None,
) -> None:
    """Give a file a name that nothing has yet; raises FileExistsError where something has it."""
    try:
        # Unlike a rename, a link never replaces what has the name.
        os.link(name, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # No hard links here: look, then rename. Another program may come in between, ours not.
        try:
            os.stat(new, dir_fd=dst_dir_fd, follow_symlinks=False)
        except FileNotFoundError:
            os.rename(name, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        else:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(new)) from None
    else:
        os.unlink(name, dir_fd=src_dir_fd)


def open_own(path: Path, flags: int) -> tuple[int, str | None]:
    """Open a file of our own; return the descriptor, and why it cannot be ours, None where it can.

    It is made, where `flags` say so, for its owner alone. No link is followed, a pipe is not waited
    for, and a device does nothing yet. Raises OSError.
    """
    descriptor = os.open(path, flags | OWN | NO_WAIT, 0o600)
    return descriptor, why_not_own(os.fstat(descriptor))


def why_not_own(status: os.stat_result) -> str | None:
    """Return why somebody else may have written a file; None for a plain one of this user's."""
    if not stat.S_ISREG(status.st_mode):
        return "is not a plain file"
    if status.st_nlink > 1:
        return "has another name elsewhere, a hard link"
    if not is_own(status):
        return "belongs to another user"
    if mode_beyond_owner(status) & 0o022:
        return "can be written by other users"
    return None


def private_directory(path: Path) -> Path:
    """Make a directory, and its missing parents, for its owner alone; return it.

    The mode is given when it is made, so that there is no moment in which others may look in. The
    names are on disk when it returns: what is synced in a directory that is lost, is lost with it.
    """
    missing = []
    while not path.exists():
        missing.append(path)
        path = path.parent
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        each.chmod(0o700)  # a generous umask cannot widen 0700, a strict one may have narrowed it
        sync_directory(each.parent)
    return missing[0] if missing else path
