from glaciercli.services.vaults import tags, vaults


def test_ten_tags_go_into_one_request(client, engine):
    vaults.create(client, "photos")
    wanted = {f"k{number:02d}": "v" for number in range(25)}

    assert [tag.key for tag in tags.add(client, "photos", wanted)] == list(wanted)
    assert engine.log.count("AddTagsToVault") == 3
    assert tags.remove(client, "photos", [*wanted, "absent"]) == []
