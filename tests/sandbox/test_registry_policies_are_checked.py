"""What PutRegistryPolicy takes and what it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.support.registries import registry_of
from tests.support.served import Serve, Served

from fleet_repl.inventory.model import Inventory
from fleet_repl.inventory.settings import Limits
from fleet_repl.sandbox import AccountScenario, Scenario
from fleet_repl.values.canonical_json import Json
from fleet_repl.values.names import AccountId

HUB, SPOKE, CUSTOMER, STRANGER = "1" * 12, "2" * 12, "4" * 12, "7" * 12
INVALID = (
    "InvalidParameterException",
    (
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy "
        "provided'"
    ),
)


def statement(**changes: Any) -> dict[str, Any]:
    """A good statement with members replaced, or taken away by None."""
    whole = {
        "Sid": "One",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{SPOKE}:root"},
        "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
        "Resource": f"arn:aws:ecr:us-east-1:{HUB}:repository/*",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def policy(*statements: Any, **members: Json) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements), **members}


async def put(aws: Served, document: Json) -> Any:
    text = document if isinstance(document, str) else json.dumps(document)
    return await aws.ecr("PutRegistryPolicy", {"policyText": text})


@pytest.mark.parametrize(
    "document",
    [
        policy(statement()),
        policy(statement(), Version="2008-10-17", Id="id"),
        {"Version": "2012-10-17", "Statement": statement()},
        policy(statement(Sid=None), statement(Sid="new statement")),
        policy(statement(Sid=None), statement(Sid=None), statement(Sid="")),
        policy(statement(Principal="*")),
        policy(statement(Principal={"AWS": "*"})),
        policy(statement(Principal={"AWS": [SPOKE, f"arn:aws:iam::{CUSTOMER}:root"]})),
        policy(statement(Principal={"AWS": f"arn:aws:iam::{SPOKE}:role/a/b"})),
        policy(statement(Principal={"AWS": f"arn:aws:sts::{SPOKE}:assumed-role/a/b"})),
        policy(statement(Principal={"Service": "replication.ecr.amazonaws.com"})),
        policy(statement(Principal=None, NotPrincipal={"AWS": SPOKE}, Effect="Deny")),
        policy(statement(Action="ecr:*")),
        policy(statement(Action="*")),
        policy(statement(Action=None, NotAction="ECR:replicateimage")),
        policy(statement(Resource="*")),
        policy(statement(Resource=f"arn:aws:us-east-1:{HUB}:repository/*")),
        policy(statement(Resource=None, NotResource=["arn:aws:s3:::bucket"])),
        policy(statement(Condition={"StringEquals": {"aws:SourceAccount": [SPOKE]}})),
        policy(statement(Condition={"Bool": {"aws:SecureTransport": True}})),
    ],
)
async def test_what_is_taken(aws: Served, document: Json) -> None:
    """IAM's grammar, resources that can never match, and accounts that exist."""
    answer = await put(aws, document)
    assert answer.status == 200, answer.body
    assert aws.world.policy(registry_of(HUB, "us-east-1")) == document


@pytest.mark.parametrize(
    "document",
    [
        "",
        "nonsense",
        "[]",
        '"text"',
        "[" * 10_000,
        {"Statement": [statement()]},
        {"Version": "2012-10-17"},
        policy(),
        policy("text"),
        policy(statement(), Version="2020-01-01"),
        policy(statement(), Comment="x"),
        policy(statement(Colour="red")),
        policy(statement(Sid=7)),
        policy(statement(), statement(Effect="Deny")),
        policy(statement(Effect="allow")),
        policy(statement(Effect=None)),
        policy(statement(Principal=None)),
        policy(statement(NotPrincipal="*")),
        policy(statement(Principal=SPOKE)),
        policy(statement(Principal={})),
        policy(statement(Principal={"AWS": []})),
        policy(statement(Principal={"Aws": SPOKE})),
        policy(statement(Principal={"AWS": "12345"})),
        policy(statement(Principal={"AWS": f"arn:aws:iam::{SPOKE}:role/*"})),
        policy(statement(Principal={"AWS": f"arn:aws-cn:iam::{SPOKE}:root"})),
        policy(statement(Principal={"AWS": "AROAEXAMPLEEXAMPLE123"})),
        policy(statement(Action=None)),
        policy(statement(Action=[])),
        policy(statement(Action=[1])),
        policy(statement(Action="s3:GetObject")),
        policy(statement(Action="ReplicateImage")),
        policy(statement(NotAction="ecr:*")),
        policy(statement(Resource=None)),
        policy(statement(Resource="repository/*")),
        policy(statement(Condition="x")),
        policy(statement(Condition={"StringEquals": "x"})),
        policy(statement(Condition={"StringEquals": {"aws:SourceAccount": {}}})),
    ],
)
async def test_what_is_no_policy(aws: Served, document: Json) -> None:
    """All of it gets one answer, the same as AWS gives, and nothing is written."""
    answer = await put(aws, document)
    assert (answer.status, answer.error) == (400, INVALID)
    assert aws.world.writes == []


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": STRANGER},
        {"AWS": [f"arn:aws:iam::{SPOKE}:root", f"arn:aws:iam::{STRANGER}:root"]},
        {"AWS": f"arn:aws:iam::{STRANGER}:user/x"},
    ],
)
async def test_one_account_that_does_not_exist_spoils_the_whole(
    aws: Served, principal: Json
) -> None:
    """A dead principal is refused; once the account exists, the same policy is taken."""
    document = policy(statement(Sid="Fine"), statement(Sid="Dead", Principal=principal))
    assert (await put(aws, document)).error == INVALID
    aws.world.admit(AccountId(STRANGER))
    assert (await put(aws, document)).status == 200


async def test_closed_accounts_do_not_exist(served: Serve) -> None:
    """An account of the inventory that a scenario closes is a dead principal."""
    closed = Scenario(accounts=(AccountScenario(id=SPOKE, closed=True),))
    async with served(closed) as aws:
        assert (await put(aws, policy(statement()))).error == INVALID
        assert (await aws.assume(SPOKE)).error[0] == "AccessDenied"


async def test_accounts_besides_the_inventory(served: Serve) -> None:
    """A scenario can name accounts that exist without being in the inventory."""
    async with served(Scenario(other_accounts=(STRANGER,))) as aws:
        document = policy(statement(Principal={"AWS": STRANGER}))
        assert (await put(aws, document)).status == 200


def text_of(length: int) -> str:
    empty = json.dumps(policy(statement(Sid="")))
    return json.dumps(policy(statement(Sid="x" * (length - len(empty)))))


async def test_a_policy_has_10240_characters_at_most(aws: Served) -> None:
    """Characters of the text as it was sent."""
    assert len(text_of(10_240)) == 10_240
    assert (await put(aws, text_of(10_240))).status == 200
    assert (await put(aws, text_of(10_241))).error == (
        "InvalidParameterException",
        (
            "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Member must have "
            "length less than or equal to 10240'"
        ),
    )


async def test_a_raised_limit(served: Serve, inventory: Inventory) -> None:
    """An inventory that knows of a higher limit gets it."""
    raised = replace(inventory, limits=Limits(policy_bytes=20_000))
    async with served(of=raised) as aws:
        assert (await put(aws, text_of(20_000))).status == 200
        assert (await put(aws, text_of(20_001))).status == 400


async def test_the_text_is_required(aws: Served) -> None:
    """Without a text there is no call."""
    answer = await aws.ecr("PutRegistryPolicy", {})
    assert answer.error == (
        "InvalidParameterException",
        "Invalid parameter at 'policyText' failed to satisfy constraint: 'Member must not be null'",
    )
