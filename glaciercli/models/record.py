"""A frozen record and its JSON face.

Field names are Python's; JSON keys are the service's own (`VaultName`, `archiveId`, `JobId`, ...),
so that scripts written for `aws glacier` carry over. What the service lacks is added in its style.
Times are aware UTC datetimes, sizes are bytes, hashes are lower-case hex.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, field, fields
from datetime import datetime
from typing import Any, ClassVar, Self, dataclass_transform

from glaciercli.errors import Unavailable
from glaciercli.units import format_time, parse_time


def member(name: str, **default: Any) -> Any:
    """Declare a field together with its JSON key."""
    return field(metadata={"key": name}, **default)


@dataclass_transform(frozen_default=True, field_specifiers=(member,))
class Record:
    """A frozen dataclass that reads the service's JSON and writes it again."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def as_json(self) -> dict[str, Any]:
        """Return the record under the service's keys; times as ISO 8601, absent values as null."""
        return {each.metadata["key"]: _plain(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def from_api(cls, reply: Mapping[str, Any], **extra: Any) -> Self:
        """Return the record for a reply of the service; `extra` gives what the reply lacks."""
        known = {
            each.name: _parsed(each, reply[each.metadata["key"]])
            for each in fields(cls)
            if reply.get(each.metadata["key"]) is not None
        }
        return cls(**{**known, **extra})


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Record):
        return value.as_json()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _parsed(target: Field[Any], value: Any) -> Any:
    """Return a reply's value as the field has it; raises Unavailable for what it cannot be."""
    kind = str(target.type)
    try:
        if "datetime" in kind and isinstance(value, str):
            return parse_time(value)
    except ValueError:
        raise _strange(target, value) from None
    for name, types in _TYPES.items():
        if kind.startswith(name) and not isinstance(value, types):
            raise _strange(target, value)
    return value


_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "datetime": (datetime,),
    "dict": (dict,),
    "int": (int,),
    "str": (str,),
}


def _strange(target: Field[Any], value: Any) -> Unavailable:
    key = target.metadata["key"]
    return Unavailable(f"the service says that {key} is {str(value)[:80]!r}, which it cannot be")
