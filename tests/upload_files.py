"""The file that the tests of uploads send, and a service that stops them."""

from helpers import payload

from glaciercli.units import MIB

PARTS = 5
DATA = payload(4 * MIB + 777)


def open_uploads(client, vault):
    return [
        item["MultipartUploadId"] for item in client.pages("ListMultipartUploads", vaultName=vault)
    ]


def stop_after_parts(engine, count, operation="UploadMultipartPart"):
    """Have the service refuse for good after some parts, as a stopped run would leave it."""
    return engine.faults.add(
        operation, kind="status", code="AccessDeniedException", status=403, skip=count, times=99
    )
