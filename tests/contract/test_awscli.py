"""The AWS CLI against the embedded engine: a client that is not ours, by its own commands."""

import json
import os
import shutil
import subprocess
from contextlib import closing

import pytest

from glaciercli.local.engine import OPERATIONS, open_engine
from glaciercli.local.http.server import Server
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB


@pytest.mark.slow
def test_the_aws_cli_can_do_every_operation(tmp_path):
    program = shutil.which("aws")
    if program is None:
        pytest.skip("the AWS CLI is not installed")
    engine = open_engine(tmp_path / "vaults")
    with closing(engine), Server(engine) as server:
        walk(program, server.url, tmp_path)

    assert {call.operation for call in engine.log.calls()} == set(OPERATIONS)


def walk(program, url, tmp_path):  # noqa: PLR0915 - one story
    (tmp_path / "part").write_bytes(b"p" * MIB)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "glacier:DeleteArchive",
                "Resource": "arn:aws:glacier:us-east-1:000000000000:vaults/v",
                "Condition": {"NumericLessThan": {"glacier:ArchiveAgeInDays": "1"}},
            }
        ],
    }
    (tmp_path / "policy.json").write_text(json.dumps({"Policy": json.dumps(policy)}))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }

    def aws(*words, fails=None):
        command = [program, "glacier", *words, "--account-id", "-", "--endpoint-url", url]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if fails:
            assert fails in done.stderr
            return None
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    v = ("--vault-name", "v")
    tree = tree_hash(b"p" * MIB)
    aws("create-vault", *v)
    assert aws("describe-vault", *v)["VaultName"] == "v"
    assert len(aws("list-vaults")["VaultList"]) == 1
    aws("add-tags-to-vault", *v, "--tags", "a=b,c=d")
    aws("remove-tags-from-vault", *v, "--tag-keys", "c")
    assert aws("list-tags-for-vault", *v) == {"Tags": {"a": "b"}}
    archive = aws("upload-archive", *v, "--body", "part")["archiveId"]
    aws("delete-archive", *v, f"--archive-id={archive}")
    archive = aws("upload-archive", *v, "--body", "part")["archiveId"]
    spare = aws("initiate-multipart-upload", *v, "--part-size", str(MIB))["uploadId"]
    aws("abort-multipart-upload", *v, f"--upload-id={spare}")
    upload = aws("initiate-multipart-upload", *v, "--part-size", str(MIB))["uploadId"]
    u = (*v, f"--upload-id={upload}")
    span = ("--range", f"bytes 0-{MIB - 1}/*")
    aws("upload-multipart-part", *u, "--body", "part", *span)
    assert aws("list-parts", *u)["Parts"][0]["SHA256TreeHash"] == tree
    assert len(aws("list-multipart-uploads", *v)["UploadsList"]) == 1
    aws("complete-multipart-upload", *u, "--archive-size", str(MIB), "--checksum", tree)
    retrieval = json.dumps({"Type": "archive-retrieval", "ArchiveId": archive})
    job = aws("initiate-job", *v, "--job-parameters", retrieval)["jobId"]
    assert aws("describe-job", *v, f"--job-id={job}")["Completed"] is True
    assert len(aws("list-jobs", *v)["JobList"]) == 1
    aws("get-job-output", *v, f"--job-id={job}", "out")
    assert (tmp_path / "out").read_bytes() == b"p" * MIB
    topic = "SNSTopic=arn:aws:sns:us-east-1:000000000000:t,Events=ArchiveRetrievalCompleted"
    aws("set-vault-notifications", *v, "--vault-notification-config", topic)
    assert aws("get-vault-notifications", *v)["vaultNotificationConfig"]["Events"]
    aws("delete-vault-notifications", *v)
    aws("set-vault-access-policy", *v, "--policy", "file://policy.json")
    assert json.loads(aws("get-vault-access-policy", *v)["policy"]["Policy"]) == policy
    aws("delete-archive", *v, f"--archive-id={archive}", fails="AccessDeniedException")
    aws("delete-vault-access-policy", *v)
    aws("initiate-vault-lock", *v, "--policy", "file://policy.json")
    assert aws("get-vault-lock", *v)["State"] == "InProgress"
    aws("abort-vault-lock", *v)
    lock = aws("initiate-vault-lock", *v, "--policy", "file://policy.json")["lockId"]
    aws("complete-vault-lock", *v, f"--lock-id={lock}")
    rule = '{"Rules":[{"Strategy":"BytesPerHour","BytesPerHour":1}]}'
    aws("set-data-retrieval-policy", "--policy", rule)
    assert aws("get-data-retrieval-policy")["Policy"]["Rules"][0]["BytesPerHour"] == 1
    aws("purchase-provisioned-capacity")
    assert len(aws("list-provisioned-capacity")["ProvisionedCapacityList"]) == 1
    aws("delete-vault", *v, fails="Vault not empty or recently written to")
