"""Files of other tools, and our own export, read as what they tell: archives, deletions, names.

    mt-aws-glacier  its journals, formats 0, A, B and C
    glacier-cli     its SQLite cache
    sagu            Simple Amazon Glacier Uploader's Glacier.csv and Glacier.yaml
    synology        the SQLite file that a `_mapping` vault of Glacier Backup holds
    export          what `imports.export` writes: JSON lines
    inventory       an inventory's document that someone fetched; `inventories` reads it

Files come from anywhere, so no reader runs anything of theirs or trusts a field's form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

from glaciercli.catalog.database import foreign_rows
from glaciercli.errors import IntegrityError, Refused, UsageError
from glaciercli.models import Archive, Scope

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SNIFFED = 4096  # bytes that tell what a file is
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")

_JOURNAL = re.compile(
    r"[ABC]\t(?P<time>\d{1,11})\t(?:"
    r"CREATED\t(?P<id>\S+)\t(?P<size>\d{1,15})\t(?P<mtime>NONE|[+-]?\d{1,11})\t(?P<hash>\S+)\t(?P<name>.*)"
    r"|DELETED\t(?P<deleted>\S+)\t.*"
    r"|RETRIEVE_JOB\t.*)"
)
_JOURNAL_0 = re.compile(
    r"(?P<time>\d{1,11})\s+(?:"
    r"CREATED\s+(?P<id>\S+)\s+(?P<size>\d{1,15})\s+(?P<hash>\S+)\s+(?P<name>.*)"
    r"|DELETED\s+(?P<deleted>\S+)\s+.*"
    r"|RETRIEVE_JOB\s+.*)"
)
_SAGU_LINE = re.compile(
    r"(?P<ArchiveID>[^,]+),(?P<File>.*),(?P<Bytes>\d+),(?P<Vault>[^,]*),(?P<Location>[^,]*),"
    r"(?P<Date>[^,]*),(?P<Hash>[0-9a-f]{64}),?"
)
_SAGU_FIELD = re.compile(r'(?:- )?\s+(\w+):\s+"(.*)"')


class Deleted(NamedTuple):
    """A deletion that another tool has recorded."""

    vault: str
    id: str
    when: datetime


class Alias(NamedTuple):
    """A further name of an archive."""

    vault: str
    name: str
    id: str


Event = Archive | Deleted | Alias


@dataclass(frozen=True)
class Source:
    """A file, and where its archives are as far as it does not say so itself."""

    path: Path
    scope: Scope
    vault: str | None

    @property
    def the_vault(self) -> str:
        if self.vault is None:
            raise UsageError(f"{str(self.path)!r} does not name its vault", hint="add --vault NAME")
        return self.vault


def detect(path: Path) -> str:
    """Return which tool's file this is; raises Refused when it is nobody's that we know."""
    with path.open("rb") as file:
        start = file.read(_SNIFFED)
    if start.startswith(b"SQLite format 3\0"):
        tables = {row["name"] for row in foreign_rows(path, "SELECT name FROM sqlite_master")}
        for table, tool in (("file_info_tb", "synology"), ("archive", "glacier-cli")):
            if table in tables:
                return tool
    line = start.decode("utf-8", "replace").lstrip("\r\n").split("\n", 1)[0].rstrip("\r")
    for pattern, tool in (
        (r'\{.*"archiveId"', "export"),
        (r"\{", "inventory"),
        (r'"?ArchiveId"?,"?ArchiveDescription', "inventory"),
        (r"[ABC]\t\d+\t[A-Z]", "mt-aws-glacier"),
        (r"\d+\s+(?:CREATED|DELETED|RETRIEVE_JOB)\s", "mt-aws-glacier"),
        (r'-\s+ArchiveID:\s+"', "sagu"),
        (_SAGU_LINE.pattern + "$", "sagu"),
    ):
        if re.match(pattern, line):
            return tool
    raise Refused(
        f"{str(path)!r} is no journal, cache, log or inventory that we know",
        hint=f"--tool, one of: {', '.join(TOOLS)}",
    )


def _journal(source: Source) -> Iterator[tuple[Scope, Event]]:
    """Yield the lines of an mt-aws-glacier journal; it names neither vault nor region."""
    vault = source.the_vault
    for number, line in _lines(source.path):
        match = _JOURNAL.fullmatch(line) or _JOURNAL_0.fullmatch(line)
        if match is None:
            raise _senseless(source.path, number, line)
        try:
            event = _journal_event(vault, match.groupdict())
        except (ValueError, OverflowError) as error:
            raise _senseless(source.path, number, line) from error
        if event is not None:
            yield source.scope, event


def _journal_event(vault: str, found: dict[str, str]) -> Event | None:
    when = _EPOCH + timedelta(seconds=int(found["time"]))
    if found["deleted"]:
        return Deleted(vault, found["deleted"], when)
    if not found["id"]:
        return None  # a job, long expired
    # Entries that it took from an inventory and could not read are named by their ids.
    foreign = found["name"] == found["id"]
    mtime = found.get("mtime") or "NONE"
    return Archive(
        found["id"],
        vault,
        int(found["size"]),
        _hash(found["hash"]),
        None if foreign else found["name"],
        created=when,
        modified=None if foreign or mtime == "NONE" else _EPOCH + timedelta(seconds=int(mtime)),
        tool="mt-aws-glacier",
    )


def _glacier_cli(source: Source) -> Iterator[tuple[Scope, Event]]:
    """Yield glacier-cli's archives; its cache holds the accounts of several access keys."""
    keys = [row[0] for row in foreign_rows(source.path, "SELECT DISTINCT key FROM archive")]
    if len(keys) > 1:
        raise Refused(f"{str(source.path)!r} mixes the accounts of {len(keys)} access keys")
    query = "SELECT id, name, vault, created_here, last_seen_upstream, deleted_here FROM archive"
    for row in foreign_rows(source.path, query):
        vault, ident, name = str(row["vault"]), str(row["id"]), row["name"]
        born = _stamp(source.path, row["created_here"] or row["last_seen_upstream"])
        archive = Archive(ident, vault, name=name and str(name), created=born, tool="glacier-cli")
        yield source.scope, archive
        if row["deleted_here"]:
            yield source.scope, Deleted(vault, ident, _stamp(source.path, row["deleted_here"]))


