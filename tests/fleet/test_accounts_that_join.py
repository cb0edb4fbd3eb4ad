"""Accounts join, the role of one appears later, another closes: over HTTP, on a virtual clock."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from tests.support.simulated import ENVIRONMENT, Simulated, simulate

from fleet_repl import (
    BackfillOutcome,
    BackfillReport,
    BackfillState,
    DeliveryReport,
    DeliveryState,
    Imported,
    LinkDelivery,
    RegistryRead,
    Status,
    load_plan,
    to_json,
)
from fleet_repl.fleet.local_workers import local_workers
from fleet_repl.planning.explain import Reason
from fleet_repl.planning.plan import Plan, State
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.exit_codes import (
    backfill_exit,
    delivery_exit,
    explanation_exit,
    plan_exit,
    report_exit,
)
from fleet_repl.reports.formats import ReportFormat, Rows
from fleet_repl.reports.junit_cases import plan_cases, report_cases
from fleet_repl.reports.junit_checks import backfill_cases, delivery_cases
from fleet_repl.reports.render import Settings, render
from fleet_repl.reports.text.backfills import backfill_text
from fleet_repl.reports.text.deliveries import delivery_text
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
BACK: Final = """\
[[routes]]
name = "back"
from = {}
to = { accounts = "stage" }
prefixes = ["back/"]
"""
"""A route from every account, and so from the one that joins."""


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


async def test_a_role_that_is_taken_away_is_a_failure() -> None:
    """An account that a run has written to has had its role: it is not joining any more, however
    young it is."""
    async with simulate(FLEET, organization(role_after=2 * HOUR)) as fleet:
        await at(fleet, 0)
        assert (await at(fleet, 4)).status is Status.OK
        assert fleet.links(1) == {"2 base/", "3 base/"}
        fleet.deny(2)
        assert report_exit(await at(fleet, 5)) is ExitCode.PARTIAL
        async with fleet.connected(purpose=None) as connected:
            problems = (await connected.doctor()).problems
        assert [problem.accounts for problem in problems] == [(SHOP,)]


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


async def without_a_plan(
    fleet: Simulated, **how: Any
) -> tuple[DeliveryReport, BackfillReport, BackfillReport, Imported]:
    """What the commands that make no plan find out."""
    async with fleet.connected(**how) as connected:
        return (
            await connected.verify(),
            await connected.backfill(),
            await connected.backfill_status(),
            await connected.import_inventory(),
        )


def ends(link: LinkDelivery | BackfillOutcome) -> tuple[int, int]:
    return int(link.source.account), int(link.destination.account)


async def test_commands_without_a_plan_say_the_same() -> None:
    """Links from and to the account are named with the reason, which is no failure; all others are
    verified and copied as ever. Each read of the account is excused in the events, too."""
    async with simulate(FLEET + BACK, organization(role_after=90 * HOUR)) as fleet:
        await at(fleet, 0)
        await at(fleet, 1.5)
        fleet.world.push(fleet.at(1), "base/python", "1")
        fleet.clock.seconds = 5 * HOUR
        fleet.events.clear()
        delivery, started, status, imported = await without_a_plan(fleet)
    assert {ends(link): (link.state, bool(link.joining)) for link in delivery.links} == {
        (1, 2): (DeliveryState.UNKNOWN, True),
        (1, 3): (DeliveryState.COMPLETE, False),
        (2, 3): (DeliveryState.UNKNOWN, True),
    }
    assert (delivery.status, delivery.unreadable, delivery.sources) == ("ok", (), 2)
    for report, state in (
        (started, BackfillState.NOT_STARTED),
        (status, BackfillState.UNKNOWN),
    ):
        waiting = {ends(link): link.state for link in report.backfills if link.joining}
        assert waiting == {(1, 2): state, (2, 3): state}
        assert (report.status, backfill_exit(report)) == (Status.OK, ExitCode.OK)
    assert [ends(link) for link in started.backfills if link.started] == [(1, 3)]
    assert (imported.links, imported.unreadable) == (1, ())
    assert imported.left_out == ()
    (note,) = imported.notes
    assert note == (
        "nothing is imported of accounts that have just joined, whose roles cannot be assumed yet: "
        "000000000002"
    )
    assert SHOP not in imported.text
    reads = [event for event in fleet.events if isinstance(event, RegistryRead) and event.error]
    assert len(reads) == 4
    assert all(event.excuse is not None for event in reads)


async def test_after_a_day_they_fail() -> None:
    """As a plan does: of the very account, and of the links to it, which no rules make yet."""
    async with simulate(FLEET + BACK, organization(role_after=90 * HOUR)) as fleet:
        await at(fleet, 0)
        await at(fleet, 2)
        fleet.world.push(fleet.at(1), "base/python", "1")
        fleet.clock.seconds = 26.1 * HOUR
        delivery, started, status, imported = await without_a_plan(fleet)
    assert delivery_exit(delivery) is ExitCode.PARTIAL
    assert [unread.registry.account for unread in delivery.unreadable] == [SHOP]
    assert {ends(link): link.state for link in delivery.links} == {
        (1, 2): DeliveryState.NO_RULE,
        (1, 3): DeliveryState.COMPLETE,
        (2, 3): DeliveryState.UNKNOWN,
    }
    assert backfill_exit(started) is backfill_exit(status) is ExitCode.PARTIAL
    assert {ends(link): link.state for link in started.backfills if link.fails} == {
        (1, 2): BackfillState.NOT_IN_PLACE,
        (2, 3): BackfillState.NOT_STARTED,
    }
    assert [registry.account for registry in imported.unreadable] == [SHOP]


async def test_a_young_account_with_its_role_is_like_any_other() -> None:
    """Before it was applied to, its links have no rules, and it says so itself."""
    async with simulate(FLEET + BACK, organization(role_after=2 * HOUR)) as fleet:
        await at(fleet, 0)
        await at(fleet, 1.5)
        fleet.clock.seconds = 3 * HOUR
        delivery, started, _, imported = await without_a_plan(fleet)
    assert not any(link.joining for link in delivery.links)
    assert not any(link.joining for link in started.backfills)
    assert backfill_exit(started) is ExitCode.PARTIAL
    assert {link.state for link in started.backfills if link.fails} == {BackfillState.NOT_IN_PLACE}
    assert imported.unreadable == ()


async def test_workers_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes that read for a verification and an import find the same account joining."""
    monkeypatch.setenv("EXTERNAL_ID", ENVIRONMENT["EXTERNAL_ID"])
    async with simulate(FLEET + BACK, organization(role_after=90 * HOUR)) as fleet:
        await at(fleet, 0)
        fleet.world.push(fleet.at(1), "base/python", "1")
        fleet.clock.seconds = 1.5 * HOUR
        alone = await without_a_plan(fleet)
        async with local_workers(2) as workers:
            together = await without_a_plan(fleet, executor=workers)
    assert {ends(link) for link in alone[0].links if link.joining} == {(1, 2), (2, 3)}
    assert (alone[0].links, alone[3]) == (together[0].links, together[3])
    for report, other in zip(alone[1:3], together[1:3], strict=True):
        waiting = [link for link in report.backfills if link.joining]
        assert waiting == [link for link in other.backfills if link.joining]
        assert [ends(link) for link in waiting] == [(1, 2), (2, 3)]


