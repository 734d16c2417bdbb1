"""A process that uploads until it is killed; it says what was acknowledged, a line each."""

import hashlib
import io
import random
import sys
from pathlib import Path

from glaciercli.local.engine import open_engine
from glaciercli.local.wire import Request
from glaciercli.treehash import tree_hash

MIB = 1 << 20


def main(root, seed):
    engine = open_engine(Path(root))
    chance = random.Random(seed)

    def send(method, target, data=b"", **headers):
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        given |= {
            "x-amz-glacier-version": "2012-06-01",
            "x-amz-content-sha256": hashlib.sha256(data).hexdigest(),
        }
        response = engine.handle(Request(method, target, given, io.BytesIO(data), len(data)))
        assert response.status in {201, 204}, response.body
        return response.headers

    def tell(*words):
        sys.stdout.write(" ".join(map(str, words)) + "\n")
        sys.stdout.flush()

    send("PUT", "/-/vaults/v")
    tell("ready")
    while True:
        data = chance.randbytes(3 * MIB - chance.randrange(MIB))
        uploads = send("POST", "/-/vaults/v/multipart-uploads", x_amz_part_size=str(MIB))
        upload = uploads["x-amz-multipart-upload-id"]
        target = f"/-/vaults/v/multipart-uploads/{upload}"
        for start in [0, MIB, 0, 2 * MIB]:
            part = data[start : start + MIB]
            send(
                "PUT",
                target,
                part,
                content_range=f"bytes {start}-{start + len(part) - 1}/*",
                x_amz_sha256_tree_hash=tree_hash(part),
            )
            tell("part", upload, start, tree_hash(part))
        archive = send(
            "POST",
            target,
            x_amz_archive_size=str(len(data)),
            x_amz_sha256_tree_hash=tree_hash(data),
        )
        tell("archive", archive["x-amz-archive-id"], tree_hash(data), upload)
        small = chance.randbytes(1000)
        archive = send(
            "POST", "/-/vaults/v/archives", small, x_amz_sha256_tree_hash=tree_hash(small)
        )
        tell("archive", archive["x-amz-archive-id"], tree_hash(small), "-")


if __name__ == "__main__":
    main(*sys.argv[1:])
