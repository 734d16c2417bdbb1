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
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from glaciercli import endpoints, limits
from glaciercli.catalog import _caches, _foreign, _texts
from glaciercli.catalog._events import Alias, Deleted, Event, Source, sound
from glaciercli.catalog.states import deletion_of
from glaciercli.errors import IntegrityError, Refused, Unavailable
from glaciercli.models import Archive, Scope
from glaciercli.units import MIB

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_ENDPOINT = 4096  # characters: a URL, or the path of a directory
# Characters; a Synology names an archive of equal files by the path of each of them.
_LONGEST_EXPORT = 16 * MIB
_OF_JSON = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_TIMES = ("created", "modified", "seen", "deleted", "recorded", "differs", "vault_gone")
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


def detect(path: Path) -> str:
    """Return which tool's file this is; raises Refused when it is nobody's that we know."""
    start = _texts.beginning(path)
    if start.startswith("SQLite format 3\0"):
        tables = _foreign.tables(path)
        for tool, table in _caches.TABLES.items():
            if table in tables:
                return tool
    line = start.lstrip("\r\n").split("\n", 1)[0].rstrip("\r")
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
    for number, line in _texts.lines(source.path):
        match = _JOURNAL.fullmatch(line) or _JOURNAL_0.fullmatch(line)
        if match is None:
            raise _senseless(source.path, number, line)
        try:
            event = _journal_event(vault, match.groupdict())
        except (ValueError, OverflowError) as error:
            raise _senseless(source.path, number, line, error) from error
        if event is not None:
            yield source.scope, event


def _journal_event(vault: str, found: dict[str, str]) -> Event | None:
    when = _EPOCH + timedelta(seconds=int(found["time"]))
    if found["deleted"]:
        return sound(Deleted(vault, found["deleted"], when))
    if not found["id"]:
        return None  # a job, long expired
    # Entries that it took from an inventory and could not read are named by their ids.
    foreign = found["name"] == found["id"]
    mtime = found.get("mtime") or "NONE"
    modified = None if foreign or mtime == "NONE" else _EPOCH + timedelta(seconds=int(mtime))
    return sound(
        Archive(
            found["id"],
            vault,
            int(found["size"]),
            found["hash"].lower(),
            None if foreign else found["name"],
            created=when,
            modified=modified,
            tool="mt-aws-glacier",
        )
    )


def _sagu(source: Source) -> Iterator[tuple[Scope, Event]]:
    is_yaml = _texts.beginning(source.path).lstrip().startswith("-")
    for number, found in _sagu_yaml(source.path) if is_yaml else _sagu_csv(source.path):
        region = _REGION.search(found.get("Location", ""))
        if region is not None and region[0] != source.scope.region:
            continue
        try:
            archive = sound(
                Archive(
                    found["ArchiveID"],
                    found["Vault"],
                    int(found["Bytes"]),
                    found["Hash"].lower(),
                    found["File"],
                    created=_java_date(found["Date"]),
                    path=found["File"],
                    tool="SAGU",
                )
            )
        except (KeyError, ValueError, OverflowError) as error:
            raise _senseless(source.path, number, str(found), error) from error
        yield source.scope, archive


def _sagu_csv(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in _texts.lines(path):
        match = _SAGU_LINE.fullmatch(line)
        if match is None:
            raise _senseless(path, number, line)
        yield number, match.groupdict()


def _sagu_yaml(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the records; SAGU escapes quotes and nothing else, so no YAML reader would do."""
    record: dict[str, str] = {}
    number = 0
    for number, line in _texts.lines(path):
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
    for number, line in _texts.lines(source.path, _LONGEST_EXPORT):
        try:
            record = json.loads(line)
            scope = _scope(record)
            archive = sound(_typed(Archive.from_api(record)))
            names = _names(record.get("aliases", []))
        # Unavailable is what a record raises for a member that it cannot have.
        except (*_OF_JSON, Unavailable) as error:
            raise _senseless(source.path, number, line, error) from error
        yield scope, archive
        if (when := deletion_of(archive)) is not None:
            yield scope, Deleted(archive.vault, archive.id, when)
        for name in names:
            yield scope, Alias(archive.vault, name, archive.id)


def _scope(record: dict[str, object]) -> Scope:
    """Return the world of an exported archive; raises ValueError or TypeError for none."""
    endpoint, account, region = record["endpoint"], record["account"], record["region"]
    if not isinstance(endpoint, str) or not isinstance(account, str) or not isinstance(region, str):
        raise TypeError("endpoint, account and region are texts")
    if not 0 < len(endpoint) <= _LONGEST_ENDPOINT:
        raise ValueError(f"{endpoint[:80]!r} is no endpoint")
    if not limits.is_account(account) or not limits.is_region(region):
        raise ValueError(f"{account!r}, {region!r} are no account and region")
    return Scope(endpoints.name_of(endpoint, region), account, region)


def _typed(archive: Archive) -> Archive:
    """Return the archive if its fields are of their types; raises TypeError."""
    kinds = {"size": int, **dict.fromkeys(_TIMES)}
    for each in fields(archive):
        value = getattr(archive, each.name)
        kind = kinds.get(each.name, str) or datetime
        if value is not None and type(value) is not kind:
            raise TypeError(f"{each.name} is {value!r}")
    return archive


def _names(names: object) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise TypeError("aliases are a list of names")
    return names


def _senseless(path: Path, number: int, line: str, why: Exception | None = None) -> IntegrityError:
    reason = f" ({str(why)[:80]})" if type(why) is ValueError else ""
    return IntegrityError(f"line {number} of {str(path)!r} makes no sense: {line[:80]!r}{reason}")


def _java_date(text: str) -> datetime:
    """Return the time of `Tue Aug 21 17:08:24 EDT 2012`; an unknown zone counts as UTC."""
    _, month, day, time, zone, year = text.split()
    moment = parsedate_to_datetime(f"{day} {month} {year} {time} {zone}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


#: By the name of its tool, what a file tells, line by line.
READERS: dict[str, Callable[[Source], Iterator[tuple[Scope, Event]]]] = {
    "mt-aws-glacier": _journal,
    "glacier-cli": _caches.glacier_cli,
    "sagu": _sagu,
    "synology": _caches.synology,
    "export": _export,
}
TOOLS = (*READERS, "inventory")
