"""One name for each place, however its address is spelled."""

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import BotoCoreError
from botocore.loaders import create_loader
from hypothesis import given
from hypothesis import strategies as st

from glaciercli import endpoints
from glaciercli.errors import UsageError


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8480",
        "http://127.0.0.1:8480/",
        "http://localhost:8480",
        "http://LocalHost:8480//",
        "http://localhost.:8480",
        "http://[::1]:8480",
        "http://[0:0:0:0:0:0:0:1]:8480",
        "http://[::ffff:127.0.0.1]:8480",
        "HTTP://127.0.0.1:8480",
        "http://bob:secret@localhost:8480",
    ],
)
def test_this_machine_has_one_name(address):
    assert endpoints.name_of(address) == "http://127.0.0.1:8480"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://Glacier.Example:443/", "https://glacier.example"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://127.0.0.1:80", "https://127.0.0.1:80"),
        ("https://example.com/Glacier/", "https://example.com/Glacier"),
        ("http://127.0.0.2:1", "http://127.0.0.2:1"),
        ("http://[FE80::1]:1", "http://[fe80::1]:1"),
        ("aws", "aws"),
        ("local:/home/Anna/store", "local:/home/Anna/store"),
        ("http://[::1", "http://[::1"),
        ("", ""),
    ],
)
def test_a_name_is_the_address_spelled_one_way(address, name):
    assert endpoints.name_of(address) == name


@pytest.mark.parametrize(
    "address",
    [
        "https://glacier.eu-west-1.amazonaws.com.evil.example",
        "https://evil-glacier.eu-west-1.amazonaws.com",
        "https://glacier.eu-west-1.amazonaws.com:8443",
        "https://glacier.eu-west-1.amazonaws.com/proxy",
        "http://glacier.eu-west-1.amazonaws.com",
        "https://glacier.us-east-1.amazonaws.com",  # another region than the client's
    ],
)
def test_what_only_looks_like_the_service_keeps_its_own_name(address):
    assert endpoints.name_of(address, "eu-west-1") == address


def test_every_url_that_botocore_has_for_the_service_is_aws():
    loader = create_loader()
    partitions = loader.load_data("partitions")
    rules = loader.load_service_model("glacier", "endpoint-rule-set-1")
    provider = EndpointProvider(rules, partitions)
    found = set()
    for partition in partitions["partitions"]:
        for region in partition["regions"]:
            for fips in (False, True):
                for dual_stack in (False, True):
                    asked = {"Region": region, "UseFIPS": fips, "UseDualStack": dual_stack}
                    try:
                        url = provider.resolve_endpoint(**asked).url
                    except BotoCoreError:
                        continue  # the partition has no such endpoints
                    found.add(url)
                    assert endpoints.name_of(url, region) == "aws", url
                    assert endpoints.name_of(url + ":443/") == "aws", url

    assert len(found) > 100


def test_an_endpoint_of_a_vpc_is_the_service():
    url = "https://vpce-0a1b2c-3d.glacier.eu-west-1.vpce.amazonaws.com"

    assert endpoints.name_of(url, "eu-west-1") == "aws"


HOSTS = ["localhost", "127.0.0.1", "[::1]", "glacier.example", "Glacier.Example"]
URLS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(HOSTS),
    st.sampled_from(["", ":80", ":443", ":8480"]),
    st.sampled_from(["", "/", "/glacier"]),
)


@given(URLS)
def test_a_name_is_its_own_name(url):
    name = endpoints.name_of(url)

    assert endpoints.name_of(name) == name


@given(URLS)
def test_all_former_spellings_of_a_place_have_its_name(url):
    name = endpoints.name_of(url)
    spelled = list(endpoints.spellings(name, "eu-west-1"))

    assert spelled[0] == name
    assert {endpoints.name_of(each) for each in spelled} == {name}
    assert url.rstrip("/").lower() in {each.lower() for each in spelled}


def test_the_service_was_called_by_its_url_too():
    assert list(endpoints.spellings("aws", "eu-west-1")) == [
        "aws",
        "https://glacier.eu-west-1.amazonaws.com",
    ]
    assert list(endpoints.spellings("aws", "cn-north-1"))[1].endswith(".cn")


@pytest.mark.parametrize(
    "address",
    [
        "http://bob:SECRET@127.0.0.1:1",
        "bob:SECRET@host",
        "http://b:SECRET/@h",
        "http://b:SE@CRET@h",
        "http://b:SE@h?CRET",
    ],
)
def test_a_password_in_an_endpoint_is_refused_and_not_repeated(address):
    with pytest.raises(UsageError, match="the endpoint of --endpoint-url has a user") as caught:
        endpoints.require_plain(address, "--endpoint-url")

    assert "CRET" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("address", ["https://h?CRET", "https://h/#CRET", "https://h/p?a=CRET#b"])
def test_a_query_or_fragment_of_an_endpoint_is_refused_and_not_repeated(address):
    """The path of each request would be put behind it, or left out of what is signed."""
    with pytest.raises(UsageError, match="--endpoint-url has a query or fragment") as caught:
        endpoints.require_plain(address, "--endpoint-url")

    assert "CRET" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Failed to parse: http://bob:pw@127.0.0.1:99999",
            "Failed to parse: http://127.0.0.1:99999",
        ),
        ('proxy URL: "http://socks5://bob:p@w@h:1" (why)', 'proxy URL: "http://h:1" (why)'),
        ("http://b:p/w@h and HTTPS://t@g", "http://h and HTTPS://g"),
        ("https://h/vaults, bob@example.com", "https://h/vaults, bob@example.com"),
    ],
)
def test_users_and_passwords_are_left_out_of_texts(text, shown):
    assert endpoints.without_users(text) == shown
