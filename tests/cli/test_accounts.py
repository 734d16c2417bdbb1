"""Two accounts behind one profile and one endpoint: nothing of one is concluded of the other.

The same credentials may be of another account tomorrow, and a rehearsal may take the service's
place; only the account in a reply's own ARN says whose vault it is.
"""

import json
import os
from contextlib import contextmanager
from datetime import timedelta

import boto3
import pytest
from helpers import payload, run, write

from glaciercli.errors import Exit
from glaciercli.local.engine import open_engine
from glaciercli.local.http.server import Server

NAMES = ("a.bin", "b.bin")
A, B, C = "111111111111", "222222222222", "333333333333"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A port on which the engines of several accounts listen, one at a time."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    engines = {}
    port = 0

    @contextmanager
    def answering(account):
        nonlocal port
        if account not in engines:
            engines[account] = open_engine(tmp_path / account, account=account)
        with Server(engines[account], port=port) as server:
            port = server.port
            monkeypatch.setenv("GLACIER_ENDPOINT_URL", server.url)
            yield engines[account]

    yield answering
    for each in engines.values():
        each.close()


@pytest.fixture
def files(tmp_path):
    return [write(tmp_path / name, payload(9, seed)) for seed, name in enumerate(NAMES)]


@pytest.fixture
def photos(place, files):
    """The vault of account A, with two archives that are known here."""
    with place(A):
        run("vault", "create", "photos")
        run("upload", *files, "-V", "photos", "-q")
        return run("archive", "list", "-V", "photos", "--output", "json").ids


def deletions(engine):
    return engine.log.count("DeleteArchive") + engine.log.count("DeleteVault")


def listed(*flags):
    found = run("archive", "list", "-V", "photos", *flags, "--output", "json").json
    return {each["name"]: each["status"] for each in found}


@pytest.mark.parametrize("words", [("catalog", "sync", "photos"), ("vault", "inventory", "photos")])
def test_that_another_account_has_no_such_vault_says_nothing_of_this_one(
    place, photos, tmp_path, words
):
    with place(B):
        run("vault", "create", "films")
        told = run(*words, exit=Exit.NOT_FOUND)
    assert f"vault 'photos' is not in account {B}; it is known of account {A}" in told.stderr

    with place(A):
        run("vault", "inventory", "photos", "-q")
        assert listed() == {"a.bin": "seen", "b.bin": "seen"}
        run("archive", "download", "--to", tmp_path / "back", "-V", "photos", "--yes")
    assert {each.name for each in (tmp_path / "back").iterdir()} == {"a.bin", "b.bin"}


def test_an_account_without_any_vault_says_nothing_either(place, photos):
    with place(B):
        run("catalog", "sync", "photos", exit=Exit.NOT_FOUND)
        run("catalog", "sync")
        run("catalog", "verify")
    with place(A):
        run("vault", "inventory", "photos", "-q")
        assert listed() == {"a.bin": "seen", "b.bin": "seen"}


NO_WORD = {"code": "ResourceNotFoundException", "status": 404, "message": "Not Found"}


def test_nothing_is_concluded_where_nothing_tells_which_account_answers(place, photos):
    """A service of another make names no ARN in its refusals, and has no vault to ask."""
    with place(B) as engine:
        fault = engine.faults.add("DescribeVault", kind="status", times=2, **NO_WORD)
        told = run("catalog", "sync", "photos", exit=Exit.NOT_FOUND)
        assert "nothing tells which account answers" in told.stderr
        assert "--account-id" in told.stderr
        told = run("catalog", "sync", exit=Exit.NOT_FOUND)
        assert "is not there, and nothing tells" in told.stderr
        assert engine.faults.delivered(fault) == 2
    with place(A):
        assert listed() == {"a.bin": "new", "b.bin": "new"}


def test_an_account_that_was_named_is_the_one_that_answers(place, photos):
    with place(A) as engine:
        fault = engine.faults.add("DescribeVault", kind="status", **NO_WORD)
        run("catalog", "sync", "photos", "--account-id", A, exit=Exit.NOT_FOUND)
        assert engine.faults.delivered(fault) == 1
        assert listed("--state", "gone") == {"a.bin": "gone", "b.bin": "gone"}


def test_other_vaults_tell_which_account_answers(place, photos):
    with place(B) as engine:
        run("vault", "create", "films")
        fault = engine.faults.add("DescribeVault", kind="status", **NO_WORD)
        told = run("catalog", "sync", "photos", exit=Exit.NOT_FOUND)
        assert engine.faults.delivered(fault) == 1
    assert f"not in account {B}" in told.stderr


