"""The way out of an error, as data: words for a person, with commands of ours between them.

Each face writes a command in its own way: the command line quotes it for a shell and adds the
options that say which Glacier is meant, a window may offer it as a key, a protocol drops it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, init=False)
class Command:
    """A command of ours by its words, unquoted; a word in capitals is for the user to fill in."""

    words: tuple[str, ...]

    def __init__(self, *words: str | Path) -> None:
        object.__setattr__(self, "words", tuple(map(str, words)))


#: A text, a command, or both in their order.
Hint: TypeAlias = str | Command | tuple[str | Command, ...]


def quoted(word: str | Path) -> str:
    """Return a word of another program's command, such as a path, as a shell takes it."""
    return shlex.quote(str(word))


def render(hint: Hint, options: Sequence[str] = ()) -> str:
    """Return a hint as a shell takes it, with `options` before the words of each command."""
    parts = hint if isinstance(hint, tuple) else (hint,)
    return "".join(
        shlex.join(["glacier", *options, *part.words]) if isinstance(part, Command) else part
        for part in parts
    )
