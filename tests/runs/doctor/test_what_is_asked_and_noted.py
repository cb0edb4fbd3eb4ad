"""What IAM is asked about an account, and what a run says about itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.runs.doctor.conftest import BASE, fault
from tests.support.inventories import fleet_text

from fleet_repl import Inventory, load_inventory
from fleet_repl.runs.doctor import (
    DESCRIBE,
    AccountExamination,
    BaseIdentity,
    Question,
    StsUse,
    Way,
    needs_of,
    notes_of,
    run_problems,
    session_seconds,
)
from fleet_repl.runs.doctor.questions import questions_of
from fleet_repl.values.names import Region

STS = StsUse(accounts=4, rate=400, measured=4)
SSO = "arn:aws:sts::999999999999:assumed-role/AWSReservedSSO_Ops_0123456789abcdef/ann"
TEMPLATE = """
[[templates]]
name = "golden"
prefix = "golden/"
select = { accounts = "000000000002" }
role = "template"
tags = { team = "platform" }
"""


def test_the_fewest_questions_that_iam_can_answer(inventory: Inventory) -> None:
    """The writes on everything and the linked role in one, with the role's service."""
    account = inventory.accounts[0]
    linked = "arn:aws:iam::000000000001:role/aws-service-role/replication.ecr.amazonaws.com/*"
    assert questions_of(needs_of(inventory, ()), account, BASE) == (
        Question(
            principal="arn:aws:iam::000000000001:role/replication",
            resources={
                "ecr:PutReplicationConfiguration": ("*",),
                "ecr:PutRegistryPolicy": ("*",),
                "ecr:DeleteRegistryPolicy": ("*",),
                "iam:CreateServiceLinkedRole": (linked,),
            },
            service="replication.ecr.amazonaws.com",
        ),
    )


def test_templates_hand_over_a_role(tmp_path: Path) -> None:
    """On that role alone, and on the linked role of templates."""
    path = tmp_path / "fleet.toml"
    path.write_text(fleet_text("1>2 base/", more=TEMPLATE))
    inventory = load_inventory(path, environ={})
    first, second = questions_of(needs_of(inventory, ()), inventory.accounts[1], BASE)
    assert first.resources["iam:PassRole"] == ("arn:aws:iam::000000000002:role/template",)
    assert first.resources["ecr:CreateRepositoryCreationTemplate"] == ("*",)
    assert (first.service, second.service) == (
        "replication.ecr.amazonaws.com",
        "ecr.amazonaws.com",
    )
    assert list(second.resources) == ["iam:CreateServiceLinkedRole"]


def test_nobody_is_asked_about_a_retired_account(inventory: Inventory) -> None:
    """Nor about a session that acts itself."""
    needs, account = needs_of(inventory, ()), inventory.accounts[0]
    assert questions_of(needs, replace(account, retired=True), BASE) == ()
    assert questions_of(needs, replace(account, role=None), replace(BASE, arn=SSO)) == ()
    (first, *_) = questions_of(needs, replace(account, role=None), BASE)
    assert first.principal == BASE.arn


@pytest.mark.parametrize(
    ("arn", "kind", "seconds"),
    [
        ("arn:aws:iam::999999999999:user/ops/ann", "user", 43_200),
        (SSO, "sso", 3_600),
        ("arn:aws:sts::999999999999:assumed-role/ci/run-1", "assumed-role", 3_600),
        ("arn:aws:sts::999999999999:federated-user/ann", "federated-user", 43_200),
        ("arn:aws:iam::999999999999:root", "root", 43_200),
    ],
)
def test_kinds_of_base_identities(inventory: Inventory, arn: str, kind: str, seconds: int) -> None:
    """A session of a role assumes roles for an hour at the most."""
    base = replace(BASE, arn=arn)
    assert base.kind == kind
    assert session_seconds(base, inventory) == seconds


@pytest.mark.parametrize(
    ("base", "kind", "message", "command"),
    [
        (
            replace(BASE, arn="arn:aws:iam::999999999999:root"),
            "base-is-root",
            "the base identity is an account's root user, which may assume no role",
            "aws configure list-profiles",
        ),
        (
            replace(BASE, arn=SSO, seconds_left=120.4),
            "base-expires",
            "the base identity's credentials end in 120 s",
            "aws sso login",
        ),
        (
            replace(BASE, clock_ahead=312.0),
            "clock",
            (
                "this machine's clock is 312 s ahead of AWS's, which refuses requests that are 300 "
                "s off"
            ),
            "timedatectl set-ntp true",
        ),
        (
            replace(BASE, clock_ahead=-61.0),
            "clock",
            "this machine's clock is 61 s behind AWS's, which refuses requests that are 300 s off",
            "timedatectl set-ntp true",
        ),
    ],
)
def test_problems_of_a_run(base: BaseIdentity, kind: str, message: str, command: str) -> None:
    """Each has its remedy, and concerns no account in particular."""
    (problem,) = run_problems(base)
    assert (problem.kind, problem.message) == (kind, message)
    assert problem.remedy.endswith(f"\n{command}")
    assert (problem.accounts, problem.regions) == ((), ())


@pytest.mark.parametrize(
    "base",
    [
        BASE,
        replace(BASE, seconds_left=300.0, clock_ahead=60.0),
        replace(BASE, clock_ahead=None),
        replace(BASE, arn=SSO),
    ],
)
def test_a_run_without_a_problem(base: BaseIdentity) -> None:
    """Unknown is no problem."""
    assert tuple(run_problems(base)) == ()


def test_notes(inventory: Inventory) -> None:
    """What is no problem: shorter sessions, a throttled STS, dual-stack, and what is unknown."""
    needs = needs_of(inventory, ())
    region = Region("eu-west-1")
    reached = AccountExamination(reads={region: {DESCRIBE: None}})
    unasked = fault(operation="SimulatePrincipalPolicy", code="AccessDenied")
    first, second, *_ = inventory.accounts
    longer = replace(inventory, accounts=(replace(first, session_seconds=7200), second))
    notes = tuple(
        notes_of(
            longer,
            needs,
            replace(BASE, arn=SSO, way=Way(dual_stack=True)),
            replace(STS, throttled=3),
            {first.id: replace(reached, unasked=unasked), second.id: reached},
        )
    )
    assert notes == (
        (
            "session_duration is cut to 3600 s for 1 account: AWS gives no more to a role that an "
            "assumed role assumes"
        ),
        (
            "STS refused 3 calls as too many: others use its quota too, or [apply] sts_rate = 400 "
            "is above it"
        ),
        (
            "dual-stack endpoints are on: ECR has no PrivateLink for them, so calls pass a VPC's "
            "own endpoints by"
        ),
        (
            "what 1 account may write is unknown: IAM simulates roles and users, and who acts "
            "there itself is no known one"
        ),
        (
            "what 1 account may write is unknown: AccessDenied on SimulatePrincipalPolicy; this "
            "lets "
            'each role ask for itself:\n{"Effect":"Allow","Action":"iam:SimulatePrincipalPolicy",'
            '"Resource":"arn:aws:iam::*:role/*"}'
        ),
    )


def test_the_quota_against_the_fleet() -> None:
    """How long it takes to assume every role."""
    assert StsUse(accounts=10_000, rate=400, measured=0).seconds == 25
