from glaciercli.errors import Exit


def test_buying_says_the_price_and_asks(glacier):
    result = glacier("capacity", "purchase", exit=Exit.USAGE)

    assert "US dollars" in result.stderr
    assert glacier("capacity", "list", "--output", "json").json == []


def test_two_units_can_be_bought_and_no_third(glacier):
    bought = [glacier("capacity", "purchase", "-y", "--output", "json").json for _ in range(2)]

    listed = glacier("capacity", "list", "--output", "json").ids
    assert sorted(listed) == sorted(each["CapacityId"] for each in bought)
    glacier("capacity", "purchase", "-y", exit=Exit.REFUSED)
