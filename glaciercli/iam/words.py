"""What a policy forbids, in words: of any document that the service keeps, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_OPERATORS = {
    "NumericLessThan": "<",
    "NumericLessThanEquals": "<=",
    "NumericGreaterThan": ">",
    "NumericGreaterThanEquals": ">=",
    "NumericEquals": "=",
    "StringEquals": "=",
    "StringLike": "is like",
    "StringNotEquals": "is not",
    "StringNotLike": "is not like",
    "DateLessThan": "before",
    "DateGreaterThan": "after",
    "Bool": "is",
    "Null": "is absent:",
}


def denials(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words what each Deny of a policy forbids."""
    for statement in _as_list(document.get("Statement")):
        if statement.get("Effect") == "Deny":
            yield f"{_who(statement)} may not {_what(statement)}{_when(statement)}"


def _who(statement: Mapping[str, Any]) -> str:
    if "NotPrincipal" in statement:
        return f"everyone but {_named(statement['NotPrincipal'])}"
    return _named(statement.get("Principal"))


def _named(principal: Any) -> str:
    kinds = principal if isinstance(principal, dict) else {"AWS": principal}
    names = [str(name) for listed in kinds.values() for name in _as_list(listed)]
    return "everyone" if names == ["*"] else ", ".join(names)


def _what(statement: Mapping[str, Any]) -> str:
    if "NotAction" in statement:
        return f"everything but {_joined(statement['NotAction'], ', ')}"
    return _joined(statement.get("Action"), ", ")


def _when(statement: Mapping[str, Any]) -> str:
    condition = statement.get("Condition")
    if not isinstance(condition, dict) or not condition:
        return ""
    tests = [
        f"{key.removeprefix('glacier:')} {_OPERATORS.get(operator, operator)}"
        f" {_joined(value, ' or ')}"
        for operator, keys in condition.items()
        if isinstance(keys, dict)
        for key, value in keys.items()
    ]
    return " when " + " and ".join(tests)


def _joined(value: Any, between: str) -> str:
    return between.join(_shown(each) for each in _as_list(value))


def _shown(value: Any) -> str:
    """Return a value as the policy means it; an empty text is a value too."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) or "''"


def _as_list(value: Any) -> list[Any]:
    """Return the list that IAM's JSON may write as a single value; an empty one for None."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
