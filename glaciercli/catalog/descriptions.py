"""How tools keep a file's name and time in an archive's description, read and written.

Glacier gives an archive an id, not a name; all that a tool may leave is a description of at most
1,024 printable ASCII characters. So each invented its own code for names:

    mt2, mt1          mt-aws-glacier; mt2 is also glacier-interface's, in milliseconds, and ours
    FastGlacier v1-4  FastGlacier, QNAP HBS, CrushFTP, Glacial Backup
    CloudBerry        CloudBerry and MSP360: JSON whose path is in .NET's UTF-7
    QNAP              QNAP's Glacier app: plain JSON
    git-annex         a key; the name of the file is in the repository
    plain             all the rest: the text is the name, with the letters that boto 2 escaped

What cannot be decoded is plain text, never an error: the archive is there all the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from glaciercli.catalog import _percent
from glaciercli.config import DESCRIPTION_FORMATS
from glaciercli.errors import Refused

MAX_DESCRIPTION = 1024  # characters, Glacier's limit; all of them printable ASCII
TOOL = "glacier"  # what `Decoded.tool` says of our own

_MAX_READ = 8 * MAX_DESCRIPTION  # with what exports put in; a hostile file's could take for ever
_MILLISECONDS = re.compile(r"\d{11,18}", re.ASCII)
_TIME = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d):?([0-5]\d|6[01])(?:[.,]\d+)?Z?", re.ASCII
)
# An mt2 record as its writers write it, where the name needs none of JSON's escapes.
_MT2_RECORD = re.compile(
    r'\{"filename": ?"([^"\\\0-\x1f]*)", ?"mtime": ?"(\d{8}T\d{4}[0-5]\dZ)"'
    r'(?:, ?"glacier": ?"(\w+)")?\}',
    re.ASCII,
)
_UTF7_RUN = re.compile(r"[A-Za-z0-9+/]+-?")
_ANNEX_KEY = re.compile(
    r".*?\b(?:(?:SHA\d+(?:_\d+)?|SKEIN\d+_\d+|BLAKE2\w+?|MD5)E?|WORM|V?URL|GPGHMAC\w+?)"
    r"(?:-s(?P<size>\d{1,18}))?(?:-[mSC]\d+)*--\S+",
    re.ASCII,
)


class Decoded(NamedTuple):
    """What a description says of the file that became the archive.

    A tuple and not a frozen dataclass: an inventory makes a million, in a quarter of the time.
    """

    tool: str
    name: str
    modified: datetime | None = None
    #: A placeholder for a directory: one byte that is not a file.
    is_folder: bool = False
    #: The token of the upload that made it, where that was ours.
    token: str | None = None
    #: The archive's bytes are not the file's: its tool packed or encrypted them.
    compressed: bool = False
    encrypted: bool = False
    original_md5: str | None = None
    original_size: int | None = None


def decode(description: str) -> Decoded:
    """Return what a description says; text of no known format is its own name. Never raises."""
    text = description.strip()
    if len(text) > _MAX_READ:
        return Decoded("plain", text)
    found = (_usual(text) if text.startswith("mt2 ") else None) or _known(text)
    # Exports quote; but one tool wrote its JSON as a JSON string, whose quotes count.
    if found is None and text[:1] == '"' == text[-1:] and len(text) > 1:
        bare = text[1:-1].strip()
        found = _known(bare) or _annex(bare)
    return found or _annex(text) or Decoded("plain", _percent.decoded(text))


def _usual(text: str) -> Decoded | None:
    """Return what mt2 says in its usual form; of any other form, `_read_mt` takes its time."""
    try:
        match = _MT2_RECORD.fullmatch(_unbase64(text[4:]).decode("utf-8", "surrogateescape"))
        if match is None or len(text) > MAX_DESCRIPTION:
            return None
        name, modified, token = match.groups()
        return Decoded(
            TOOL if token else "mt2", name, datetime.fromisoformat(modified), False, token
        )
    except ValueError:
        return None


def _known(text: str) -> Decoded | None:
    """Return what a text says that looks like a known format, None where it only looks so."""
    read = _READERS.get(text[:3]) or _READERS.get(text[:1])
    try:
        return read(text) if read else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def encode(
    name: str,
    modified: datetime,
    *,
    token: str | None = None,
    format: str = "mt2",  # noqa: A002 - the word of --description-format
) -> str:
    """Return a description that says `name`, `modified` and our `token`.

    Bytes of the name that are not UTF-8 (`os.fsdecode` makes lone surrogates of them) are written
    as they are. A name too long for the limit keeps its end and gets the SHA-256 of the whole;
    the catalog keeps the whole. Only mt2 has room for a token. Raises Refused where the format
    cannot hold the name, and for an unknown format.
    """
    match format:
        case "mt2":
            return _write_mt2(name, modified, token)
        case "fastglacier":
            description = _write_fastglacier(name, modified)
        case "plain":
            description = name
        case _:
            raise Refused(
                f"unknown description format {format!r}",
                hint=f"one of {', '.join(DESCRIPTION_FORMATS)}",
            )
    # A blank at an end is lost, and a file may be called as another tool's description begins.
    if is_storable(description) and decode(description).name == name:
        return description
    raise Refused(
        f"the name does not fit a {format} description: at most {MAX_DESCRIPTION} printable "
        "ASCII characters, which say this name and no other",
        hint="--description-format mt2 holds any name",
    )


def is_storable(description: str) -> bool:
    """Tell whether Glacier takes the text as it is: printable ASCII, at most 1,024 characters."""
    return len(description) <= MAX_DESCRIPTION and _strange(description) is None


def require_storable(description: str) -> None:
    """Raise Refused, naming the first character that Glacier does not take, or the length.

    Descriptions of archives and of jobs have the same limits (reference: InitiateMultipartUpload,
    jobParameters).
    """
    if (strange := _strange(description)) is not None:
        # A lone surrogate stands for a byte that the terminal's encoding has no letter for.
        is_byte = "\udc80" <= strange <= "\udcff"
        typed = rf"'\x{ord(strange) - 0xDC00:02x}'" if is_byte else repr(strange)
        raise Refused(
            f"{typed} cannot be in a description: Glacier takes printable ASCII alone",
            hint="use ASCII letters, digits and signs, on one line",
        )
    if len(description) > MAX_DESCRIPTION:
        raise Refused(
            f"a description of {len(description):,} characters is too long:"
            f" Glacier takes {MAX_DESCRIPTION:,}"
        )


def _strange(text: str) -> str | None:
    """Return the first character that is not printable ASCII."""
    return next((each for each in text if not " " <= each <= "~"), None)


def _write_fastglacier(name: str, modified: datetime) -> str:
    try:
        path = base64.b64encode(name.encode("utf-8", "surrogateescape")).decode()
    except UnicodeEncodeError:  # a surrogate that stands for no byte has no form here
        path = ""
    return f"<m><v>4</v><p>{path}</p><lm>{_basic(modified)}</lm></m>"


def _write_mt2(name: str, modified: datetime, token: str | None) -> str:
    extra = {} if token is None else {"glacier": token}
    description = _mt2(name, modified, extra)
    if len(description) > MAX_DESCRIPTION:
        whole = name.encode("utf-8", "surrogatepass")
        extra["sha256"] = hashlib.sha256(whole).hexdigest()
    kept = name
    while len(description) > MAX_DESCRIPTION:
        # A character takes at least one byte, and three bytes become four characters.
        kept = kept[max(1, (len(description) - MAX_DESCRIPTION) * 3 // 4 // 4) :]
        description = _mt2(kept, modified, extra)
    return description


def _mt2(name: str, modified: datetime, extra: dict[str, str]) -> str:
    record = {"filename": name, "mtime": _basic(modified), **extra}
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte: JSON can still spell it
        raw = json.dumps(record, separators=(",", ":")).encode()
    return "mt2 " + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read_mt(text: str) -> Decoded | None:
    tool, code = text[:3], text[4:].lstrip(" \t")
    if text[3:4] not in {" ", "\t"} or len(code) > MAX_DESCRIPTION:
        return None
    raw = _unbase64(code)
    if tool == "mt1":  # its writer encoded to UTF-8 twice
        raw = raw.decode().encode("latin-1")
    found = raw.decode("utf-8", "surrogateescape").strip()
    record, stop = _DECODER.raw_decode(found)  # in half the time of json.loads
    name = record["filename"]
    if not isinstance(name, str) or stop != len(found):
        return None
    modified = _time(str(record.get("mtime", "")))
    token = record.get("glacier")
    if isinstance(token, str):
        return Decoded(TOOL, name, modified, False, token)
    return Decoded(tool, name, modified)


def _read_fastglacier(text: str) -> Decoded | None:
    fields = _elements(text)
    if "p" not in fields:
        return None
    name = _unbase64(fields["p"]).decode("utf-8", "surrogateescape")
    compressed, encrypted, md5, size = (fields.get("ce", "").split(":") + [""] * 4)[:4]
    return Decoded(
        f"FastGlacier v{int(fields['v'])}",
        name,
        _time(fields.get("lm", "")),
        is_folder=name.endswith("/"),
        compressed=compressed == "1",
        encrypted=encrypted == "1",
        original_md5=md5.lower() or None,
        original_size=int(size) if size.isdecimal() else None,
    )


def _read_fastglacier_v1(text: str) -> Decoded | None:
    # Its element for the time is not known from any sample, so none is read.
    name = _unbase64(_elements(text)["Path"]).decode("utf-8", "surrogateescape")
    return Decoded("FastGlacier v1", name, is_folder=name.endswith("/"))


def _elements(text: str) -> dict[str, str]:
    """Return the leaves of a flat XML text; blanks and line ends may stand anywhere in it."""
    return dict(re.findall(r"<(\w+)>([^<]*)</\1>", "".join(text.split())))


def _read_json(text: str) -> Decoded | None:
    record = json.loads(text)
    if isinstance(record, str):  # JSON in a JSON string
        record = json.loads(record)
    if not isinstance(record, dict):
        return None
    if isinstance(record.get("Path"), str):
        return _cloudberry(record)
    if isinstance(record.get("path"), str):
        folder = str(record.get("type", "file")).lower() in {"dir", "directory", "folder"}
        return Decoded("QNAP", record["path"], is_folder=folder)
    return None


def _cloudberry(record: dict[str, Any]) -> Decoded:
    name, modified = record["Path"], record.get("UTCDateModified")
    flags = record["Flags"] if isinstance(record.get("Flags"), int) else 0
    return Decoded(
        "CloudBerry",
        # Without the time it is another's JSON, and a plus is a plus.
        name if modified is None else _from_utf7(name),
        _time(str(modified)),
        compressed=bool(flags & 1),
        encrypted=bool(flags & 2),
    )


def _from_utf7(text: str) -> str:
    """Decode the runs that .NET's encoder writes and leave everything else as it is.

    Python's own codec will not do: it raises at a stray plus, and ends a run without its dash.
    """
    return _UTF7_RUN.sub(lambda match: _with_run(match[0]), text)


def _with_run(letters: str) -> str:
    """Return letters of base64 with the run decoded that ends at their dash, if they have one."""
    start = letters.find("+") if letters.endswith("-") else -1
    while start >= 0:
        run = letters[start + 1 : -1]
        decoded = _utf7_run(run) if run else "+"
        if decoded is not None:
            return letters[:start] + decoded
        start = letters.find("+", start + 1)
    return letters


def _utf7_run(run: str) -> str | None:
    """Return the UTF-16 text of a run; None unless whole characters and fewer than 6 zero bits."""
    units, spare = divmod(len(run) * 6, 16)
    if not units or spare >= 6 or len(run) > MAX_DESCRIPTION:
        return None
    raw = _unbase64(run + "A" * (-len(run) % 4))  # A is six zero bits
    if any(raw[units * 2 :]):
        return None
    try:
        return raw[: units * 2].decode("utf-16-be")
    except UnicodeDecodeError:
        return None


def _annex(text: str) -> Decoded | None:
    is_key = "--" in text and len(text) <= MAX_DESCRIPTION
    match = _ANNEX_KEY.fullmatch(text) if is_key else None
    if match is None:
        return None
    size = match["size"]
    return Decoded("git-annex", text, original_size=None if size is None else int(size))


def _unbase64(text: str) -> bytes:
    """Decode standard or URL-safe base64, padded or not; raises ValueError for any other text."""
    bare = text.rstrip("=").replace("-", "+").replace("_", "/")
    return binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True)


def _time(text: str) -> datetime | None:
    """Return the time of `20121103T062938Z`, of its extended form, or of milliseconds."""
    try:
        if len(text) == 16 and text[8] == "T" and text[15] == "Z" and text[13] < "6":
            return datetime.fromisoformat(text)  # what all writers write, in a tenth of the time
        if _MILLISECONDS.fullmatch(text):
            return _EPOCH + timedelta(milliseconds=int(text))
        match = _TIME.fullmatch(text)
        if match is None:
            return None
        year, month, day, hour, minute, second = map(int, match.groups())
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        # Second 60 is a leap second, and 61 what old C libraries allowed: they count on.
        return moment + timedelta(seconds=second - 59) if second > 59 else moment
    except (ValueError, OverflowError):
        return None


def _basic(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc.year:04d}{utc:%m%dT%H%M%SZ}"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECODER = json.JSONDecoder()
_READERS: dict[str, Callable[[str], Decoded | None]] = {
    "mt1": _read_mt,
    "mt2": _read_mt,
    "<m>": _read_fastglacier,
    "<Ar": _read_fastglacier_v1,
    "{": _read_json,
    '"': _read_json,
}
