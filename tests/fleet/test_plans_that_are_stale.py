"""A plan never undoes a newer decision: another run's, or another version of the inventory.

Each way to hold a plan while somebody else decides anew: in the library, in a file, with the lock
held all along, in a plan without a write.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import Fleet, Inventory, Outcome, PlanError, Status, load_inventory, to_json
from fleet_repl.fleet.kept_plan import load_plan
from fleet_repl.inventory import acknowledged, changed_file
from fleet_repl.reports.log_entry import LogEntry
from fleet_repl.runs.events import WriteStarted
from fleet_repl.watch import Round, RoundContext, RoundOptions, WatchOptions, run_round, watch

ADDITIVE = '[ownership]\nrules = "additive"\n'
STALE = "the plan is stale: apply .* has written since it was made"


def record(aws: Simulated) -> Any:
    return json.loads((aws.state / "applied.json").read_text())["registries"]


async def narrowed_by_another_run(aws: Simulated, text: str) -> None:
    """Somebody applies another version; then the file says again what it said before."""
    before = await anyio.Path(aws.inventory.path).read_text()
    assert (await aws.applied(text)).status is Status.OK
    aws.rewrite(before)


async def test_a_plan_from_before_another_run() -> None:
    """It would put back what that run has taken away: refused, and what is on record stays."""
    async with simulate(fleet_text("1>2 base/", "1>3 base/", more=ADDITIVE)) as aws:
        await aws.applied()
        aws.world.set_policy(aws.at(2), None)
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            await narrowed_by_another_run(aws, fleet_text("1>2 base/", more=ADDITIVE))
            writes, known = list(aws.world.writes), record(aws)
            with pytest.raises(PlanError, match=STALE):
                await fleet.apply(plan, force=True)
            assert (aws.world.writes, record(aws)) == (writes, known)
            # A plan that is made by now is none the worse for it.
            assert (await fleet.apply(await fleet.plan())).status is Status.OK
        assert aws.links(1) == {"2 base/", "3 base/"}


async def test_a_plan_file_from_before_another_run(tmp_path: Path) -> None:
    """Refused as well, unless somebody insists on it."""
    path = tmp_path / "plan.json"
    async with simulate(fleet_text("1>2 base/", "1>3 base/", more=ADDITIVE)) as aws:
        async with aws.connected() as fleet:
            path.write_text(to_json(await fleet.plan(beside=path)))
        await narrowed_by_another_run(aws, fleet_text("1>2 base/", more=ADDITIVE))
        async with aws.connected() as fleet:
            with pytest.raises(PlanError, match=STALE):
                await fleet.apply(load_plan(path))
        assert aws.links(1) == {"2 base/"}
        async with aws.connected() as fleet:
            report = await fleet.apply(load_plan(path), force=True)
        assert report.status is Status.PARTIAL
        assert record(aws)[str(aws.at(1))]["links"][str(aws.at(2))] == ["base/"]


async def test_insisting_on_an_old_plan_file_forgets_nothing_newer(tmp_path: Path) -> None:
    """What another run has put there since stays the fleet's own, and can be withdrawn."""
    path = tmp_path / "plan.json"
    async with simulate(fleet_text("1>2 base/", "1>3 base/", more=ADDITIVE)) as aws:
        async with aws.connected() as fleet:
            path.write_text(to_json(await fleet.plan(beside=path)))
        await narrowed_by_another_run(aws, fleet_text("1>4 team/", more=ADDITIVE))
        async with aws.connected() as fleet:
            await fleet.apply(load_plan(path), force=True)
        assert aws.links(1) == {"2 base/", "3 base/", "4 team/"}
        assert record(aws)[str(aws.at(1))]["links"][str(aws.at(4))] == ["team/"]
        assert (await aws.applied()).status is Status.OK
        assert aws.links(1) == {"2 base/", "3 base/"}


async def test_runs_of_the_same_plan_do_not_count() -> None:
    """It may be carried out wave by wave, by several connections."""
    waves = {"canary": ("1",)}
    async with simulate(fleet_text("1,2>3 base/", waves=waves)) as aws:
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            await fleet.apply(plan, wave="canary")
        async with aws.connected() as fleet:
            assert (await fleet.apply(plan)).status is Status.OK
        assert (aws.links(1), aws.links(2)) == ({"3 base/"}, {"3 base/"})
        assert set(record(aws)) == {str(aws.at(1)), str(aws.at(2))}


