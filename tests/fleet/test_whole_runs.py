"""The main job, end to end: plan, apply, a second run that finds nothing, tampering mended."""

from __future__ import annotations

import base64
import itertools
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from tests.support.registries import registry_of
from tests.support.simulated import simulate

from fleet_repl import Fault, IdentityError, Outcome, RegistryFinished, Selection, Status, to_json
from fleet_repl.runs.events import CallRetried, RunFinished, RunStarted
from fleet_repl.sandbox import AccountScenario, RegistryScenario, Scenario, World, gateway
from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.wire import error_reply
from fleet_repl.values.names import Secret

EXTERNAL_ID = "s3cr3t-external-id"
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    str.lower,
    lambda text: quote(text, safe=""),
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: base64.urlsafe_b64encode(f"id:{text}".encode()).decode(),
)

FLEET = """
version = 1
name = "prod"
[aws]
role = "replication/fleet"
external_id = "${EXTERNAL_ID}"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
name = "hub"
labels = { tier = "hub" }
[[accounts]]
id = "222222222222"
name = "spoke-a"
regions = ["eu-west-1", "eu-west-2"]
labels = { tier = "spoke" }
[[accounts]]
id = "333333333333"
name = "spoke-b"
labels = { tier = "spoke" }
[[routes]]
name = "golden"
from = { labels = { tier = "hub" } }
to = { labels = { tier = "spoke" }, regions = ["eu-west-1"] }
prefixes = ["base/", "golden/"]
[[routes]]
name = "dr"
from = { accounts = ["spoke-a"], regions = ["eu-west-1"] }
to = { same_account = true, regions = ["eu-west-2"] }
"""
ACCOUNTS, GOLDEN, DR = FLEET.split("[[routes]]")
ONLY_DR = f"{ACCOUNTS}[[routes]]{DR}"
HUB, A = map(registry_of, "12")
A2 = registry_of("2", "eu-west-2")
B = registry_of("3")
OURS: dict[str, Any] = {"Principal": {"AWS": "arn:aws:iam::111111111111:root"}}
THEIRS: dict[str, Any] = {
    "Sid": "PullThrough",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::333333333333:root"},
    "Action": ["ecr:BatchImportUpstreamImage"],
    "Resource": "arn:aws:ecr:eu-west-1:222222222222:repository/*",
}


async def test_plan_apply_and_a_second_run_that_writes_nothing() -> None:
    """Every registry is accounted for, images arrive where routes say, and then all is quiet."""
    async with simulate(FLEET) as aws:
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            assert (plan.summary.changed, plan.summary.links_added) == (3, 3)
            assert plan.objections == ()
            report = await fleet.apply(plan)
        assert report.status is Status.OK
        assert [(registry.registry, registry.outcome) for registry in report.registries] == [
            (HUB, Outcome.APPLIED),
            (A, Outcome.APPLIED),
            (A2, Outcome.UNCHANGED),
            (B, Outcome.APPLIED),
        ]
        assert all(
            change.request_id for registry in report.registries for change in registry.changes
        )
        for repository in ("base/python", "team/app"):
            aws.world.push(HUB, repository, "1")
        assert aws.world.repositories(A) == ("base/python",)
        assert aws.world.repositories(B) == ("base/python",)
        # Replication is one hop: what arrived by it does not go on to the other region.
        assert aws.world.repositories(A2) == ()
        aws.world.push(A, "team/app", "1")
        assert aws.world.repositories(A2) == ("team/app",)
        writes = list(aws.world.writes)
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            assert not plan.changes
            report = await fleet.apply(plan)
        assert {registry.outcome for registry in report.registries} == {Outcome.UNCHANGED}
        assert aws.world.writes == writes


async def test_grants_are_written_before_rules() -> None:
    """At no time is there a rule whose destination does not let it in."""
    async with simulate(FLEET) as aws, aws.connected() as fleet:
        await fleet.apply(await fleet.plan())
        order = [operation for _, operation in aws.world.writes]
        assert order == ["PutRegistryPolicy"] * 2 + ["PutReplicationConfiguration"] * 2


async def test_tampering_is_found_and_mended() -> None:
    """A link taken out, one put in, a statement lost and a foreign one added by hand."""
    async with simulate(FLEET) as aws:
        async with aws.connected() as fleet:
            await fleet.apply(await fleet.plan())
        wanted = aws.world.replication(HUB)
        stray = {"rules": [{"destinations": [{"region": "eu-west-2", "registryId": "1" * 12}]}]}
        aws.world.set_replication(HUB, stray)
        aws.world.set_policy(A, {"Version": "2012-10-17", "Statement": [THEIRS]})
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            assert [objection.kind for objection in plan.objections] == ["foreign-rules"]
            refused = await fleet.apply(plan)
            assert refused.status is Status.REFUSED
            assert aws.world.replication(HUB) == stray
            report = await fleet.apply(plan, force=True)
        assert (report.status, report.forced) == (Status.OK, True)
        assert aws.world.replication(HUB) == wanted
        theirs, ours = aws.statements(A)
        assert theirs == THEIRS
        assert ours["Principal"] == OURS["Principal"]