def test_a_vault_that_is_gone_is_told_apart_from_what_was_deleted(place, photos, tmp_path):
    with place(A) as engine:
        run("archive", "delete", "b.bin", "-V", "photos", "--yes")
        client = other_machine()
        client.delete_archive(vaultName="photos", archiveId=photos[1])
        client.delete_vault(vaultName="photos")
        told = run("catalog", "sync", "photos", exit=Exit.NOT_FOUND)
        assert (
            f"of account {A} is not there any more; known in it, and gone with it: 1" in told.stderr
        )
        assert listed() == {}
        states = listed("--state", "gone", "--state", "deleted")
        assert states == {"a.bin": "gone", "b.bin": "deleted"}
        empty = run("archive", "list", "-V", "photos")
        assert "left out: 1 gone, 1 deleted" in empty.stderr
        one = run("archive", "download", "a.bin", "-V", "photos", exit=Exit.NOT_FOUND)
        assert "is gone with its vault" in one.stderr
        many = run(
            "archive", "download", "--to", tmp_path / "x", "-V", "photos", exit=Exit.NOT_FOUND
        )
        assert "known here but those left out: 1 gone, 1 deleted" in many.stderr
        assert engine.log.count("InitiateJob") == 0


def test_a_restore_says_what_it_leaves_out(place, photos, tmp_path):
    with place(A):
        run("archive", "delete", "b.bin", "-V", "photos", "--yes")
        restored = run("archive", "download", "--to", tmp_path / "x", "-V", "photos", "--yes")
        plan = run(
            *("archive", "download", "--to", tmp_path / "y", "-V", "photos", "--dry-run"),
            *("--output", "json"),
        )

    assert "left out: 1 deleted; to see them: glacier archive list" in restored.stderr
    assert "left out: 1 deleted" in restored.stdout
    assert plan.json["leftOut"] == {"deleted": 1}


def test_a_vault_that_is_there_again_has_its_archives(place, photos):
    """A proxy or a moment of the service's may have answered 404."""
    with place(A) as engine:
        engine.faults.add(
            "DescribeVault",
            kind="status",
            code="ResourceNotFoundException",
            status=404,
            message=f"Vault not found for ARN: arn:aws:glacier:us-east-1:{A}:vaults/photos",
        )
        run("catalog", "sync", "photos", exit=Exit.NOT_FOUND)
        assert listed() == {}
        again = run("vault", "inventory", "photos")

        assert "vault 'photos' is there again; not taken to be gone any more: 2" in again.stderr
        assert listed() == {"a.bin": "seen", "b.bin": "seen"}


def test_a_vault_that_was_made_anew_elsewhere_has_nothing_of_the_old_one(place, photos):
    with place(A):
        run("vault", "inventory", "photos", "-q")
        remade().upload_archive(vaultName="photos", body=b"new")
        verified = run("catalog", "verify", exit=None)
        assert "of an earlier vault of that name, and gone with it: 2" in verified.stderr
        assert listed() == {}
        synced = run("vault", "inventory", "photos", "--output", "json").json
        assert (synced["archives"], synced["gone"]) == (1, 2)
        told = run("catalog", "verify", "photos", exit=Exit.INTEGRITY)
        assert "2 missing (" in told.stderr


@pytest.mark.parametrize("vault_there", [True, False])
def test_deleting_with_another_accounts_credentials_deletes_nothing(place, photos, vault_there):
    with place(B) as engine:
        run("vault", "create", "photos" if vault_there else "films")
        run("archive", "delete", "a.bin", "-V", "photos", "--yes", exit=Exit.NOT_FOUND)
        assert deletions(engine) == 0
    with place(A):
        run("vault", "inventory", "photos", "-q")
        assert listed() == {"a.bin": "seen", "b.bin": "seen"}


def test_a_deletion_by_a_whole_id_is_recorded_of_the_account_that_took_it(place, photos):
    """The service answers 204 to any id, its own account's or not."""
    with place(B) as engine:
        run("vault", "create", "photos")
        engine.log.clear()
        run("archive", "delete", *photos, "-V", "photos", "--yes")
        assert engine.log.count("DeleteArchive") == 2
        assert engine.log.count("DescribeVault") == 2  # whose it is: for the plan, for the run
    with place(A):
        run("vault", "inventory", "photos", "-q")
        assert listed() == {"a.bin": "seen", "b.bin": "seen"}


