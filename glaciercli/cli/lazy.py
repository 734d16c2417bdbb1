"""Command modules without their services: help and completion describe, they do not work.

While a command's module is imported, what it imports from below is prepared and not yet run; each
such module runs when the command first uses it. That keeps a press of the tab key at the cost of
Click alone.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

_LATER = (
    "glaciercli.catalog.",
    "glaciercli.files.",
    "glaciercli.models",
    "glaciercli.present.consent",
    "glaciercli.present.plans",
    "glaciercli.services.",
    "glaciercli.tasks.",
    "glaciercli.transfer.",
    "glaciercli.treehash",
)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(_LATER):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


def command_module(name: str) -> ModuleType:
    """Return a command's module, whose services run when they are first used."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(f"glaciercli.cli.commands.{name}")
    finally:
        sys.meta_path.remove(finder)
