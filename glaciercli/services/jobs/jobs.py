"""Jobs of a vault: asked for once, waited for, found again."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from glaciercli.catalog import descriptions
from glaciercli.clients.glacier import Client
from glaciercli.errors import AccessDenied, NotFound, NotReady, Refused, Unavailable
from glaciercli.hints import Command
from glaciercli.models import Job
from glaciercli.ranges import Span, format_range
from glaciercli.services.jobs import ids
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.tasks.waiting import Poll
from glaciercli.units import format_time_seconds

OWN_DESCRIPTION = "glaciercli "  # followed by a token, where the user gives no description
OUTPUT_LIFE = timedelta(hours=24)  # the service keeps an output at least this long
#: What the service promises of each tier; inventories take as long as standard retrievals.
USUAL_TIMES = {"Expedited": "1-5 minutes", "Standard": "3-5 hours", "Bulk": "5-12 hours"}
_FIRST_POLL = 2.0  # seconds; expedited jobs take a minute, and local ones none at all


def listing(client: Client, vault: str) -> Iterator[Job]:
    """Yield the vault's jobs that the service still knows, newest first.

    It forgets a job at least 24 hours after its end (API reference, ListJobs).
    """
    for item in client.pages("ListJobs", vaultName=vault):
        yield from_reply(item, vault)


def describe(client: Client, vault: str, job_id: str) -> Job:
    """Return the job as it is now; raises NotFound once the service has dropped it."""
    reply = client.call("DescribeJob", vaultName=vault, jobId=job_id)
    return from_reply(reply, vault)


def from_reply(reply: dict[str, Any], vault: str) -> Job:
    """Return the job of a reply, with the time until which its output is kept, if it has one."""
    job = Job.from_api(reply, vault=vault)
    if not job.succeeded or job.finished is None:
        return job
    return replace(job, kept_until=job.finished + OUTPUT_LIFE)


def show(client: Client, vault: str, reference: str) -> Job:
    """Return the job of an id or a unique beginning of one; raises NotFound or Conflict."""
    reference = reference.removeprefix("id:")
    if len(reference) >= ids.LENGTH:
        return describe(client, vault, reference)
    return ids.beginning_with(reference, listing(client, vault), noun="job", vault=vault)


def start(
    client: Client, vault: str, parameters: dict[str, Any], *, token: str | None = None
) -> Job:
    """Start a job and return it; one job, whatever happens to the reply.

    `parameters` are InitiateJob's. A job costs money, so a lost reply is not answered with a second
    request but with a search: for our token where the description is ours, for the same job made
    since where the user wrote it. Raises Refused for a description that Glacier does not take.
    """
    wanted = dict(parameters)
    wanted.setdefault("Description", OWN_DESCRIPTION + (token or secrets.token_hex(8)))
    # A user's text may be an earlier job's too: only one made from now on is meant.
    is_users = "Description" in parameters
    descriptions.require_storable(wanted["Description"])
    earlier = {job.id for job in listing(client, vault)} if is_users else set()

    def find() -> dict[str, Any] | None:
        for job in listing(client, vault):
            if job.description == wanted["Description"] and job.id not in earlier:
                return {"jobId": job.id}
        return None

    job_id = client.create("InitiateJob", find, vaultName=vault, jobParameters=wanted)["jobId"]
    try:
        return describe(client, vault, job_id)
    except (AccessDenied, NotFound, Unavailable) as error:
        show = Command("job", "show", job_id, "--vault", vault)
        raise error.but(hint=("the job is started, and paid for: ", show)) from error


def start_archive(
    client: Client,
    vault: str,
    archive_id: str,
    *,
    tier: str = "Standard",
    description: str | None = None,
    topic: str | None = None,
    range: Span | None = None,  # noqa: A002 - the field's own word
    token: str | None = None,
) -> Job:
    """Start the retrieval of an archive, or of [start, stop) of it, which is charged.

    A range begins and ends at whole MiB, or at the end of the archive (API reference, InitiateJob).
    `tier` says how long it takes, and what it costs. `token` names it, to find it after a lost
    reply. Raises NotFound where the service knows no such archive, Refused for a range or a policy
    that do not let it.
    """
    return start(
        client,
        vault,
        _given(
            Type="archive-retrieval",
            ArchiveId=archive_id,
            Tier=tier,
            Description=description,
            SNSTopic=topic,
            RetrievalByteRange=format_range(*range) if range else None,
        ),
        token=token,
    )


def start_inventory(
    client: Client,
    vault: str,
    *,
    format: str = "JSON",  # noqa: A002 - the field's own word
    description: str | None = None,
    topic: str | None = None,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
    limit: int | None = None,
    marker: str | None = None,
    token: str | None = None,
) -> Job:
    """Start the retrieval of the vault's last inventory, or of a slice of it.

    The service makes one about once a day, where something was written since (developer guide,
    "Vault inventory"), so the newest archives may not be in it. Dates are when archives were made.
    """
    slice_ = _given(
        StartDate=format_time_seconds(start_date) if start_date else None,
        EndDate=format_time_seconds(end_date) if end_date else None,
        Limit=str(limit) if limit else None,
        Marker=marker,
    )
    return start(
        client,
        vault,
        _given(
            Type="inventory-retrieval",
            Format=format,
            Description=description,
            SNSTopic=topic,
            InventoryRetrievalParameters=slice_ or None,
        ),
        token=token,
    )


def start_select(
    client: Client,
    vault: str,
    archive_id: str,
    *,
    expression: str,
    input_serialization: dict[str, Any],
    output_serialization: dict[str, Any],
    output_location: dict[str, Any],
    tier: str = "Standard",
    description: str | None = None,
) -> Job:
    """Start a query over an archive of CSV; its result goes to the output location."""
    return start(
        client,
        vault,
        _given(
            Type="select",
            ArchiveId=archive_id,
            Tier=tier,
            Description=description,
            SelectParameters={
                "Expression": expression,
                "ExpressionType": "SQL",
                "InputSerialization": input_serialization,
                "OutputSerialization": output_serialization,
            },
            OutputLocation=output_location,
        ),
    )


def wait(
    client: Client,
    vault: str,
    job_id: str,
    *,
    poll: Poll = Poll(),
    progress: Progress = NullProgress(),
) -> Job:
    """Return the job once it has succeeded; looks often at first, then at the poll's interval.

    Raises NotReady when the poll's time runs out, Refused when the job has failed, NotFound when
    the service does not know it any more.
    """
    pause = min(_FIRST_POLL, poll.interval)
    announced = False
    while True:
        job = describe(client, vault, job_id)
        if job.succeeded:
            return job
        if job.completed:
            raise Refused(f"job {job_id} failed: {job.status_message or 'no reason given'}")
        if not poll.left:
            raise NotReady(_still_running(job), hint="run the same command again later")
        if not announced:
            progress.note(f"{_still_running(job)}; waiting")
            announced = True
        # The event is set by a signal, so that a wait of hours ends at once, in a worker as well.
        if client.pace.stop.wait(min(pause, poll.left)):
            raise NotReady(_still_running(job))
        pause = min(pause * 2, poll.interval)


def _still_running(job: Job) -> str:
    tier = job.tier or "Standard"
    kind = "inventory" if job.action == "InventoryRetrieval" else tier.lower()
    return (
        f"job {job.id[:12]}… of vault {job.vault!r} is in progress;"
        f" {kind} jobs usually take {USUAL_TIMES.get(tier, 'hours')}"
    )


def _given(**parameters: Any) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}
