"""Hostile requests to the real engine, over a real socket: refused, and the store as it was."""

import hashlib
import itertools
import json
import random
import socket
import sqlite3
from contextlib import ExitStack, closing
from functools import cache

import boto3
import pytest

from glaciercli.local.engine import open_engine
from glaciercli.local.http.server import Server
from glaciercli.local.http.sigv4 import Authenticator
from glaciercli.units import KIB, MIB

KEY = "AKIA"
HOST = "Host: 127.0.0.1:{port}"
SIGNED = (
    f"Authorization: AWS4-HMAC-SHA256 Credential={KEY}/20260101/us-east-1/glacier/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=00"
)
VERSION = "x-amz-glacier-version: 2012-06-01"
PUT = "PUT /-/vaults/evil HTTP/1.1"
OURS = (HOST, SIGNED, VERSION)  # with these and nothing else a request is a good one


def raw(*lines, body=b"", end="\r\n"):
    """Return what makes the bytes of a request, once the server's port is known."""
    return lambda port: end.join([*lines, "", ""]).format(port=port).encode("latin-1") + body


def document(target, body):
    return raw(f"{target} HTTP/1.1", *OURS, f"Content-Length: {len(body)}", body=body)


ATTACKS = {
    # a name that resolves to us
    "no host": raw(PUT, SIGNED, VERSION),
    "empty host": raw(PUT, "Host:", SIGNED, VERSION),
    "two hosts": raw(PUT, *OURS, "Host: evil.example"),
    "foreign host": raw(PUT, "Host: evil.example", SIGNED, VERSION),
    "foreign host, our port": raw(PUT, "Host: evil.example:{port}", SIGNED, VERSION),
    "foreign host, http/1.0": raw(
        "PUT /-/vaults/evil HTTP/1.0", "Host: evil.example", SIGNED, VERSION
    ),
    "no host, http/1.0": raw("PUT /-/vaults/evil HTTP/1.0", SIGNED, VERSION),
    "other service's host": raw(PUT, "Host: evil.s3.amazonaws.com", SIGNED, VERSION),
    "host with credentials": raw(PUT, "Host: a@127.0.0.1:{port}", SIGNED, VERSION),
    "any address": raw(PUT, "Host: 0.0.0.0:{port}", SIGNED, VERSION),
    # a foreign page
    "origin": raw(PUT, *OURS, "Origin: http://evil.example"),
    "origin null": raw(PUT, *OURS, "Origin: null"),
    "our own origin": raw(PUT, *OURS, "Origin: http://127.0.0.1:{port}"),
    "referer": raw(PUT, *OURS, "Referer: http://evil.example/page"),
    "cross-site fetch": raw(PUT, *OURS, "Sec-Fetch-Site: cross-site"),
    "same-site fetch": raw(PUT, *OURS, "Sec-Fetch-Site: same-site"),
    "preflight": raw(
        "OPTIONS /-/vaults/evil HTTP/1.1",
        HOST,
        "Origin: http://evil.example",
        "Access-Control-Request-Method: PUT",
        "Access-Control-Request-Headers: authorization,x-amz-glacier-version",
    ),
    "form": raw(
        "POST /-/vaults/good/tags?operation=add HTTP/1.1",
        *(HOST, "Content-Type: text/plain", "Content-Length: 20"),
        body=b'{"Tags":{"a":"evil"}',
    ),
    "image": raw("GET /-/vaults/good HTTP/1.1", HOST, "Accept: image/*"),
    # other forms of a target, other methods
    "options": raw("OPTIONS * HTTP/1.1", *OURS),
    "trace": raw("TRACE / HTTP/1.1", *OURS),
    "connect": raw("CONNECT evil.example:443 HTTP/1.1", *OURS),
    "patch": raw("PATCH /-/vaults/evil HTTP/1.1", *OURS),
    "method in lower case": raw("put /-/vaults/evil HTTP/1.1", *OURS),
    "method in a header": raw("POST /-/vaults/evil HTTP/1.1", *OURS, "X-HTTP-Method-Override: PUT"),
    "absolute target": raw("PUT http://127.0.0.1:{port}/-/vaults/evil HTTP/1.1", *OURS),
    "absolute foreign target": raw("PUT http://evil.example/-/vaults/evil HTTP/1.1", *OURS),
    "target with our host first": raw("PUT //127.0.0.1/-/vaults/evil HTTP/1.1", *OURS),
    "path with a step up": raw("PUT /-/vaults/good/../evil HTTP/1.1", *OURS),
    "path without a slash": raw("PUT -/vaults/evil HTTP/1.1", *OURS),
    "path with one more slash": raw("PUT /-/vaults/evil/ HTTP/1.1", *OURS),
    "fragment": raw("PUT /-/vaults/evil# HTTP/1.1", *OURS),
    # where a request ends
    "length and encoding": raw(
        *(PUT, *OURS, "Content-Length: 3", "Transfer-Encoding: chunked"), body=b"0\r\n\r\n"
    ),
    "chunked": raw(PUT, *OURS, "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunked twice": raw(
        *(PUT, *OURS, "Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        body=b"0\r\n\r\n",
    ),
    "chunked, disguised": raw(PUT, *OURS, "Transfer-Encoding: \x0bchunked"),
    "chunked, folded": raw(PUT, *OURS, "Transfer-Encoding:", " chunked"),
    "chunk of negative size": raw(PUT, *OURS, "Transfer-Encoding: chunked", body=b"-1\r\n\r\n"),
    "chunk of absurd size": raw(
        PUT, *OURS, "Transfer-Encoding: chunked", body=b"f" * 40 + b"\r\nx"
    ),
    "identity encoding": raw(PUT, *OURS, "Transfer-Encoding: identity"),
    "gzip encoding": raw(PUT, *OURS, "Transfer-Encoding: gzip, chunked"),
    "two lengths": raw(PUT, *OURS, "Content-Length: 3", "Content-Length: 4"),
    "length list": raw(PUT, *OURS, "Content-Length: 3, 4"),
    "negative length": raw(PUT, *OURS, "Content-Length: -1"),
    "signed length": raw(PUT, *OURS, "Content-Length: +3"),
    "hex length": raw(PUT, *OURS, "Content-Length: 0x10"),
    "grouped length": raw(PUT, *OURS, "Content-Length: 1_0"),
    "superscript length": raw(PUT, *OURS, "Content-Length: \xb2"),
    "empty length": raw(PUT, *OURS, "Content-Length:"),
    "folded length": raw(PUT, *OURS, "Content-Length:", " 5", body=b"abcde"),
    "absurd length": raw(PUT, *OURS, "Content-Length: 99999999999999999999"),
    "length of 30 digits": raw(PUT, *OURS, "Content-Length: " + "9" * 30),
    "length of 9000 digits": raw(PUT, *OURS, "Content-Length: " + "9" * 9000),
    # heads that two readers read in two ways
    "bare newlines": raw(PUT, *OURS, end="\n"),
    "one bare newline": raw(PUT, *OURS, "X-A: b\nX-Evil: c"),
    "bare newline at the end": lambda port: raw(PUT, *OURS)(port)[:-2] + b"\n",
    "folded header": raw(PUT, *OURS, "X-A: b", " c"),
    "folded with a tab": raw(PUT, *OURS, "X-A: b", "\tc"),
    "bare return": raw(PUT, *OURS, "X-Evil: a\rb"),
    "space before colon": raw(PUT, *OURS, "Content-Length : 3"),
    "space before the first header": raw(PUT, " X-A: b", *OURS),
    "no colon": raw(PUT, *OURS, "nonsense"),
    "no name": raw(PUT, *OURS, ": value"),
    "null byte": raw(PUT, *OURS, "X-Evil: a\x00b"),
    "control character in target": raw("PUT /\x1b[2J HTTP/1.1", *OURS),
    "8 bit target": raw("PUT /\xff HTTP/1.1", *OURS),
    "two spaces": raw("PUT  /-/vaults/evil HTTP/1.1", *OURS),
    "two version headers": raw(PUT, *OURS, VERSION),
    # other protocols
    "http/0.9": raw("GET /-/vaults"),
    "http/1.2": raw("PUT /-/vaults/evil HTTP/1.2", *OURS),
    "http/2.0": raw("PUT /-/vaults/evil HTTP/2.0", *OURS),
    "preface of http/2": lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls": lambda _: bytes.fromhex("16030100c8010000c40303") + bytes(range(1, 190)),
    # sizes
    "long target": raw("PUT /" + "x" * 64 * KIB + " HTTP/1.1", *OURS),
    "head just too large": raw(PUT, *OURS, "X-Evil: " + "x" * 32 * KIB),
    "big header": raw(PUT, *OURS, "X-Evil: " + "x" * 64 * KIB),
    "many headers": raw(PUT, *OURS, *(f"X-{n}: evil" for n in range(5000))),
    "endless line": lambda _: b"x" * 64 * KIB,
    "endless empty lines": lambda _: b"\r\n" * 32 * KIB,
    "large document": document("POST /-/vaults/good/jobs", b"[" * (MIB + 1)),
    "deep document": document("POST /-/vaults/good/jobs", b'{"a":' * 100_000),
    "deep policy": document(
        "PUT /-/vaults/good/access-policy", json.dumps({"Policy": "[" * 100_000}).encode()
    ),
    "long number": document(
        "PUT /-/policies/data-retrieval",
        b'{"Policy":{"Rules":[{"Strategy":"BytesPerHour","BytesPerHour":' + b"9" * 9000 + b"}]}}",
    ),
    "number past 64 bits": document(
        "PUT /-/policies/data-retrieval",
        b'{"Policy":{"Rules":[{"Strategy":"BytesPerHour","BytesPerHour":' + b"9" * 20 + b"}]}}",
    ),
    "half a character": document(
        "POST /-/vaults/good/tags?operation=add", b'{"Tags":{"\\ud800":"evil"}}'
    ),
    "body over its range": raw(
        "PUT /-/vaults/good/multipart-uploads/x HTTP/1.1",
        *(*OURS, "Content-Range: bytes 0-1048575/*", "Content-Length: 1048577"),
        body=bytes(MIB + 1),
    ),
}
#: Not for the mode that asks for no signatures.
UNSIGNED = {
    "unsigned": raw(PUT, HOST, VERSION),
    "basic authorization": raw(PUT, HOST, VERSION, "Authorization: Basic YTpi"),
    "other service": raw(PUT, HOST, VERSION, SIGNED.replace("glacier", "s3")),
    "region as a path": raw(PUT, HOST, VERSION, SIGNED.replace("us-east-1", "..")),
    "8 bit key": raw(PUT, HOST, VERSION, SIGNED.replace(KEY, "\xff")),
    "presigned": raw(
        "PUT /-/vaults/evil?X-Amz-Signature=0&X-Amz-Credential=AKIA HTTP/1.1", HOST, VERSION
    ),
}
#: After these it is clear where the next request begins.
CLEAR = {
    *UNSIGNED,
    *("form", "image", "method in a header", "target with our host first"),
    *("path with a step up", "path with one more slash", "fragment", "two version headers"),
    *("large document", "deep document", "deep policy", "long number", "number past 64 bits"),
    *("half a character", "body over its range"),
}
PATHS = (
    "PUT /-/vaults/{}",
    "PUT /{}/vaults/evil",
    "DELETE /-/vaults/good/archives/{}",
    "DELETE /-/vaults/good/multipart-uploads/{}",
    "GET /-/vaults/good/jobs/{}/output",
    "POST /-/vaults/good/lock-policy/{}",
)
SEGMENTS = (
    *("", ".", "..", "%2e", "%2e%2e", ".%2e", "%252e%252e", "%25252e%25252e"),
    *("..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "..%5c..%5cboot.ini", "C:%5cx", "~", "%7eroot"),
    *("good%00", "%00", "evil%0a", "evil%0d%0aX-A:%20b", "%1b%5b2J", "%7f"),
    *("%c0%ae%c0%ae", "%c0%af", "%e0%80%ae", "%ff", "%ef%bc%8e%ef%bc%8e", "%e2%80%ae", "%u002e"),
    *("%zz", "%", "a;b", "a+b", "a%20b", "%22", "'%20OR%201=1--", "*", "a" * 300, "%41" * 300),
)


class Served:
    """An engine that holds one thing of each kind, behind a server in some mode."""

    def __init__(self, engine, server):
        self.engine, self.server = engine, server
        client = boto3.client(
            "glacier",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key="any",
        )
        client.create_vault(vaultName="good")
        client.upload_archive(vaultName="good", body=b"the only copy")
        client.initiate_multipart_upload(vaultName="good", partSize=str(MIB))
        client.add_tags_to_vault(vaultName="good", Tags={"kept": "yes"})
        client.close()
        self.held = self.digest()

    def digest(self):
        """Return a hash of all that the store holds: every row, every file."""
        digest = hashlib.sha256()
        with closing(sqlite3.connect(self.engine.store.path)) as connection:
            for line in connection.iterdump():
                digest.update(line.encode())
        for path in sorted(self.engine.store.root.glob("blobs/**/*")):
            digest.update(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
        return digest.hexdigest()

    def exchange(self, data):
        """Send bytes on a connection of their own and return all that comes back."""
        with socket.create_connection((self.server.host, self.server.port), timeout=5) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))

    def ask(self, data):
        """Send a request; return status, headers' text and body of the reply."""
        head, _, body = self.exchange(data).partition(b"\r\n\r\n")
        return int(head.split()[1]), head.lower(), body


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Return what is served in a mode; the same one to all tests, as nothing must change it."""
    with ExitStack() as stack:

        @cache
        def start(mode):
            engine = stack.enter_context(closing(open_engine(tmp_path_factory.mktemp("s") / mode)))
            server = stack.enter_context(Server(engine, auth=Authenticator(mode)))
            return Served(engine, server)

        yield start


@pytest.mark.parametrize("mode", ["off", "parse"])
def test_without_its_twist_the_request_is_a_good_one(serve, mode):
    """Else the attacks would be refused for another reason than theirs."""
    served = serve(mode)
    port = served.server.port

    assert served.ask(raw(PUT, *OURS)(port))[0] == 201
    assert served.digest() != served.held
    assert served.ask(raw(PUT.replace("PUT", "DELETE"), *OURS)(port))[0] == 204
    served.held = served.digest()


@pytest.mark.parametrize(
    ("mode", "attack"),
    [("off", each) for each in ATTACKS] + [("parse", each) for each in ATTACKS | UNSIGNED],
)
def test_an_attack_is_refused_and_changes_nothing(serve, mode, attack, count):
    served = serve(mode)

    status, head, body = served.ask((ATTACKS | UNSIGNED)[attack](served.server.port))

    assert 400 <= status < 500
    assert json.loads(body).keys() == {"code", "message", "type"}
    assert b"access-control" not in head
    assert (b"\r\nconnection: close" in head) is (attack not in CLEAR)
    assert served.digest() == served.held
    assert served.ask(raw("GET /-/vaults/good HTTP/1.1", *OURS)(served.server.port))[0] == 200
    count({"attacks on the server refused": 1})


def test_no_element_of_a_path_leads_anywhere_else(serve, count):
    served = serve("parse")
    for path, segment in itertools.product(PATHS, SEGMENTS):
        line = path.format(segment.replace(" ", "%20")) + " HTTP/1.1"
        status, _, body = served.ask(raw(line, *OURS)(served.server.port))

        assert 400 <= status < 500, line
        assert json.loads(body).keys() == {"code", "message", "type"}

    assert served.digest() == served.held
    count({"attacks on the server refused": len(PATHS) * len(SEGMENTS)})


#: Refused for what they lack, the version of the service, however else they are changed.
REFUSED = [
    raw("PUT /-/vaults/evil HTTP/1.1", HOST, SIGNED, "Content-Length: 0", "Expect: 100-continue"),
    raw("GET /-/vaults/good/jobs?limit=5&marker=a HTTP/1.1", HOST, SIGNED, "Range: bytes=0-5"),
    raw(
        "POST /-/vaults/good/tags?operation=add HTTP/1.1",
        *(HOST, SIGNED, "Content-Length: 21"),
        body=b'{"Tags":{"a":"evil"}}',
    ),
]
PIECES = [
    *(b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"?", b"&", b"#", b"%", b"../", b"\xff"),
    *(b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"5\r\n", b"0\r\n\r\n"),
    *(b"HTTP/1.1", b"GET / HTTP/1.1\r\n", b"A" * 3000),
]


def mutated(chance, data):
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(data) + 1)
        cut = chance.choice([0, 0, 1, chance.randrange(20)])
        piece = chance.choice([b"", bytes([chance.randrange(256)]), chance.choice(PIECES)])
        data = data[:at] + piece + data[at + cut :]
    return data


@pytest.mark.slow
def test_no_change_of_a_refused_request_is_let_through(serve, count):
    chance = random.Random(84)
    served = serve("parse")
    for _ in range(2000):
        data = mutated(chance, chance.choice(REFUSED)(served.server.port))
        reply = served.exchange(data)

        # A head that never ended gets no reply.
        assert not reply or reply.startswith((b"HTTP/1.1 4", b"HTTP/1.1 100")), (data, reply)

    assert served.digest() == served.held
    count({"attacks on the server refused": 2000})
