import pytest
from helpers import payload

from glaciercli.errors import Exit

FILES = {"2015/a.jpg": 5, "2015/b.jpg": 70, "2016/c.jpg": 900}


@pytest.fixture
def tree(glacier, client, vault, monkeypatch):
    """Archives whose names are paths, as another tool stored them, in the catalog of this one."""
    monkeypatch.setenv("GLACIER_VAULT", vault)
    for name, size in FILES.items():
        put(client, vault, name, payload(size))
    glacier("vault", "inventory")


def put(client, vault, name, body):
    return client.call("UploadArchive", vaultName=vault, archiveDescription=name, body=body)[
        "archiveId"
    ]


def sizes(root):
    found = {
        str(each.relative_to(root)): each.stat().st_size
        for each in root.rglob("*")
        if each.is_file()
    }
    assert all((root / name).read_bytes() == payload(size) for name, size in found.items())
    return found


def retrievals(glacier):
    jobs = glacier("job", "list", "--output", "json").json
    return [each["Tier"] for each in jobs if each["Action"] == "ArchiveRetrieval"]


def test_a_vault_comes_back_as_a_tree_and_not_twice(glacier, tree, tmp_path):
    words = ["archive", "download", "--to", tmp_path / "out", "--output", "json"]
    first = glacier(*words).json
    again = glacier(*words).json

    assert sizes(tmp_path / "out") == FILES
    assert (first["restored"], first["size"], first["alreadyThere"]) == (3, 975, 0)
    assert (again["restored"], again["alreadyThere"]) == (0, 3)
    assert len(retrievals(glacier)) == 3


def test_only_what_matches_is_restored(glacier, tree, tmp_path):
    words = ["archive", "download", "--to", tmp_path / "out", "--name", "2015/*"]
    result = glacier(*words, "--min-size", "6", "--tier", "bulk")

    assert sizes(tmp_path / "out") == {"2015/b.jpg": 70}
    assert retrievals(glacier) == ["Bulk"]
    proven = "and proven: 1 file, 70 B (1 against an inventory); there before: 0"
    assert result.lines == [f"restored to {tmp_path / 'out'} {proven}"]
    assert ": 1 archive, 70 B; Bulk" in result.stderr
    glacier(*words, "--before", "2012-01-01", exit=Exit.NOT_FOUND)


def test_a_dry_run_tells_count_bytes_tier_and_time_and_asks_for_nothing(glacier, tree, tmp_path):
    words = ["archive", "download", "--to", tmp_path / "out", "--dry-run", "--tier", "bulk"]
    plan = glacier(*words, "--output", "json").json

    assert (plan["archives"], plan["size"], plan["Tier"]) == (3, 975, "Bulk")
    assert glacier(*words).lines == [
        f"to retrieve into {tmp_path / 'out'}: 3 archives, 975 B; Bulk, usually 5-12 hours"
    ]
    assert retrievals(glacier) == []
    assert not (tmp_path / "out").exists()


def test_one_wait_serves_all_and_the_same_command_goes_on(glacier, tree, tmp_path):
    glacier("local", "clock", "--timing", "real")
    words = ["archive", "download", "--to", tmp_path / "out", "--no-wait"]

    assert "3 are not ready yet" in glacier(*words, exit=Exit.NOT_READY).stderr
    glacier("local", "clock", "advance", "6h")
    glacier(*words)

    assert sizes(tmp_path / "out") == FILES
    assert len(retrievals(glacier)) == 3


def test_what_cannot_be_restored_is_named_and_the_rest_is_there(
    glacier, tree, client, vault, tmp_path
):
    bad = put(client, vault, "../../escape", b"x")
    glacier("vault", "inventory")
    (tmp_path / "out" / "2016").mkdir(parents=True)
    (tmp_path / "out" / "2016" / "c.jpg").write_text("in the way")
    words = ["archive", "download", "--to", tmp_path / "out"]
    dry = glacier(*words, "--dry-run").stdout
    result = glacier(*words, "--output", "json", exit=Exit.PARTIAL)
    failed = result.error

    assert f"not {bad[:12]}…: '../../escape' leads out of the directory" in dry
    assert failed["message"] == "2 files restored; 2 of 4 failed"
    assert (result.json["restored"], result.json["failed"]) == (2, 2)
    assert len(retrievals(glacier)) == 2  # what has no place to go is not paid for
    reasons = {ident: each["message"] for ident, each in failed["failures"].items()}
    assert "leads out" in reasons.pop(bad)
    assert "2016/c.jpg" in next(iter(reasons.values()))
    assert (tmp_path / "out" / "2016" / "c.jpg").read_text() == "in the way"
    assert (tmp_path / "out" / "2015" / "a.jpg").read_bytes() == payload(5)
    assert not (tmp_path.parent / "escape").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.jpg", "--to", "out"], "--to restores whole archives"),
        (["--to", "out", "--range", "0-1MiB"], "--to restores whole archives"),
        (["a.jpg", "--dry-run"], "are for many: --to DIR"),
        (["a.jpg", "--name", "*"], "are for many: --to DIR"),
        ([], "no archive is named"),
    ],
)
def test_one_archive_and_many_are_not_mixed(glacier, tree, words, said):
    assert said in glacier("archive", "download", *words, exit=Exit.USAGE).stderr
