"""The statements of a role follow from what its inventory uses, and no more than that."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from tests.support.drawn_inventories import inventories

from fleet_repl.ecr.permissions import Feature, account_statements, features_of
from fleet_repl.ecr.session_policies import session_policy
from fleet_repl.ecr.statements import Statement, policy_document
from fleet_repl.inventory import Inventory, parse
from fleet_repl.values.canonical_json import compact_json
from fleet_repl.values.names import Partition

FOLDER = Path(__file__).parents[3] / "inventories/patterns"
PLAIN = {
    "ecr:DescribeRegistry",
    "ecr:GetRegistryPolicy",
    "ecr:PutReplicationConfiguration",
    "ecr:DescribeRepositories",
    "ecr:DescribeImages",
    "ecr:DescribeImageReplicationStatus",
    "iam:SimulatePrincipalPolicy",
    "iam:CreateServiceLinkedRole",
}
GRANTS = {"ecr:GetAccountSetting", "ecr:PutRegistryPolicy", "ecr:DeleteRegistryPolicy"}
TEMPLATES = {
    "ecr:DescribeRepositoryCreationTemplates",
    "ecr:CreateRepositoryCreationTemplate",
    "ecr:UpdateRepositoryCreationTemplate",
    "ecr:DeleteRepositoryCreationTemplate",
    "ecr:CreateRepository",
}
BACKFILL = {
    "ecr:ListReplicationBackfills",
    "ecr:DescribeReplicationBackfillResults",
    "ecr:StartReplicationBackfill",
}
CHANGES = ("Put", "Delete", "Create", "Update", "Start", "Set", "Pass")
IAM_ROLE, STS_SESSION = 6_144, 2_048


def shipped(name: str) -> Inventory:
    return parse(FOLDER / f"{name}.toml", environ={})


def actions(statements: Iterable[Statement]) -> set[str]:
    return {action for statement in statements for action in statement.actions}


def changing(some: Iterable[str]) -> set[str]:
    """The actions that change something."""
    return {action for action in some if action.partition(":")[2].startswith(CHANGES)}


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("hub-and-spoke", GRANTS),
        ("backfill-new-links", GRANTS | BACKFILL),
        ("creation-templates", GRANTS | TEMPLATES | {"iam:PassRole", "ecr:PutLifecyclePolicy"}),
    ],
)
def test_a_feature_brings_its_actions(name: str, more: set[str]) -> None:
    """Nothing else is allowed than what every fleet needs, and what this one uses."""
    assert actions(account_statements(shipped(name))) == PLAIN | more


def test_without_grants_no_policy_is_written(tmp_path: Path) -> None:
    """verify still reads the policy of a destination that has refused an image."""
    path = tmp_path / "fleet.toml"
    text = (FOLDER / "hub-and-spoke.toml").read_text(encoding="utf-8")
    path.write_text(f'{text}\n[ownership]\ngrants = "off"\n', encoding="utf-8")
    assert actions(account_statements(parse(path, environ={}))) == PLAIN


def test_more_can_be_allowed_than_the_inventory_asks_for() -> None:
    """For `backfill` by hand, and for templates that are on their way out."""
    inventory = shipped("hub-and-spoke")
    allowed = account_statements(inventory, more=(Feature.BACKFILL, Feature.TEMPLATES))
    assert actions(allowed) == PLAIN | GRANTS | BACKFILL | TEMPLATES


def test_roles_of_templates_are_passed_and_no_others() -> None:
    """By their path in any account."""
    *_, passing = account_statements(shipped("creation-templates"))
    assert passing.document(partition="aws") == {
        "Sid": "RolesOfTemplates",
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": "arn:aws:iam::*:role/ecr-template",
    }


@given(inventory=inventories())
def test_a_policy_fits_and_holds_nothing_twice(inventory: Inventory) -> None:
    """Within the characters of a managed policy, of Sids that IAM takes, the same each time."""
    statements = account_statements(inventory, more=tuple(Feature))
    documents = [statement.document(partition=inventory.aws.partition) for statement in statements]
    assert len(compact_json(policy_document(documents))) <= IAM_ROLE
    sids = [statement.sid for statement in statements]
    assert len(set(sids)) == len(sids)
    assert all(sid.isalnum() for sid in sids)
    assert statements == account_statements(inventory, more=tuple(Feature))
    assert account_statements(inventory) == account_statements(
        inventory, more=features_of(inventory)
    )


@given(inventory=inventories())
def test_a_session_may_whatever_its_role_may(inventory: Inventory) -> None:
    """A run that writes is never held up by its own session policy, nor is one that reads."""
    for read_only in (False, True):
        policy = json.loads(session_policy(partition=inventory.aws.partition, read_only=read_only))
        first, *_ = policy["Statement"]
        allowed = {*first["Action"]}
        if not read_only:
            allowed.add("iam:CreateServiceLinkedRole")
        assert actions(account_statements(inventory, read_only=read_only)) <= allowed
        everything = account_statements(inventory, more=tuple(Feature), read_only=read_only)
        assert allowed - actions(everything) <= {"iam:PassRole"}


@given(inventory=inventories())
def test_who_only_reads_may_change_nothing(inventory: Inventory) -> None:
    """And may read whatever the same inventory's other role reads."""
    whole = actions(account_statements(inventory))
    assert actions(account_statements(inventory, read_only=True)) == whole - changing(whole)


@pytest.mark.parametrize("partition", Partition)
def test_the_policy_of_a_session_is_short(partition: Partition) -> None:
    """Well within what STS takes: tags of the session share the room."""
    reading = session_policy(partition=partition, read_only=True)
    writing = session_policy(partition=partition, read_only=False)
    assert len(reading) < len(writing) < STS_SESSION * 2 / 3
    (statement,) = json.loads(reading)["Statement"]
    assert changing(statement["Action"]) == set()
    _, linked = json.loads(writing)["Statement"]
    assert linked == {
        "Effect": "Allow",
        "Action": "iam:CreateServiceLinkedRole",
        "Resource": [
            f"arn:{partition}:iam::*:role/aws-service-role/replication.ecr.amazonaws.com/*",
            f"arn:{partition}:iam::*:role/aws-service-role/ecr.amazonaws.com/*",
        ],
    }
