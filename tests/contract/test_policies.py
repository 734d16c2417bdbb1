import json

import pytest

ARN = "arn:aws:glacier:eu-central-1:000000000000:vaults/photos"
TOPIC = "arn:aws:sns:eu-central-1:000000000000:done"


def deny(action, **condition):
    """Return a policy that denies an action to everybody."""
    statement = {
        "Sid": "no",
        "Effect": "Deny",
        "Principal": "*",
        "Action": f"glacier:{action}",
        "Resource": ARN,
    }
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_notifications_are_set_shown_and_deleted(glacier, refused):
    missing = (
        404,
        "ResourceNotFoundException",
        "No notification configuration is set for vault: photos",
    )
    wanted = {"SNSTopic": TOPIC, "Events": ["ArchiveRetrievalCompleted"]}
    assert refused(glacier.get_vault_notifications) == missing
    glacier.set_vault_notifications(
        vaultNotificationConfig=wanted | {"Events": ["InventoryRetrievalCompleted"]}
    )
    got = glacier.set_vault_notifications(vaultNotificationConfig=wanted)

    assert got["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert glacier.get_vault_notifications()["vaultNotificationConfig"] == wanted
    for _ in range(2):
        glacier.delete_vault_notifications()
    assert refused(glacier.get_vault_notifications) == missing


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "MissingParameterValueException"),
        ({"SNSTopic": TOPIC}, "MissingParameterValueException"),
        ({"Events": ["ArchiveRetrievalCompleted"]}, "MissingParameterValueException"),
        ({"SNSTopic": TOPIC, "Events": ["Archive"]}, "InvalidParameterValueException"),
        (
            {"SNSTopic": "x", "Events": ["ArchiveRetrievalCompleted"]},
            "InvalidParameterValueException",
        ),
    ],
)
def test_bad_notifications_are_refused(glacier, refused, given, code):
    got = refused(glacier.set_vault_notifications, vaultNotificationConfig=given)

    assert got[:2] == (400, code)


def test_an_access_policy_is_kept_as_written(glacier, refused):
    missing = (404, "ResourceNotFoundException", "No vault access policy is set for: photos")
    document = deny("DeleteArchive").replace(",", " ,")
    assert refused(glacier.get_vault_access_policy) == missing
    glacier.set_vault_access_policy(policy={"Policy": deny("DeleteVault")})
    got = glacier.set_vault_access_policy(policy={"Policy": document})

    assert got["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert glacier.get_vault_access_policy()["policy"] == {"Policy": document}
    for _ in range(2):
        glacier.delete_vault_access_policy()
    assert refused(glacier.get_vault_access_policy) == missing


@pytest.mark.parametrize("operation", ["set_vault_access_policy", "initiate_vault_lock"])
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "MissingParameterValueException"),
        ({"policy": {}}, "MissingParameterValueException"),
        ({"policy": {"Policy": ""}}, "MissingParameterValueException"),
        ({"policy": {"Policy": "no JSON"}}, "InvalidParameterValueException"),
        ({"policy": {"Policy": deny("NoSuchAction")}}, "InvalidParameterValueException"),
        ({"policy": {"Policy": deny("X") + " " * 20_480}}, "InvalidParameterValueException"),
    ],
)
def test_a_bad_policy_is_refused(glacier, refused, operation, given, code):
    got = refused(getattr(glacier, operation), **given)

    assert got[:2] == (400, code)
    if code.startswith("Invalid"):
        kind = "lock" if operation == "initiate_vault_lock" else "access"
        assert got[2] == f"The specified vault {kind} policy is invalid. Provide a valid policy."


def test_the_reason_of_a_bad_policy_is_in_the_log(glacier, refused, caplog):
    caplog.set_level("INFO", logger="glaciercli.local")

    refused(glacier.initiate_vault_lock, policy={"Policy": deny("DeleteArchiv")})

    assert "Action 'glacier:DeleteArchiv' is no action of glacier" in caplog.text


