"""The access policy of a vault."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from glaciercli.errors import NotFound, Refused
from glaciercli.hints import Command
from glaciercli.iam import policy as iam
from glaciercli.models import Policy
from glaciercli.services.vaults import vaults

if TYPE_CHECKING:
    from glaciercli.clients.glacier import Client


def show(client: Client, vault: str) -> Policy:
    """Return the access policy of a vault; raises NotFound when it has none."""
    try:
        reply = client.call("GetVaultAccessPolicy", vaultName=vault)
    except NotFound as error:
        if error.is_vault:
            raise
        raise NotFound(
            f"vault {vault!r} has no access policy",
            hint=Command("policy", "set", vault, "POLICY.json"),
        ) from error
    return Policy(vault=vault, document=json.loads(reply["policy"]["Policy"]))


def set_(client: Client, vault: str, text: str) -> Policy:
    """Replace the access policy; raises Refused for one that `read` does not take."""
    policy = read(text, arn=vaults.show(client, vault).arn)
    client.call("SetVaultAccessPolicy", vaultName=vault, policy={"Policy": policy})
    return Policy(vault=vault, document=json.loads(policy))


def delete(client: Client, vault: str) -> Policy:
    """Delete the access policy and return what it was; raises NotFound when there is none."""
    policy = show(client, vault)
    client.call("DeleteVaultAccessPolicy", vaultName=vault)
    return policy


def read(text: str, *, arn: str) -> str:
    """Return the document, as JSON, that a text holds for the vault of `arn`.

    A file made for `aws glacier` holds it as a string. Raises Refused for what is no policy of
    Glacier, and for one of another vault: the service would store it, and it would protect nothing.
    """
    policy = iam.unwrap(text)
    try:
        iam.validate(policy)
    except ValueError as error:
        raise Refused(f"the policy is not one that Glacier takes: {error}") from error
    statements = json.loads(policy)["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        resources = statement.get("Resource", [])
        for resource in [resources] if isinstance(resources, str) else resources:
            if resource not in {arn, "*"}:
                raise Refused(
                    f"the policy is for {resource}, the vault is {arn}",
                    hint=f'write "Resource": "{arn}"',
                )
    return policy
