"""References: which archive a person means by a name, a date, an id or its beginning."""

from datetime import UTC, datetime, timedelta

import pytest

from glaciercli.errors import Conflict, NotFound
from glaciercli.hints import render

DAY = datetime(2013, 5, 1, tzinfo=UTC)


@pytest.fixture
def versions(catalog, scope, archive):
    for ident, name, hours in [
        ("AAAA1111", "a.txt", 0),
        ("AAAA2222", "a.txt", 24),
        ("-BBB3333", "b.txt", 0),
        ("CCCC4444", "me@home", 0),
        ("b.txt-id", "c.txt", 0),
    ]:
        born = DAY + timedelta(hours=hours)
        catalog.created(scope, archive(ident, name=name, created=born))
    return catalog


@pytest.mark.parametrize(
    ("reference", "want"),
    [
        ("b.txt", "-BBB3333"),
        ("a.txt@2013-05-01", "AAAA1111"),
        ("a.txt@2013-05-02T00:00:00Z", "AAAA2222"),
        ("a.txt@2013-05-02T00:00:00.000Z", "AAAA2222"),
        ("me@home", "CCCC4444"),
        ("me@home@2013", "CCCC4444"),
        ("-BBB", "-BBB3333"),
        ("AAAA2222", "AAAA2222"),
        ("AAAA2", "AAAA2222"),
        ("id:C", "CCCC4444"),
        ("id:b.txt", "b.txt-id"),
    ],
)
def test_references_that_name_one_archive(versions, scope, reference, want):
    assert versions.find(scope, "photos", reference).id == want
    assert versions.find(scope, None, reference).id == want


@pytest.mark.parametrize("reference", ["a.txt", "a.txt@2013", "AAAA", "id:AAAA"])
def test_an_ambiguous_reference_names_its_candidates(versions, scope, reference):
    with pytest.raises(Conflict, match="may be 2 archives") as caught:
        versions.find(scope, "photos", reference)

    assert "a.txt@2013-05-02T00:00:00Z id:AAAA2222" in caught.value.message
    assert "a.txt@2013-05-01T00:00:00Z id:AAAA1111" in caught.value.message


def test_a_name_in_two_vaults_asks_for_the_vault(catalog, scope, archive):
    catalog.created(scope, archive("a1", name="a", vault="x"))
    catalog.created(scope, archive("a2", name="a", vault="y"))

    with pytest.raises(Conflict) as caught:
        catalog.find(scope, None, "a")
    assert "--vault (x, y)" in render(caught.value.hint)
    assert catalog.find(scope, "y", "a").id == "a2"


@pytest.mark.parametrize(
    "reference", ["AAA", "CCCC4444x", "nothing", "", "a.txt@2014", "id:Z", "@"]
)
def test_a_reference_to_nothing(versions, scope, reference):
    with pytest.raises(NotFound, match="no archive"):
        versions.find(scope, "photos", reference)


def test_what_was_deleted_is_not_meant_by_its_name(versions, scope):
    versions.deleted(scope, "photos", "CCCC4444", DAY)

    with pytest.raises(NotFound, match="'me@home' of vault 'photos' is deleted"):
        versions.find(scope, "photos", "me@home")
    versions.deleted(scope, "photos", "AAAA1111", DAY)
    assert versions.find(scope, "photos", "a.txt").id == "AAAA2222"


@pytest.fixture
def nightly(catalog, scope, archive):
    """A hundred and fifty versions of one name."""
    catalog.created_all(
        scope,
        (archive(f"{n:04}", name="night", created=DAY + timedelta(n)) for n in range(150)),
    )
    return catalog


def test_an_old_version_of_many_is_found_by_its_date(nightly, scope):
    assert nightly.find(scope, "photos", "night@2013-05-03").id == "0002"


def test_versions_that_were_deleted_hide_no_older_one(nightly, scope):
    nightly.deletions(scope, "photos", [(f"{n:04}", DAY) for n in range(1, 150)])

    assert nightly.find(scope, "photos", "night").id == "0000"
    assert [each.id for each in nightly.versions(scope, "photos", "night")] == ["0000"]
    assert nightly.find(scope, "photos", "id:0").id == "0000"


@pytest.mark.parametrize("vault", ["photos", None])
@pytest.mark.parametrize("date", ["", "@2013-05-01"])
@pytest.mark.parametrize("name", ["Żółw.txt", "%C5%BB%C3%B3%C5%82w.txt"])
def test_a_name_that_boto_2_has_written_is_found_by_both_spellings(
    catalog, scope, archive, name, date, vault
):
    sent = "%C5%BB%C3%B3%C5%82w.txt"
    catalog.created(scope, archive("boto", description=sent, created=DAY))
    assert catalog.find(scope, vault, name + date).id == "boto"
    assert catalog.find(scope, vault, name + date).name == "Żółw.txt"

    # The very name comes first: a file may be called as boto 2 writes, or be kept so here.
    catalog.created(scope, archive("kept", name=sent, created=DAY))
    assert catalog.find(scope, vault, name + date).id == ("kept" if "%" in name else "boto")


def test_a_further_name_is_found_by_both_spellings(catalog, scope, archive):
    catalog.created(scope, archive("nas", name="a"))
    catalog.add_aliases(scope, "photos", [("b/Größe", "nas")])

    assert catalog.find(scope, "photos", "b/Gr%C3%B6%C3%9Fe").id == "nas"
