"""Who changed a registry that is not as the fleet left it, as CloudTrail says over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import Plan, to_json
from fleet_repl.fleet import attribution
from fleet_repl.planning.attribution import Attribution
from fleet_repl.runs.drift import NOT_YET, call_sentences
from fleet_repl.runs.session_names import session_name
from fleet_repl.sandbox import FaultRule, Mishap, Scenario

TERRAFORM: Final = "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 aws-sdk-go-v2/1.32.6"
ROLE: Final = "arn:aws:iam::000000000001:role/replication"
LINKS: Final = "1>2 base/"


@asynccontextmanager
async def somebody(
    aws: Simulated, number: int = 1, session: str = "jenkins-42", agent: str = TERRAFORM
) -> AsyncIterator[Any]:
    """A client of ECR of somebody with a role of an account, over HTTP."""
    registry = aws.at(number)
    sdk = get_session()
    keys = {
        "aws_access_key_id": aws.endpoint.access_key_id,
        "aws_secret_access_key": aws.endpoint.secret_access_key.reveal(),
    }
    where: dict[str, Any] = {"region_name": "eu-west-1", "endpoint_url": aws.endpoint.url}
    async with sdk.create_client("sts", **where, **keys) as sts:
        answer = await sts.assume_role(
            RoleArn=f"arn:aws:iam::{registry.account}:role/replication",
            RoleSessionName=session,
            SourceIdentity="alice@example.com",
        )
    given = answer["Credentials"]
    async with sdk.create_client(
        "ecr",
        **where,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        config=AioConfig(user_agent=agent),
    ) as ecr:
        yield ecr


async def somebody_puts(aws: Simulated, number: int = 1, **how: str) -> None:
    """Somebody with a role of an account takes its rules away."""
    async with somebody(aws, number, **how) as ecr:
        await ecr.put_replication_configuration(replicationConfiguration={"rules": []})


def attributions(plan: Plan) -> dict[int, Attribution | None]:
    """What was found out, by account; of registries that others have changed."""
    return {
        int(planned.registry.account): planned.changed_outside.attribution
        for planned in plan.registries
        if planned.changed_outside is not None
    }


async def test_the_role_and_the_session_are_named() -> None:
    """With the source identity, the tool and the event, in the plan and in its document."""
    async with simulate(fleet_text(LINKS)) as aws:
        await aws.applied()
        aws.clock.seconds += 60
        await somebody_puts(aws)
        plan = await aws.planned()
        found = attributions(plan)[1]
        assert found is not None
        (call,) = found.calls
        assert (call.issuer, call.session) == (ROLE, "jenkins-42")
        assert (call.source_identity, call.tool) == ("alice@example.com", "Terraform")
        (document,) = [
            entry["moved"]
            for entry in json.loads(to_json(plan))["registries"]
            if entry["moved"] is not None and entry["moved"]["by"] == "fleet"
        ]
        assert document["calls"][0]["event_id"] == call.event_id
        assert "calls_unknown" not in document
        assert plan.warnings == ()


@pytest.mark.parametrize(
    ("operation", "parameters", "asked"),
    [
        ("update", {"prefix": "base", "imageTagMutability": "IMMUTABLE"}, 2),
        ("delete", {"prefix": "base"}, 1),
    ],
)
async def test_templates_alone_are_asked_about(
    operation: str, parameters: dict[str, str], asked: int
) -> None:
    """Of a registry in which nothing else has changed, by each call that may have left what is in
    place."""
    templates = """