def _synology(source: Source) -> Iterator[tuple[Scope, Event]]:
    """Yield the paths of a Synology mapping; several may share one archive of the data vault."""
    vault, previous = source.the_vault, None
    query = (
        "SELECT shareName, basePath, archiveID, CAST(fileSize AS INTEGER) AS size, lastBkpTime "
        "FROM file_info_tb ORDER BY archiveID, key"
    )
    for row in foreign_rows(source.path, query):
        ident, name = (
            str(row["archiveID"]),
            f"{row['shareName']}/{str(row['basePath']).lstrip('/')}",
        )
        born = _stamp(source.path, row["lastBkpTime"])
        if ident == previous:
            yield source.scope, Alias(vault, name, ident)
        else:
            yield (
                source.scope,
                Archive(ident, vault, row["size"], name=name, created=born, tool="Synology"),
            )
        previous = ident


def _stamp(path: Path, seconds: object) -> datetime:
    """Return the time of a column of seconds since 1970; it may be null, and may be anything."""
    try:
        return _EPOCH + timedelta(seconds=int(str(seconds or 0).partition(".")[0]))
    except (ValueError, OverflowError) as error:
        raise IntegrityError(f"{str(path)!r} holds {seconds!r} for a time") from error


def _sagu(source: Source) -> Iterator[tuple[Scope, Event]]:
    with source.path.open("rb") as file:
        is_yaml = file.read(_SNIFFED).lstrip().startswith(b"-")
    for number, found in _sagu_yaml(source.path) if is_yaml else _sagu_csv(source.path):
        region = _REGION.search(found.get("Location", ""))
        if region is not None and region[0] != source.scope.region:
            continue
        try:
            archive = Archive(
                found["ArchiveID"],
                found["Vault"],
                int(found["Bytes"]),
                _hash(found["Hash"]),
                found["File"],
                created=_java_date(found["Date"]),
                path=found["File"],
                tool="SAGU",
            )
        except (KeyError, ValueError, OverflowError) as error:
            raise _senseless(source.path, number, str(found)) from error
        yield source.scope, archive


def _sagu_csv(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in _lines(path):
        match = _SAGU_LINE.fullmatch(line)
        if match is None:
            raise _senseless(path, number, line)
        yield number, match.groupdict()


def _sagu_yaml(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the records; SAGU escapes quotes and nothing else, so no YAML reader would do."""
    record: dict[str, str] = {}
    number = 0
    for number, line in _lines(path):
        match = _SAGU_FIELD.fullmatch(line)
        if match is None:
            raise _senseless(path, number, line)
        if match[1] == "ArchiveID" and record:
            yield number, record
            record = {}
        record[match[1]] = match[2].replace('\\"', '"')
    if record:
        yield number, record


def _export(source: Source) -> Iterator[tuple[Scope, Event]]:
    for number, line in _lines(source.path):
        try:
            record = json.loads(line)
            scope = Scope(*(str(record[each]) for each in ("endpoint", "account", "region")))
            archive = _sound(Archive.from_api(record))
            names = [str(each) for each in record.get("aliases", ())]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise _senseless(source.path, number, line) from error
        yield scope, archive
        if archive.deleted is not None:
            yield scope, Deleted(archive.vault, archive.id, archive.deleted)
        for name in names:
            yield scope, Alias(archive.vault, name, archive.id)


def _sound(archive: Archive) -> Archive:
    """Return the archive if its fields are what they must be; raises TypeError or ValueError."""
    kinds = {"size": int, **dict.fromkeys(("created", "modified", "seen", "deleted", "recorded"))}
    for each in fields(archive):
        value = getattr(archive, each.name)
        kind = kinds.get(each.name, str) or datetime
        if value is not None and type(value) is not kind:
            raise TypeError(f"{each.name} is {value!r}")
    if archive.tree_hash is not None:
        _hash(archive.tree_hash)
    if not 0 <= (archive.size or 0) < 1 << 62:
        raise ValueError(f"size is {archive.size}")
    return archive


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not empty, numbered; bytes that are not UTF-8 are kept."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            stripped = line.rstrip("\r\n")
            if stripped.strip():
                yield number, stripped


def _senseless(path: Path, number: int, line: str) -> IntegrityError:
    return IntegrityError(f"line {number} of {str(path)!r} makes no sense: {line[:80]!r}")


def _hash(text: str) -> str:
    if len(bytes.fromhex(text)) != 32:
        raise ValueError(f"{text!r} is not a tree hash")
    return text.lower()


def _java_date(text: str) -> datetime:
    """Return the time of `Tue Aug 21 17:08:24 EDT 2012`; an unknown zone counts as UTC."""
    _, month, day, time, zone, year = text.split()
    moment = parsedate_to_datetime(f"{day} {month} {year} {time} {zone}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


#: By the name of its tool, what a file tells, line by line.
READERS: dict[str, Callable[[Source], Iterator[tuple[Scope, Event]]]] = {
    "mt-aws-glacier": _journal,
    "glacier-cli": _glacier_cli,
    "sagu": _sagu,
    "synology": _synology,
    "export": _export,
}
TOOLS = (*READERS, "inventory")
