"""Objections from end to end: nothing is written until somebody insists, and that is on record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl import Fault, FaultKind, Outcome, Status, to_json
from fleet_repl.fleet.kept_plan import load_plan
from fleet_repl.planning.authorize import with_allowed_writes
from fleet_repl.planning.change import Resource
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.sandbox import RegistryScenario, Scenario

LINKS = ("1>2,3 base/", "2>4 team/")
PROTECTED = '[safety]\nprotected = [{ accounts = ["000000000001"] }]\n'


async def test_insisting_is_remembered() -> None:
    """What was overridden stands in the run and in its report, each by its name."""
    async with simulate(fleet_text(*LINKS, more=PROTECTED)) as aws:
        await aws.applied()
        aws.rewrite(fleet_text("1>2 base/", "2>4 team/", more=PROTECTED))
        aws.world.set_replication(aws.at(4), aws.world.replication(aws.at(2)))
        for how in ({}, {"force": True}, {"allow": ("protected",)}):
            report = await aws.applied(**how)
            assert (report.status, report.forced, report.allowed) == (Status.REFUSED, False, ())
            kinds = {objection.kind for objection in report.objections}
            assert kinds == {"foreign-rules", "protected"}
        report = await aws.applied(force=True, allow=("protected",))
        assert (report.status, report.forced, report.allowed) == (Status.OK, True, ("protected",))
        assert {objection.kind for objection in report.objections} == {"foreign-rules", "protected"}
        async with aws.history() as history:
            past = await history.run("last")
        assert (past.meta.forced, past.meta.allowed) == (True, ("protected",))
        assert past.report is not None
        assert (past.report.forced, past.report.allowed) == (True, ("protected",))


async def test_allowing_something_else_clears_nothing() -> None:
    """Neither in the plan nor when it is applied: `unknown-fields` says nothing of protection."""
    async with simulate(fleet_text(*LINKS, more=PROTECTED)) as aws:
        await aws.applied()
        aws.rewrite(fleet_text("1>2 base/", "2>4 team/", more=PROTECTED))
        writes = list(aws.world.writes)
        async with aws.connected() as fleet:
            plan = await fleet.plan(allow=("unknown-fields",))
            assert [objection.kind for objection in plan.objections] == ["protected"]
            for force in (False, True):
                report = await fleet.apply(plan, force=force, allow=("unknown-fields",))
                assert report.status is Status.REFUSED
        assert aws.world.writes == writes


UNKNOWN, LEFT_ALONE, OVER = (
    Fault(kind=kind, operation="PutReplicationConfiguration", message="no")
    for kind in (FaultKind.UNKNOWN_FIELDS, FaultKind.CONFLICT, FaultKind.INVALID)
)
RULES, POLICY, TEMPLATE = (
    Resource.REPLICATION_CONFIGURATION,
    Resource.REGISTRY_POLICY,
    Resource.CREATION_TEMPLATE,
)


@pytest.mark.parametrize(
    ("allow", "refused", "left", "error"),
    [
        ((), {RULES: UNKNOWN}, {RULES: UNKNOWN}, UNKNOWN),
        (("protected",), {RULES: UNKNOWN}, {RULES: UNKNOWN}, UNKNOWN),
        (("unknown-fields",), {RULES: UNKNOWN}, {}, None),
        (("unknown-fields",), {RULES: LEFT_ALONE}, {RULES: LEFT_ALONE}, LEFT_ALONE),
        (("unknown-fields",), {RULES: UNKNOWN, POLICY: OVER}, {POLICY: OVER}, OVER),
        (
            ("unknown-fields", "protected"),
            {RULES: UNKNOWN, POLICY: UNKNOWN, TEMPLATE: LEFT_ALONE},
            {TEMPLATE: LEFT_ALONE},
            LEFT_ALONE,
        ),
    ],
)
async def test_only_what_is_allowed_is_lifted(
    allow: tuple[str, ...],
    refused: dict[Resource, Fault],
    left: dict[Resource, Fault],
    error: Fault | None,
) -> None:
    """`--allow unknown-fields` lets documents with unknown fields be written, and nothing else."""
    async with simulate(fleet_text("1>2 base/")) as aws, aws.connected() as fleet:
        plan = await fleet.plan()
    first, *others = plan.registries
    refusing = replace(first, refused=refused, error=next(iter(refused.values())))
    lifted = with_allowed_writes(replace(plan, registries=(refusing, *others)), allow)
    assert (lifted.registries[0].refused, lifted.registries[0].error) == (left, error)
    assert lifted.registries[1:] == plan.registries[1:]


async def test_force_that_overrides_nothing_is_not_reported() -> None:
    """A report says that it was forced only where there was something to force."""
    async with simulate(fleet_text(*LINKS)) as aws:
        report = await aws.applied(force=True)
        assert (report.status, report.forced, report.objections) == (Status.OK, False, ())


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("max-removals", 'max_removals = "30%"'),
        ("max-changed", 'max_removals = "100%"\nmax_changed = 3'),
    ],
)
async def test_too_much_at_once_is_refused(kind: str, more: str) -> None:
    """Nothing is written and the setting is named; with insistence it goes, and is recorded so."""
    sources = "1,2,3,4"
    async with simulate(fleet_text(f"{sources}>5,6,7 base/", accounts=7)) as aws:
        await aws.applied()
        narrower = fleet_text(f"{sources}>5,6 base/", accounts=7, more=f"[safety]\n{more}\n")
        aws.rewrite(narrower)
        writes = list(aws.world.writes)
        report = await aws.applied()
        assert [objection.kind for objection in report.objections] == [kind]
        assert kind.replace("-", "_") in report.objections[0].message
        assert (report.status, report_exit(report)) == (Status.REFUSED, 3)
        assert aws.world.writes == writes
        report = await aws.applied(force=True)
        assert (report.status, report.forced) == (Status.OK, True)
        assert aws.links(1) == {"5 base/", "6 base/"}


async def test_too_many_that_cannot_be_read() -> None:
    """Half the fleet denies access: something else is wrong, and nothing is written."""
    more = "[safety]\nmax_unreadable = 2\n"
    async with simulate(fleet_text("1>2,3,4,5,6 base/", accounts=6, more=more)) as aws:
        for number in (4, 5, 6):
            aws.deny(number)
        report = await aws.applied()
        assert [objection.kind for objection in report.objections] == ["max-unreadable"]
        assert (report.status, aws.world.writes) == (Status.REFUSED, [])
        report = await aws.applied(force=True)
        assert (report.status, aws.links(1)) == (Status.PARTIAL, {"2 base/", "3 base/"})


async def test_a_first_run_against_rules_of_others() -> None:
    """It explains who owns what, and what can be done; nothing of theirs is touched."""
    theirs = {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": "000000000004"}]}]}
    scenario = Scenario(
        registries=(
            RegistryScenario(account="000000000001", region="eu-west-1", replication=theirs),
        )
    )
    async with simulate(fleet_text(*LINKS), scenario) as aws:
        report = await aws.applied()
        (objection,) = report.objections
        assert objection.kind == "foreign-rules"
        for word in ("exclusive", "additive", "fleet-repl import", "--force"):
            assert word in objection.message
        assert (aws.world.writes, aws.world.replication(aws.at(1))) == ([], theirs)


async def test_unknown_fields_are_allowed_for_a_plan_from_a_file(tmp_path: Path) -> None:
    """The plan was made without it and says that they fail; whoever applies it may allow it."""
    unknown = RegistryScenario(
        account="000000000001",
        region="eu-west-1",
        replication={
            "rules": [{"destinations": [{"region": "eu-west-1", "registryId": "000000000002"}]}]
        },
        unknown_fields={"tagReplication": {"enabled": True}},
    )
    path = tmp_path / "plan.json"
    async with simulate(fleet_text("1>2", "1>3"), Scenario(registries=(unknown,))) as aws:
        async with aws.connected() as fleet:
            path.write_text(to_json(await fleet.plan(beside=path)))
        async with aws.connected() as fleet:
            report = await fleet.apply(load_plan(path))
        assert report.registries[0].outcome is Outcome.FAILED
        assert report.registries[0].error is not None
        assert report.registries[0].error.kind == "unknown-fields"
        assert aws.at(1) not in {registry for registry, _ in aws.world.writes}
        async with aws.connected() as fleet:
            report = await fleet.apply(load_plan(path), allow=("unknown-fields",))
        assert (report.status, report.allowed) == (Status.OK, ("unknown-fields",))
        async with aws.history() as history:
            past = await history.run(report.run_id)
        # What was carried out is what is remembered, and can be read again.
        assert (past.meta.allowed, past.plan.digest) == (report.allowed, report.plan_digest)
        assert not any(registry.refused for registry in past.plan.registries)
        assert aws.links(1) == {"2 ", "3 "}
