"""Policies in the documentation are what IAM takes and what fleet-repl needs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.pages import Block, Page
from tests.support.registries import registry_of

import fleet_repl.aws.s3
from fleet_repl import connect, load_inventory
from fleet_repl.aws import Endpoint
from fleet_repl.ecr.policy import Owner, actions_for, grants_for, statements_for
from fleet_repl.sandbox import serve, world_of
from fleet_repl.sandbox.shapes import OPERATIONS
from fleet_repl.values.names import AccountId, Partition, Region, Registry, Secret

PULL: dict[str, Any] = {
    "Sid": "Pull",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "ecr:BatchGetImage",
    "Resource": "*",
}
"""What this does depends on the registry policy scope, which is then asked for."""
ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


@pytest.fixture(scope="module")
def policies(pages: dict[str, Page]) -> list[dict[str, Any]]:
    """The statements of each JSON document on the page, in order."""
    blocks = [block for block in pages["docs/permissions.md"].blocks if block.language == "json"]
    return [json.loads(block.text) for block in blocks]


def actions(policy: dict[str, Any]) -> set[str]:
    """Every action of a policy."""
    allowed: set[str] = set()
    for statement in policy["Statement"]:
        listed = statement["Action"]
        allowed |= {listed} if isinstance(listed, str) else set(listed)
    return allowed


def test_the_document_is_a_policy(json_block: Block) -> None:
    """It is JSON with the elements of a policy, and nothing misspelt."""
    policy = json.loads(json_block.text)
    assert set(policy) == {"Version", "Statement"}
    assert policy["Version"] == "2012-10-17"
    for statement in policy["Statement"]:
        assert set(statement) <= ELEMENTS
        assert {"Effect", "Action"} <= set(statement)
        assert {"Principal", "Resource"} & set(statement)
        assert statement["Effect"] in ("Allow", "Deny")


async def test_the_roles_policy_allows_exactly_the_calls_of_a_run(
    policies: list[dict[str, Any]], root: Path, tmp_path: Path
) -> None:
    """A fleet is set up and taken down again; no call is missing from the policy or unused."""
    text = (root / "inventories/patterns/hub-and-spoke.toml").read_text()
    whole, nothing = tmp_path / "whole.toml", tmp_path / "nothing.toml"
    whole.write_text(text)
    nothing.write_text("routes = []\n" + text[: text.index("[[routes]]")])
    inventory = load_inventory(whole)
    world = world_of(inventory)
    hub, spoke, *_ = (Registry(account.id, account.regions[0]) for account in inventory.accounts)
    world.set_policy(spoke, {"Version": "2012-10-17", "Statement": [PULL]})
    async with serve(world) as server:
        endpoint = Endpoint(
            url=server.url,
            access_key_id=server.access_key_id,
            secret_access_key=Secret(server.secret_access_key),
            region=Region(server.region),
        )
        for wanted in (inventory, load_inventory(nothing)):
            async with connect(wanted, endpoint=endpoint) as fleet:
                await fleet.apply(await fleet.plan(), force=True)
                world.push(hub, "base/app", "1")
                await fleet.verify()
    registry_calls = {f"ecr:{name}" for name in world.calls if name in OPERATIONS["ecr"]}
    assert actions(policies[0]) == registry_calls | {"iam:CreateServiceLinkedRole"}
    assert {name for name in world.calls if name in OPERATIONS["sts"]} == {
        "AssumeRole",
        "GetCallerIdentity",
    }


def test_the_policy_for_a_bucket_allows_exactly_the_calls_of_a_state(
    policies: list[dict[str, Any]],
) -> None:
    """Every operation on objects that the code has, by the name that IAM gives it."""
    source = Path(fleet_repl.aws.s3.__file__).read_text(encoding="utf-8")
    called = set(re.findall(r'self\._call\("(\w+)"', source))
    renamed = {"ListObjectsV2": "ListBucket"}
    assert actions(policies[3]) == {f"s3:{renamed.get(item, item)}" for item in called}
    on_objects, on_the_bucket = (policy["Resource"] for policy in policies[3]["Statement"])
    assert on_objects == f"{on_the_bucket}/prod/*"


def test_the_page_shows_the_statement_that_is_written(policies: list[dict[str, Any]]) -> None:
    """The grant of the fleet `prod` for one source and two prefixes, Sid and all."""
    destination = registry_of("3")
    needed = actions_for(create_repositories=True)
    grants = grants_for(AccountId("111111111111"), ("base/", "golden/"), needed)
    owner = Owner(fleet="prod", partition=Partition.AWS)
    assert policies[4]["Statement"] == list(statements_for(grants, owner, destination))


def test_the_guard_stops_others_from_what_the_role_writes(policies: list[dict[str, Any]]) -> None:
    """The service control policy denies every write of a run, and no read."""
    writes = {
        action for action in actions(policies[0]) if action.startswith(("ecr:Put", "ecr:Delete"))
    }
    assert actions(policies[5]) == writes
    (statement,) = policies[5]["Statement"]
    assert statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"].endswith("/fleet-replication")
