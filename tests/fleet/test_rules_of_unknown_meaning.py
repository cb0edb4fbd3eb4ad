"""A rule of which nobody knows what it does: ECR takes it, and nothing loses it."""

from __future__ import annotations

from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl import Status
from fleet_repl.ecr.rules import rules_of
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.sandbox import RegistryScenario, Scenario
from fleet_repl.values.canonical_json import JsonObject

STRANGE: JsonObject = {
    "destinations": [],
    "repositoryFilters": [{"filter": "keep/", "filterType": "PREFIX_MATCH"}],
}


def scenario() -> Scenario:
    """Somebody has written it by hand before."""
    there = RegistryScenario(
        account="000000000001", region="eu-west-1", replication={"rules": [STRANGE]}
    )
    return Scenario(registries=(there,))


async def test_it_is_kept_until_somebody_insists_and_comes_back() -> None:
    """Two applies keep it, beside links that come and go; one that is forced lets it go, and the
    rollback of that has it again to the letter."""
    async with simulate(fleet_text("1>2 base/"), scenario()) as aws:
        report = await aws.applied()
        assert (report.status, [warning.kind for warning in report.warnings]) == (
            Status.OK,
            ["unknown-rule"],
        )
        first = aws.world.replication(aws.at(1))
        assert rules_of(first)[0] == STRANGE
        assert aws.links(1) == {"2 base/"}
        await aws.applied(fleet_text("1>3 base/"))
        kept = aws.world.replication(aws.at(1))
        assert (rules_of(kept)[0], aws.links(1)) == (STRANGE, {"3 base/"})
        writes = list(aws.world.writes)
        report = await aws.applied()
        assert (report_exit(report), aws.world.writes) == (0, writes)
        async with aws.connected() as fleet:
            plan = await fleet.plan(force=True)
            refused = await fleet.apply(plan)
        assert [objection.kind for objection in plan.objections] == ["unknown-rule"]
        assert (refused.status, aws.world.replication(aws.at(1))) == (Status.REFUSED, kept)
        async with aws.connected() as fleet:
            report = await fleet.apply(await fleet.plan(force=True), force=True)
        assert (report.status, report.forced) == (Status.OK, True)
        assert STRANGE not in rules_of(aws.world.replication(aws.at(1)))
        async with aws.connected() as fleet:
            back = await fleet.apply(await fleet.plan_rollback(report.run_id))
        assert (back.status, aws.world.replication(aws.at(1))) == (Status.OK, kept)


async def test_one_that_came_later_is_noticed() -> None:
    """A stranger's rule without a link, written after the run: a rollback sees that the registry
    was changed, and who insists is told what would go."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        run = await aws.applied(fleet_text("1>3 base/"))
        rules = rules_of(aws.world.replication(aws.at(1)))
        later: JsonObject = {"rules": [*rules, STRANGE]}
        aws.world.set_replication(aws.at(1), later)
        async with aws.connected() as fleet:
            plan = await fleet.plan_rollback(run.run_id)
            error = next(
                registry.error for registry in plan.registries if registry.registry == aws.at(1)
            )
            assert (error is not None and error.kind, plan.objections) == ("conflict", ())
            forced = await fleet.plan_rollback(run.run_id, force=True)
            assert [objection.kind for objection in forced.objections] == ["unknown-rule"]
            report = await fleet.apply(forced)
        assert (report.status, aws.world.replication(aws.at(1))) == (Status.REFUSED, later)
