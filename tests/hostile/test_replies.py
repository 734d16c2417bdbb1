"""Every reply of the service, spoilt in every way that we know, to every command that asks for it.

Whatever comes, a command ends soon with an exit code of ours, one line that says why, and nothing
on the terminal that acts on it. What it calls proven is proven.
"""

import itertools
import json
import time

import pytest
from hostile.endpoint import Player
from hostile.mutations import MODEL, mutations
from hostile.scenes import DATA, OTHER, SECRET

from glaciercli.clients.glacier import Target
from glaciercli.clients.session import connect
from glaciercli.errors import EXIT_MEANINGS, Exit, StrangeReply, Unavailable

_SOON = 5.0  # seconds; a run that is not disturbed takes a tenth of one


def wrong_replies(theatre):
    """Yield (scene, operation, name, reply) for each command, each operation that it asks for."""
    for scene, replies in theatre.replies.items():
        for operation, known in replies.items():
            for name, wrong in mutations(operation, known[0], theatre.elsewhere.url):
                yield scene, operation, name, wrong


def problems(theatre, scene, run, seconds):
    """Yield what is wrong with the way in which a command has taken a wrong reply."""
    if run.exception is not None:
        yield f"raised {run.exception!r}"
    if run.exit not in EXIT_MEANINGS or run.exit == Exit.UNEXPECTED:
        yield f"exit {run.exit}"
    errors = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    if len(errors) != (run.exit != 0):
        yield f"{len(errors)} error lines"
    if max(map(len, run.stderr.splitlines()), default=0) > 2000:
        yield "a line that nobody reads"
    if "Traceback" in run.stderr:
        yield "a traceback"
    if SECRET in run.stderr or SECRET.encode() in run.stdout:
        yield "a secret"
    if acting(run.stderr) or ("- -V" not in scene and acting(run.stdout.decode())):
        yield "acts on the terminal"
    if seconds > _SOON:
        yield f"took {seconds:.1f} s"
    yield from unproven(theatre, scene, run)


def acting(text):
    return [each for each in text if not each.isprintable() and each not in "\n\t"]


def unproven(theatre, scene, run):
    """Yield what a command has left behind that is not what was stored."""
    whole = {"restored": DATA, "output": DATA, "range": OTHER[: 1 << 20]}
    for name, data in whole.items():
        path = theatre.out / name
        if path.exists() and path.read_bytes() != data:
            yield f"{path.name} is wrong"
    for path in (theatre.out / "tree").glob("**/*"):
        if path.is_file() and path.read_bytes() not in {DATA, OTHER} and ".part" not in path.name:
            yield f"{path} is wrong"
    if "small.bin - -V" in scene and run.exit == 0 and run.stdout != OTHER:
        yield "wrong bytes on stdout"


def play_all(theatre, chosen):
    """Play each; return how many were, and a line for each finding."""
    findings = []
    played = 0
    for scene, operation, name, wrong in chosen:
        before = theatre.elsewhere.connections
        started = time.monotonic()
        run, asked = theatre.play(scene, operation, wrong)
        found = list(problems(theatre, scene, run, time.monotonic() - started))
        assert asked, f"{scene} did not ask {operation}"
        if theatre.elsewhere.connections > before:
            found.append("followed a redirect")
        played += 1
        if found:
            findings.append(f"{scene} < {operation} {name}: {'; '.join(found)}\n   {run}")
    return played, findings


def test_all_operations_are_asked_for(theatre):
    asked = {operation for replies in theatre.replies.values() for operation in replies}

    assert asked == set(MODEL.operation_names)


def test_right_replies_are_taken(theatre):
    """What the wrong ones are measured by: played again, each scene succeeds as it did."""
    for scene in theatre.replies:
        run, _ = theatre.play(scene)
        assert list(problems(theatre, scene, run, 0)) == [], (scene, run)
        assert run.exit == 0, (scene, run)