async def test_a_link_that_is_removed_takes_its_grant_with_it() -> None:
    """The rules go first, the grant after them; the emptied policy is deleted."""
    async with simulate(FLEET) as aws:
        async with aws.connected() as fleet:
            await fleet.apply(await fleet.plan())
        aws.world.writes.clear()
        async with simulate(ONLY_DR) as narrower:
            narrower.endpoint, narrower.clock = aws.endpoint, aws.clock
            async with narrower.connected() as fleet:
                report = await fleet.apply(await fleet.plan(), force=True)
        assert report.status is Status.OK
        assert [operation for _, operation in aws.world.writes] == [
            "PutReplicationConfiguration",
            "DeleteRegistryPolicy",
            "DeleteRegistryPolicy",
        ]
        assert (aws.world.policy(A), aws.world.policy(B)) == (None, None)


async def test_a_destination_that_refuses_its_policy_holds_the_link() -> None:
    """Its role lacks one permission: it fails, its link is held, all else goes on."""
    denied = AccountScenario(id="2" * 12, denied_actions=("ecr:PutRegistryPolicy",))
    async with simulate(FLEET, Scenario(accounts=(denied,))) as aws:
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            assert all(not registry.held for registry in plan.registries)
            report = await fleet.apply(plan)
        outcomes = {registry.registry: registry for registry in report.registries}
        assert report.status is Status.PARTIAL
        assert outcomes[A].outcome is Outcome.FAILED
        error = outcomes[A].error
        assert isinstance(error, Fault)
        assert (error.kind, error.operation, error.code) == (
            "access-denied",
            "PutRegistryPolicy",
            "AccessDeniedException",
        )
        assert outcomes[HUB].outcome is Outcome.APPLIED
        assert [(link.destination, link.because) for link in outcomes[HUB].held] == [
            (A, "222222222222/eu-west-1: its registry policy was not written (access-denied)")
        ]
        destinations = aws.rules(HUB)[0]["destinations"]
        assert [end["registryId"] for end in destinations] == ["3" * 12]
        # Links within the account need no grant and are not concerned.
        assert aws.rules(A) != []


async def test_a_grant_stays_when_the_rules_that_use_it_could_not_be_written() -> None:
    """The hub's rules cannot be emptied, so no destination withdraws what they still use."""
    async with simulate(FLEET) as aws:
        async with aws.connected() as fleet:
            await fleet.apply(await fleet.plan())
        rules, policy = aws.world.replication(HUB), aws.world.policy(A)
    denied = AccountScenario(id="1" * 12, denied_actions=("ecr:PutReplicationConfiguration",))
    held = Scenario(
        accounts=(denied,),
        registries=(
            RegistryScenario(account="1" * 12, region="eu-west-1", replication=rules),
            RegistryScenario(account="2" * 12, region="eu-west-1", policy=policy),
        ),
    )
    async with simulate(ONLY_DR, held) as aws:
        report = await aws.applied(force=True)
        outcomes = {registry.registry: registry for registry in report.registries}
        assert outcomes[HUB].outcome is Outcome.FAILED
        # Its own rules were written.
        assert outcomes[A].outcome is Outcome.PARTIAL
        assert outcomes[A].because == (
            "the rules of 111111111111/eu-west-1 were not written and may still use its grants"
        )
        assert aws.world.policy(A) == policy


async def test_an_account_that_answers_as_another_is_not_written() -> None:
    """The role leads somewhere else: wrong-account, and nothing is written there."""
    scenario = Scenario(accounts=(AccountScenario(id="3" * 12, answers_as="2" * 12),))
    async with simulate(FLEET, scenario) as aws, aws.connected() as fleet:
        report = await fleet.apply(await fleet.plan())
        (error,) = [registry.error for registry in report.registries if registry.registry == B]
        assert error is not None
        assert error.kind == "wrong-account"
        assert B not in {registry for registry, _ in aws.world.writes}


async def test_rules_with_fields_from_the_future_are_left_alone() -> None:
    """Overwriting would drop what this version does not know; --allow takes the risk."""
    rules = {"rules": [{"destinations": [{"region": "eu-west-2", "registryId": "1" * 12}]}]}
    unknown = RegistryScenario(
        account="1" * 12,
        region="eu-west-1",
        replication=rules,
        unknown_fields={"tagReplication": {"enabled": True}},
    )
    async with simulate(FLEET, Scenario(registries=(unknown,))) as aws, aws.connected() as fleet:
        report = await fleet.apply(await fleet.plan(), force=True)
        outcome = report.registries[0]
        assert (outcome.registry, outcome.outcome) == (HUB, Outcome.FAILED)
        assert outcome.error is not None
        assert outcome.error.kind == "unknown-fields"
        assert HUB not in {registry for registry, _ in aws.world.writes}


