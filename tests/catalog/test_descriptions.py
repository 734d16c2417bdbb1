"""Descriptions: every tool's own samples, laws, and no input that raises."""

import base64
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.catalog.descriptions import (
    MAX_DESCRIPTION,
    Decoded,
    decode,
    encode,
    is_storable,
    require_storable,
)
from glaciercli.errors import Refused


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def b64(text):
    return base64.b64encode(text.encode()).decode()


MT2 = "mt2 eyJmaWxlbmFtZSI6ImZpbGUvYSIsIm10aW1lIjoiMjAxMjExMDNUMDYyOTM4WiJ9"
MT2_CYRILLIC = (
    "mt2 eyJmaWxlbmFtZSI6ItC00LjRgNC10LrRgtC-0YDQuNGPL9GE0LDQudC7IiwibXRpbWUiOiIyMDEyMTEwNVQx"
    "NDAyNThaIn0"
)
MT1 = "mt1 eyJmaWxlbmFtZSI6IsOQwq9Bw5DCryIsIm10aW1lIjoiMTk3MDAxMDFUMDAwMjAzWiJ9"
INTERFACE = "mt2 eyJmaWxlbmFtZSI6ImRpci9hLnR4dCIsIm10aW1lIjoiMTQxNTgyMzQxNTAwMCJ9"
V4 = (
    "<m><v>4</v><p>Z2xhY2llci1kZy5wZGY=</p><lm>20120821T170824Z</lm>"
    "<ce>1:1:4340ebcf79712dc5e3ef7d50bab98ba5:54687</ce></m>"
)
V3 = V4.replace("<v>4", "<v>3").replace(":54687", "")
V2 = "<m><v>2</v><p>cGhvdG9zLzIwMTIv</p><lm>20130101T000000Z</lm></m>"
V1 = (
    "<ArchiveMetadata>           <Path>       UkVOREVSRkFSTTUvQjovb25lL3R3by90aHJlZS9jaDAxX3NlcTAw"
    "NF9zaDAwMTAuMjA0NC5kcHg=   </Path></ArchiveMetadata>"
)
CLOUDBERRY = (
    '{"Path":"c:+AFw-my+AF8-docs+AFw-caf+AOk-.txt","UTCDateModified":"20120821T170824Z","Flags":3}'
)
AWS_CLOUDBERRY = (
    '{"Path":"CB+F8-M5/B:/c01/q004/s0010/c01+AF8-s00+A8-x","UTCDateModified":"20100310T110623Z"}'
)
QNAP = '{"path": "/sample/1234.pdf", "type": "file"}'
ANNEX = "SHA256E-s3--4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865.txt"
ANNEX_ENCRYPTED = "GPGHMACSHA1--2945f64be96ccbb9feb4d8ff44ac9692fdbe654e"
MD5 = "4340ebcf79712dc5e3ef7d50bab98ba5"