def test_a_denied_action_is_refused_with_its_statement(glacier, refused):
    archive = glacier.upload_archive(body=b"x")["archiveId"]
    glacier.set_vault_access_policy(policy={"Policy": deny("Delete*")})

    got = refused(glacier.delete_archive, archiveId=archive)

    assert got[:2] == (403, "AccessDeniedException")
    assert f"is not authorized to perform: glacier:DeleteArchive on resource: {ARN}" in got[2]
    assert glacier.describe_vault()["NumberOfArchives"] == 1


def test_a_lock_denies_by_the_archives_age(glacier, refused, advance):
    rule = {"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}}
    glacier.initiate_vault_lock(policy={"Policy": deny("DeleteArchive", **rule)})
    lock = glacier.get_vault_lock()
    archive = glacier.upload_archive(body=b"x")["archiveId"]
    assert refused(glacier.delete_archive, archiveId=archive)[0] == 403
    glacier.abort_vault_lock()
    lock_id = glacier.initiate_vault_lock(policy={"Policy": lock["Policy"]})["lockId"]
    glacier.complete_vault_lock(lockId=lock_id)
    advance(days=364, hours=23)
    young = refused(glacier.delete_archive, archiveId=archive)
    advance(hours=1)
    glacier.delete_archive(archiveId=archive)

    assert young[:2] == (403, "AccessDeniedException")
    assert glacier.describe_vault()["NumberOfArchives"] == 0


def test_a_legal_hold_by_tag(glacier, refused):
    rule = {"StringLike": {"glacier:ResourceTag/LegalHold": ["true", ""]}}
    glacier.set_vault_access_policy(policy={"Policy": deny("DeleteArchive", **rule)})
    archive = glacier.upload_archive(body=b"x")["archiveId"]
    glacier.add_tags_to_vault(Tags={"LegalHold": "true"})
    held = refused(glacier.delete_archive, archiveId=archive)
    glacier.remove_tags_from_vault(TagKeys=["LegalHold"])
    glacier.delete_archive(archiveId=archive)

    assert held[0] == 403


def test_a_retrieval_can_be_denied_by_age(glacier, refused, advance):
    rule = {"NumericLessThan": {"glacier:ArchiveAgeInDays": "1"}}
    glacier.set_vault_access_policy(policy={"Policy": deny("InitiateJob", **rule)})
    archive = glacier.upload_archive(body=b"x")["archiveId"]
    job = {"jobParameters": {"Type": "archive-retrieval", "ArchiveId": archive}}

    young = refused(glacier.initiate_job, **job)
    advance(days=1)

    assert young[0] == 403
    assert glacier.initiate_job(**job)["jobId"]
    # An inventory job has no archive, hence no age, and a condition on it does not hold.
    assert glacier.initiate_job(jobParameters={"Type": "inventory-retrieval"})["jobId"]


def test_policies_come_before_parameters(glacier, refused):
    glacier.set_vault_access_policy(policy={"Policy": deny("UploadArchive")})

    assert refused(glacier.upload_archive, body=b"")[0] == 403


def test_a_denied_vault_stays_and_an_absent_one_is_no_matter(client, glacier, refused):
    glacier.set_vault_access_policy(policy={"Policy": deny("DeleteVault")})

    assert refused(glacier.delete_vault)[0] == 403
    client.delete_vault(vaultName="absent")


def test_no_policy_traps_the_owner_of_a_lock(glacier):
    glacier.initiate_vault_lock(policy={"Policy": deny("*")})

    glacier.get_vault_lock()
    glacier.abort_vault_lock()
    assert glacier.describe_vault()


def test_a_lock_goes_through_its_states(glacier, refused):
    policy = deny("DeleteArchive")
    none = (404, "ResourceNotFoundException", "No vault lock policy is set for: photos")
    assert refused(glacier.get_vault_lock) == none
    assert refused(glacier.complete_vault_lock, lockId="x") == none
    glacier.abort_vault_lock()

    begun = glacier.initiate_vault_lock(policy={"Policy": policy})

    assert begun["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert len(begun["lockId"]) == 24
    shown = glacier.get_vault_lock()
    del shown["ResponseMetadata"]
    assert shown == {
        "Policy": policy,
        "State": "InProgress",
        "CreationDate": "2026-01-31T12:30:15.678Z",
        "ExpirationDate": "2026-02-01T12:30:15.678Z",
    }
    assert refused(glacier.initiate_vault_lock, policy={"Policy": policy})[0] == 403
    wrong = refused(glacier.complete_vault_lock, lockId="wrong")
    assert wrong[:2] == (400, "InvalidParameterValueException")
    for _ in range(2):
        glacier.complete_vault_lock(lockId=begun["lockId"])
    locked = glacier.get_vault_lock()
    assert (locked["State"], locked.get("ExpirationDate")) == ("Locked", None)
    denied = (403, "AccessDeniedException")
    assert refused(glacier.complete_vault_lock, lockId="wrong")[:2] == denied
    assert refused(glacier.abort_vault_lock)[:2] == denied
    assert refused(glacier.initiate_vault_lock, policy={"Policy": policy})[:2] == denied


def test_a_lock_that_nobody_completes_runs_out(glacier, refused, advance):
    archive = glacier.upload_archive(body=b"x")["archiveId"]
    lock_id = glacier.initiate_vault_lock(policy={"Policy": deny("DeleteArchive")})["lockId"]
    advance(hours=24, milliseconds=-1)
    assert refused(glacier.delete_archive, archiveId=archive)[0] == 403
    advance(milliseconds=1)

    assert refused(glacier.get_vault_lock)[0] == 404
    assert refused(glacier.complete_vault_lock, lockId=lock_id)[0] == 404
    glacier.delete_archive(archiveId=archive)
    assert glacier.initiate_vault_lock(policy={"Policy": deny("DeleteArchive")})["lockId"]


def test_a_lock_does_not_stop_the_end_of_an_empty_vault(client, glacier, refused):
    lock_id = glacier.initiate_vault_lock(policy={"Policy": deny("DeleteArchive")})["lockId"]
    glacier.complete_vault_lock(lockId=lock_id)
    client.delete_vault(vaultName="photos")

    assert refused(glacier.describe_vault)[0] == 404


def test_tags_are_added_overwritten_and_removed(glacier):
    assert glacier.list_tags_for_vault()["Tags"] == {}
    glacier.add_tags_to_vault(Tags={"a": "1", "Größe x_./=+-@": ""})
    glacier.add_tags_to_vault(Tags={"a": "2"})
    assert glacier.list_tags_for_vault()["Tags"] == {"a": "2", "Größe x_./=+-@": ""}

    for _ in range(2):
        glacier.remove_tags_from_vault(TagKeys=["a", "never"])

    assert glacier.list_tags_for_vault()["Tags"] == {"Größe x_./=+-@": ""}


@pytest.mark.parametrize(
    "text",
    ["arn:aws:iam::1:root", "2026-01-31T23:59:59Z", "a/b = c+d-e@f_g.h", "½ Ⅳ 東京\xa0x", ":"],
)
def test_tags_hold_what_the_service_allows(glacier, text):
    """Letters, digits and blanks of all scripts, and `_ . : / = + - @`."""
    glacier.add_tags_to_vault(Tags={"k": text, f"k {text}": ""})

    assert glacier.list_tags_for_vault()["Tags"] == {"k": text, f"k {text}": ""}


@pytest.mark.parametrize(
    "tags",
    [
        {"": "x"},
        {"k" * 129: "x"},
        {"aws:x": "x"},
        {"k": "v" * 256},
        {"k": "a;b"},
        {"k": "a\nb"},
        {"k\u0301": "x"},
        {f"k{number}": "" for number in range(11)},
    ],
)
def test_bad_tags_are_refused(glacier, refused, tags):
    got = refused(glacier.add_tags_to_vault, Tags=tags)

    assert got[:2] == (400, "InvalidParameterValueException")
    assert glacier.list_tags_for_vault()["Tags"] == {}


def test_fifty_tags_are_the_limit_and_more_change_nothing(glacier, refused):
    for first in range(0, 50, 10):
        glacier.add_tags_to_vault(Tags={f"k{first + each}": "v" for each in range(10)})
    got = refused(glacier.add_tags_to_vault, Tags={"k0": "changed", "one": "more"})
    glacier.add_tags_to_vault(Tags={"k1": "changed"})

    text = (
        "The quota for the number of tags that can be assigned to this resource has been reached."
    )
    assert got == (400, "LimitExceededException", text)
    tags = glacier.list_tags_for_vault()["Tags"]
    assert (len(tags), tags["k0"], tags["k1"]) == (50, "v", "changed")


def test_tag_calls_need_their_tags(glacier, refused):
    expected = (400, "MissingParameterValueException")
    assert refused(glacier.add_tags_to_vault)[:2] == expected
    assert refused(glacier.remove_tags_from_vault)[:2] == expected
    many = [str(number) for number in range(11)]
    assert refused(glacier.remove_tags_from_vault, TagKeys=many)[0] == 400


def test_the_retrieval_policy_starts_without_a_limit(client):
    assert client.get_data_retrieval_policy()["Policy"] == {"Rules": [{"Strategy": "None"}]}


@pytest.mark.parametrize(
    "rule",
    [
        {"Strategy": "BytesPerHour", "BytesPerHour": 10_737_418_240},
        {"Strategy": "BytesPerHour", "BytesPerHour": (1 << 63) - 1},
        {"Strategy": "FreeTier"},
        {"Strategy": "None"},
    ],
)
def test_a_retrieval_policy_is_kept(client, connect, rule):
    got = client.set_data_retrieval_policy(Policy={"Rules": [rule]})

    assert got["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.get_data_retrieval_policy()["Policy"] == {"Rules": [rule]}
    elsewhere = connect(region="us-west-2").get_data_retrieval_policy()
    assert elsewhere["Policy"] == {"Rules": [{"Strategy": "None"}]}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "MissingParameterValueException"),
        ({"Policy": {}}, "MissingParameterValueException"),
        ({"Policy": {"Rules": [{}]}}, "MissingParameterValueException"),
        ({"Policy": {"Rules": [{"Strategy": "BytesPerHour"}]}}, "MissingParameterValueException"),
        ({"Policy": {"Rules": [{"Strategy": "Some"}]}}, "InvalidParameterValueException"),
        ({"Policy": {"Rules": [{"Strategy": "None"}] * 2}}, "InvalidParameterValueException"),
        (
            {"Policy": {"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 0}]}},
            "InvalidParameterValueException",
        ),
        (
            {"Policy": {"Rules": [{"Strategy": "FreeTier", "BytesPerHour": 1}]}},
            "InvalidParameterValueException",
        ),
    ],
)
def test_a_bad_retrieval_policy_is_refused(client, refused, given, code):
    assert refused(client.set_data_retrieval_policy, **given)[:2] == (400, code)


def test_two_units_of_capacity_for_a_month(client, refused, advance):
    first = client.purchase_provisioned_capacity()
    advance(days=1)
    second = client.purchase_provisioned_capacity()
    third = refused(client.purchase_provisioned_capacity)

    assert first["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert len(first["capacityId"]) == 24
    assert third[:2] == (400, "LimitExceededException")
    assert client.list_provisioned_capacity()["ProvisionedCapacityList"] == [
        {
            "CapacityId": first["capacityId"],
            "StartDate": "2026-01-31T12:30:15.678Z",
            "ExpirationDate": "2026-02-28T12:30:15.000Z",
        },
        {
            "CapacityId": second["capacityId"],
            "StartDate": "2026-02-01T12:30:15.678Z",
            "ExpirationDate": "2026-03-01T12:30:15.000Z",
        },
    ]
    advance(days=27)
    left = client.list_provisioned_capacity()["ProvisionedCapacityList"]
    assert [each["CapacityId"] for each in left] == [second["capacityId"]]
    assert client.purchase_provisioned_capacity()["capacityId"]