async def test_explain_reads_no_account_that_joins() -> None:
    """Its links are neither carried nor unreadable, and the answer is whole; after a day it is
    not."""
    async with simulate(FLEET, organization(role_after=90 * HOUR)) as fleet:
        await at(fleet, 0)
        await at(fleet, 1.5)
        fleet.clock.seconds = 5 * HOUR
        async with fleet.connected(purpose=None) as connected:
            said = await connected.explain("base/go:1", source="build/eu-west-1")
            back = await connected.explain("back/go", source="shop/eu-west-1")
        assert (said.status, explanation_exit(said)) == ("ok", ExitCode.OK)
        assert [int(link.destination.account) for link in said.carried] == [3]
        why = next(why for why in said.not_carried if why.destination.account == SHOP)
        assert why.reason is Reason.JOINING
        assert why.because.startswith("account 000000000002 joined 3 h ago; its role cannot")
        assert {why.reason for why in back.not_carried} == {Reason.JOINING}
        assert (back.carried, back.status) == ((), "ok")
        fleet.clock.seconds = 26 * HOUR
        async with fleet.connected(purpose=None) as connected:
            late = await connected.explain("back/go", source="shop/eu-west-1")
        assert explanation_exit(late) is ExitCode.PARTIAL
        assert {why.reason for why in late.not_carried} == {Reason.UNREADABLE}


