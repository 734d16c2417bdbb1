"""Wrong replies, made of right ones by what the service's model says of them.

Each member gets values of other types, absent ones, empty, huge and poisonous ones; each header the
same as text; and each reply as a whole is replaced by what never was one.
"""

import gzip
import json
from collections.abc import Iterator

from botocore.session import Session
from hostile.endpoint import Reply

MODEL = Session().get_service_model("glacier")
ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e\u2028\x9b31m[red]"

_TEXTS = (
    "", "x", "a/../../etc/passwd", "a\nb", ESCAPE, "é" * 70_000, "5", "-1", "9" * 25,
    "$(id)", "=1+1", "9999-12-31T23:59:59.999Z", "0-36028797018963967",
)  # fmt: skip
_NUMBERS = (0, -1, 1, 2**31, 2**55, 2**63, 2**70, 1.5, float("nan"), float("inf"))
_OTHERS = (None, True, False, [], {}, [[]], [None], ["x"], [1], {"x": 1}, {"x": None})
_ABSENT = object()
_HEADERS = (
    None, "", "x", "../../etc", "-1", "9" * 25, "1e9", "NaN", "bytes 5-1/2", "bytes 0-9/-1",
    "\x9b31m", "x" * 60_000, ("a", "b"), "/1/2/3", "0" * 64,
)  # fmt: skip
_STATUSES = (0, 199, 204, 206, 299, 304, 400, 401, 403, 404, 408, 418, 429, 500, 503, 599, 999)
_HTML = b"<!doctype html><title>Log in</title><p>\x1b[31mto the airport's network"
_JSON = {"Content-Type": "application/json"}


def mutations(operation, right: Reply, elsewhere) -> Iterator[tuple[str, Reply]]:
    """Yield a name and a wrong reply, for each way that we know; redirects lead `elsewhere`."""
    shape = MODEL.operation_model(operation).output_shape
    yield from _members(shape, right)
    yield from _headers(shape, right)
    yield from _wholes(right, elsewhere)


def _members(shape, right):
    """Exchange each value of the reply's document for others; of lists, the first item's."""
    try:
        document = json.loads(right.body)
    except ValueError:
        return  # an archive's bytes, or nothing
    for path, value in _nodes(document):
        name = ".".join(map(str, path))
        for other in (*_OTHERS, *_NUMBERS, *_TEXTS, _ABSENT):
            if other is not value:
                yield f"{name}={_short(other)}", _said(right, _exchanged(document, path, other))
    # Members that this reply happens to lack may come all the same.
    for member, kind in (shape.members if shape is not None else {}).items():
        location = kind.serialization.get("location")
        if isinstance(document, dict) and document.get(member) is None and location is None:
            for other in (5, "x", [None], {"x": []}, ESCAPE):
                yield f"{member}+{_short(other)}", _said(right, {**document, member: other})


def _nodes(value, path=()):
    yield path, value
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _nodes(each, (*path, key))
    elif isinstance(value, list) and value:
        yield from _nodes(value[0], (*path, 0))


def _exchanged(document, path, other):
    if not path:
        return None if other is _ABSENT else other
    copy = dict(document) if isinstance(document, dict) else list(document)
    if len(path) > 1 or other is not _ABSENT:
        copy[path[0]] = _exchanged(document[path[0]], path[1:], other)
    else:
        del copy[path[0]]
    return copy


def _said(right, document):
    return right.with_body(json.dumps(document).encode())


def _headers(shape, right):
    """Exchange each header that is a member, and those that say how long and what the body is."""
    members = () if shape is None else shape.members.values()
    names = [each.serialization["name"] for each in members if "name" in each.serialization]
    for name in (*names, "Content-Length", "Content-Type", "Transfer-Encoding", "Content-Encoding"):
        for value in _HEADERS:
            yield f"{name}: {_short(value)}", right.with_headers(**{name: value})


def _wholes(right, elsewhere):
    for status in (301, 302, 303, 307, 308):
        reply = Reply(status, (("Location", elsewhere),)).with_body(b"")
        yield f"redirect {status}", reply
    for status in _STATUSES:
        yield f"status {status} with the right body", Reply(status, right.headers, right.body)
        yield f"status {status} alone", Reply(status).with_body(b"")
    for name, body in _BODIES.items():
        yield f"body {name}", right.with_body(body, **_JSON)
        yield f"error {name}", Reply(400, ()).with_body(body, **_JSON)
    yield "html", right.with_body(_HTML, **{"Content-Type": "text/html"})
    yield "gzip", right.with_body(gzip.compress(right.body), **{"Content-Encoding": "gzip"})
    yield "cut", Reply(right.status, right.headers, right.body[: len(right.body) // 2])
    yield "more than it says", Reply(right.status, right.headers, right.body + b"}" * 9)
    yield "without an end", Reply(right.status, (), right.body, fill=80 << 20)
    huge = str(1 << 40)
    yield "too much", Reply(right.status, (("Content-Length", huge),), right.body, fill=80 << 20)
    yield "an error too much", Reply(400, (("Content-Length", huge),), b"{}", fill=80 << 20)
    for name, raw in _RAW.items():
        yield f"raw {name}", Reply(raw=raw)


_BODIES = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "number": b"5",
    "text": b'"x"',
    "html": _HTML,
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "not UTF-8": b'{"VaultName": "\xff\xfe", "code": "\xff", "message": "\xff"}',
    "UTF-16": '{"VaultName": "x"}'.encode("utf-16"),
    "a mark first": b"\xef\xbb\xbf{}",
    "NULs": b"\0" * 100,
    "twice": b"{}{}",
    "huge number": b'{"SizeInBytes": ' + b"9" * 5000 + b"}",
    "odd numbers": b'{"SizeInBytes": NaN, "NumberOfArchives": Infinity}',
    "lone surrogate": b'{"VaultName": "\\ud800", "code": "\\ud800", "message": "\\udc00"}',
    "odd error": b'{"code": ["x"], "message": {"a": 1}, "type": 5}',
    "poison": json.dumps({"code": ESCAPE, "message": ESCAPE, "Message": ESCAPE}).encode(),
    "long message": json.dumps({"code": "x" * 100_000, "message": "y" * 500_000}).encode(),
}
_RAW = {
    "nothing": b"",
    "not HTTP": b"SSH-2.0-OpenSSH_9.9\r\n",
    "no status": b"HTTP/1.1\r\n\r\n",
    "odd status": b"HTTP/1.1 abc OK\r\n\r\n",
    "old": b"HTTP/0.9 200 OK\r\n\r\n{}",
    "endless header": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 5000 + b"\r\n{}",
    "header without a colon": b"HTTP/1.1 200 OK\r\nx y z\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
    "odd chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "huge chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    "negative chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n",
    "a hundred continues": b"HTTP/1.1 100 Continue\r\n\r\n" * 100,
}


def _short(value):
    text = "absent" if value is _ABSENT else repr(value)
    return text if len(text) < 24 else f"{text[:20]}…"
