"""Links put together, cut and taken apart: what they mean is a set of repositories for each end."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, strategies as st
from tests.support.links import scopes_of
from tests.support.registries import registry_of

from fleet_repl.ecr.rules import Outgoing, joined, prefixes_of, within
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import LinkScope, covers, reduce

ENDS = tuple(map(registry_of, "23"))
NAMES = ("a/x", "a/b/x", "c/x", "z")

prefixes = st.lists(st.sampled_from(("", "a/", "a/b/", "c/")), min_size=1).map(reduce)
links: st.SearchStrategy[Outgoing] = st.dictionaries(st.sampled_from(ENDS), prefixes)


def meaning(some: Outgoing) -> Mapping[tuple[Registry, str], bool]:
    """Which repositories each end receives."""
    return {(end, name): covers(some.get(end, ()), name) for end in ENDS for name in NAMES}


@given(links, links)
def test_either_and_both(first: Outgoing, second: Outgoing) -> None:
    """What either replicates, and what both do."""
    left, right = meaning(first), meaning(second)
    either = joined(scopes_of(first), scopes_of(second))
    assert meaning(prefixes_of(either)) == {cell: left[cell] or right[cell] for cell in left}
    both = within(scopes_of(first), second)
    assert meaning(prefixes_of(both)) == {cell: left[cell] and right[cell] for cell in left}


@given(links, links)
def test_what_is_left(first: Outgoing, second: Outgoing) -> None:
    """Prefixes to the letter: a rule for some of them is a rule less for the others."""
    for end in ENDS:
        left = LinkScope(first.get(end, ()), deletes=second.get(end, ())).plain
        assert set(left) == set(first.get(end, ())) - set(second.get(end, ()))


@given(links, links)
def test_nothing_is_no_link(first: Outgoing, second: Outgoing) -> None:
    """An end to which nothing goes is not named: it would look like a destination in use."""
    for some in (joined(scopes_of(first), scopes_of(second)), within(scopes_of(first), second)):
        assert all(scope.prefixes for scope in some.values())
