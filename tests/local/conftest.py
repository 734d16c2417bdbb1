"""An engine in this process, asked without a client in between."""

import hashlib
import io
import json
import re
from dataclasses import dataclass

import pytest
from helpers import require_delivered

from glaciercli.local.engine import open_engine
from glaciercli.local.wire import FileWindow, Request
from glaciercli.treehash import tree_hash


@dataclass
class Reply:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Caller:
    """Sends requests as HTTP would bring them; asserts success unless told the status."""

    def __init__(self, engine):
        self.engine = engine

    def __call__(self, method, target, body=b"", *, status=None, length=None, **headers):
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        read = body if hasattr(body, "read") else io.BytesIO(body)
        size = len(body) if length is None and isinstance(body, bytes) else length
        request = Request(
            method, target, {"x-amz-glacier-version": "2012-06-01"} | names, read, size
        )
        response = self.engine.handle(request)
        content = response.body
        if isinstance(content, FileWindow):
            window, content = content, content.read()
            window.close()
        reply = Reply(response.status, response.headers, content)
        expected = {status} if status else {200, 201, 202, 204, 206}
        assert reply.status in expected, (reply.status, content)
        return reply

    def vault(self, name="v"):
        self("PUT", f"/-/vaults/{name}")
        return name

    def archive(self, data, vault="v", **more):
        given = {"x_amz_content_sha256": hashlib.sha256(data).hexdigest()} if data else {}
        given["x_amz_sha256_tree_hash"] = tree_hash(data)
        return self("POST", f"/-/vaults/{vault}/archives", data, **given, **more)

    def upload(self, part_size=1 << 20, vault="v"):
        reply = self("POST", f"/-/vaults/{vault}/multipart-uploads", x_amz_part_size=str(part_size))
        return reply.headers["x-amz-multipart-upload-id"]

    def part(self, upload, start, data, *, body=None, **more):
        given = {
            "x_amz_content_sha256": hashlib.sha256(data).hexdigest(),
            "x_amz_sha256_tree_hash": tree_hash(data),
            "content_range": f"bytes {start}-{start + len(data) - 1}/*",
        }
        return self(
            "PUT",
            f"/-/vaults/v/multipart-uploads/{upload}",
            body or data,
            length=len(data),
            **given,
            **more,
        )

    def complete(self, upload, data, **more):
        return self(
            "POST",
            f"/-/vaults/v/multipart-uploads/{upload}",
            x_amz_archive_size=str(len(data)),
            x_amz_sha256_tree_hash=tree_hash(data),
            **more,
        )

    def fetch(self, archive_id, vault="v"):
        given = json.dumps({"Type": "archive-retrieval", "ArchiveId": archive_id}).encode()
        job = self("POST", f"/-/vaults/{vault}/jobs", given).headers["x-amz-job-id"]
        return self("GET", f"/-/vaults/{vault}/jobs/{job}/output").body


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def engine(root):
    engine = open_engine(root)
    yield engine
    require_delivered(engine)
    engine.close()


@pytest.fixture
def call(engine):
    caller = Caller(engine)
    caller.vault()
    return caller


@pytest.fixture
def caller():
    return Caller


@pytest.fixture
def files(root):
    """The blobs on disk, without their leaves."""
    pattern = re.compile(r"[0-9a-f]{32}")
    return lambda: [path for path in root.glob("blobs/*/*") if pattern.fullmatch(path.name)]
