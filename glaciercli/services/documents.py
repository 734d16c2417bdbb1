"""Policy documents: read strictly, and said in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from glaciercli.errors import Refused

LIMIT = 20 * 1024  # bytes of a policy, the service's limit for either kind

_WORDS = {
    "NumericLessThan": "<",
    "NumericLessThanEquals": "<=",
    "NumericGreaterThan": ">",
    "NumericGreaterThanEquals": ">=",
    "NumericEquals": "=",
    "StringEquals": "=",
    "StringLike": "is like",
    "StringNotEquals": "is not",
    "DateLessThan": "before",
    "DateGreaterThan": "after",
    "Bool": "is",
}


def read(text: str, *, arn: str) -> dict[str, Any]:
    """Return a policy document for a vault; raises Refused for one that cannot be meant for it.

    The service stores what it is given; a policy with a typing error in its resource would protect
    nothing, and a locked one for ever.
    """
    try:
        document = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Refused(f"the policy is not valid JSON: {error}") from error
    if not isinstance(document, dict) or not statements(document):
        raise Refused("the policy has no Statement")
    if len(text.encode()) > LIMIT:
        raise Refused(f"the policy has {len(text.encode())} bytes; Glacier takes {LIMIT}")
    for statement in statements(document):
        if not isinstance(statement, dict) or statement.get("Effect") not in {"Allow", "Deny"}:
            raise Refused('a statement of the policy has neither "Effect": "Allow" nor "Deny"')
        for resource in listed(statement.get("Resource")):
            _must_name(resource, arn)
    return document


def statements(document: Mapping[str, Any]) -> list[Any]:
    return listed(document.get("Statement"))


def listed(value: Any) -> list[Any]:
    """Return what may be written as one thing or as a list, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def denials(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words what each Deny of a policy forbids."""
    for statement in statements(document):
        if statement.get("Effect") == "Deny":
            actions = listed(statement.get("Action"))
            but = "everything but " if "NotAction" in statement else ""
            what = but + ", ".join(map(str, actions or listed(statement.get("NotAction"))))
            yield f"{_who(statement)} may not {what}{_when(statement.get('Condition'))}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; a key given twice is a mistake that JSON readers settle differently."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _must_name(resource: Any, arn: str) -> None:
    if resource in {arn, "*"}:
        return
    raise Refused(
        f"the policy is for {resource}, the vault is {arn}",
        hint=f'write "Resource": "{arn}"',
    )


def _who(statement: Mapping[str, Any]) -> str:
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        names = listed(principal.get("AWS"))
        return "everyone" if names == ["*"] else ", ".join(map(str, names))
    return "everyone" if principal == "*" else str(principal)


def _when(condition: Any) -> str:
    if not isinstance(condition, dict) or not condition:
        return ""
    tests = [
        f"{key.removeprefix('glacier:')} {_WORDS.get(operator, operator)}"
        f" {' or '.join(map(str, listed(value)))}"
        for operator, keys in condition.items()
        if isinstance(keys, dict)
        for key, value in keys.items()
    ]
    return " when " + " and ".join(tests)