# urllib3 cannot follow a 303 with botocore's headers, and leaves its socket to the collector.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize(
    "stride",  # so manyth of them are tried: there are about 50,000
    [
        997,
        pytest.param(5, marks=pytest.mark.slow),
        pytest.param(1, marks=pytest.mark.fuzz),
    ],
)
def test_wrong_replies_end_in_errors_of_ours(theatre, count, stride):
    played, findings = play_all(theatre, itertools.islice(wrong_replies(theatre), 0, None, stride))
    count({"wrong replies played": played})

    assert findings == []


_PAGED = {
    "ListVaults": "vault list",
    "ListJobs": "job list -V photos",
    "ListMultipartUploads": "upload list -V photos",
    "ListParts": "upload show {upload} -V photos",
}


@pytest.mark.parametrize(("operation", "scene"), _PAGED.items())
def test_a_listing_that_repeats_a_page_is_given_up(theatre, operation, scene):
    right = theatre.replies[scene][operation][0]
    wrong = right.with_body(json.dumps({**json.loads(right.body), "Marker": "again"}).encode())

    run, asked = theatre.play(scene, operation, lambda _: wrong)

    assert run.exit == Exit.UNAVAILABLE, run
    assert asked == 2


@pytest.mark.parametrize(("operation", "scene"), _PAGED.items())
def test_a_listing_without_an_end_is_given_up(theatre, operation, scene):
    right = theatre.replies[scene][operation][0]
    page = json.loads(right.body)

    def wrong(number):
        return right.with_body(json.dumps({**page, "Marker": f"more-{number}"}).encode())

    theatre.endpoint.answer = player = Player({}, operation, wrong)
    client = connect(Target(region="us-east-1", endpoint_url=theatre.endpoint.url))
    client.most_pages = 20
    named = {} if operation == "ListVaults" else {"vaultName": "photos"}
    if operation == "ListParts":
        named["uploadId"] = page["MultipartUploadId"]

    with pytest.raises(Unavailable, match="20 pages, and still has more"):
        list(client.pages(operation, **named))
    assert player.asked[operation] == 20


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ArchiveSizeInBytes", 1 << 55),
        ("RetrievalByteRange", f"0-{(1 << 55) - 1}"),
        ("CompletionDate", "9999-12-31T23:59:59.999Z"),
        ("ArchiveId", "$(id)"),
    ],
)
def test_a_job_that_cannot_be_is_given_up_at_once_and_not_after_two_minutes(theatre, member, value):
    scene = "job show {job} -V photos"
    right = theatre.replies[scene]["DescribeJob"][0]
    document = json.loads(right.body)
    wrong = right.with_body(json.dumps({**document, member: value}).encode())
    theatre.endpoint.answer = player = Player({}, "DescribeJob", lambda _: wrong)
    client = connect(Target(region="us-east-1", endpoint_url=theatre.endpoint.url))
    started = time.monotonic()

    with pytest.raises(StrangeReply, match=member):
        client.call("DescribeJob", vaultName="photos", jobId=document["JobId"])
    assert player.asked["DescribeJob"] == 3
    assert time.monotonic() - started < _SOON


def test_more_parts_than_an_upload_can_have_are_refused(theatre):
    scene = "upload show {upload} -V photos"
    right = theatre.replies[scene]["ListParts"][0]
    page = json.loads(right.body)
    part = {"SHA256TreeHash": "0" * 64}

    def wrong(number):
        parts = [
            {**part, "RangeInBytes": f"{each << 20}-{(each + 1 << 20) - 1}"}
            for each in range(number * 1000, (number + 1) * 1000)
        ]
        return right.with_body(
            json.dumps({**page, "Parts": parts, "Marker": f"m{number}"}).encode()
        )

    run, asked = theatre.play(scene, "ListParts", wrong)

    assert run.exit == Exit.UNAVAILABLE, run
    assert "more than 10,000 parts" in run.stderr
    assert asked == 11
