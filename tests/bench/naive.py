"""A multipart upload as people write it with boto3: a thread pool, bytes, nothing precomputed."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.utils import calculate_tree_hash

PART = 16 << 20


def upload(path: Path, url: str) -> None:
    config = Config(max_pool_connections=4, retries={"max_attempts": 0})
    client = boto3.client("glacier", endpoint_url=url, config=config)
    size = path.stat().st_size
    begun = client.initiate_multipart_upload(vaultName="bench", partSize=str(PART))

    def send(start: int) -> None:
        with path.open("rb") as file:
            file.seek(start)
            body = file.read(PART)
        client.upload_multipart_part(
            vaultName="bench",
            uploadId=begun["uploadId"],
            body=body,
            range=f"bytes {start}-{start + len(body) - 1}/*",
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(0, size, PART)))
    with path.open("rb") as file:
        tree_hash = calculate_tree_hash(file)
    client.complete_multipart_upload(
        vaultName="bench", uploadId=begun["uploadId"], archiveSize=str(size), checksum=tree_hash
    )


def download(path: Path, url: str, expected: str) -> None:
    client = boto3.client("glacier", endpoint_url=url)
    body = client.get_job_output(vaultName="bench", jobId="j" * 92)["body"]
    with path.open("wb") as file:
        for chunk in body.iter_chunks(1 << 20):
            file.write(chunk)
    with path.open("rb") as file:
        assert calculate_tree_hash(file) == expected


def treehash(path: Path) -> None:
    with path.open("rb") as file:
        sys.stdout.write(f"{calculate_tree_hash(file)}\n")


if __name__ == "__main__":
    word, path, *rest = sys.argv[1:]
    {"upload": upload, "download": download, "treehash": treehash}[word](Path(path), *rest)
