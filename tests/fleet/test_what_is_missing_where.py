"""Coverage against the sandbox over HTTP: what it calls missing is what registries really lack."""

from __future__ import annotations

import shlex
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.support.registries import registry_of
from tests.support.simulated import Simulated, simulate

from fleet_repl import CoverageReport, CoverageState, Registry, Selection, SelectionError
from fleet_repl.sandbox import AccountScenario, Scenario
from fleet_repl.values.errors import FaultKind

FLEET = """
version = 1
name = "prod"
[aws]
role = "fleet"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
name = "build"
[[accounts]]
id = "222222222222"
name = "shop"
[[accounts]]
id = "333333333333"
name = "search"
[[external]]
id = "444444444444"
name = "partner"
regions = ["eu-west-1"]
[[routes]]
name = "golden"
from = { accounts = "build" }
to = { accounts = ["shop", "partner"] }
prefixes = ["base/", "prod"]
exclude = ["base/private"]
complete = "100%"
[[routes]]
name = "copy"
from = { accounts = "shop" }
to = { accounts = "search" }
only = ["shop/cart"]
"""
BUILD, SHOP, SEARCH, PARTNER = map(registry_of, "1234")
LINKS = ((BUILD, SHOP), (SHOP, SEARCH))
NAMES = ("base/go", "base/private", "prod", "production/x", "shop/cart", "shop/cart2", "team/app")


async def covered(aws: Simulated, **how: Any) -> CoverageReport:
    """The report of a new connection, which writes nothing."""
    written = list(aws.world.writes)
    async with aws.connected(purpose=None) as fleet:
        report = await fleet.coverage(**how)
    assert aws.world.writes == written
    return report


def wanted(link: tuple[Registry, Registry], repository: str) -> bool:
    """What the two routes above say, in other words."""
    if link == (BUILD, SHOP):
        return repository.startswith(("base/", "prod")) and repository != "base/private"
    return repository == "shop/cart"


def lacking(aws: Simulated) -> dict[tuple[Registry, str], int]:
    """How many images of each repository its destination really lacks; none where it lacks none."""
    found = {}
    for link, repository in product(LINKS, NAMES):
        source, end = link
        there = {image.digest for image in aws.world.images(end, repository)}
        here = {image.digest for image in aws.world.images(source, repository)}
        if wanted(link, repository) and here - there:
            found[end, repository] = len(here - there)
    return found


pushes = st.lists(
    st.tuples(st.sampled_from((BUILD, SHOP, SEARCH)), st.sampled_from(NAMES)), max_size=12
)


@settings(max_examples=15)
@given(data=st.data(), early=pushes, late=pushes)
async def test_what_it_calls_missing_is_what_registries_lack(
    data: Any, early: list[tuple[Registry, str]], late: list[tuple[Registry, str]]
) -> None:
    """Pushed before and after the rules, then archived or deleted at either end; some are empty."""
    async with simulate(FLEET) as aws:
        for nth, (registry, name) in enumerate(early):
            aws.world.push(registry, name, f"early{nth}")
        aws.world.have_repository(BUILD, "base/empty")
        await aws.applied(force=True)
        for nth, (registry, name) in enumerate(late):
            aws.world.push(registry, name, f"late{nth}")
        for registry, name in data.draw(
            st.lists(st.sampled_from([*product((BUILD, SHOP), NAMES)]))
        ):
            for image in aws.world.images(registry, name)[:1]:
                act = data.draw(st.sampled_from((aws.world.archive, aws.world.delete)))
                if image.status == "ACTIVE" and image.tags:
                    act(registry, name, image.tags[0])
        whole, names = await covered(aws, images=True), await covered(aws)
        missing = {
            (link.destination, gap.repository): gap.missing
            for link in whole.links
            for gap in link.gaps
        }
        assert missing == lacking(aws)
        assert {
            (link.destination, gap.repository) for link in names.links for gap in link.gaps
        } == {(end, name) for end, name in missing if aws.world.repository(end, name) is None}
        for link in whole.links:
            assert link.images is not None
            assert link.images.missing == sum(gap.missing or 0 for gap in link.gaps)
        (golden,) = (route for route in whole.routes if route.name == "golden")
        assert golden.is_met is not any(end == SHOP for end, _ in missing)
        assert whole.status == ("ok" if golden.is_met else "partial")


async def test_what_no_route_carries_is_named() -> None:
    """A source with base/…, team/secret-app and team/other, and a route for base/: team/* goes
    nowhere. What a route leaves out by name, and what came by replication, are no slips."""
    async with simulate(FLEET) as aws:
        await aws.applied()
        for name in ("base/go", "base/private", "team/secret-app", "team/other"):
            aws.world.push(BUILD, name, "1")
        aws.world.push(SHOP, "shop/cart2", "1")
        report = await covered(aws)
        assert {source.registry: source.repositories for source in report.unrouted} == {
            BUILD: ("team/other", "team/secret-app"),
            SHOP: ("shop/cart2",),
        }
        unmatched = {route.name: route.unmatched for route in report.routes}
        assert unmatched == {"golden": ("prod",), "copy": ("shop/cart",)}
        states = {link.destination: link.state for link in report.links}
        assert states[PARTNER] is CoverageState.EXTERNAL


