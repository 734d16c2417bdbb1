import pytest

from glaciercli.errors import LostReply, Refused
from glaciercli.hints import render
from glaciercli.models import Billable
from glaciercli.models.plans import agreed
from glaciercli.services.vaults import capacity


def test_a_unit_lasts_a_month(client):
    bought = capacity.purchase(client, capacity.plan(client), agreed)

    assert capacity.capacity(client) == [bought]
    assert 28 <= (bought.expires - bought.start).days <= 31


def test_a_third_unit_is_refused(client):
    capacity.purchase(client, capacity.plan(client), agreed)
    capacity.purchase(client, capacity.plan(client), agreed)

    with pytest.raises(Refused):
        capacity.purchase(client, capacity.plan(client), agreed)


def test_a_lost_reply_is_never_answered_with_a_second_purchase(client, engine):
    fault = engine.faults.drop("PurchaseProvisionedCapacity", applied=True)

    with pytest.raises(LostReply) as caught:
        capacity.purchase(client, capacity.plan(client), agreed)

    assert engine.faults.delivered(fault) == 1
    assert len(capacity.capacity(client)) == 1
    assert render(caught.value.hint).endswith("look first: glacier capacity list")


def test_a_unit_that_was_bought_is_told_though_the_list_of_them_is_refused(client, engine):
    fault = engine.faults.add(
        "ListProvisionedCapacity", kind="status", code="AccessDeniedException", status=403
    )
    bought = capacity.purchase(client, capacity.plan(client), agreed)

    assert engine.faults.delivered(fault) == 1
    assert [each.id for each in capacity.capacity(client)] == [bought.id]


def test_a_unit_is_bought_once_agreed_to(client):
    def refuse(plan):
        assert plan.billable == Billable(capacity_units=1)
        raise Refused("no")

    with pytest.raises(Refused, match="no"):
        capacity.purchase(client, capacity.plan(client), refuse)

    assert client.engine.log.count("PurchaseProvisionedCapacity") == 0
