import json

from glaciercli.local import rules


def test_a_marker_of_an_older_version_still_leads_on(call, engine):
    """It does not say of when the inventory is that it walks; so the newest one's date is given."""
    call.vault()
    made = [call.archive(b"x").headers["x-amz-archive-id"] for _ in range(2)]
    with engine.store.read() as db:
        vault = db.get("SELECT * FROM vaults")
        born = db.get("SELECT min(born) AS first FROM archives")["first"]
    old = rules.encode_marker("inventory", vault["number"], vault["writes"], born)
    parameters = {
        "Type": "inventory-retrieval",
        "InventoryRetrievalParameters": {"Marker": old},
    }

    reply = call("POST", "/-/vaults/v/jobs", json.dumps(parameters).encode())
    output = call("GET", f"/-/vaults/v/jobs/{reply.headers['x-amz-job-id']}/output").json

    assert [each["ArchiveId"] for each in output["ArchiveList"]] == made[1:]


def test_a_marker_with_an_impossible_date_is_refused(call, engine):
    call.vault()
    for date in (-1, 1 << 60):
        marker = rules.encode_marker("inventory", 1, 0, 0, date)
        parameters = {
            "Type": "inventory-retrieval",
            "InventoryRetrievalParameters": {"Marker": marker},
        }

        reply = call("POST", "/-/vaults/v/jobs", json.dumps(parameters).encode(), status=400)

        assert reply.json["message"] == f"Invalid marker: {marker}"
