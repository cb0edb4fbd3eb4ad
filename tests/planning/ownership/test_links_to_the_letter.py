"""Links as rules list them, taken together, apart, and in common."""

from __future__ import annotations

from hypothesis import given, strategies as st
from tests.support.registries import registry_of

from fleet_repl.planning.ownership import Cells, both, common, without

ends = st.sampled_from([registry_of(digit) for digit in ("1", "2", "3")])
prefixes = st.sets(st.sampled_from(["", "aa/", "aa/b/", "cc/"]), min_size=1)
cell_sets = st.dictionaries(ends, prefixes.map(lambda some: tuple(sorted(some))))


@given(first=cell_sets, second=cell_sets)
def test_what_is_in_common_and_the_rest_are_the_whole(first: Cells, second: Cells) -> None:
    """By letter: a prefix that a shorter prefix covers is not in common with it."""
    shared = common(first, second)
    assert shared == common(second, first)
    assert both(shared, without(first, second)) == first
    assert without(shared, first) == {}
    assert without(shared, second) == {}
    assert without(first, shared) == without(first, second)