SAMPLES = {
    "mt2": (MT2, Decoded("mt2", "file/a", utc(2012, 11, 3, 6, 29, 38))),
    "mt2 cyrillic": (
        MT2_CYRILLIC,
        Decoded("mt2", "директория/файл", utc(2012, 11, 5, 14, 2, 58)),
    ),
    "mt1": (MT1, Decoded("mt1", "ЯAЯ", utc(1970, 1, 1, 0, 2, 3))),
    "glacier-interface": (INTERFACE, Decoded("mt2", "dir/a.txt", utc(2014, 11, 12, 20, 16, 55))),
    "FastGlacier v4": (
        V4,
        Decoded(
            "FastGlacier v4",
            "glacier-dg.pdf",
            utc(2012, 8, 21, 17, 8, 24),
            compressed=True,
            encrypted=True,
            original_md5=MD5,
            original_size=54687,
        ),
    ),
    "FastGlacier v3": (
        V3,
        Decoded(
            "FastGlacier v3",
            "glacier-dg.pdf",
            utc(2012, 8, 21, 17, 8, 24),
            compressed=True,
            encrypted=True,
            original_md5=MD5,
        ),
    ),
    "FastGlacier v2": (
        V2,
        Decoded("FastGlacier v2", "photos/2012/", utc(2013, 1, 1), is_folder=True),
    ),
    "FastGlacier v1": (
        V1,
        Decoded("FastGlacier v1", "RENDERFARM5/B:/one/two/three/ch01_seq004_sh0010.2044.dpx"),
    ),
    "Glacial Backup": (
        "<m><v>2</v><p>YTtleGFtcGxlMDAxLnR4dA==</p><lm>20130101T000000Z</lm></m>",
        Decoded("FastGlacier v2", "a;example001.txt", utc(2013, 1, 1)),
    ),
    "QNAP HBS": (
        "<m><v>4</v><p>L3NhbXBsZS8xMjM0LnBkZg==</p></m>",
        Decoded("FastGlacier v4", "/sample/1234.pdf"),
    ),
    "CloudBerry": (
        CLOUDBERRY,
        Decoded(
            "CloudBerry",
            "c:\\my_docs\\café.txt",
            utc(2012, 8, 21, 17, 8, 24),
            compressed=True,
            encrypted=True,
        ),
    ),
    "CloudBerry of AWS's tests, not all of it UTF-7": (
        AWS_CLOUDBERRY,
        Decoded(
            "CloudBerry", "CB+F8-M5/B:/c01/q004/s0010/c01_s00+A8-x", utc(2010, 3, 10, 11, 6, 23)
        ),
    ),
    "QNAP": (QNAP, Decoded("QNAP", "/sample/1234.pdf")),
    "git-annex": (ANNEX, Decoded("git-annex", ANNEX, original_size=3)),
    "git-annex encrypted": (ANNEX_ENCRYPTED, Decoded("git-annex", ANNEX_ENCRYPTED)),
    "git-annex with a prefix": (
        "photos-" + ANNEX,
        Decoded("git-annex", "photos-" + ANNEX, original_size=3),
    ),
    "SAGU": ("DirFileWithSpaces.test", Decoded("plain", "DirFileWithSpaces.test")),
    "glacier-cmd": ("homebackup2013.tar", Decoded("plain", "homebackup2013.tar")),
    "nothing": ("", Decoded("plain", "")),
}


@pytest.mark.parametrize(("description", "want"), SAMPLES.values(), ids=SAMPLES)
def test_every_known_sample_decodes(description, want):
    assert decode(description) == want


@pytest.mark.parametrize(
    "description",
    [
        MT2 + "==",
        "mt2 \t  " + MT2[4:],
        f"  {MT2}\n",
        f'"{MT2}"',
        f' " {MT2} "',
    ],
)
def test_mt2_tolerates_padding_blanks_and_quotes(description):
    assert decode(description) == SAMPLES["mt2"][1]


@pytest.mark.parametrize(
    ("mtime", "want"),
    [
        ("2012-11-03T06:29:38Z", utc(2012, 11, 3, 6, 29, 38)),
        ("20121103T062938.5Z", utc(2012, 11, 3, 6, 29, 38)),
        ("20120630T235960Z", utc(2012, 7, 1)),
        ("20120630T235961Z", utc(2012, 7, 1, 0, 0, 1)),
        ("00000000T000000Z", None),
        ("99991231T235961Z", None),
        ("yesterday", None),
        ("9" * 18, None),
    ],
)
def test_mt2_times_in_all_their_forms(mtime, want):
    record = json.dumps({"mtime": mtime, "filename": "a"})

    assert decode("mt2 " + b64(record)) == Decoded("mt2", "a", want)


def test_xml_may_hold_blanks_and_line_ends_anywhere():
    spread = V4.replace("><", "> \r\n\t<").replace("<p>", "<p>\n ").replace("Y2ll", "Y2\n ll")

    assert decode(f'"{spread}"') == SAMPLES["FastGlacier v4"][1]


def test_json_in_a_json_string_is_decoded_twice():
    assert decode(json.dumps(CLOUDBERRY)) == SAMPLES["CloudBerry"][1]
    assert decode(f'"{CLOUDBERRY}"') == SAMPLES["CloudBerry"][1]


