"""Statements that can never hold: a locked policy with one of them protects nothing, for ever.

The service stores such a statement without a word, since nothing in it is against the grammar.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from glaciercli.iam import actions
from glaciercli.iam.actions import Key, Kind
from glaciercli.iam.conditions import Condition
from glaciercli.iam.policy import Policy, Statement

# What a key holds, the operators that compare it, and one of them; text is compared in any way.
_OPERATORS: dict[Kind, tuple[str, set[str], str]] = {
    "number": ("a number", {"Numeric"}, "NumericLessThan"),
    "date": ("a date", {"Date"}, "DateLessThan"),
    "time": ("a time", {"Date", "Numeric"}, "DateLessThan"),
    "boolean": ("true or false", {"Bool"}, "Bool"),
    "address": ("an address", {"IpAddress"}, "IpAddress"),
    "ARN": ("an ARN", {"Arn", "String"}, "ArnLike"),
}
_OF_THE_REQUEST = {"aws:CurrentTime", "aws:EpochTime"}  # never before the policy itself


def never(
    policy: Policy, *, vault: str, now: datetime, beside: Sequence[Policy] = ()
) -> Iterator[str]:
    """Yield, for each statement that can never hold, its name and the reason.

    `vault` is the ARN of the policy's vault, `now` the time from which on it is in force, `beside`
    the other policies of the vault: they may let in an account that a Deny names.
    """
    for statement in policy.statements:
        reason = (
            _vault_reason(statement, vault)
            or _principal_reason(statement, _account(vault), (policy, *beside))
            or _condition_reason(statement, now)
        )
        if reason:
            yield f"statement {statement.name} can never hold: {reason}"


def _vault_reason(statement: Statement, vault: str) -> str | None:
    if not statement.resources.include(vault):
        return f"its resources leave out the vault, {vault}"
    if not _reached(statement):
        return "it speaks of no action on a vault"
    return None


def _reached(statement: Statement) -> set[str]:
    """Return the actions on a vault that a statement speaks of."""
    return {each for each in actions.ON_VAULT if statement.actions.include(f"glacier:{each}")}


def _principal_reason(statement: Statement, account: str, policies: Iterable[Policy]) -> str | None:
    """Return why nobody whom a statement names ever calls.

    Other accounts are let in by an Allow of the vault's own policies alone; an Allow for one of
    them is what lets it in.
    """
    principals = statement.principals
    if principals.negated:
        return "its NotPrincipal leaves out everyone" if "*" in principals.names else None
    if not principals.names:
        return "no service and no federated user calls Glacier by that name"
    if not statement.denies or any(_account(each) in {"*", account} for each in principals.names):
        return None
    for name in principals.names:
        for other in (each for policy in policies for each in policy.statements):
            if not other.denies and other.principals.include(name, _account(name)):
                return None
    strangers = ", ".join(sorted(principals.names))
    return f"the vault is of account {account}, and no policy of it lets in {strangers}"


def _account(name: str) -> str:
    """Return the account of an ARN; `*` and a bare account are themselves."""
    return name.split(":")[4] if name.startswith("arn:") else name


def _condition_reason(statement: Statement, now: datetime) -> str | None:
    able = _reached(statement)
    by_key = sorted(statement.conditions, key=lambda each: each.key)
    for name, group in groupby(by_key, key=lambda each: each.key):
        conditions = list(group)
        key = actions.key(name)
        if key is None:
            written, meant = conditions[0].written, _meant(conditions[0].written)
            # AWS adds keys of its own from time to time: one that resembles none may be new.
            if name.startswith("aws:") and not meant:
                continue
            return f"{written} is no condition key of Glacier{meant}"
        if reason := _operator_reason(key, conditions) or _value_reason(key, conditions, now):
            return reason
        # What holds of a request without the key holds whatever the action is.
        if not all(each.holds({}) for each in conditions):
            able &= key.actions
            if not able:
                bearers = " and ".join(sorted(key.actions))
                return f"{conditions[0].written} comes with {bearers}, not with its actions"
    return None


def _meant(written: str) -> str:
    """Return the key that may be meant, by its name alone: its prefix is easily mistaken too."""
    head, slash, tag = written.partition(":")[2].partition("/")
    names = {each.partition(":")[2].casefold(): each for each in reversed(actions.KEY_NAMES)}
    close = difflib.get_close_matches((head + slash).casefold(), names, n=1)
    if not close:
        return ""
    found = names[close[0]]
    return f"; did you mean {found}{tag if found.endswith('/') else ''}?"


def _operator_reason(key: Key, conditions: Iterable[Condition]) -> str | None:
    if key.kind == "text":
        return None
    noun, families, example = _OPERATORS[key.kind]
    for each in conditions:
        if each.operator.family not in families | {"Null"}:
            return f"{each.written} is {noun}, which {each.name} does not compare; {example} does"
    return None


def _value_reason(key: Key, conditions: Sequence[Condition], now: datetime) -> str | None:
    """Return why no value of a key satisfies all conditions on it.

    A comparison changes its answer at the values that it names and nowhere else, so these and their
    neighbours stand for all that the key may hold; the time of a request is never past.
    """
    examples = _examples(key, [value for each in conditions for value in each.wanted], now)
    contexts = [{}, *({conditions[0].key: [each]} for each in examples)]
    if not examples or any(all(each.holds(some) for each in conditions) for some in contexts):
        return None
    return f"no {conditions[0].written} meets its conditions"


def _examples(key: Key, wanted: Iterable[object], now: datetime) -> list[str]:
    """Return values that stand for all that a key may hold; none where text cannot be listed."""
    if key.kind == "boolean":
        return ["true", "false"]
    if key.kind not in {"number", "date", "time"}:
        return []
    # A date is written in seconds since 1970, which both families of operators read.
    least = int(now.timestamp()) if key.name in _OF_THE_REQUEST else 0
    bounds = [_whole(each) for each in wanted]
    near = {bound + step for bound in bounds if bound is not None for step in (-1, 0, 1)}
    return [str(each) for each in sorted({least, *near}) if each >= least]


def _whole(value: object) -> int | None:
    if isinstance(value, datetime):
        return int(value.timestamp())
    return int(value) if isinstance(value, Decimal) else None
