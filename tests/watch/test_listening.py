"""/healthz, /readyz and /metrics, over HTTP."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.watched import HUB, A, Stage, inventory_of

from fleet_repl import __version__
from fleet_repl.planning.plan import Objection
from fleet_repl.runs.timed_deliveries import DeliveryResult, TimedDelivery
from fleet_repl.values.errors import FleetError, InventoryError, Problem
from fleet_repl.watch import parse_address
from fleet_repl.watch.delivery_metrics import DeliveryMetrics
from fleet_repl.watch.delivery_totals import EventCounts


class Scraped:
    """What a watch answers, asked in the middle of its rounds."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.answers: list[dict[str, tuple[int, str]]] = []

    @property
    def base(self) -> str:
        (line,) = self._stage.lines("listening")
        return str(line.removeprefix("listening on "))

    async def ask(self) -> None:
        async with aiohttp.ClientSession() as session:
            answers = {}
            for path in ("/healthz", "/readyz", "/metrics", "/metrics/more"):
                async with session.get(self.base + path) as response:
                    answers[path] = (response.status, await response.text())
            async with session.head(f"{self.base}/metrics") as response:
                answers["HEAD"] = (response.status, await response.text())
            async with session.post(f"{self.base}/metrics") as response:
                answers["POST"] = (response.status, "")
        self.answers.append(answers)


async def scraped(stage: Any, rounds: int, between: Any = lambda number: None, **asked: Any) -> Any:
    """A watch that is asked before each pause, and while its first round makes a plan."""
    asking = Scraped(stage)
    sleep = stage.clock.sleep

    async def asks_first(seconds: float) -> None:
        await asking.ask()
        await sleep(seconds)

    stage.clock.sleep = asks_first
    await stage.watch(rounds, between, listen="127.0.0.1:0", **asked)
    return asking.answers


def values(text: str) -> dict[str, float]:
    """The samples of a scrape."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_alive_at_once_and_ready_after_the_first_round(stage: Stage) -> None:
    """As a Deployment needs it; other paths and methods are refused."""
    in_round, in_pause, *_ = await scraped(stage, 2, every=60)
    assert in_round["/healthz"] == (200, "ok\n")
    assert in_round["/readyz"] == (503, "not ready: the last round made no plan\n")
    assert in_pause["/readyz"] == (200, "ok\n")
    assert [in_pause[path][0] for path in ("/metrics/more", "POST")] == [404, 405]
    assert in_pause["HEAD"] == (200, "")


async def test_a_broken_round_is_not_ready(stage: Stage) -> None:
    """But alive: a restart would not mend it."""
    stage.world.no_identity = True

    def between(number: int) -> None:
        stage.world.no_identity = False

    in_pause, _, later = (await scraped(stage, 3, between, every=60))[:3]
    assert (in_pause["/healthz"][0], in_pause["/readyz"][0]) == (200, 503)
    assert later["/readyz"][0] == 200


async def test_a_watch_that_is_stuck_is_not_alive(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No round has finished within three intervals and a run's deadline."""
    stage.world.took = 3 * 60 + stage.inventory.apply.deadline + 1
    asking = Scraped(stage)
    answers = []

    async def too_late() -> None:
        await asking.ask()

    sleep = stage.clock.sleep

    async def asks_later(seconds: float) -> None:
        await sleep(seconds)
        await too_late()
        answers.append(asking.answers[-1]["/healthz"])

    monkeypatch.setattr(stage.clock, "sleep", asks_later)
    await stage.watch(1, every=60, listen="127.0.0.1:0")
    assert answers[0] == (503, "stuck: no round has finished for too long\n")


async def test_figures(stage: Stage) -> None:
    """One registry cannot be read and one differs, for a minute by now."""
    stage.world.tamper(HUB)
    stage.world.unreadable.add(A)
    answers = await scraped(stage, 2, every=60)
    figures = values(answers[1]["/metrics"][1])
    prod = 'fleet="prod"'
    assert figures[f'fleet_repl_rounds_total{{{prod},result="drift"}}'] == 1
    assert figures[f'fleet_repl_rounds_total{{{prod},result="corrected"}}'] == 0
    assert figures[f"fleet_repl_round_duration_seconds_sum{{{prod}}}"] == 1
    assert figures[f'fleet_repl_registries{{{prod},outcome="changed"}}'] == 1
    assert figures[f'fleet_repl_registries{{{prod},outcome="unreadable"}}'] == 1
    assert figures[f'fleet_repl_registries{{{prod},outcome="unchanged"}}'] == 1
    assert figures[f'fleet_repl_registries{{{prod},outcome="applied"}}'] == 0
    assert figures[f"fleet_repl_drift_age_seconds{{{prod}}}"] == 1
    assert figures[f"fleet_repl_lock_held{{{prod}}}"] == 0
    assert figures[f"fleet_repl_inventory_broken{{{prod}}}"] == 0
    assert figures[f"fleet_repl_left_alone{{{prod}}}"] == 0
    call = 'operation="DescribeRegistry",result="ok",service="ecr"'
    assert figures[f"fleet_repl_calls_total{{{call}}}"] == 3
    assert figures["fleet_repl_throttles_total"] == 2
    assert figures[f'fleet_repl_build_info{{version="{__version__}"}}'] == 1
    # The next round is under way: the drift is a minute old.
    later = values(answers[2]["/metrics"][1])
    assert later[f"fleet_repl_drift_age_seconds{{{prod}}}"] == 60


