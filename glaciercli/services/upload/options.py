"""What is the same for every upload of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from glaciercli.catalog.store import Catalog
from glaciercli.tasks.progress import NullProgress, Progress


@dataclass(frozen=True)
class Options:
    """Where uploads are written down, and how they are sent."""

    journals: Path
    catalog: Catalog
    workers: int = 8
    progress: Progress = NullProgress()
