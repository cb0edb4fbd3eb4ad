"""Scenario files: what they may hold, and the exact text of what is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet_repl.sandbox import (
    AccountScenario,
    FaultRule,
    Mishap,
    RegionScenario,
    RegistryScenario,
    Scenario,
    load_scenario,
)
from fleet_repl.values.errors import ScenarioError

WHOLE = """
seed = 42
latency_ms = [20, 60]
lag_ms = 300
sessions_expire_after_calls = 100
sessions_expire_after_seconds = 30
sessions_refused_for_seconds = 2
other_accounts = ["777777777777"]
replication_ms = 1500
backfill_preparing_ms = 2000
backfill_images_per_second = 10
sts_rate = 20
ecr_rate = 0.5

[[faults]]
kind = "throttled"
rate = 0.2

[[faults]]
kind = "lost-answer"
first = 1
operations = ["PutRegistryPolicy"]
accounts = ["111111111111"]
regions = ["eu-west-1"]

[[accounts]]
id = "222222222222"
denied = true
denied_actions = ["ecr:Put*"]
disabled_regions = ["eu-west-1"]
answers_as = "333333333333"
closed = true
policy_scope = "V1"

[[regions]]
name = "eu-west-1"
unknown_operations = ["StartReplicationBackfill"]

[[registries]]
account = "111111111111"
region = "us-east-1"
policy = '''{"Version": "2012-10-17", "Statement": []}'''
policy_scope = "V2"
repositories = { "base/python" = ["3.12", "3.13"] }
pushes = { "base/python" = ["3.14"] }
templates = [{ prefix = "base", appliedFor = ["REPLICATION"] }]
unknown_operations = ["GetAccountSetting"]
unknown_fields = { priority = { high = true } }