async def test_figures_of_a_correction(stage: Stage) -> None:
    """The lock is held while it writes, and the drift is over."""
    stage.world.tamper(HUB)
    planning, writing, pause, *_ = await scraped(stage, 2, every=60, fix=True)
    prod = 'fleet="prod"'
    held = f"fleet_repl_lock_held{{{prod}}}"
    assert [values(item["/metrics"][1])[held] for item in (planning, writing, pause)] == [0, 1, 0]
    figures = values(pause["/metrics"][1])
    assert figures[f'fleet_repl_registries{{{prod},outcome="applied"}}'] == 1
    assert figures[f"fleet_repl_drift_age_seconds{{{prod}}}"] == 0
    success = figures[f"fleet_repl_last_success_timestamp_seconds{{{prod}}}"]
    assert success == stage.rounds[0].finished_at.timestamp()


async def test_accounts_that_are_joining_have_a_figure(stage: Stage) -> None:
    """Their registries are unreadable, and the round is a success all the same."""
    stage.world.joining.add(A)
    *_, pause = await scraped(stage, 2, every=60)
    figures = values(pause["/metrics"][1])
    assert figures['fleet_repl_joining{fleet="prod"}'] == 1
    assert figures['fleet_repl_registries{fleet="prod",outcome="unreadable"}'] == 1
    assert figures['fleet_repl_last_success_timestamp_seconds{fleet="prod"}'] > 0


async def test_an_excluded_registry_has_a_figure_of_its_own(stage: Stage) -> None:
    """By account, region and objection; and none any more once it is corrected."""
    stage.world.tamper(HUB, A)
    stage.world.objected[HUB] = Objection(kind="foreign-rules", message="theirs")
    answers = await scraped(stage, 3, lambda _: stage.world.objected.clear(), every=60, fix=True)
    figure = (
        f'fleet_repl_excluded{{account="{HUB.account}",fleet="prod",objection="foreign-rules",'
        f'region="{HUB.region}"}}'
    )
    seen = [values(answer["/metrics"][1]).get(figure) for answer in answers]
    assert seen.count(1) > 0
    assert seen[-1] is None


async def test_a_broken_inventory_and_missed_rounds_are_counted(stage: Stage) -> None:
    """And a fleet that is no longer watched is told of no more."""
    stage.world.took = 200
    problem = Problem(file="prod.toml", line=1, key="name", message="is missing")

    def between(number: int) -> None:
        stage.broken = InventoryError([problem]) if number == 1 else None
        if number == 2:
            stage.inventory = inventory_of(name="test")

    answers = await scraped(stage, 3, between, every=60)
    last = values(answers[-1]["/metrics"][1])
    assert last['fleet_repl_rounds_missed_total{fleet="prod"}'] == 4
    assert not any(name == 'fleet_repl_inventory_broken{fleet="prod"}' for name in last)


async def test_a_port_that_is_taken(stage: Stage) -> None:
    """It is found before anything is called."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FleetError) as raised:
            await stage.watch(1, listen=f"127.0.0.1:{port}")
    assert str(raised.value) == (
        f"the watch cannot listen on 127.0.0.1:{port}: Address already in use"
    )
    assert stage.rounds == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("127.0.0.1:9464", "127.0.0.1:9464"),
        (":9464", "127.0.0.1:9464"),
        ("[::1]:9464", "[::1]:9464"),
        ("0.0.0.0:0", "0.0.0.0:0"),
        ("localhost:80", "localhost:80"),
    ],
)
def test_addresses(text: str, shown: str) -> None:
    """A host and a port; without a host, loopback."""
    assert str(parse_address(text)) == shown


@pytest.mark.parametrize(
    "text",
    ["", "9464", "localhost", "localhost:", "::1:9464", "a:65536", "a:b", "a b:1", "http://a:1"],
)
def test_what_is_no_address(text: str) -> None:
    """It is refused with an example."""
    with pytest.raises(FleetError, match=r" is no address to listen on; one is 127\.0\.0\.1:9464$"):
        parse_address(text)


def metrics_of_deliveries() -> str:
    """Those that a watch has besides once it counts deliveries: one that arrived and one that
    failed."""
    registry = CollectorRegistry()
    metrics = DeliveryMetrics(registry, lambda: "prod", lambda: True)
    metrics.received(EventCounts(counted=2))
    arrived = TimedDelivery(
        source=HUB,
        destination=A,
        repository="base/go",
        digest=f"sha256:{'0' * 64}",
        routes=("golden",),
        result=DeliveryResult.ARRIVED,
        at=datetime(2026, 11, 23, 8, tzinfo=UTC),
        seconds=7.0,
    )
    for delivery in (arrived, replace(arrived, result=DeliveryResult.FAILED)):
        metrics.delivered(delivery, sampled=True)
    text = generate_latest(registry).decode()
    return "".join(line for line in text.splitlines(keepends=True) if "_created" not in line)


async def test_every_metric_is_described(stage: Stage) -> None:
    """The page names each one with its labels, and no other."""
    stage.world.tamper(HUB, A)
    stage.world.objected[HUB] = Objection(kind="foreign-rules", message="theirs")
    answers = await scraped(stage, 2, every=60, fix=True, notify="http://127.0.0.1:1/")
    figures = {}
    text = answers[-1]["/metrics"][1] + metrics_of_deliveries()
    for family in text_string_to_metric_families(text):
        counted = family.type == "counter"
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        figures[f"{family.name}_total" if counted else family.name] = labels
    page = Path(__file__).parents[2].joinpath("docs/watch.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `fleet_repl_")]
    described = {row[1].strip(" `"): set(re.findall(r"`(\w+)`", row[2])) for row in rows}
    assert described == figures