async def test_a_run_that_died_since_counts() -> None:
    """Whatever it had decided, it may have written; the next plan knows of it."""
    async with simulate(fleet_text("1>2 base/")) as aws, aws.connected() as early:
        plan = await early.plan()
        await killed(aws)
        with pytest.raises(PlanError, match=STALE):
            await early.apply(plan)
        assert (await early.apply(await early.plan())).status is Status.OK


async def test_a_dead_run_is_put_on_record_before_the_next_write() -> None:
    """Also where the plan was made without the lock: by the first write the dead run has ended, so
    that nobody tells of it again."""
    async with simulate(fleet_text("1>2,3 base/")) as aws:
        died = await killed(aws)
        ended: list[bool] = []

        def noted(event: object) -> None:
            if isinstance(event, WriteStarted):
                ended.append((aws.state / "runs" / died / "ended.json").exists())

        async with aws.connected() as fleet:
            plan = await fleet.plan()
            assert [warning.kind for warning in plan.warnings] == ["unfinished-run"]
            assert not (aws.state / "runs" / died / "ended.json").exists()
            report = await fleet.apply(plan, on_event=noted)
        assert [warning.kind for warning in report.warnings] == ["unfinished-run"]
        assert ended == [True] * len(ended) != []
        assert (await aws.applied()).warnings == ()


async def killed(aws: Simulated) -> str:
    """A run that ends in the middle of its writes, without a word. Its id."""
    with anyio.CancelScope() as scope:
        async with aws.connected() as fleet:
            plan = await fleet.plan()

            def strike(event: object) -> None:
                if isinstance(event, WriteStarted):
                    scope.cancel()

            await fleet.apply(plan, on_event=strike)
    assert scope.cancelled_caught
    return fleet.run_id


async def test_a_plan_without_a_write_forgets_nothing_newer() -> None:
    """It takes no lock and is never refused; what a newer run has on record stays there."""
    async with simulate(fleet_text("1>2 base/", more=ADDITIVE)) as aws:
        await aws.applied()
        async with aws.connected() as fleet:
            idle = await fleet.plan()
            assert idle.changes == ()
            await narrowed_by_another_run(aws, fleet_text("1>2 base/", "3>4 team/", more=ADDITIVE))
            known = record(aws)
            assert (await fleet.apply(idle)).status is Status.OK
        assert record(aws) == known
        assert str(aws.at(3)) in known
        await aws.applied()
        assert aws.links(3) == set()


async def test_a_rollback_that_was_planned_before_another_run() -> None:
    """Putting back is writing as well."""
    async with simulate(fleet_text("1>2 base/", more=ADDITIVE)) as aws:
        run = await aws.applied()
        async with aws.connected() as fleet:
            plan = await fleet.plan_rollback(run.run_id)
            await narrowed_by_another_run(aws, fleet_text("1>2 base/", "3>4 a/", more=ADDITIVE))
            with pytest.raises(PlanError, match=STALE):
                await fleet.apply(plan)
        assert aws.links(1) == {"2 base/"}


def edited(aws: Simulated) -> None:
    path = Path(aws.inventory.path)
    path.write_text(path.read_text().replace("base/", "other/"))


def removed(aws: Simulated) -> None:
    Path(aws.inventory.path).unlink()