@pytest.mark.parametrize(
    ("path", "want"),
    [
        ("a+-b", "a+b"),
        ("+AF8-+AF8-", "__"),
        ("+AGEAYgBj-", "abc"),
        ("+2D3eAA-", "\U0001f600"),
        ("+2D0-", "+2D0-"),
        ("1+1=2", "1+1=2"),
        ("+b/c+AFw-d", "+b/c\\d"),
        ("+AF9-", "+AF9-"),
        ("+AFw", "+AFw"),
    ],
)
def test_utf7_of_dotnet_is_decoded_and_all_else_left(path, want):
    record = {"Path": path, "UTCDateModified": "20120821T170824Z"}

    assert decode(json.dumps(record)).name == want


def test_a_plus_in_json_without_a_time_is_a_plus():
    assert decode('{"Path":"a+AF8-b"}').name == "a+AF8-b"


def test_qnap_folders_are_folders():
    assert decode('{"path": "/sample", "type": "folder"}').is_folder


@pytest.mark.parametrize(
    "description",
    [
        "mt2 ",
        "mt2 !!!",
        "mt2 e",
        "mt2 " + "e" * 1025,
        "mt2 " + b64("[1]"),
        "mt2 " + b64('{"mtime":"20121103T062938Z"}'),
        "mt2 " + b64('{"filename":7,"mtime":"20121103T062938Z"}'),
        "mt3 " + MT2[4:],
        "mt1 " + b64('{"filename":"Я'),
        "<m><v>4</v></m>",
        "<m><v>x</v><p>YQ==</p></m>",
        "<m><v>4</v><p>***</p></m>",
        "<ArchiveMetadata></ArchiveMetadata>",
        "{}",
        '{"Path":7}',
        "{" * 3000,
        '"[]"',
        json.dumps({"Path": "+" * 9000, "UTCDateModified": "20120821T170824Z"}),
        "No description.",
    ],
)
def test_what_cannot_be_decoded_is_its_own_name(description):
    assert decode(description) == Decoded("plain", description.strip())


@given(st.text())
def test_no_text_raises(text):
    decode(text)


@given(
    st.sampled_from([MT2, MT1, V4, V1, CLOUDBERRY, QNAP, ANNEX, json.dumps(CLOUDBERRY)]),
    st.lists(st.tuples(st.integers(0, 200), st.characters()), max_size=6),
)
def test_no_broken_sample_raises(sample, changes):
    for position, character in changes:
        sample = sample[:position] + character + sample[position + 1 :]

    decode(sample)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_no_value_in_a_known_shape_raises(value):
    for record in (
        {"filename": value, "mtime": value, "glacier": value},
        {"Path": value, "UTCDateModified": value, "Flags": value},
        {"path": value, "type": value},
    ):
        decode(json.dumps(record))
        decode("mt2 " + b64(json.dumps(record)))


NAMES = st.text(min_size=1, max_size=80) | st.binary(min_size=1, max_size=80).map(
    lambda raw: raw.decode("utf-8", "surrogateescape")
)
TIMES = st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)


@given(NAMES, TIMES)
def test_mt2_round_trips_any_name(name, modified):
    description = encode(name, modified, token="t0")

    assert is_storable(description)
    assert decode(description) == Decoded("glacier", name, modified, token="t0")


@given(NAMES, TIMES)
def test_fastglacier_round_trips_any_bytes(name, modified):
    found = decode(encode(name, modified, format="fastglacier"))

    assert (found.tool, found.name, found.modified) == ("FastGlacier v4", name, modified)


@given(
    st.sampled_from(["plain", "fastglacier"]),
    NAMES | st.text(' "{}a\ud800', max_size=6) | st.sampled_from([MT2, V4, V1, QNAP, CLOUDBERRY]),
)
def test_a_name_that_would_not_come_back_is_refused(style, name):
    try:
        description = encode(name, utc(2020, 1, 1), format=style)
    except Refused:
        return

    assert is_storable(description)
    assert decode(description).name == name


