"""What the words of a command line are, before Click reads them.

Click takes every word with a leading `-` for an option. Ids may begin with one, the verb of
`upload` may be left out, and a vault may be an argument or an option: so we look first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import click

# Archive ids have 138 characters, job and upload ids 92. At that length nothing else is meant.
WHOLE_ID = re.compile(r"-[A-Za-z0-9_-]{91}(?:[A-Za-z0-9_-]{46})?")
_SHOWN = re.compile(r"-[A-Za-z0-9_-]+…")
_ID_START = re.compile(r"-[A-Za-z0-9_][A-Za-z0-9_-]{3,136}")
ID_MARK = "id:"


class Word(NamedTuple):
    """A word's place and what it is: `option` (with the names in it), `value`, `word` or `end`."""

    place: int
    kind: str
    names: tuple[str, ...] = ()


def scan(args: Sequence[str], params: Sequence[click.Parameter]) -> Iterator[Word]:
    """Yield what each word is, given the parameters that the command knows."""
    takes = takes_value(params)
    index = 0
    while index < len(args):
        word = args[index]
        if word == "--":
            yield Word(index, "end")
            yield from (Word(rest, "word") for rest in range(index + 1, len(args)))
            return
        if len(word) > 1 and word.startswith("-") and not is_id(word, takes):
            names, wants_next = _options_in(word, takes)
            yield Word(index, "option", names)
            if wants_next and index + 1 < len(args):
                index += 1
                yield Word(index, "value")
        else:
            yield Word(index, "word")
        index += 1


def mark_ids(args: Sequence[str], params: Sequence[click.Parameter]) -> list[str]:
    """Return the words with `id:` before each id that begins with `-`, so that Click passes it."""
    marked = list(args)
    for word in scan(args, params):
        if word.kind == "end":
            break
        if word.kind == "word" and len(args[word.place]) > 1 and args[word.place].startswith("-"):
            marked[word.place] = ID_MARK + args[word.place]
    return marked


def takes_value(params: Sequence[click.Parameter]) -> dict[str, bool]:
    """Return all the options' names, each with whether the next word is its value."""
    return {
        name: not (param.is_flag or param.count)
        for param in params
        if isinstance(param, click.Option)
        for name in (*param.opts, *param.secondary_opts)
    }


def is_id(word: str, options: Mapping[str, bool]) -> bool:
    """Tell whether a word with a leading `-` is an id rather than options.

    A whole id is one beyond doubt, and so is what a table shows of one. Any other beginning has a
    single dash and does not start with the letter of an option; where it does, it can be written
    `id:-Vx`.
    """
    if WHOLE_ID.fullmatch(word) or _SHOWN.fullmatch(word):
        return True
    return bool(_ID_START.fullmatch(word)) and word[:2] not in options


def _options_in(word: str, takes: Mapping[str, bool]) -> tuple[tuple[str, ...], bool]:
    """Return the options in a word such as `--vault=x` or `-qV`, and whether a value follows."""
    if word.startswith("--") or word in takes:
        name, equals, _ = word.partition("=")
        return (name,), takes.get(name, False) and not equals
    names: list[str] = []
    for place, letter in enumerate(word[1:], 1):
        names.append(f"-{letter}")
        if takes.get(names[-1]):
            return tuple(names), place == len(word) - 1
    return tuple(names), False
