"""The page of a watch in a browser, over HTTP: it is read, and its report is opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from tests.browser.conftest import Open
from tests.browser.test_pages_in_a_browser import HOSTILE
from tests.support.clock import VirtualClock
from tests.support.watched import HUB, A, B, Stage, World, inventory_of

from fleet_repl.planning.plan import Objection
from fleet_repl.watch.recent_rounds import RecentRounds, WatchState
from fleet_repl.watch.server import Pages, Vitals, parse_address, serving


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The URL of a watch of four rounds, whose names and messages are hostile."""
    clock = VirtualClock()
    inventory = replace(inventory_of(), name=HOSTILE)
    stage = Stage(world=World(clock), clock=clock, inventory=inventory)
    stage.world.tamper(HUB, A)
    stage.world.objected[A] = Objection(kind="foreign-rules", message=HOSTILE)
    stage.world.unreadable.add(B)

    def between(number: int) -> None:
        stage.world.no_identity = number == 2
        stage.world.tamper(HUB)

    async def rounds() -> None:
        await stage.watch(4, between, every=60, fix=True)

    with start_blocking_portal() as portal:
        portal.call(rounds)
        recent = RecentRounds()
        for round_ in stage.rounds:
            recent = recent.after(round_)
        state = WatchState(
            fleet=HOSTILE, now=clock.now(), recent=recent, writing=False, stuck=False
        )
        vitals = Vitals(clock, 60, 60)
        pages = Pages(vitals=vitals, metrics=lambda: ("text/plain", b""), state=lambda: state)
        served = portal.wrap_async_context_manager(serving(parse_address(":0"), pages))
        with served as taken:
            yield f"http://{taken}/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(opened: Open, address: str, faults: Any, scheme: str) -> None:
    """axe-core finds no serious fault, in either scheme."""
    with opened(address, color_scheme=scheme) as browser:
        assert faults(browser) == []


def test_it_loads_nothing_and_leads_to_the_report(opened: Open, address: str) -> None:
    """Hostile names do nothing, on both pages; and the policy in the header lets the report's own
    script run."""
    with opened(address) as browser:
        page = browser.page
        assert page.locator("section").count() == 3
        assert page.locator("svg rect").count() >= 4
        assert page.locator(".plot").bounding_box()["height"] == 120
        assert page.evaluate("document.scripts.length") == 0
        page.get_by_role("link", name="The report of the last round").click()
        page.get_by_text("3 of 3 shown", exact=True).wait_for()
        assert browser.console == []
        assert browser.requests == [address, f"{address}report"]


def test_it_fits_a_small_screen(opened: Open, address: str) -> None:
    """Nothing but the tables has to be scrolled sideways."""
    with opened(address) as browser:
        browser.page.set_viewport_size({"width": 360, "height": 700})
        assert browser.page.evaluate("document.documentElement.scrollWidth") <= 360