def test_emptying_empties_the_vault_of_the_account_that_answers(place, photos):
    with place(B) as engine:
        run("vault", "create", "photos")
        emptied = run("vault", "empty", "photos", "--yes", "--output", "json")
        assert f"these credentials are of account {B}, and were of {A}" in emptied.stderr
        assert emptied.json["deletedArchives"] == deletions(engine) == 0
    with place(A):
        assert (
            run("vault", "empty", "photos", "--yes", "--output", "json").json["deletedArchives"]
            == 2
        )


def test_a_vault_that_another_account_never_had_was_not_emptied(place, photos):
    words = ("vault", "empty", "photos", "--delete-vault", "--yes")
    with place(A) as engine:
        run(*words)
        assert deletions(engine) == 3
        again = run(*words, "--output", "json")  # as after a run that could not tell of its end
        assert (again.json["vaultDeleted"], again.json["deletedArchives"]) == (True, 0)
    with place(C):
        assert f"not in account {C}" not in run(*words, exit=Exit.NOT_FOUND).stderr
        run("vault", "delete", "photos", "--yes", exit=Exit.NOT_FOUND)


def test_a_vault_that_was_deleted_elsewhere_was_not_emptied_here(place, photos):
    with place(A):
        client = other_machine()
        for each in photos:
            client.delete_archive(vaultName="photos", archiveId=each)
        client.delete_vault(vaultName="photos")
        run("vault", "empty", "photos", "--delete-vault", "--yes", exit=Exit.NOT_FOUND)
        assert listed("--state", "gone") == {"a.bin": "gone", "b.bin": "gone"}


def test_an_upload_is_recorded_of_the_account_that_stored_it(place, photos, files):
    with place(B):
        run("vault", "create", "photos")
        run("upload", files[0], "-V", "photos", "-q")
        assert listed() == {"a.bin": "new"}
    with place(A):
        run("vault", "inventory", "photos", "-q")
        assert listed() == {"a.bin": "seen", "b.bin": "seen"}


def test_an_inventory_days_after_a_deletion_brings_back_what_it_lists(place, photos, tmp_path):
    with place(A) as engine:
        known = [json.loads(line) for line in run("catalog", "export").lines]
        lines = [json.dumps({**each, "deletionDate": "2020-01-01T00:00:00Z"}) for each in known]
        run("catalog", "import", write(tmp_path / "stale.jsonl", "\n".join(lines).encode()))
        assert listed() == {}
        synced = run("vault", "inventory", "photos", "--output", "json")
        assert synced.json["deletedButListed"] == 2
        assert "they are in the vault: 2" in synced.stderr
        assert listed() == {"a.bin": "seen", "b.bin": "seen"}

        run("archive", "delete", "b.bin", "-V", "photos", "--yes")
        run("vault", "inventory", "photos", "-q")
        assert listed() == {"a.bin": "seen"}
        assert engine.log.count("DeleteArchive") == 1


def test_an_empty_listing_tells_of_which_account_it_is(place, photos):
    with place(B):
        run("vault", "create", "photos")
        run("vault", "show", "photos")
        told = run("archive", "list", "-V", "photos", "--output", "table")
        assert f"are known here of account {B}, but of {A};" in told.stderr


def test_an_open_upload_of_another_account_has_not_expired(place, photos, tmp_path):
    big = write(tmp_path / "big.bin", payload(3 << 20, 7))
    words = ("upload", big, "-V", "photos", "--part-size", "1MiB", "--workers", "1")
    with place(A):
        run(*words, "--max-requests", "3", exit=Exit.REFUSED)
    with place(B) as engine:
        run("vault", "create", "photos")
        told = run(*words, exit=Exit.CONFLICT)
        assert f"begun in account {A}, and these credentials are of account {B}" in told.stderr
        assert engine.log.count("InitiateMultipartUpload") == 0
    with place(A) as engine:
        engine.log.clear()
        run(*words)
        assert engine.log.count("InitiateMultipartUpload") == 0


@pytest.mark.parametrize("is_whole", [True, False])
def test_an_upload_of_another_account_is_left_there_where_that_is_wanted(
    place, photos, tmp_path, is_whole
):
    """Else a file could never be stored here once its profile is another account's."""
    big = write(tmp_path / "big.bin", payload(3 << 20, 7))
    words = ("upload", big, "-V", "photos", "--part-size", "1MiB", "--workers", "1")
    with place(A) as engine:
        if is_whole:
            engine.faults.drop("CompleteMultipartUpload", applied=True, times=99)
            run(*words, "--timeout", "0.2s", exit=Exit.UNAVAILABLE)
            engine.faults.clear()
        else:
            run(*words, "--max-requests", "3", exit=Exit.REFUSED)
    with place(B) as engine:
        run("vault", "create", "photos")
        told = run(*words, exit=Exit.CONFLICT)
        assert f"glacier upload {big} --vault photos --again" in told.stderr
        told = run(*words, "--again")
        assert f"the upload of big.bin in account {A} is left as it is" in told.stderr
        assert listed() == {"big.bin": "new"}
    with place(A):
        assert len(run("upload", "list", "-V", "photos", "--output", "json").json) == (not is_whole)