@given(
    st.binary(max_size=30) | NAMES.map(lambda name: name.encode("utf-8", "replace")),
    st.from_regex(r"[0-9]{6}(3[01]|[0-2][0-9])T2[0-9]{3}[0-6][0-9]Z?", fullmatch=True),
    st.none() | st.text('aZ_-"\\é', max_size=3),
    st.sampled_from(["", " "]),
)
def test_mt2_json_is_read_with_and_without_blanks(name, mtime, token, gap):
    extra = "" if token is None else f',{gap}"glacier":{gap}"{token}"'
    rest = b'"filename":' + name.join([b'"', f'","mtime":{gap}"{mtime}"{extra}}}'.encode()])
    usual, odd = (
        decode("mt2 " + base64.urlsafe_b64encode(start + rest).decode()) for start in (b"{", b"{ ")
    )
    assert (usual.tool, odd.tool) == ("plain", "plain") or usual == odd


def test_without_a_token_it_is_what_mt_aws_glacier_writes():
    assert encode("file/a", utc(2012, 11, 3, 6, 29, 38)) == MT2
    assert encode("директория/файл", utc(2012, 11, 5, 14, 2, 58)) == MT2_CYRILLIC


@given(st.text(min_size=300, max_size=4000), st.none() | st.just("t" * 26))
def test_a_name_too_long_keeps_its_end_and_fits(name, token):
    description = encode(name, utc(2020, 1, 1), token=token)

    assert is_storable(description)
    assert name.endswith(decode(description).name)


@given(st.text(max_size=30) | st.text(" ~", max_size=1030))
def test_what_glacier_does_not_take_is_refused_by_its_first_letter_or_its_length(text):
    if is_storable(text):
        require_storable(text)
        return
    with pytest.raises(Refused) as caught:
        require_storable(text)
    strange = [each for each in text if not " " <= each <= "~"]
    assert repr(strange[0]) in caught.value.message if strange else "1,024" in caught.value.message


def test_names_cut_to_the_same_end_stay_apart():
    one, two = (encode(start + "x" * 2000, utc(2020, 1, 1)) for start in "ab")

    assert decode(one) == decode(two)
    assert one != two


@pytest.mark.parametrize(
    ("name", "style"),
    [
        *((name, "plain") for name in ("é", " a", "a ", QNAP, "a" * 1025)),
        *((name, "fastglacier") for name in ("a" * 800, "\ud800")),
    ],
)
def test_a_format_that_cannot_hold_the_name_is_refused(name, style):
    with pytest.raises(Refused, match="does not fit"):
        encode(name, utc(2020, 1, 1), format=style)


def test_plain_format_keeps_the_name_unchanged():
    name = "x" * MAX_DESCRIPTION

    assert encode(name, utc(2020, 1, 1), format="plain") == name


def test_an_unknown_format_is_refused_by_name():
    with pytest.raises(Refused, match="unknown description format 'mt9'"):
        encode("a", utc(2020, 1, 1), format="mt9")


LONG = {
    "pluses": '{"Path":"%s","UTCDateModified":"20120101T000000Z"}',
    "runs without an end": '{"Path":"%s","UTCDateModified":"20120101T000000Z"}',
    "runs that are none": '{"Path":"%s-","UTCDateModified":"20120101T000000Z"}',
    "keys": "%s x",
    "elements": "<m>%s",
    "escapes": "%s",
}
PIECES = ("+", "+A", "+AB", "SHA1--", "<a>x", "%C5")


@pytest.mark.parametrize(("form", "piece"), list(zip(LONG.values(), PIECES, strict=True)), ids=LONG)
def test_a_hostile_description_takes_no_longer_than_its_length(form, piece):
    """A hundred thousand of them would else hold up an inventory for hours."""

    def seconds(size):
        text = form % (piece * (size // len(piece)))
        started = time.process_time()
        for _ in range(20):
            decode(text)
        return (time.process_time() - started) / 20

    assert seconds(8000) < 0.02
    assert seconds(1000) < 0.004
