"""Links that are held for the same reason are reported together, whatever their destinations."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from tests.support.plans import plan_of
from tests.support.registries import registry_of

from fleet_repl.planning.change import HeldLink
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.reports.formats import ReportFormat
from fleet_repl.reports.held_groups import group_held
from fleet_repl.reports.render import render
from fleet_repl.values.names import Registry

HUB, *SPOKES = map(registry_of, range(1, 31))


def held(destination: Registry, because: str) -> HeldLink:
    return HeldLink(
        destination=destination, prefixes=("base/",), because=because.replace("X", str(destination))
    )


def grouped(*links: HeldLink) -> list[tuple[str, int]]:
    groups = group_held(links, lambda link: (link.because, link.destination))
    return [(because, len(members)) for because, members in groups]


def test_the_destination_is_not_named_where_there_are_several() -> None:
    """A reason of links to one registry names it."""
    unread = [held(spoke, "X could not be read (access-denied)") for spoke in SPOKES[:3]]
    unwritten = [held(SPOKES[0], "X: its registry policy was not written")] * 2
    assert grouped(*unwritten, *unread) == [
        ("the destination could not be read (access-denied)", 3),
        (f"{SPOKES[0]}: its registry policy was not written", 2),
    ]


def test_what_belongs_to_several_destinations_reads_as_a_sentence() -> None:
    """The colon behind a name is one for a name only."""
    unwritten = [held(spoke, "X: its registry policy was not written") for spoke in SPOKES[:2]]
    assert grouped(*unwritten) == [("the destination's registry policy was not written", 2)]


def test_reasons_that_differ_are_kept_apart() -> None:
    """So are reasons that name another registry than the destination."""
    other = [held(spoke, f"{HUB} could not be read") for spoke in SPOKES[:2]]
    denied = held(SPOKES[0], "X could not be read (access-denied)")
    throttled = held(SPOKES[1], "X could not be read (throttled)")
    assert grouped(*other, denied, throttled) == [
        (f"{HUB} could not be read", 2),
        (f"{SPOKES[0]} could not be read (access-denied)", 1),
        (f"{SPOKES[1]} could not be read (throttled)", 1),
    ]


@given(st.lists(st.tuples(st.sampled_from(SPOKES), st.sampled_from(["X fails", "X", "no", ""]))))
def test_every_link_is_in_one_group(pairs: list[tuple[Registry, str]]) -> None:
    """And a group of one reason has it word by word."""
    links = [held(*pair) for pair in pairs]
    groups = group_held(links, lambda link: (link.because, link.destination))
    assert sorted(map(id, links)) == sorted(id(link) for _, some in groups for link in some)
    for because, some in groups:
        if len({link.because for link in some}) == 1:
            assert because == some[0].because


@pytest.mark.parametrize("format_", [ReportFormat.TEXT, ReportFormat.MD, ReportFormat.HTML])
def test_formats_for_people_have_one_paragraph(format_: ReportFormat) -> None:
    """Of a hundred registries that cannot be read, nobody reads a hundred."""
    links = tuple(held(spoke, "X could not be read (access-denied)") for spoke in SPOKES)
    hub = RegistryPlan(registry=HUB, name="hub", state=State.UNCHANGED, held=links)
    plan = plan_of(hub)
    shown = "".join(render(replace(plan, fleet="prod"), format_))
    assert shown.count("the destination could not be read (access-denied)") == 1
    if format_ is not ReportFormat.HTML:
        # A page says of each registry, in its row, which links are held.
        assert "/eu-west-1 could not be read" not in shown
