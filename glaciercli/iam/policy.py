"""Vault policies: is a document one, and does one of them deny a request.

Access policies and lock policies are the same IAM grammar. Only an explicit Deny decides here: the
caller that the embedded Glacier knows owns the account, so an Allow gives it nothing new.

A policy that we would read differently from the service must not be stored: for a vault lock there
is no way back. So `validate` refuses what it does not know instead of skipping it, and also what
could never apply (a misspelt action, the ARN of an archive).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from glaciercli.iam.actions import ACTIONS
from glaciercli.iam.conditions import Condition, condition, glob

MAX_SIZE = 20_480  # bytes of a document; the guide's "20 KB"

#: What the keys of a request say; keys are compared without case, absent ones are left out.
Context = Mapping[str, str | Sequence[str]]

_VERSIONS = {"2008-10-17", "2012-10-17"}  # the older one is what a document without Version means
_VAULT_ARN = "arn:aws*:glacier:*:*:vaults/*"
_PRINCIPAL = re.compile(
    r"\*|\d{12}|arn:aws[a-z-]*:(?:iam|sts)::\d{12}:"
    r"(?:root|(?:user|role|assumed-role|federated-user)/[^*?\s]+)"
)


@dataclass(frozen=True)
class Denial:
    """An explicit Deny that applies; `statement` is its Sid, or its number when it has none."""

    statement: str

    def __str__(self) -> str:
        return f"with an explicit deny in statement {self.statement}"


@dataclass(frozen=True)
class _Patterns:
    patterns: tuple[re.Pattern[str], ...]
    negated: bool

    def include(self, text: str) -> bool:
        return any(each.fullmatch(text) for each in self.patterns) != self.negated


@dataclass(frozen=True)
class _Principals:
    names: frozenset[str]  # `*`, account ids (an account's root is its id) and other ARNs
    negated: bool

    def include(self, principal: str, account: str) -> bool:
        return (not self.names.isdisjoint({"*", account, principal})) != self.negated


@dataclass(frozen=True)
class Statement:
    """One statement of a policy, its patterns compiled."""

    name: str
    denies: bool
    principals: _Principals
    actions: _Patterns
    resources: _Patterns
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Policy:
    """A document that passed `validate`."""

    statements: tuple[Statement, ...]

    @property
    def denies(self) -> bool:
        """Tell whether a statement of it forbids anything."""
        return any(each.denies for each in self.statements)


def decide(
    policies: Sequence[Policy],
    *,
    action: str,
    resource: str,
    principal: str,
    account: str,
    context: Context,
) -> Denial | None:
    """Return the first explicit Deny for a request, or None.

    `action` is the bare name of an operation, `resource` the vault's ARN, `principal` the caller's
    ARN and `account` its 12 digits.
    """
    given: dict[str, list[str]] = {}
    for key, value in context.items():
        # Of two tags whose keys differ in case alone, neither may hide the other.
        given.setdefault(key.casefold(), []).extend([value] if isinstance(value, str) else value)
    for statement in (each for policy in policies for each in policy.statements):
        if (
            statement.denies
            and statement.principals.include(principal, account)
            and statement.actions.include(f"glacier:{action}")
            and statement.resources.include(resource)
            and all(each.holds(given) for each in statement.conditions)
        ):
            return Denial(statement.name)
    return None


def unwrap(text: str) -> str:
    """Return the policy in a file made for `aws glacier`, which takes and prints it as a string.

    Such a file holds `{"Policy": "..."}`, or that under `policy`; any other text is returned as it
    is, without the mark of UTF-8 that some editors put before it.
    """
    text = text.removeprefix("\ufeff")
    try:
        document = _json(text)
    except ValueError:
        return text  # `validate` says why
    for inner in (document, document.get("policy")) if isinstance(document, dict) else ():
        if isinstance(inner, dict) and isinstance(inner.get("Policy"), str):
            return str(inner["Policy"])
    return text


@lru_cache(maxsize=256)
def validate(document: str) -> Policy:
    """Return the policy that a document says; raise ValueError with the reason when it is none."""
    if len(document.encode("utf-8", "surrogatepass")) > MAX_SIZE:
        raise ValueError(f"the document is larger than {MAX_SIZE} bytes")
    policy = _object(_json(document), "the document")
    _known(policy, {"Version", "Id", "Statement"}, "the document")
    version = _text(policy, "Version") or "2008-10-17"
    if version not in _VERSIONS:
        raise ValueError(f"Version must be one of {', '.join(sorted(_VERSIONS))}")
    # In the newer version ${…} is a variable; taken literally it would never match.
    if version == "2012-10-17" and "${" in document:
        raise ValueError("policy variables (${…}) are not supported")
    _text(policy, "Id")
    statements = _list(policy.get("Statement"), "Statement")
    return Policy(tuple(_statement(each, number) for number, each in enumerate(statements, 1)))


def _statement(value: Any, number: int) -> Statement:
    try:
        element = _object(value, "the statement")
        principal, action, resource = (
            _one_of(element, name, f"Not{name}") for name in ("Principal", "Action", "Resource")
        )
        known = {"Sid", "Effect", "Condition", principal, action, resource}
        _known(element, known, "the statement")
        sid = _text(element, "Sid")
        if element.get("Effect") not in ("Allow", "Deny"):
            raise ValueError("Effect must be Allow or Deny")
        return Statement(
            name=repr(sid) if sid else str(number),
            denies=element["Effect"] == "Deny",
            principals=_principals(principal, element[principal]),
            actions=_actions(action, element[action]),
            resources=_resources(resource, element[resource]),
            conditions=tuple(_conditions(element.get("Condition", {}))),
        )
    except ValueError as error:
        raise ValueError(f"statement {number}: {error}") from None


def _principals(name: str, value: Any) -> _Principals:
    kinds = {"AWS": "*"} if value == "*" else _object(value, name)
    _known(kinds, {"AWS", "Service", "Federated", "CanonicalUser"}, name)
    if not kinds:
        raise ValueError(f"{name} is empty")
    callers = {kind: _strings(names, f"{name} {kind}") for kind, names in kinds.items()}
    for each in callers.get("AWS", []):
        if not _PRINCIPAL.fullmatch(each):
            raise ValueError(f"{name} {each!r} is no account, user or role")
    # Services and federated users never call the local engine.
    names = (
        each.split(":")[4] if each.endswith(":root") else each for each in callers.get("AWS", [])
    )
    return _Principals(frozenset(names), name.startswith("Not"))


def _actions(name: str, value: Any) -> _Patterns:
    texts = _strings(value, name)
    patterns = tuple(glob(text, re.IGNORECASE) for text in texts)
    for text, pattern in zip(texts, patterns, strict=True):
        if not any(pattern.fullmatch(f"glacier:{action}") for action in ACTIONS):
            raise ValueError(f"{name} {text!r} is no action of glacier")
    return _Patterns(patterns, name.startswith("Not"))


def _resources(name: str, value: Any) -> _Patterns:
    texts = _strings(value, name)
    for text in texts:
        if not _can_be_vault(text):
            raise ValueError(f"{name} {text!r} cannot be the ARN of a vault")
    return _Patterns(tuple(map(glob, texts)), name.startswith("Not"))


def _can_be_vault(pattern: str) -> bool:
    """Tell whether some vault's ARN matches a resource pattern.

    Walks the pattern over all places of `_VAULT_ARN` at once; an asterisk of that template stands
    for a region, an account or a name, so it takes neither colon nor slash.
    """
    end = len(_VAULT_ARN)

    def reach(places: set[int]) -> set[int]:
        return places | {at + 1 for at in places if at < end and _VAULT_ARN[at] == "*"}

    places = reach({0})
    for character in pattern:
        if not places:
            return False
        if character == "*":
            places = set(range(min(places), end + 1))
            continue
        after = set()
        for at in places - {end}:
            if _VAULT_ARN[at] == "*" and character not in ":/":
                after.add(at)
            elif character in {"?", _VAULT_ARN[at]} and _VAULT_ARN[at] != "*":
                after.add(at + 1)
        places = reach(after)
    return end in places


def _conditions(value: Any) -> Iterator[Condition]:
    for name, keys in _object(value, "Condition").items():
        if not _object(keys, name):
            raise ValueError(f"{name} names no key")
        for key, values in keys.items():
            yield condition(name, key, [_scalar(each) for each in _list(values, key)])


def _scalar(value: Any) -> str:
    """Return a condition's value as text; numbers and booleans may be written without quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | Decimal):
        return str(value)
    raise ValueError("a condition's value must be a string, a number or a boolean")


def _json(document: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):  # which of the two would the service take?
            raise ValueError("an object has the same key twice")
        return result

    try:
        return json.loads(document, object_pairs_hook=unique, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise ValueError(f"the document is not JSON: {error}") from None
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object")
    return value


def _known(element: dict[str, Any], names: set[str], where: str) -> None:
    if unknown := element.keys() - names:
        raise ValueError(f"{where} has an unknown element {min(unknown)!r}")


def _one_of(element: dict[str, Any], *names: str) -> str:
    found = [name for name in names if name in element]
    if len(found) != 1:
        raise ValueError(f"the statement needs either {' or '.join(names)}")
    return found[0]


def _text(element: dict[str, Any], name: str) -> str:
    value = element.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a string")
    return value


def _list(value: Any, name: str) -> list[Any]:
    result = value if isinstance(value, list) else [value]
    if not result or result == [None]:
        raise ValueError(f"{name} is missing or empty")
    return result


def _strings(value: Any, name: str) -> list[str]:
    result = _list(value, name)
    if not all(isinstance(each, str) and each for each in result):
        raise ValueError(f"{name} must be a string or a list of strings")
    return result
