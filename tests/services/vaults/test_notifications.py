import pytest

from glaciercli.errors import NotFound, Refused
from glaciercli.services.vaults import notifications, vaults

TOPIC = "arn:aws:sns:us-east-1:000000000000:jobs"


def test_they_are_set_shown_and_deleted(client):
    vaults.create(client, "photos")
    given = notifications.set_(client, "photos", TOPIC, events=["ArchiveRetrievalCompleted"])

    assert notifications.show(client, "photos") == given
    assert notifications.delete(client, "photos") == given
    with pytest.raises(NotFound, match="has no notifications"):
        notifications.show(client, "photos")


def test_it_says_which_of_the_two_is_missing(client):
    with pytest.raises(NotFound, match="vault 'nope' does not exist"):
        notifications.show(client, "nope")


def test_a_topic_elsewhere_is_refused(client):
    vaults.create(client, "photos")

    with pytest.raises(Refused, match="local AWS region"):
        notifications.set_(client, "photos", TOPIC.replace("us-east-1", "eu-west-1"))