[[templates]]
name = "golden"
prefix = "base/"
select = { accounts = "000000000002" }
"""
    async with simulate(fleet_text(LINKS, more=templates)) as aws:
        await aws.applied()
        aws.clock.seconds += 60
        async with somebody(aws, 2) as ecr:
            await getattr(ecr, f"{operation}_repository_creation_template")(**parameters)
        plan = await aws.planned()
        assert attributions(plan).keys() == {2}
        found = attributions(plan)[2]
        assert found is not None
        (call,) = found.calls
        assert call.operation == f"{operation.capitalize()}RepositoryCreationTemplate"
        assert (call.session, call.tool) == ("jenkins-42", "Terraform")
        assert aws.world.calls["LookupEvents"] == asked
        # Applied anew, only a change of the inventory is left.
        await aws.applied()
        changed = templates + 'tag_mutability = "immutable"\n'
        later = await aws.planned(fleet_text(LINKS, more=changed))
        assert attributions(later) == {}


async def test_a_plan_without_outside_drift_asks_nothing() -> None:
    """Neither does a fleet that was never written, nor one whose inventory has changed."""
    async with simulate(fleet_text(LINKS)) as aws:
        await aws.applied()
        await aws.planned()
        await aws.planned(fleet_text("1>2 base/ team/"))
        assert aws.world.calls["LookupEvents"] == 0


async def test_one_lookup_for_each_resource_that_differs() -> None:
    """Of the account and region of the registry, and of no other."""
    async with simulate(fleet_text(LINKS)) as aws:
        await aws.applied()
        await somebody_puts(aws)
        aws.world.set_policy(aws.at(2), None)
        plan = await aws.planned()
        assert aws.world.calls["LookupEvents"] == 2
        # Nobody's call has taken the policy away.
        assert attributions(plan)[2] == Attribution()


async def test_cloudtrail_lags() -> None:
    """The call is not there at once, and a later plan finds it."""
    async with simulate(fleet_text(LINKS), Scenario(trail_ms=300_000)) as aws:
        await aws.applied()
        await somebody_puts(aws)
        assert call_sentences(attributions(await aws.planned())[1]) == (NOT_YET,)
        aws.clock.seconds += 300
        found = attributions(await aws.planned())[1]
        assert found is not None
        assert [call.session for call in found.calls] == ["jenkins-42"]


async def test_a_call_of_the_fleet_is_not_it() -> None:
    """What its own runs wrote in the same second is passed over; another fleet is named."""
    async with simulate(fleet_text(LINKS)) as aws:
        await aws.applied()
        aws.world.set_replication(aws.at(1), {"rules": []})
        assert attributions(await aws.planned())[1] == Attribution()
        await somebody_puts(
            aws, session="fleet-repl-dr-20261123T080000Z-abc123", agent="fleet-repl/1"
        )
        found = attributions(await aws.planned())[1]
        assert found is not None
        (call,) = found.calls
        assert (call.tool, call.session) == ("fleet-repl", "fleet-repl-dr-20261123T080000Z-abc123")


async def test_a_session_of_another_role_is_named_whatever_its_name() -> None:
    """Anybody who may assume a role gives its session a name: that of a run hides nobody."""
    async with simulate(fleet_text(LINKS)) as aws:
        await aws.applied()
        aws.world.set_replication(aws.at(1), {"rules": []})
        session = session_name(aws.inventory.name, "20261123T080000Z-abc123")
        for role in ("replication", "other"):
            caller = {
                "arn": f"arn:aws:sts::000000000001:assumed-role/{role}/{session}",
                "sessionContext": {"sessionIssuer": {"arn": f"{ROLE[:-11]}{role}"}},
            }
            record: Any = {
                "eventSource": "ecr.amazonaws.com",
                "eventName": "PutReplicationConfiguration",
                "eventID": "00000000-0000-0000-0000-000000000000",
                "userIdentity": caller,
            }
            aws.world.trail.record(aws.at(1), record)
            found = attributions(await aws.planned())[1]
            assert found is not None
            issuers = [call.issuer for call in found.calls]
            assert issuers == ([] if role == "replication" else [f"{ROLE[:-11]}other"])


async def test_an_account_without_a_role_has_no_session_of_a_run() -> None:
    """The base identity acts there by itself, so what fleet-repl called is the fleet's own."""
    text = fleet_text(LINKS).replace(
        'id = "000000000001"\n', 'id = "000000000001"\nrole = "none"\n'
    )
    async with simulate(text) as aws:
        await aws.applied()
        aws.world.set_replication(aws.at(1), {"rules": []})
        assert attributions(await aws.planned())[1] == Attribution()


async def test_a_denial_is_no_failure() -> None:
    """The plan is the same, and one warning says so for all accounts; it can be acknowledged."""
    text = fleet_text("1,2>3 base/")
    async with simulate(text) as aws:
        await aws.applied()
        for number in (1, 2):
            aws.deny(number, "cloudtrail:LookupEvents")
            aws.world.set_replication(aws.at(number), {"rules": []})
        plan = await aws.planned()
        assert plan.summary.changed == 2
        (warning,) = plan.warnings
        assert warning.kind == "unknown-caller"
        assert "who changed 2 registries outside is not known" in warning.message
        assert "bootstrap --with cloudtrail" in warning.message
        found = attributions(plan)[2]
        assert found is not None
        assert found.unknown is not None
        assert "AccessDenied" in found.unknown
        known = text + '[warnings]\nacknowledged = ["unknown-caller"]\n'
        assert (await aws.planned(known)).warnings == ()


@pytest.mark.parametrize("mishap", [Mishap.GARBAGE, Mishap.SERVER_ERROR, Mishap.DROPPED])
async def test_whatever_goes_wrong_there_harms_nothing(mishap: Mishap) -> None:
    """A registry that CloudTrail says nothing about is mended all the same."""
    faults = (FaultRule(kind=mishap, rate=1.0, operations=("LookupEvents",)),)
    async with simulate(fleet_text(LINKS), Scenario(faults=faults)) as aws:
        await aws.applied()
        aws.world.set_replication(aws.at(1), {"rules": []})
        report = await aws.applied()
        assert report.status == "ok"
        assert [warning.kind for warning in report.warnings] == ["unknown-caller"]
        assert aws.links(1) == {"2 base/"}


async def test_a_report_still_knows_who_it_was() -> None:
    """After the run that puts it right, nobody can ask the plan."""
    async with simulate(fleet_text(LINKS)) as aws:
        await aws.applied()
        await somebody_puts(aws)
        report = await aws.applied()
        (moved,) = [outcome.moved for outcome in report.registries if outcome.moved is not None]
        assert moved.attribution is not None
        assert [call.session for call in moved.attribution.calls] == ["jenkins-42"]
        document = json.loads(to_json(report))
        assert [
            entry["moved"]["calls"][0]["tool"]
            for entry in document["registries"]
            if "moved" in entry
        ] == ["Terraform"]


async def test_a_plan_asks_about_so_many_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the others it says that it did not ask."""
    monkeypatch.setattr(attribution, "MOST", 1)
    async with simulate(fleet_text("1,2>3 base/")) as aws:
        await aws.applied()
        for number in (1, 2):
            aws.world.set_replication(aws.at(number), {"rules": []})
        found = attributions(await aws.planned())
        assert aws.world.calls["LookupEvents"] == 1
        assert found == {
            1: Attribution(),
            2: Attribution(unknown="CloudTrail is asked about 1 registries at the most"),
        }


async def test_who_only_reads_may_ask() -> None:
    """The session policy of a run that writes nothing lets LookupEvents through."""
    async with simulate(fleet_text(LINKS)) as aws:
        await aws.applied()
        await somebody_puts(aws)
        async with aws.connected(purpose=None) as fleet:
            found = attributions(await fleet.plan())[1]
        assert found is not None
        assert found.unknown is None
        assert len(found.calls) == 1
