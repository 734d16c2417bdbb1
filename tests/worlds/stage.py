"""Two services behind boto3, in this process: each with two accounts, at the service's own pace.

Who asks is told by the key that signs, which may be another account's key tomorrow. Time is the
machine's, which the tests move. On its way to the tool a reply may be lost, or be spoilt.
"""

import itertools
import os
import re
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

import boto3
import botocore.session

from glaciercli.local import wire
from glaciercli.local.engine import open_engine
from glaciercli.local.inprocess import plug_in
from glaciercli.local.timing import Timing

REGION = "us-east-1"
ACCOUNTS = ("111111111111", "222222222222")
#: Each account's own key, and one that is of whichever account its owner has last assumed.
OWN_KEYS = ("AKIDOFTHEFIRST", "AKIDOFTHESECOND")
ASSUMED = "AKIDASSUMED"
#: How the two services are written, each in several ways.
URLS = (
    ("https://glacier.example", "https://glacier.example:443/"),
    ("http://127.0.0.1:7001", "http://localhost:7001/", "http://[::1]:7001"),
)

_KEY = re.compile(r"Credential=([^/,\s]+)/")


class Place(NamedTuple):
    """An account at a service: what its vaults are of."""

    service: int
    account: str


def service_of(url):
    """Return which service a URL leads to, however it is spelt."""
    name = urlsplit(url).hostname
    return next(
        number
        for number, urls in enumerate(URLS)
        if name in {urlsplit(each).hostname for each in urls}
    )


@dataclass
class Exchange:
    """A reply on its way, with all that a lie about it may need."""

    number: int  # of those that the running command has had, from 0
    place: Place
    operation: str
    params: dict
    response: wire.Response


@dataclass
class Stage:
    """The services; `spoil` is called with each Exchange of the tool, and may change its reply."""

    room: object
    owners: dict = field(default_factory=lambda: dict(zip(OWN_KEYS, ACCOUNTS, strict=True)))
    spoil: object = None

    def __post_init__(self):
        self.owners[ASSUMED] = ACCOUNTS[0]
        self._engines = {}
        self._others = {}
        self._session = _Session(self)
        self.begin()
        for service in range(len(URLS)):
            self.engine(Place(service, ACCOUNTS[0])).timing = Timing.REAL

    def begin(self):
        """Count replies from 0 again: a command begins."""
        self._numbers = itertools.count()

    def engine(self, place):
        if place not in self._engines:
            root = self.room / f"service{place.service}"
            self._engines[place] = open_engine(root, account=place.account)
        return self._engines[place]

    def close(self):
        """Let go of what a forked process must not share."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()
        self._others.clear()

    def handle(self, url, request):
        """Answer the tool."""
        key = _KEY.search(request.headers["authorization"])[1]
        place = Place(service_of(url), self.owners[key])
        response = self.engine(place).handle(request)
        if self.spoil is not None:
            route = wire.route(request.method, request.target)
            number = next(self._numbers)
            name = route.operation.name
            self.spoil(Exchange(number, place, name, dict(route.uri), response))
        return response

    def session(self, **_):
        """Stand for `boto3.Session`: its clients ask this stage, by the environment's key."""
        SHARED.set_credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        return self._session

    def other(self, place):
        """Return boto3's client of another machine, which is told nothing but the truth."""
        if place not in self._others:
            client = SHARED.create_client(
                *("glacier", REGION),
                endpoint_url=URLS[place.service][0],
                aws_access_key_id="another machine's",
                aws_secret_access_key="another secret",
            )
            plug_in(client, self.engine(place).handle)
            self._others[place] = client
        return self._others[place]


class _Session(boto3.Session):
    """A session whose clients ask a stage."""

    def __init__(self, stage):
        super().__init__(botocore_session=SHARED, region_name=REGION)
        self._stage = stage

    def client(self, *names, **options):
        client = super().client(*names, **options)
        plug_in(client, partial(self._stage.handle, client.meta.endpoint_url))
        return client


#: One session for all clients: to make one takes longer than most commands.
SHARED = botocore.session.get_session()


def rows(engine, sql, *values):
    """Look into an engine's store: the truth, without the service's lag."""
    with engine.store.read() as db:
        return db.all(sql, *values)