async def test_a_selection_narrows_what_is_changed() -> None:
    """Only the selected account is in the report; what its links need elsewhere is held."""
    async with simulate(FLEET) as aws, aws.connected() as fleet:
        plan = await fleet.plan(selection=Selection(accounts=("hub",)))
        assert [registry.registry for registry in plan.registries] == [HUB]
        report = await fleet.apply(plan)
        assert [len(registry.held) for registry in report.registries] == [2]
        assert aws.world.writes == []


async def test_what_is_shown_holds_no_secret() -> None:
    """Neither the external id nor a token is in any event, plan or report."""
    scenario = Scenario(accounts=(AccountScenario(id="3" * 12, denied=True),))
    async with simulate(FLEET, scenario) as aws, aws.connected() as fleet:
        plan = await fleet.plan()
        report = await fleet.apply(plan)
        shown = to_json(plan) + to_json(report) + repr((plan, report, aws.events, aws.inventory))
        assert "s3cr3t-external-id" not in shown
        assert aws.endpoint.secret_access_key.reveal() not in shown


async def test_no_secret_is_shown_or_kept_that_aws_repeats(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every third answer is an error that holds all secrets of its call, each in another spelling:
    neither report, events, logs nor state hold any."""
    caplog.set_level(logging.DEBUG)
    spellings, carried_out = itertools.cycle(SPELLINGS), gateway._carried_out
    calls = itertools.count()

    def carry_out(world: World, call: Any) -> Any:
        if next(calls) % 3:
            return carried_out(world, call)
        # It knows the external id once it was told.
        known = EXTERNAL_ID if call.operation != "GetCallerIdentity" else call.key.secret
        secrets = [known, call.key.secret, call.key.token or "", call.key.id]
        said = " ".join(spell(secret) for secret, spell in zip(secrets, spellings, strict=False))
        service = call.service
        error = AwsError("ServerException", f"{said} {call!r}"[:2000], 500)
        return error_reply(service, error, next(spellings)(known))

    monkeypatch.setattr(gateway, "_carried_out", carry_out)
    async with simulate(FLEET + "[apply]\nattempts = 2\n") as aws:
        with suppress(IdentityError):
            for _ in range(6):
                await aws.applied()
        keys = aws.world.keyring._keys.values()
        secrets = {EXTERNAL_ID, *(part for key in keys for part in (key.secret, key.token, key.id))}
        kept = [path.read_text() for path in aws.state.rglob("*") if path.is_file()]
        shown = "\n".join((repr(aws.events), caplog.text, *kept))
    assert any(isinstance(event, CallRetried) for event in aws.events)
    assert kept
    texts = {spell(secret) for secret in filter(None, secrets) for spell in SPELLINGS}
    assert [text for text in texts if text in shown] == []


async def test_events_tell_the_run() -> None:
    """It starts once, finishes every registry once, and ends with the report."""
    async with simulate(FLEET) as aws, aws.connected() as fleet:
        report = await fleet.apply(await fleet.plan())
        events = aws.events
        assert [
            (event.registries, event.accounts) for event in events if isinstance(event, RunStarted)
        ] == [(4, 3)]
        finished = [event.outcome for event in events if isinstance(event, RegistryFinished)]
        assert sorted(finished, key=lambda entry: entry.registry) == list(report.registries)
        assert events[-1] == RunFinished(report=report)


async def test_a_wrong_base_identity_is_one_clear_error() -> None:
    """A bad key is told before any account is tried."""
    async with simulate(FLEET) as aws:
        aws.endpoint = type(aws.endpoint)(
            url=aws.endpoint.url,
            access_key_id="AKIAXXXXXXXXXXXXXXXX",
            secret_access_key=Secret("wrong"),
            region=aws.endpoint.region,
        )
        with pytest.raises(IdentityError):
            async with aws.connected():
                pass
        assert aws.world.calls["AssumeRole"] == 0


async def test_documents_are_json_with_every_registry_once() -> None:
    """Plan and report list each registry in scope exactly once."""
    async with simulate(FLEET) as aws, aws.connected() as fleet:
        plan = await fleet.plan()
        report = await fleet.apply(plan)
    for document in (json.loads(to_json(plan)), json.loads(to_json(report))):
        listed = [(item["account"], item["region"]) for item in document["registries"]]
        assert listed == sorted(
            {(registry.account, registry.region) for registry in (HUB, A, A2, B)}
        )
