"""A transfer's bar: tqdm on a terminal, nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Never, Self

from glaciercli.present.text import safe

if TYPE_CHECKING:
    from tqdm import tqdm

    from glaciercli.cli.output import Output

_LABEL = 24  # characters of a file's name that fit before the bar on 80 columns


class Bar:
    """Draws the progress of one transfer on stderr and passes its notes on; safe to share."""

    def __init__(self, label: str, output: Output, *, unit: str = "B", visible: bool) -> None:
        self._label = safe(label)
        self._output = output
        self._unit = unit
        self._visible = visible
        self._bar: tqdm[Never] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def start(self, total: int | None, done: int = 0) -> None:
        """Begin at `done` of `total` bytes; a second start begins the next leg of the transfer."""
        if not self._visible:
            return
        from tqdm import tqdm  # noqa: PLC0415 - costs more than the rest of the start

        if self._bar is not None:
            self._bar.close()
        label = self._label
        self._bar = tqdm(
            total=total,
            initial=done,
            unit=self._unit,
            unit_scale=self._unit == "B",  # 3 archives, not 3.00
            unit_divisor=1024,
            desc=label if len(label) <= _LABEL else f"{label[: _LABEL - 1]}…",
            file=sys.stderr,
            dynamic_ncols=True,
            leave=False,
        )

    def advance(self, count: int) -> None:
        """Add bytes, or give back those of a part that has to be sent again."""
        if self._bar is not None:
            self._bar.update(count)

    def note(self, text: str) -> None:
        """Say a sentence above the bar, unless quiet was asked for."""
        self._say(self._output.note, text)

    def warn(self, text: str) -> None:
        """Say a sentence above the bar, whatever was asked for."""
        self._say(self._output.warn, text)

    def _say(self, say: Callable[[str], None], text: str) -> None:
        if self._bar is None:
            say(text)
            return
        with self._bar.external_write_mode(file=sys.stderr):
            say(text)
