"""Servers of another make: what the API leaves open, each of them may do in its own way.

In every dialect an upload that was stopped is gone on with, completed, and downloaded again,
without a single error.
"""

import json

import pytest
from survival.test_http import DATA, PATIENCE, VAULT, Cell


def _chunked(exchange):
    if exchange.content:
        exchange.reply.pop("Content-Length")
        exchange.reply["Transfer-Encoding"] = "chunked"
        half = len(exchange.content) // 2
        chunks = [each for each in (exchange.content[:half], exchange.content[half:]) if each]
        exchange.content = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in [*chunks, b""])


def _closing(exchange):
    exchange.reply["Connection"] = "close"


def _loud(exchange):
    exchange.reply = {name.upper(): value for name, value in exchange.reply.items()}


def _located(make):
    def change(exchange):
        if location := exchange.reply.pop("Location", None):
            exchange.reply |= make(location)

    return change


def _documents(make):
    def change(exchange):
        if exchange.reply.get("Content-Type") == "application/json" and exchange.content:
            exchange.content = json.dumps(make(json.loads(exchange.content))).encode()
            exchange.reply["Content-Length"] = str(len(exchange.content))

    return change


def _without(*names):
    def make(document):
        for name in names:
            document.pop(name, None)
        return {key: value for key, value in document.items() if value is not None}

    return make


def _whole(exchange):
    if exchange.operation == "GetJobOutput" and len(exchange.content) == len(DATA):
        exchange.status = 200
        exchange.reply.pop("Content-Range")


def _terse(exchange):
    for name in ("Date", "x-amzn-RequestId", "Accept-Ranges", "x-amz-archive-description"):
        exchange.reply.pop(name, None)
    if exchange.operation == "CompleteMultipartUpload":
        exchange.reply.pop("x-amz-sha256-tree-hash", None)


DIALECTS = {
    "chunked replies": _chunked,
    "no connection kept": _closing,
    "loud headers": _loud,
    "a whole URL as location": _located(lambda path: {"Location": f"http://there:80{path}"}),
    "a dash for the account": _located(
        lambda path: {"Location": "/-/" + path.lstrip("/").partition("/")[2]}
    ),
    "no location": _located(lambda _: {}),
    "members of tomorrow": _documents(lambda document: {**document, "New": [{"a": None}]}),
    "no account in the documents": _documents(_without("VaultARN")),
    "no range of a whole archive": _documents(_without("RetrievalByteRange")),
    "no hash of a whole range": _documents(_without("SHA256TreeHash")),
    "200 for all of an output": _whole,
    "only the headers that matter": _terse,
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_server_of_another_make_is_understood(dialect, room):
    cell = Cell(room, PATIENCE)
    cell.proxy.dialect = DIALECTS[dialect]
    try:
        cell.begin()
        cell.engine.log.clear()
        cell.archive = cell.upload_and_acknowledge()
        sent = cell.engine.log.count("UploadMultipartPart")
        cell.download()

        assert sent == 1  # of two
        cell.one_file()
        cell.one_archive()
        assert cell.archive.vault == VAULT
    finally:
        cell.close()