[registries.replication]
rules = [{ destinations = [{ region = "eu-west-1", registryId = "222222222222" }] }]
"""


def test_every_key(tmp_path: Path) -> None:
    """A file with everything in it gives the same value as writing it in Python."""
    path = tmp_path / "all.toml"
    path.write_text(WHOLE)
    scenario = load_scenario(path)
    assert scenario.file == str(path)
    assert (
        scenario.model_dump()
        == Scenario(
            seed=42,
            latency_ms=(20, 60),
            lag_ms=300,
            sessions_expire_after_calls=100,
            sessions_expire_after_seconds=30,
            sessions_refused_for_seconds=2,
            other_accounts=("7" * 12,),
            replication_ms=1500,
            backfill_preparing_ms=2000,
            backfill_images_per_second=10,
            sts_rate=20,
            ecr_rate=0.5,
            faults=(
                FaultRule(kind=Mishap.THROTTLED, rate=0.2),
                FaultRule(
                    kind=Mishap.LOST_ANSWER,
                    first=1,
                    operations=("PutRegistryPolicy",),
                    accounts=("1" * 12,),
                    regions=("eu-west-1",),
                ),
            ),
            accounts=(
                AccountScenario(
                    id="2" * 12,
                    denied=True,
                    denied_actions=("ecr:Put*",),
                    disabled_regions=("eu-west-1",),
                    answers_as="3" * 12,
                    closed=True,
                    policy_scope="V1",
                ),
            ),
            regions=(
                RegionScenario(name="eu-west-1", unknown_operations=("StartReplicationBackfill",)),
            ),
            registries=(
                RegistryScenario(
                    account="1" * 12,
                    region="us-east-1",
                    replication={
                        "rules": [
                            {"destinations": [{"region": "eu-west-1", "registryId": "2" * 12}]}
                        ]
                    },
                    policy={"Version": "2012-10-17", "Statement": []},
                    policy_scope="V2",
                    repositories={"base/python": ("3.12", "3.13")},
                    pushes={"base/python": ("3.14",)},
                    templates=({"prefix": "base", "appliedFor": ["REPLICATION"]},),
                    unknown_operations=("GetAccountSetting",),
                    unknown_fields={"priority": {"high": True}},
                ),
            ),
        ).model_dump()
    )


def test_an_empty_file_is_a_quiet_world(tmp_path: Path) -> None:
    """Nothing is required."""
    (tmp_path / "quiet.toml").write_text("")
    assert load_scenario(tmp_path / "quiet.toml").model_dump() == Scenario().model_dump()


def test_latency_may_be_one_number(tmp_path: Path) -> None:
    """Then it is exact."""
    (tmp_path / "slow.toml").write_text("latency_ms = 30")
    assert load_scenario(tmp_path / "slow.toml").latency_ms == (30, 30)


OPERATIONS = (
    "AssumeRole, BatchDeleteImage, BatchGetImage, "
    "CreateRepository, CreateRepositoryCreationTemplate, "
    "DeleteMessage, DeleteMessageBatch, "
    "DeleteRegistryPolicy, DeleteRepositoryCreationTemplate, DescribeImageReplicationStatus, "
    "DescribeImages, DescribeOrganization, DescribeOrganizationalUnit, DescribeRegions, "
    "DescribeRegistry, DescribeReplicationBackfillResults, DescribeRepositories, "
    "DescribeRepositoryCreationTemplates, DescribeServices, DescribeStackResources, "
    "DescribeTaskDefinition, DescribeTasks, "
    "GetAccountSetting, GetCallerIdentity, GetFunction, "
    "GetLifecyclePolicy, GetQueueAttributes, "
    "GetRegistryPolicy, GetRepositoryPolicy, GetScopedCredentials, "
    "ListAccounts, ListAccountsForParent, ListAliases, ListClusters, ListFunctions, "
    "ListOrganizationalUnitsForParent, ListParents, "
    "ListRegions, ListReplicationBackfills, ListRoots, ListServices, ListTagsForResource, "
    "ListTasks, LookupEvents, "
    "PutAccountSetting, PutImage, "
    "PutRegistryPolicy, PutReplicationConfiguration, ReceiveMessage, "
    "SendMessage, SimulatePrincipalPolicy, "
    "StartReplicationBackfill, "
    "StopReplicationBackfill, UpdateImageStorageClass, UpdateRepositoryCreationTemplate"
)
ELSEWHERE = {
    *("AssumeRole", "GetCallerIdentity", "GetScopedCredentials", "SimulatePrincipalPolicy"),
    *(
        "DescribeRegions",
        "DescribeStackResources",
        "DescribeOrganization",
        "DescribeOrganizationalUnit",
        "ListAccounts",
        "ListRoots",
    ),
    *("ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent", "ListParents"),
    "ListRegions",
    "LookupEvents",
    *("DeleteMessage", "DeleteMessageBatch", "GetQueueAttributes", "ReceiveMessage", "SendMessage"),
    *("DescribeServices", "DescribeTaskDefinition", "DescribeTasks"),
    *("ListClusters", "ListServices", "ListTasks"),
    *("GetFunction", "ListAliases", "ListFunctions"),
}
"""Operations of other services than ECR."""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sed = 1", "sed: unknown key"),
        ('seed = "1"', 'seed: input should be a valid integer (found "1")'),
        ("lag_ms = -1", "lag_ms: input should be greater than or equal to 0 (found -1)"),
        ("lag_ms = inf", "lag_ms: input should be a finite number (found Infinity)"),
        ("latency_ms = [60, 20]", "latency_ms: wants the least before the most"),
        (
            "sessions_expire_after_calls = 0",
            "sessions_expire_after_calls: input should be greater than or equal to 1 (found 0)",
        ),
        ("[[faults]]\nrate = 0.1", "faults[0].kind: is missing"),
        (
            '[[faults]]\nkind = "late"\nrate = 0.1',
            (
                "faults[0].kind: input should be 'throttled', 'server-error', 'dropped', "
                "'lost-answer', 'garbage', 'expired-token', 'denied' or 'unknown-key' "
                '(found "late")'
            ),
        ),
        ('[[faults]]\nkind = "dropped"', "faults[0]: needs either rate or first"),
        (
            '[[faults]]\nkind = "dropped"\nrate = 0.1\nfirst = 1',
            "faults[0]: needs either rate or first",
        ),
        (
            '[[faults]]\nkind = "dropped"\nrate = 1.5',
            "faults[0].rate: input should be less than or equal to 1 (found 1.5)",
        ),
        (
            '[[faults]]\nkind = "dropped"\nrate = 1\noperations = ["Describe"]',
            (
                "faults[0].operations[0]: is no operation of the sandbox; it has "
                f'{OPERATIONS} (found "Describe")'
            ),
        ),
        (
            "backfill_images_per_second = 0",
            "backfill_images_per_second: input should be greater than 0 (found 0)",
        ),
        (
            '[[regions]]\nname = "us-east-1"\nunknown_operations = ["AssumeRole"]',
            (
                "regions[0].unknown_operations[0]: is no ECR operation of the sandbox; it has "
                f"{', '.join(item for item in OPERATIONS.split(', ') if item not in ELSEWHERE)} "
                '(found "AssumeRole")'
            ),
        ),
        (
            '[[regions]]\nname = "us-east-1"\n[[regions]]\nname = "us-east-1"',
            "regions: us-east-1 listed more than once",
        ),
        (
            '[[accounts]]\nid = "222222222222"\npolicy_scope = "V3"',
            "accounts[0].policy_scope: input should be 'V1' or 'V2' (found \"V3\")",
        ),
        (
            '[[accounts]]\nid = "12"',
            "accounts[0].id: string should match pattern '^[0-9]{12}$' (found \"12\")",
        ),
        (
            '[[accounts]]\nid = "111111111111"\n[[accounts]]\nid = "111111111111"',
            "accounts: 111111111111 listed more than once",
        ),
        (
            '[[accounts]]\nid = "111111111111"\ndenied_actions = ["ecr:PutRegistyPolicy"]',
            (
                "accounts[0].denied_actions[0]: fits no action of the sandbox; one is "
                'ecr:PutRegistryPolicy (found "ecr:PutRegistyPolicy")'
            ),
        ),
        (
            '[[registries]]\naccount = "111111111111"\nregion = "us-east-1"\npolicy = "{"',
            (
                "registries[0].policy: is not JSON: Expecting property name enclosed in double "
                'quotes: line 1 column 2 (char 1) (found "{")'
            ),
        ),
        (
            '[[registries]]\naccount = "111111111111"\nregion = "us-east-1"\n' * 2,
            "registries: 111111111111/us-east-1 listed more than once",
        ),
    ],
)
def test_what_is_wrong_is_reported(tmp_path: Path, text: str, problem: str) -> None:
    """File, key, what is wrong, and what was found."""
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert str(caught.value) == f"{path}: {problem}"


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    """One line each."""
    path = tmp_path / "bad.toml"
    path.write_text('seed = 1.5\nfoo = 1\n[[faults]]\nkind = "garbage"\nrate = 2\n')
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert str(caught.value) == (
        f"{path}: seed: input should be a valid integer (found 1.5)\n"
        f"{path}: faults[0].rate: input should be less than or equal to 1 (found 2)\n"
        f"{path}: foo: unknown key"
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The system's reason, not a traceback."""
    path = tmp_path / "none.toml"
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    """Where it stops being TOML."""
    path = tmp_path / "bad.toml"
    path.write_text("seed 1")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert str(caught.value) == (
        f"{path}: not TOML: Expected '=' after a key in a key/value pair (at line 1, column 6)"
    )


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """Where it stops being UTF-8."""
    path = tmp_path / "bad.toml"
    path.write_bytes(b"seed = 1 # \xff")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert str(caught.value) == f"{path}: not UTF-8: invalid start byte at byte 11"


def test_a_date_is_no_number(tmp_path: Path) -> None:
    """TOML has types that no key wants."""
    path = tmp_path / "bad.toml"
    path.write_text("seed = 2026-11-23")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    shown = json.dumps("2026-11-23")
    assert str(caught.value) == f"{path}: seed: input should be a valid integer (found {shown})"
