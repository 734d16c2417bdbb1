"""A job's output in a file: proven where it can be, told again until it was told."""

import io

import pytest
from helpers import RecordingProgress, payload

from glaciercli.errors import Conflict
from glaciercli.services.download import outputs
from glaciercli.services.jobs import jobs
from glaciercli.units import MIB

DATA = payload(37 * MIB + 777, seed=1)  # three ranges of 16 MiB


def beside(place):
    return sorted(each.name for each in place.parent.iterdir())


@pytest.mark.parametrize("as_stream", [False, True])
def test_bytes_that_cannot_be_proven_are_said_to_be_so(
    client, vault, archive, journals, place, as_stream
):
    span = (MIB, 3 * MIB)  # whole megabytes, and no node of the tree
    job = jobs.wait(client, vault, jobs.start_archive(client, vault, archive.id, range=span).id)
    stream, progress = io.BytesIO(), RecordingProgress()
    target = stream if as_stream else place
    proof = outputs.save(client, job, target, archive=archive, journals=journals, progress=progress)

    assert (stream.getvalue() if as_stream else place.read_bytes()) == DATA[slice(*span)]
    assert proof.witness is None
    assert any("cannot be proven" in each for each in progress.notes)


def test_the_output_of_an_inventory_job(client, vault, journals, archive, place):
    job = jobs.wait(client, vault, jobs.start_inventory(client, vault).id)
    outputs.save(client, job, place, archive=None, journals=journals)

    assert archive.id in place.read_text()
    assert beside(place) == ["restored.tar"]

    client.engine.log.clear()
    # Told again, and not refused.
    outputs.save(client, job, place, archive=None, journals=journals)
    assert client.engine.log.count() == 0

    outputs.acknowledge(client, job, place, journals=journals)
    assert not list((journals / "downloads").iterdir())
    with pytest.raises(Conflict, match="exists already"):
        outputs.save(client, job, place, archive=None, journals=journals)
