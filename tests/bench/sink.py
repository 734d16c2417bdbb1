"""A Glacier that costs next to nothing: it throws uploads away in the kernel and serves one file.

What it answers is right as far as a client can check (tree hashes, ranges), so the real program
runs against it unchanged; what it does not do is bound the client. Run as `python sink.py [FILE]
[DELAY]`, it prints its port. Requests are counted and listed by `GET /counts`.
"""

import json
import mmap
import os
import re
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from glaciercli.treehash import combine, hash_range
from glaciercli.units import MIB

_HEAD_END = b"\r\n\r\n"
_VAULT = "arn:aws:glacier:us-east-1:000000000000:vaults/bench"
_ARCHIVE, _JOB, _UPLOAD = "a" * 138, "j" * 92, "u" * 92
_BUCKET = mmap.mmap(-1, 16 * MIB)  # never touched: MSG_TRUNC drops bytes before they are copied


class Sink:
    """Counts requests, waits `delay` seconds before a reply, serves `path` as its archive."""

    def __init__(self, path: Path | None, delay: float) -> None:
        self.delay = delay
        self.counts: Counter[str] = Counter()
        self.file = path.open("rb") if path else None
        self.size = path.stat().st_size if path else 0
        self.leaves = (
            [
                hash_range(self.file.fileno(), at, min(at + MIB, self.size)).digest()
                for at in range(0, self.size, MIB)
            ]
            if self.file
            else []
        )

    def tree_hash(self, start: int, stop: int) -> str:
        return combine(self.leaves[start // MIB : -(-stop // MIB)]).hex()

    def job(self) -> dict[str, object]:
        whole = self.tree_hash(0, self.size) if self.size else None
        return {
            "Action": "ArchiveRetrieval",
            "ArchiveId": _ARCHIVE,
            "ArchiveSHA256TreeHash": whole,
            "ArchiveSizeInBytes": self.size,
            "Completed": True,
            "CreationDate": "2026-01-01T00:00:00.000Z",
            "CompletionDate": "2026-01-01T00:00:00.000Z",
            "JobId": _JOB,
            "RetrievalByteRange": f"0-{self.size - 1}",
            "SHA256TreeHash": whole,
            "StatusCode": "Succeeded",
            "VaultARN": _VAULT,
        }

    def serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pending = b""
        try:
            while True:
                while _HEAD_END not in pending:
                    data = connection.recv(65536)
                    if not data:
                        return
                    pending += data
                head, _, pending = pending.partition(_HEAD_END)
                lines = head.decode("latin-1").split("\r\n")
                headers = {
                    k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines[1:])
                }
                length = int(headers.get("content-length", 0))
                taken = min(length, len(pending))
                pending, left = pending[taken:], length - taken
                while left:
                    count = connection.recv_into(_BUCKET, min(left, len(_BUCKET)), socket.MSG_TRUNC)
                    if not count:
                        return
                    left -= count
                if self.delay:
                    time.sleep(self.delay)
                self.answer(connection, *lines[0].split()[:2], headers)
        except ConnectionError:
            pass  # the client's business
        finally:
            connection.close()

    def answer(
        self, connection: socket.socket, method: str, target: str, headers: dict[str, str]
    ) -> None:
        path = target.partition("?")[0]
        for operation, verb, pattern, reply in self.routes():
            if method == verb and re.fullmatch(pattern, path):
                self.counts[operation] += operation != "counts"
                reply(connection, headers)
                return
        _send(connection, 404, {}, json.dumps({"code": "BadRequest", "message": path}))

    def routes(self):
        vault = "/[^/]+/vaults/[^/]+"
        created = {"Location": f"/000000000000/vaults/bench/archives/{_ARCHIVE}"}
        opened = {"Location": f"/000000000000/vaults/bench/multipart-uploads/{_UPLOAD}"}
        echo = "x-amz-sha256-tree-hash"
        return [
            (
                "UploadMultipartPart",
                "PUT",
                f"{vault}/multipart-uploads/[^/]+",
                lambda c, h: _send(c, 204, {echo: h[echo]}),
            ),
            ("GetJobOutput", "GET", f"{vault}/jobs/[^/]+/output", self.output),
            (
                "InitiateMultipartUpload",
                "POST",
                f"{vault}/multipart-uploads",
                lambda c, _: _send(c, 201, {**opened, "x-amz-multipart-upload-id": _UPLOAD}),
            ),
            (
                "CompleteMultipartUpload",
                "POST",
                f"{vault}/multipart-uploads/[^/]+",
                lambda c, h: _send(
                    c, 201, {**created, "x-amz-archive-id": _ARCHIVE, echo: h[echo]}
                ),
            ),
            (
                "ListJobs",
                "GET",
                f"{vault}/jobs",
                lambda c, _: _send(
                    c, 200, {}, json.dumps({"JobList": [self.job()], "Marker": None})
                ),
            ),
            (
                "DescribeJob",
                "GET",
                f"{vault}/jobs/[^/]+",
                lambda c, _: _send(c, 200, {}, json.dumps(self.job())),
            ),
            (
                "DescribeVault",
                "GET",
                vault,
                lambda c, _: _send(
                    c,
                    200,
                    {},
                    json.dumps(
                        {
                            "VaultARN": _VAULT,
                            "VaultName": "bench",
                            "NumberOfArchives": 0,
                            "SizeInBytes": 0,
                            "CreationDate": "2026-01-01T00:00:00.000Z",
                            "LastInventoryDate": None,
                        }
                    ),
                ),
            ),
            (
                "ListVaults",
                "GET",
                "/[^/]+/vaults",
                lambda c, _: _send(c, 200, {}, json.dumps({"VaultList": [], "Marker": None})),
            ),
            ("counts", "GET", "/counts", lambda c, _: _send(c, 200, {}, json.dumps(self.counts))),
        ]

    def output(self, connection: socket.socket, headers: dict[str, str]) -> None:
        assert self.file is not None
        start, stop = 0, self.size
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("range", ""))
        if wanted:
            start, stop = int(wanted[1]), min(int(wanted[2]) + 1, self.size)
        fields = {
            "Content-Type": "application/octet-stream",
            "x-amz-sha256-tree-hash": self.tree_hash(start, stop),
        }
        if wanted:
            fields["Content-Range"] = f"bytes {start}-{stop - 1}/{self.size}"
        connection.sendall(_head(206 if wanted else 200, fields, stop - start))
        while start < stop:
            start += os.sendfile(connection.fileno(), self.file.fileno(), start, stop - start)


def _head(status: int, headers: dict[str, str], length: int) -> bytes:
    lines = [f"HTTP/1.1 {status} X", "x-amzn-RequestId: bench"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if status != 204:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _send(connection: socket.socket, status: int, headers: dict[str, str], body: str = "") -> None:
    data = body.encode()
    if data:
        headers = {"Content-Type": "application/json", **headers}
    connection.sendall(_head(status, headers, len(data)) + data)


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1] else None
    delay = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    sink = Sink(path, delay)
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=sink.serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
