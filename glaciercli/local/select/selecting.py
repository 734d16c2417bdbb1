"""Select jobs: where their output goes, in the layout that S3 would have.

    s3/<bucket>/<prefix>/<job id>/job.txt               written at once, never changed
                                  results/<part>        what the expression selected
                                  errors/<part>         why it did not
                                  result_manifest.txt   the keys of the results: all went well
                                  error_manifest.txt    the keys of the errors: it did not

A bucket is a directory of the store. Names come from whoever starts the job, so they are checked
before they are paths.
"""

from __future__ import annotations

import io
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from botocore.model import Shape

from glaciercli import system
from glaciercli.local.blobs import Blobs
from glaciercli.local.errors import invalid, missing
from glaciercli.local.select import _sql
from glaciercli.local.select._serialization import SelectError
from glaciercli.local.store import Row
from glaciercli.local.wire import FileWindow, Params, complete, dump, model

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_MAX_PREFIX = 512  # bytes
_MAX_SEGMENT = 255  # bytes of a file's name


def check(given: Params) -> None:
    """Raise unless the parameters of a select job can be run and its output has a place."""
    if "RetrievalByteRange" in given:
        raise invalid(
            f"RetrievalByteRange is not allowed for select: {given['RetrievalByteRange']}"
        )
    for name in ("ArchiveId", "SelectParameters", "OutputLocation"):
        if not given.get(name):
            raise missing(name[0].lower() + name[1:])
    place = given["OutputLocation"].get("S3", {})
    for name in ("BucketName", "Prefix"):
        if not place.get(name):
            raise missing(f"outputLocation.s3.{name[0].lower()}{name[1:]}")
    _check_enums(given["OutputLocation"], model().shape_for("OutputLocation"))
    _check_place(place["BucketName"], place["Prefix"])
    try:
        _sql.check(given["SelectParameters"])
    except SelectError as error:
        raise invalid(str(error)) from error


def _check_place(bucket: str, prefix: str) -> None:
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise invalid(f"Invalid bucket name: {bucket}")
    segments = prefix.strip("/").split("/")
    sane = prefix.isprintable() and len(prefix.encode()) <= _MAX_PREFIX
    if not sane or any(
        each in {"", ".", ".."} or len(each.encode()) > _MAX_SEGMENT for each in segments
    ):
        raise invalid(f"Invalid prefix: {prefix}")


def _check_enums(value: Any, shape: Shape) -> None:
    if shape.type_name == "structure":
        for name, each in value.items():
            _check_enums(each, shape.members[name])
    elif shape.type_name == "list":
        for each in value:
            _check_enums(each, shape.member)
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        raise invalid(f"Invalid {shape.name}: {value}")


def output_path(given: Params, job_id: str) -> str:
    """Return the keys' beginning, as the reply to InitiateJob shows it."""
    return f"{given['OutputLocation']['S3']['Prefix'].strip('/')}/{job_id}/"


def announce(root: Path, document: Params) -> None:
    """Write `job.txt`: the job, and the proof that its bucket can be written to."""
    shape = model().shape_for("GlacierJobDescription")
    with _new_file(root, document, "job.txt") as file:
        file.write(dump(complete(document, shape), sort=True))


@dataclass(frozen=True)
class Output:
    """What a query has written, not yet shown by a manifest."""

    root: Path
    document: Params
    key: str  # of the part, after the job's own path
    failure: str | None

    def publish(self) -> None:
        """Write the manifest; again, if a crash came between it and the job's end."""
        name = "error_manifest.txt" if self.failure else "result_manifest.txt"
        with _new_file(self.root, self.document, name) as file:
            file.write(f"{self.document['JobOutputPath']}{self.key}\n".encode())

    def discard(self) -> None:
        """Remove the part, where another process has finished the job meanwhile."""
        (_directory(self.root, self.document) / self.key).unlink()


def run(root: Path, blobs: Blobs, job: Row) -> Output:
    """Run a job's query and write what it selects, or why it fails, to a part of its own."""
    document = json.loads(job["document"])
    part = secrets.token_hex(8)
    key = f"results/{part}"
    try:
        window = FileWindow(blobs.path(job["output"]), 0, job["size"])
        with io.BufferedReader(window) as source, _new_file(root, document, key) as file:
            _sql.run(source, document["SelectParameters"], file, directory=root)
    except (SelectError, OSError) as error:
        # A job that raised would raise again for everybody who looks at any job.
        key = f"errors/{part}"
        with _new_file(root, document, key) as file:
            file.write(f"{error}\n".encode())
        return Output(root, document, key, str(error))
    return Output(root, document, key, None)


def _directory(root: Path, document: Params) -> Path:
    bucket: str = document["OutputLocation"]["S3"]["BucketName"]
    return Path(root, "s3", bucket, document["JobOutputPath"])


@contextmanager
def _new_file(root: Path, document: Params, key: str) -> Iterator[BinaryIO]:
    """Write a file beside its name, and give it the name when it is on disk."""
    path = _directory(root, document) / key
    system.private_directory(path.parent)
    draft = path.with_name(f".{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | system.OWN
    try:
        with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
            yield file
            file.flush()
            system.sync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    system.sync_directory(path.parent)