@pytest.mark.parametrize("locked", [False, True])
async def test_an_inventory_that_was_edited_since(*, locked: bool) -> None:
    """Between loading and writing; also where the lock was held from before the plan."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        async with aws.connected(locked=locked) as fleet:
            plan = await fleet.plan()
            edited(aws)
            with pytest.raises(PlanError, match=r"fleet\.toml was changed after it was read"):
                await fleet.apply(plan)
        assert aws.world.writes == []


async def test_an_inventory_that_is_gone_says_nothing_newer() -> None:
    """What was loaded is carried out."""
    async with simulate(fleet_text("1>2 base/")) as aws, aws.connected() as fleet:
        plan = await fleet.plan()
        removed(aws)
        assert (await fleet.apply(plan)).status is Status.OK


POLICY = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:GetImage"}]}'
TEMPLATE = """
[[templates]]
name = "expiring"
prefix = "base/"
select = {}
repository_policy_file = "policy.json"
"""


def test_texts_beside_the_inventory_belong_to_it(tmp_path: Path) -> None:
    """What a template names is a part of the version."""
    policy = tmp_path / "policy.json"
    policy.write_text(POLICY)
    path = tmp_path / "fleet.toml"
    path.write_text(fleet_text("1>2 base/", more=TEMPLATE))
    inventory = load_inventory(path)
    assert changed_file(inventory) is None
    policy.write_text(POLICY.replace("Allow", "Deny"))
    assert changed_file(inventory) == str(policy)
    assert changed_file(acknowledged(inventory)) is None


@asynccontextmanager
async def interfering(
    aws: Simulated, fleet: Fleet, meddle: Callable[[], Any]
) -> AsyncIterator[Any]:
    """A fleet whose first plan is followed by what somebody else does."""
    once = [meddle]

    class Meddled:
        def __getattr__(self, name: str) -> Any:
            return getattr(fleet, name)

        async def apply(self, plan: Any) -> Any:
            while once:
                await once.pop()()
            return await fleet.apply(plan)

    yield Meddled()


async def round_of(
    aws: Simulated, meddle: Callable[[], Any], **how: Any
) -> tuple[Round, list[str]]:
    """A round of a watch that is overtaken between its plan and its writes."""
    entries: list[LogEntry] = []

    @asynccontextmanager
    async def connected(inventory: Inventory) -> AsyncIterator[Any]:
        async with (
            aws.connected(lambda event: None) as fleet,
            interfering(aws, fleet, meddle) as meddled,
        ):
            yield meddled

    around = RoundContext(connect=connected, log=entries.append, clock=aws.clock, **how)
    round_, _ = await run_round(RoundOptions(fix=True), aws.inventory, around)
    return round_, [item.event for item in entries]


async def test_a_round_that_is_overtaken_plans_anew() -> None:
    """And writes what is wanted by then."""
    async with simulate(fleet_text("1>2 base/", more=ADDITIVE)) as aws:

        async def meddle() -> None:
            await narrowed_by_another_run(aws, fleet_text("3>4 team/", more=ADDITIVE))

        round_, entries = await round_of(aws, meddle)
        assert (round_.verdict, entries) == ("corrected", ["planned-anew"])
        # It planned by what is on record now, so that the other run's link is taken away again.
        assert (aws.links(1), aws.links(3)) == ({"2 base/"}, set())


async def test_a_watch_keeps_what_an_operator_has_decided() -> None:
    """A round that read the file before the operator edited and applied it puts nothing back."""
    wide, narrow = (fleet_text(*links) for links in (("1>2 a/", "1>3 a/"), ("1>2 a/",)))
    async with simulate(wide) as aws:
        await aws.applied()
        aws.world.set_policy(aws.at(2), None)
        stop, rounds, entries = anyio.Event(), list[Round](), list[LogEntry]()

        async def meddle() -> None:
            assert (await aws.applied(narrow)).status is Status.OK
            aws.world.set_policy(aws.at(2), None)

        once = [meddle]

        @asynccontextmanager
        async def connected(inventory: Inventory) -> AsyncIterator[Any]:
            aws.inventory = inventory
            later = once.pop() if once else anyio.lowlevel.checkpoint
            async with (
                aws.connected(lambda event: None) as fleet,
                interfering(aws, fleet, later) as meddled,
            ):
                yield meddled

        await watch(
            WatchOptions(every=60, fix=True, once=True),
            load=lambda: load_inventory(aws.inventory.path),
            connect=connected,
            log=entries.append,
            stop=stop,
            clock=aws.clock,
            uniform=lambda low, high: low,
            on_round=rounds.append,
        )
        assert [round_.verdict for round_ in rounds] == ["corrected"]
        assert "begun-anew" in [item.event for item in entries]
        assert aws.links(1) == {"2 a/"}
        assert rounds[0].report is not None
        assert rounds[0].report.count(Outcome.APPLIED) == 1
