"""Accounts join, the role of one appears later, another closes: over HTTP, on a virtual clock."""

from __future__ import annotations

import json
from typing import Any, Final

from jsonschema import Draft202012Validator
from tests.support.simulated import Simulated, simulate

from fleet_repl import Status, load_plan, to_json
from fleet_repl.planning.plan import Plan, State
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.exit_codes import plan_exit, report_exit
from fleet_repl.reports.junit_cases import plan_cases, report_cases
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.reports.text.reports import report_text
from fleet_repl.runs.outcomes import Outcome, Report
from fleet_repl.sandbox import MemberScenario, OrganizationScenario, Scenario
from fleet_repl.values.exit_code import ExitCode

BASE: Final = "9" * 12
HOUR: Final = 3600
FLEET: Final = """\
version = 1
name = "org"
[aws]
role = "fleet"
external_id = "${EXTERNAL_ID}"
regions = ["eu-west-1"]
[organization]
exclude = ["999999999999"]
[[routes]]
name = "golden"
from = { accounts = "build" }
to = {}
prefixes = ["base/"]
"""
SHOP: Final = "000000000002"


def organization(**shop: Any) -> Scenario:
    """An account that builds images, one that receives them, and one that joins after an hour."""
    members = (
        MemberScenario(id=BASE, name="management"),
        MemberScenario(id="000000000001", name="build"),
        MemberScenario(id="000000000003", name="stage"),
        MemberScenario(id=SHOP, name="shop", joins_after=HOUR, **shop),
    )
    return Scenario(organization=OrganizationScenario(management=BASE, members=members))


async def at(fleet: Simulated, hours: float) -> Report:
    """A whole run, so many hours after the start."""
    fleet.clock.seconds = hours * HOUR
    return await fleet.applied()


def codes(plan: Plan, report: Report) -> tuple[ExitCode, ExitCode]:
    return plan_exit(plan, detailed=False), report_exit(report)


async def test_an_account_joins_and_its_role_appears_later() -> None:
    """Until then links to it are held and nothing is partial; then the next run makes them."""
    async with simulate(FLEET, organization(role_after=5 * HOUR)) as fleet:
        assert (await at(fleet, 0)).status is Status.OK
        report = await at(fleet, 4.5)
        plan = await fleet.planned()
        assert codes(plan, report) == (ExitCode.OK, ExitCode.OK)
        assert report.status is Status.OK
        assert fleet.links(1) == {"3 base/"}
        build, shop, _ = report.registries
        (held,) = build.held
        assert held.joining
        assert (shop.outcome, shop.error, shop.because) == (Outcome.UNCHANGED, None, held.because)
        assert held.because.startswith("account 000000000002 joined 0 min ago; its role cannot")
        assert (await at(fleet, 6)).status is Status.OK
        assert fleet.links(1) == {"2 base/", "3 base/"}
        assert fleet.ungranted() == set()


async def test_after_a_day_it_is_a_failure() -> None:
    """Of the very account, counted from the first discovery that saw it."""
    async with simulate(FLEET, organization(role_after=90 * HOUR)) as fleet:
        await at(fleet, 0)
        await at(fleet, 2)
        assert report_exit(await at(fleet, 25.99)) is ExitCode.OK
        report = await at(fleet, 26.01)
        assert codes(await fleet.planned(), report) == (ExitCode.PARTIAL, ExitCode.PARTIAL)
        build, shop, _ = report.registries
        assert [link.joining for link in build.held] == [False]
        assert shop.outcome is Outcome.FAILED


async def test_the_first_discovery_knows_ages_from_aws() -> None:
    """An account of yesterday's may be without a role; one that is older may not."""
    for hours, code in ((20, ExitCode.OK), (26, ExitCode.PARTIAL)):
        async with simulate(FLEET, organization(role_after=90 * HOUR)) as fleet:
            assert report_exit(await at(fleet, hours)) is code


async def test_an_account_of_the_file_never_joins() -> None:
    """Whoever lists an account says that it is there."""
    async with simulate(FLEET, organization(role_after=90 * HOUR)) as fleet:
        await at(fleet, 0)
        fleet.rewrite(f'{FLEET}[[accounts]]\nid = "{SHOP}"\n')
        assert report_exit(await at(fleet, 2)) is ExitCode.PARTIAL


async def test_another_account_closes() -> None:
    """It is retired from then on: links to it go, and that it cannot be reached is no failure."""
    async with simulate(FLEET, organization(closes_after=30 * HOUR)) as fleet:
        await at(fleet, 2)
        assert fleet.links(1) == {"2 base/", "3 base/"}
        assert report_exit(await at(fleet, 31)) is ExitCode.OK
        assert fleet.links(1) == {"3 base/"}
        assert (await fleet.planned()).registries[1].gone


async def test_every_form_of_a_result_says_the_same(tmp_path: Any) -> None:
    """Text, JSON and JUnit; documents fit their schemas and are read back as they were."""
    async with simulate(FLEET, organization(role_after=90 * HOUR)) as fleet:
        await at(fleet, 0)
        await at(fleet, 1.5)
        report = await at(fleet, 5)
        plan = await fleet.planned()
        async with fleet.connected() as connected:
            doctor = await connected.doctor()
    sentence = plan.registries[1].joining
    assert sentence is not None
    assert sentence.startswith("account 000000000002 joined 3 h ago; its role cannot be assumed ye")
    assert plan.registries[1].state is State.UNREADABLE
    assert f"\nJoining, which is no failure yet: 1 registry\n  {sentence}" in plan_text(plan)
    assert f"\nUnchanged: 1 registry\n  {sentence}: 1 registry\n" in report_text(report)
    assert "Exit 0: done." in report_text(report)
    for result, name in ((plan, "plan"), (report, "report")):
        document = json.loads(to_json(result))
        Draft202012Validator(schema(name)).validate(document)
        assert document["registries"][0]["held"][0]["joining"] is True
    file = tmp_path / "org.plan"
    file.write_text(to_json(plan))
    assert load_plan(file).registries == plan.registries
    for cases in (plan_cases(plan), report_cases(report)):
        assert [case.verdict and case.verdict.element for case in cases] == [
            "skipped",
            "skipped",
            None,
        ]
    assert doctor.problems == ()
    assert doctor.notes[-1].startswith("account 000000000002 joined 3 h ago")
