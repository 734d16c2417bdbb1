"""A server that answers as an engine does, but for what it lies about an archive's bytes."""

import json
import re

from hostile.endpoint import Endpoint, Recorder

from glaciercli.treehash import tree_hash

_RANGE = re.compile(r"bytes (\d+)-(\d+)/\d+")
_CHECKSUM = "x-amz-sha256-tree-hash"


class Liar(Endpoint):
    """Answers truly until it is told to `lie`."""

    def __init__(self, engine):
        super().__init__()
        self._recorder = Recorder(engine)
        self.lie()

    def lie(self, evil=None, jobs=None, *, checksums=True):
        """Hand out `evil` for an archive of the same size, and tell of its jobs what `jobs` says.

        `jobs` has members of the reply; None leaves one out. Checksums of ranges are those of the
        bytes that are sent, or none.
        """
        self._evil, self._jobs, self._checksums = evil, jobs or {}, checksums
        #: How many replies were not the engine's.
        self.told = 0

    def answer(self, operation, request):
        reply, last = self._recorder(operation, request)
        if reply.status < 300 and operation in {"DescribeJob", "ListJobs"} and self._jobs:
            reply = self._of_jobs(reply)
        elif reply.status < 300 and operation == "GetJobOutput":
            reply = self._of_bytes(reply)
        return reply, last

    def _of_jobs(self, reply):
        said = json.loads(reply.body)
        for job in said.get("JobList", [said]):
            if job["Action"] == "ArchiveRetrieval":
                job.update(self._jobs)
                self.told += 1
        return reply.with_body(json.dumps(said).encode())

    def _of_bytes(self, reply):
        headers = {name.lower(): value for name, value in reply.headers}
        if headers["content-type"] != "application/octet-stream":
            return reply
        changed, body = {}, reply.body
        if self._evil is not None:
            placed = _RANGE.fullmatch(headers.get("content-range", ""))
            start = int(placed[1]) if placed else 0
            body = self._evil[start : start + len(body)]
        if _CHECKSUM in headers:
            changed[_CHECKSUM] = tree_hash(body) if self._checksums else None
        self.told += body != reply.body or not self._checksums
        return reply.with_body(body, **changed)
