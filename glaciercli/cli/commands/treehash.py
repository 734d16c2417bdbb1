"""`glacier treehash`: the checksum that Glacier keeps of everything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from glaciercli import models, system
from glaciercli import treehash as hashing
from glaciercli.cli.app import App
from glaciercli.cli.command import Command, pass_app
from glaciercli.errors import Conflict
from glaciercli.files import descriptor
from glaciercli.transfer import source
from glaciercli.units import MIB

COLUMNS = ("checksum", "path")


@click.command(cls=Command)
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)
@pass_app
def treehash(app: App, files: tuple[Path, ...]) -> None:
    """Print the SHA-256 tree hash of files; `-` is stdin.

    It is the checksum that Glacier reports for an archive, so a file can be compared with what a
    vault holds without fetching anything.

    Example:
        glacier treehash big.tar
    """
    hashed = _hashed(app, files)
    if app.output.is_plain:
        app.output.lines(f"{each.tree_hash}  {each.path}" for each in hashed)
    else:
        app.output.listing(hashed, COLUMNS)


def _hashed(app: App, files: tuple[Path, ...]) -> Iterator[models.FileHash]:
    for file in files:
        if str(file) == "-":
            yield _hash_stream(app.stdin.buffer, "-")
        elif file.is_file():
            yield _hash_file(file)
        else:  # a pipe, as shells make one of <(command)
            with file.open("rb") as stream:
                yield _hash_stream(stream, str(file))


def _hash_file(file: Path) -> models.FileHash:
    opened = descriptor.Descriptor(os.open(file, os.O_RDONLY | system.NO_WAIT), file)
    size = os.fstat(opened.number).st_size
    found = opened.tree_hash(size)
    if os.fstat(opened.number).st_size != size:
        raise Conflict(f"{str(file)!r} changed while it was read")
    return models.FileHash(found, str(file), size)


def _hash_stream(opened: BinaryIO, path: str) -> models.FileHash:
    stream, whole = source.Stream(opened), hashing.TreeHash()
    while block := stream.read(MIB):
        whole.update(block)
    return models.FileHash(whole.hexdigest(), path, whole.size)