async def test_a_wait_and_a_repair_pass_it_over() -> None:
    """An image is awaited in an account that joins only where that is asked for, and then in vain;
    no backfill is started to it, which is no failure."""
    async with simulate(FLEET, organization(role_after=90 * HOUR)) as fleet:
        await at(fleet, 0)
        await at(fleet, 1.5)
        fleet.clock.seconds = 5 * HOUR
        fleet.world.push(fleet.at(1), "base/go", "1")
        async with fleet.connected(purpose=None) as connected:
            said = await connected.wait("base/go:1", source="build/eu-west-1")
            vain = await connected.wait("base/go:1", destinations=["shop/eu-west-1"])
            document = json.loads(to_json(await connected.verify()))
        assert said.waited is not None
        assert [int(image.destination.account) for image in said.waited.images] == [3]
        assert (said.status, vain.status) == ("ok", "partial")
        assert vain.waited is not None
        assert "its role cannot be assumed yet" in (vain.waited.images[0].because or "")
        image = next(link for link in document["links"] if link["images"])["images"][0]
        for link in document["links"]:
            joining = link.pop("joining", None)
            link["state"] = "missing" if joining else "complete"
            link["images"] = [{**image, "state": link["state"]}]
        del document["digest"]
        path = fleet.state / "document.json"
        path.write_text(json.dumps(document))
        async with fleet.connected() as connected:
            report = await connected.repair(path)
        (waiting,) = report.backfills
        assert (ends(waiting), waiting.joining) == ((1, 2), True)
        assert backfill_exit(report) is ExitCode.OK


async def test_every_form_of_those_results_says_so() -> None:
    """Text, JSON, JUnit and CSV."""
    async with simulate(FLEET, organization(role_after=90 * HOUR)) as fleet:
        await at(fleet, 0)
        await at(fleet, 1.5)
        fleet.clock.seconds = 5 * HOUR
        delivery, started, status, _ = await without_a_plan(fleet)
    sentence = delivery.links[0].joining
    assert sentence is not None
    assert f"\nJoining, which is no failure yet: 1 link\n  {sentence}\n" in delivery_text(delivery)
    for report, words in ((started, "not started"), (status, "unknown")):
        shown = backfill_text(report)
        assert f"  to 000000000002 eu-west-1 (shop): {words}: {sentence}\n" in shown
        assert "Exit 0: done." in shown
    for result, name, links in (
        (delivery, "delivery", "links"),
        (started, "backfill", "backfills"),
        (status, "backfill", "backfills"),
    ):
        document = json.loads(to_json(result))
        Draft202012Validator(schema(name)).validate(document)
        assert document[links][0]["joining"] in (True, sentence)
        assert "joining" not in document[links][1]
    for result in (delivery, started, status):
        table = "".join(render(result, ReportFormat.CSV, Settings(rows=Rows.LINKS)))
        first, second = csv.DictReader(io.StringIO(table))
        assert (first["because"], second["because"]) == (sentence, "")
    for cases in (
        delivery_cases(delivery),
        backfill_cases(started.backfills),
        backfill_cases(status.backfills),
    ):
        verdict = cases[0].verdict
        assert verdict is not None
        assert (verdict.element, verdict.message) == ("skipped", sentence)
