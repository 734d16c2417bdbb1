"""What is really so: which bytes are in whose vault, and what this machine's user was told.

The services' stores are asked for the first, past the lag that the tool has to live with.
"""

import copy
from dataclasses import dataclass, field, replace

from worlds.stage import ACCOUNTS, URLS, Place, rows

from glaciercli.treehash import tree_hash

PLACES = tuple(Place(service, account) for service in range(len(URLS)) for account in ACCOUNTS)

_ARCHIVES = """
SELECT id, account, name, tree_hash, archives.created_at
FROM archives JOIN vaults ON vaults.number = vault WHERE died IS NULL
"""
_VAULTS = "SELECT account, name, writes, created_at FROM vaults"


@dataclass(frozen=True)
class Stored:
    """An archive that is or was in a vault."""

    id: str
    vault: str
    tree_hash: str
    created: int  # milliseconds since 1970, by the service
    is_there: bool = True


class Truth:
    """The archives and vaults of all places, since the beginning of the world."""

    def __init__(self, stage):
        self._stage = stage
        self.bytes = {}  # by tree hash: all that was ever written
        self.archives = {place: {} for place in PLACES}
        self.vaults = {
            place: {} for place in PLACES
        }  # those there: when each was made, by name  # those that are there: name -> number
        self.written = {place: set() for place in PLACES}  # those that have been written to
        self.past_vaults = {place: set() for place in PLACES}

    def keep(self, data):
        """Remember bytes that may become an archive; return their tree hash."""
        hashed = tree_hash(data)
        self.bytes[hashed] = data
        return hashed

    def look(self):
        """Take in what is there now; return the archives that are new, with their places."""
        new = []
        for service in range(len(URLS)):
            engine = self._stage.engine(Place(service, ACCOUNTS[0]))
            there = {place: {} for place in PLACES if place.service == service}
            for row in rows(engine, _ARCHIVES):
                found = Stored(
                    *(row["id"], row["name"], row["tree_hash"]),
                    row["created_at"],
                )
                there[Place(service, row["account"])][found.id] = found
            for place, found in there.items():
                known = self.archives[place]
                new += [(place, each) for ident, each in found.items() if ident not in known]
                gone = {i: replace(k, is_there=False) for i, k in known.items() if i not in found}
                self.archives[place] = {**gone, **found}
                self.vaults[place].clear()
                self.written[place].clear()
            for row in rows(engine, _VAULTS):
                place = Place(service, row["account"])
                self.vaults[place][row["name"]] = row["created_at"]
                self.past_vaults[place].add(row["name"])
                if row["writes"]:
                    self.written[place].add(row["name"])
        return new

    def content(self, place, ident):
        """Return the bytes under which an archive was stored."""
        return self.bytes[self.archives[place][ident].tree_hash]

    def is_there(self, place, ident):
        found = self.archives[place].get(ident)
        return found is not None and found.is_there


@dataclass(frozen=True)
class Pending:
    """An archive that the tool has made and not told of: its run was cut short."""

    place: Place
    vault: str
    name: str
    id: str


@dataclass
class Told:
    """What the machine's state must know, for its user was told so."""

    #: By place: archives told to be stored here, or listed, with the name that each has.
    known: dict = field(default_factory=lambda: {place: {} for place in PLACES})
    #: Those told to be deleted by the user's own command.
    deleted: dict = field(default_factory=lambda: {place: set() for place in PLACES})
    pending: list = field(default_factory=list)
    #: The last upload of a file to a vault: (id, bytes, time of change), by place, vault and name.
    sent: dict = field(default_factory=dict)

    def copy(self):
        return copy.deepcopy(self)
