"""Links put together, cut and taken apart: what they mean is a set of repositories for each end."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from fleet_repl.ecr.rules import Outgoing, joined, within, without
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.prefixes import covers, reduce

ENDS = tuple(Registry(AccountId(digit * 12), Region("eu-west-1")) for digit in "23")
NAMES = ("a/x", "a/b/x", "c/x", "z")

prefixes = st.lists(st.sampled_from(("", "a/", "a/b/", "c/")), min_size=1).map(reduce)
links: st.SearchStrategy[Outgoing] = st.dictionaries(st.sampled_from(ENDS), prefixes)


def meaning(some: Outgoing) -> Mapping[tuple[Registry, str], bool]:
    """Which repositories each end receives."""
    return {(end, name): covers(some.get(end, ()), name) for end in ENDS for name in NAMES}


@given(links, links)
def test_either_and_both(first: Outgoing, second: Outgoing) -> None:
    """What either replicates, and what both do."""
    one, other = meaning(first), meaning(second)
    assert meaning(joined(first, second)) == {cell: one[cell] or other[cell] for cell in one}
    assert meaning(within(first, second)) == {cell: one[cell] and other[cell] for cell in one}


@given(links, links)
def test_what_is_left(first: Outgoing, second: Outgoing) -> None:
    """Prefixes to the letter: a rule for some of them is a rule less for the others."""
    left = without(first, second)
    for end in ENDS:
        assert set(left.get(end, ())) == set(first.get(end, ())) - set(second.get(end, ()))


@given(links, links)
def test_nothing_is_no_link(first: Outgoing, second: Outgoing) -> None:
    """An end to which nothing goes is not named: it would look like a destination in use."""
    for some in (joined(first, second), within(first, second), without(first, second)):
        assert all(some.values())