def test_an_audit_by_name_is_of_the_account_that_answers(place, photos):
    with place(A):
        run("vault", "inventory", "photos", "-q")
    with place(B):
        told = run("catalog", "verify", "photos", exit=Exit.NOT_FOUND)
        assert f"not in account {B}; it is known of account {A}" in told.stderr
        run("vault", "create", "photos")
        run("catalog", "verify", "photos", exit=Exit.NOT_READY)
    with place(A):
        assert run("catalog", "verify", "photos", "--output", "json").json[0]["archives"] == 2


def test_an_audit_by_name_sees_that_a_vault_was_made_anew(place, photos):
    with place(A):
        run("vault", "inventory", "photos", "-q")
        remade()
        told = run("catalog", "verify", "photos", exit=Exit.NOT_READY)
        assert "of an earlier vault of that name, and gone with it: 2" in told.stderr
        assert listed() == {}


def test_a_tree_is_restored_from_the_account_that_answers(place, photos, tmp_path):
    """What lies there of another account's vault is not what was asked for."""
    with place(B):
        run("vault", "create", "photos")
        run("upload", write(tmp_path / "c.bin", b"c"), "-V", "photos", "-q")
        run("archive", "download", "--to", tmp_path / "back", "-V", "photos", "--yes")
    with place(A):
        restored = run("archive", "download", "--to", tmp_path / "back", "-V", "photos", "--yes")
        assert f"these credentials are of account {A}, and were of {B}" in restored.stderr
    assert {each.name for each in (tmp_path / "back").iterdir()} == {"a.bin", "b.bin", "c.bin"}


@pytest.mark.parametrize("has_vault", [True, False])
def test_an_open_upload_of_another_account_outlives_a_change_of_its_file(
    place, photos, tmp_path, has_vault
):
    big = write(tmp_path / "big.bin", payload(3 << 20, 7))
    words = ("upload", big, "-V", "photos", "--part-size", "1MiB", "--workers", "1")
    with place(A):
        run(*words, "--max-requests", "3", exit=Exit.REFUSED)
    write(big, payload(3 << 20, 8))
    with place(B) as engine:
        if has_vault:
            run("vault", "create", "photos")
        told = run(*words, exit=Exit.CONFLICT)
        assert f"begun in account {A}, and these credentials are of account {B}" in told.stderr
        assert engine.log.count("InitiateMultipartUpload") == 0
    with place(A) as engine:
        engine.log.clear()
        run(*words)
        assert engine.log.count("AbortMultipartUpload") == 1


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_part_of_an_inventory_from_a_file_makes_nothing_missing(place, photos, tmp_path, form):
    with place(A) as engine:
        engine.clock.freeze()
        for day in (5, 6):
            engine.clock.advance(timedelta(days=day))
            job = run(
                *("job", "start", "inventory", "-V", "photos", "--format", form, "--limit", "1"),
                *("--output", "json"),
            ).json["JobId"]
            part = tmp_path / f"{day}.{form}"
            run("job", "output", job, part, "-V", "photos")
            told = run("catalog", "import", part, "-V", "photos")
            assert "taken for what it lists, not for all there is" in told.stdout + told.stderr

        assert set(listed().values()) == {"seen", "new"}
        run("archive", "download", "--to", tmp_path / "back", "-V", "photos", "--yes")
    assert {each.name for each in (tmp_path / "back").iterdir()} == {"a.bin", "b.bin"}


def other_machine():
    """Return a client that knows nothing of this machine's catalog."""
    return boto3.client("glacier", "us-east-1", endpoint_url=os.environ["GLACIER_ENDPOINT_URL"])


def remade():
    """Let another machine empty the vault, delete it and make it anew; return its client."""
    client = other_machine()
    for each in run("archive", "list", "-V", "photos", "--output", "json").ids:
        client.delete_archive(vaultName="photos", archiveId=each)
    client.delete_vault(vaultName="photos")
    client.create_vault(vaultName="photos")
    return client
