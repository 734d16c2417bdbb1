"""Conditions of a policy's statement: a key of the request compared with the policy's values.

The rules are IAM's. Values are alternatives; a key that the request does not have makes a condition
false, or true where the operator is negated or ends in IfExists.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from glaciercli.units import parse_time

_KEY = re.compile(r"[A-Za-z0-9-]+:\S.*")  # like glacier:ResourceTag/Legal Hold


@dataclass(frozen=True)
class _Operator:
    """How values are read and compared; both readers raise ValueError for nonsense."""

    family: str  # String, Numeric, Date, Bool, Arn, IpAddress or Null
    wanted: Callable[[str], Any]
    given: Callable[[str], Any]
    compare: Callable[[Any, Any], Any]  # (given, wanted)
    negated: bool = False

    def matches(self, given: str, wanted: Sequence[Any]) -> bool:
        try:
            value = self.given(given)
        except ValueError:  # a tag that is no number is not less than 10, nor equal to it
            return self.negated
        return any(self.compare(value, each) for each in wanted) != self.negated


@dataclass(frozen=True)
class Condition:
    """One operator on one key; `name` is the operator as the policy writes it."""

    name: str
    written: str  # the key, as the policy writes it
    operator: _Operator
    wanted: tuple[Any, ...]
    quantifier: str = ""  # or ForAllValues, ForAnyValue
    if_exists: bool = False

    @property
    def key(self) -> str:
        """The key without case: the guide itself writes ArchiveAgeInDays and ArchiveAgeinDays."""
        return self.written.casefold()

    def holds(self, context: Mapping[str, Sequence[str]]) -> bool:
        """Tell whether it holds for a request whose keys are case-folded."""
        given = context.get(self.key, ())
        if self.operator is _NULL:
            return self.operator.matches(str(not given), self.wanted)
        if not given:
            default = self.operator.negated and not self.quantifier
            return self.if_exists or self.quantifier == "ForAllValues" or default
        results = (self.operator.matches(each, self.wanted) for each in given)
        # Without a quantifier there should be one value; of several, a negated operator
        # wants that none is equal, a plain one that one is.
        every = self.operator.negated if not self.quantifier else self.quantifier == "ForAllValues"
        return all(results) if every else any(results)


def condition(name: str, key: str, values: Sequence[str]) -> Condition:
    """Return the condition for `{name: {key: values}}`; raise ValueError when it is none."""
    quantifier, colon, base = name.rpartition(":")
    found = _OPERATORS.get(base.removesuffix("IfExists"))
    if found is None or (colon and quantifier not in {"ForAllValues", "ForAnyValue"}):
        raise ValueError(f"unknown condition operator {name!r}")
    if found is _NULL and name != "Null":
        raise ValueError(f"{name!r}: Null stands alone")
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no condition key")
    try:
        wanted = tuple(found.wanted(value) for value in values)
    except ValueError as error:
        raise ValueError(f"{name} {key}: {error}") from None
    return Condition(name, key, found, wanted, quantifier, base.endswith("IfExists"))


def glob(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return `pattern`, where * is any text and ? any character, as a regular expression.

    Each asterisk but the last takes the first text that lets its piece match and never goes back
    (the atomic group), so a hostile pattern costs no more than length times length.
    """
    first, *pieces = (
        "".join("." if character == "?" else re.escape(character) for character in piece)
        for piece in pattern.split("*")
    )
    middle = "".join(f"(?>.*?{piece})" for piece in pieces[:-1])
    last = f".*{pieces[-1]}" if pieces else ""
    return re.compile(first + middle + last, flags | re.DOTALL)


def _glob_matches(given: str, wanted: re.Pattern[str]) -> bool:
    return wanted.fullmatch(given) is not None


def _number(text: str) -> Decimal:
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
        raise ValueError(f"{text!r} is not a number")
    return Decimal(text)


def _date(text: str) -> datetime:
    """Return a time given as ISO 8601 or as seconds since 1970."""
    if not text.isdecimal():
        return parse_time(text)
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (OverflowError, OSError):
        raise ValueError(f"{text!r} is not a time") from None


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


def _is_within(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> bool:
    return address in network


def _arn(text: str) -> list[str]:
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        raise ValueError(f"{text!r} is not an ARN")
    return parts


def _arn_globs(text: str) -> list[re.Pattern[str]]:
    return [glob(part) for part in _arn(text)]


def _arn_matches(given: list[str], wanted: list[re.Pattern[str]]) -> bool:
    """Compare part by part: an asterisk in an ARN does not reach over a colon."""
    return all(map(_glob_matches, given, wanted))


_NULL = _Operator("Null", _boolean, _boolean, operator.eq)  # is the key absent, true or false


def _operators() -> Iterator[tuple[str, _Operator]]:
    yield "Null", _NULL
    yield "Bool", _Operator("Bool", _boolean, _boolean, operator.eq)
    order = {
        "LessThan": operator.lt,
        "LessThanEquals": operator.le,
        "GreaterThan": operator.gt,
        "GreaterThanEquals": operator.ge,
    }
    for suffix, compare in order.items():
        yield f"Numeric{suffix}", _Operator("Numeric", _number, _number, compare)
        yield f"Date{suffix}", _Operator("Date", _date, _date, compare)
    equality: dict[str, tuple[str, Any, Any, Any]] = {
        "String{}Equals": ("String", str, str, operator.eq),
        "String{}EqualsIgnoreCase": ("String", str.casefold, str.casefold, operator.eq),
        "String{}Like": ("String", glob, str, _glob_matches),
        "Numeric{}Equals": ("Numeric", _number, _number, operator.eq),
        "Date{}Equals": ("Date", _date, _date, operator.eq),
        "Arn{}Equals": ("Arn", _arn_globs, _arn, _arn_matches),
        "Arn{}Like": ("Arn", _arn_globs, _arn, _arn_matches),
        "{}IpAddress": ("IpAddress", _network, ipaddress.ip_address, _is_within),
    }
    for name, (family, wanted, given, compare) in equality.items():
        yield name.format(""), _Operator(family, wanted, given, compare)
        yield name.format("Not"), _Operator(family, wanted, given, compare, negated=True)


_OPERATORS = dict(_operators())