async def test_images_on_their_way_are_not_missing() -> None:
    """As long as ECR replicates them, neither they nor their repository count; then they do."""
    async with simulate(FLEET, Scenario(replication_ms=40_000)) as aws:
        # A route with `exclude` makes rules for the repositories that there are.
        aws.world.have_repository(BUILD, "base/go")
        await aws.applied()
        aws.world.push(BUILD, "base/go", "1")
        await aws.clock.sleep(10)
        for images in (True, False):
            report = await covered(aws, images=images)
            link = next(link for link in report.links if link.destination == SHOP)
            counted = link.images if images else link.repositories
            assert (counted, link.gaps) == ((1, 0, 1), ())
            assert report.status == "ok"
        await aws.clock.sleep(40)
        assert aws.world.images(SHOP, "base/go")
        aws.world.delete(SHOP, "base/go", "1")
        report = await covered(aws, images=True)
        link = next(link for link in report.links if link.destination == SHOP)
        assert [gap.missing for gap in link.gaps] == [1]
        assert [image.tags for gap in link.gaps for image in gap.newest] == [("1",)]


async def test_what_a_rule_does_not_carry_is_told() -> None:
    """Before the first apply, the remedy is apply and then a backfill; after it, a backfill."""
    async with simulate(FLEET) as aws:
        aws.world.push(BUILD, "base/go", "1")
        before = await covered(aws, images=True)
        await aws.applied()
        after = await covered(aws, images=True)
        for report, has_rule in ((before, False), (after, True)):
            (gap,) = (gap for link in report.links for gap in link.gaps)
            assert gap.has_rule is has_rule
            remedy = report.routes[0].remedy or ""
            assert ("\nfleet-repl apply " in remedy) is not has_rule
            assert remedy.endswith(f"fleet-repl backfill {aws.inventory.path} --route golden")


async def test_a_command_to_paste_is_quoted() -> None:
    """Names of routes are free text."""
    name = "base & more; rm -rf $HOME"
    async with simulate(FLEET.replace('name = "golden"', f'name = "{name}"')) as aws:
        aws.world.push(BUILD, "base/go", "1")
        report = await covered(aws)
    command = (report.routes[0].remedy or "").splitlines()[-1]
    assert shlex.split(command)[-2:] == ["--route", name]


async def test_a_refused_account_is_named_and_the_rest_goes_on() -> None:
    """Its links are unknown, an objective is then not surely met, and other links are compared."""
    refused = (AccountScenario(id=SEARCH.account, denied=True),)
    async with simulate(FLEET, Scenario(accounts=refused)) as aws:
        aws.world.push(BUILD, "base/go", "1")
        report = await covered(aws, images=True)
        (unread,) = report.unreadable
        assert (unread.registry, unread.error.kind) == (SEARCH, FaultKind.ACCESS_DENIED)
        assert {link.destination: link.state for link in report.links} == {
            SHOP: CoverageState.MISSING,
            PARTNER: CoverageState.EXTERNAL,
            SEARCH: CoverageState.UNKNOWN,
        }
        assert report.status == "partial"


async def test_nobody_knows_whether_an_objective_of_others_is_met() -> None:
    """Where all destinations are external; beside a destination that can be looked into, they do
    not count."""
    by_prefix = FLEET.replace('exclude = ["base/private"]\n', "")
    alone = by_prefix.replace('["shop", "partner"]', '"partner"')
    for text, is_met in ((by_prefix, True), (alone, None)):
        async with simulate(text) as aws:
            await aws.applied()
            aws.world.push(BUILD, "base/go", "1")
            report = await covered(aws, images=True)
            route = next(route for route in report.routes if route.name == "golden")
            assert (route.is_met, report.status) == (is_met, "ok")


async def test_images_that_may_not_be_listed() -> None:
    """A destination that denies DescribeImages is unreadable; a source that does makes its links
    unknown, and neither counts as missing."""
    for account, end in ((SHOP, SHOP), (BUILD, BUILD)):
        denied = (AccountScenario(id=account.account, denied_actions=("ecr:DescribeImages",)),)
        async with simulate(FLEET, Scenario(accounts=denied)) as aws:
            aws.world.push(BUILD, "base/go", "1")
            aws.world.have_repository(SHOP, "base/go")
            report = await covered(aws, images=True)
            assert [unread.registry for unread in report.unreadable] == [end]
            link = next(link for link in report.links if link.destination == SHOP)
            assert (link.state, link.gaps) == (CoverageState.UNKNOWN, ())
            assert report.routes[0].is_met is None


async def test_a_selection_takes_links_into_and_out_of_it() -> None:
    """Only what its own sources hold is told to be in no route."""
    async with simulate(FLEET) as aws:
        for registry in (BUILD, SHOP):
            aws.world.push(registry, "team/app", "1")
        report = await covered(aws, selection=Selection(accounts=("search",)))
        assert [(link.source, link.destination) for link in report.links] == [(SHOP, SEARCH)]
        assert report.unrouted == ()
        report = await covered(aws, selection=Selection(accounts=("shop",)))
        assert [source.registry for source in report.unrouted] == [SHOP]
        with pytest.raises(SelectionError):
            await covered(aws, selection=Selection(accounts=("nobody",)))


async def test_a_deadline_and_an_interruption() -> None:
    """What could not be read in time is named; after Ctrl-C nothing more is read."""
    async with (
        simulate(FLEET.replace("[[accounts]]", "[apply]\ndeadline = '1s'\n[[accounts]]", 1)) as aws,
        aws.connected(purpose=None) as fleet,
    ):
        await aws.clock.sleep(5)
        late = await fleet.coverage(images=True)
        fleet.stop()
        stopped = await fleet.coverage(images=True)
    assert {unread.error.kind for unread in late.unreadable} == {FaultKind.TIMEOUT}
    assert {unread.registry for unread in late.unreadable} == {BUILD, SHOP, SEARCH}
    assert (stopped.status, stopped.unreadable) == ("interrupted", ())
    for report in (late, stopped):
        states = {link.destination: link.state for link in report.links}
        unknown = CoverageState.UNKNOWN
        assert states == {SHOP: unknown, PARTNER: unknown, SEARCH: unknown}
        assert all(route.is_met is None for route in report.routes)
