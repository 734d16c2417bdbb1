"""Histories that once led to a wrong word, as short as they could be made."""

import pytest
from worlds.lies import Impostor
from worlds.moves.listing import Import, Sync, Verify
from worlds.moves.others import Again, DeleteElsewhere, Go, RemakeElsewhere, Wait
from worlds.moves.removing import Delete, Empty
from worlds.moves.retrieving import Download, Output, Restore, Sample
from worlds.moves.sending import Change, Stream, Upload
from worlds.world import Kill, Lose

_FIRST = Go(account=0, own_key=False)
_SECOND = Go(account=1, own_key=False)  # by the same key
_LOST = Lose(2, applied=True, times=9)  # the reply to the completion
_NOT_SENT = Lose(2, applied=False, times=9)

HISTORIES = {
    "other bytes than the job says": [Upload(), Download(accident=Impostor("honest"))],
    "other bytes of a job": [Upload(), Output(accident=Impostor("absent"))],
    "other bytes in a sample": [Upload(), Sample(accident=Impostor("wrong"))],
    "other bytes in a file": [Upload(), Download(accident=Impostor("true"))],
    "other bytes whose whole hash is not told": [Upload(), Download(accident=Impostor("absent"))],
    "other bytes on stdout": [Upload(), Download(to="stdout", accident=Impostor("absent"))],
    "other bytes in a tree": [Upload(), Restore(accident=Impostor("true"))],
    "an account that has no such vault": [
        *(_FIRST, Upload(vault=1), _SECOND, Sync(vault=1)),
        *(_FIRST, Restore(vault=1)),
    ],
    "an upload stored, killed and deleted": [
        Upload(accident=Kill(70)),
        Delete(),
        Again(),
        Upload(),
    ],
    "an upload whose reply was lost, listed, and emptied away": [
        *(Upload(accident=_LOST), Wait(30), Sync(), Empty(), Upload()),
    ],
    "a deleted archive that is verified": [Upload(), Sync(), Delete(), Verify()],
    "a missing archive that is verified": [
        *(Upload(), Sync(), Wait(30), Sync(), DeleteElsewhere(), Wait(100), Sync(), Verify()),
    ],
    "a file that changed and kept its time": [
        *(Upload(accident=_LOST), Change(keep_time=True), Upload()),
    ],
    "a vault emptied in another account": [
        *(_FIRST, Upload(vault=1), Empty(vault=1, delete_vault=True)),
        *(_SECOND, Empty(vault=1, delete_vault=True)),
    ],
    "an archive deleted in another account": [_FIRST, Upload(), _SECOND, Delete(name="a.bin")],
    "one endpoint spelt twice": [
        *(Go(service=1), Upload(), Go(service=1, spelling=1), Upload()),
        *(Go(service=1, spelling=2), Delete()),
    ],
    "a part of an inventory": [
        *(Upload(), Wait(100), Upload(file=1), Wait(30), Import(part="after")),
    ],
    "a part of an inventory as CSV": [
        *(Upload(), Wait(100), Upload(file=1), Wait(30), Import(part="after", form="csv")),
    ],
    "a file that changed before its upload ended": [Upload(how="two requests"), Change(), Upload()],
    "a vault made anew": [Upload(), Wait(100), RemakeElsewhere(), Sync()],
    "a stream whose reply was lost": [Stream(accident=_LOST), Stream()],
}

#: These show what is wrong only when all has come to rest.
TO_REST = {
    "an upload lost in an unchanged vault": [
        *(Upload(), Wait(30), Upload(file=1, accident=_NOT_SENT), Wait(100)),
    ],
    "an upload lost before its vault was made anew": [Upload(accident=_LOST), RemakeElsewhere()],
    "an equal archive that is gone": [Upload(), DeleteElsewhere()],
}


@pytest.mark.parametrize("name", HISTORIES)
def test_what_is_said_is_so_in(name, play):
    play(HISTORIES[name], to_rest=False)


@pytest.mark.parametrize("name", TO_REST)
def test_all_comes_to_rest_after(name, play):
    play(TO_REST[name])
