"""Prefix sets against what they mean: a set of repository names."""

from __future__ import annotations

from itertools import product

from hypothesis import given, strategies as st

from fleet_repl.values import prefixes

NAMES = ["".join(letters) for size in range(5) for letters in product("ab", repeat=size)]
some = st.lists(st.text("ab", max_size=3), max_size=5)


def names(these: list[str] | prefixes.Prefixes) -> set[str]:
    """Every short repository name that one of the prefixes lets in."""
    return {name for name in NAMES if any(name.startswith(item) for item in these)}


@given(some)
def test_reducing_keeps_the_meaning(these: list[str]) -> None:
    """A reduced set lets in the same names, and none of its prefixes covers another."""
    reduced = prefixes.reduce(these)
    assert names(reduced) == names(these)
    assert not any(a != b and a.startswith(b) for a in reduced for b in reduced)
    assert list(reduced) == sorted(reduced)


@given(some, some)
def test_equal_tuples_are_the_only_equal_meanings(first: list[str], second: list[str]) -> None:
    """Sets made of the same prefixes in another order or spelling are equal."""
    a, b = prefixes.reduce(first), prefixes.reduce(second)
    covered = all(prefixes.covers(b, item) for item in a) and all(
        prefixes.covers(a, item) for item in b
    )
    assert covered == (a == b)


@given(some, some)
def test_union_and_intersection_are_those_of_names(first: list[str], second: list[str]) -> None:
    """The algebra on prefixes is the algebra on the names they let in."""
    a, b = prefixes.reduce(first), prefixes.reduce(second)
    assert names(prefixes.union(a, b)) == names(a) | names(b)
    assert names(prefixes.intersect(a, b)) == names(a) & names(b)


@given(some, some)
def test_what_is_beyond_is_what_is_not_covered(first: list[str], second: list[str]) -> None:
    """Beyond holds exactly the prefixes that the other set does not cover."""
    a, b = prefixes.reduce(first), prefixes.reduce(second)
    assert set(prefixes.beyond(a, b)) == {item for item in a if not prefixes.covers(b, item)}
    assert (prefixes.beyond(a, b) == () and prefixes.beyond(b, a) == ()) == (a == b)


@given(some, st.text("ab", max_size=3))
def test_touching_is_sharing_a_name(these: list[str], prefix: str) -> None:
    """Two prefixes touch exactly when some name starts with both."""
    a = prefixes.reduce(these)
    assert prefixes.touches(a, prefix) == bool(names(a) & names([prefix]))


many = st.lists(st.text("ab/", max_size=4), min_size=10, max_size=40).map(prefixes.reduce)


@given(many, many, st.text("ab/", max_size=5))
def test_large_sets_are_as_small_ones(
    first: prefixes.Prefixes, second: prefixes.Prefixes, name: str
) -> None:
    """The way that is quicker for many prefixes gives what holding each against each gives."""
    assert prefixes.covers_at_once(first, name) == prefixes.covers(first, name)
    assert prefixes.beyond(first, second) == tuple(
        item for item in first if not prefixes.covers(second, item)
    )
    assert prefixes.intersect(first, second) == prefixes.reduce(
        [item for item in first if prefixes.covers(second, item)]
        + [item for item in second if prefixes.covers(first, item)]
    )


@given(some)
def test_a_set_selects_the_repositories_that_start_with_one_of_its_prefixes(
    these: list[str],
) -> None:
    """By their full names, and no other repositories."""
    assert names(these) == {name for name in NAMES if prefixes.selects(tuple(these), name)}


@given(some, st.text("ab", max_size=3))
def test_those_that_cover_a_prefix_are_all_found(these: list[str], prefix: str) -> None:
    """None is missing, and none of those that are found covers less."""
    covering = list(prefixes.covering(prefix))
    assert {other for other in these if prefixes.covers((other,), prefix)} <= {*covering}
    assert all(prefixes.covers((other,), prefix) for other in covering)


@given(some, st.text("ab", max_size=3))
def test_covered_prefixes_stand_behind_the_one_that_covers_them(
    these: list[str], prefix: str
) -> None:
    """In sorted order they are one run, which begins with the prefix itself."""
    ordered = sorted({*these, prefix})
    run = ordered[ordered.index(prefix) : prefixes.end_of_covered(ordered, prefix)]
    assert run == [other for other in ordered if prefixes.covers((prefix,), other)]


@given(some, some, some)
def test_a_link_scope_keeps_deletions_within_its_prefixes(
    first: list[str], second: list[str], bounds: list[str]
) -> None:
    """Narrowed and joined, its prefixes and its deletions are those of the names by themselves."""
    scope = prefixes.LinkScope(prefixes.reduce([*first, *second]), prefixes.reduce(second))
    added = prefixes.LinkScope(prefixes.reduce(bounds))
    narrow, both = scope.within(added.prefixes), scope.union(added)
    assert names(narrow.prefixes) == names([*first, *second]) & names(bounds)
    assert names(narrow.deletes) == names(second) & names(bounds)
    assert names(both.prefixes) == names([*first, *second, *bounds])
    assert names(both.deletes) == names(second)
    for prefix in (*first, *second, *bounds):
        is_there = prefixes.covers(scope.prefixes, prefix)
        deletes = prefixes.covers(scope.deletes, prefix)
        assert scope.has(prefix, deletes=True) == (is_there and deletes)
        assert scope.has(prefix, deletes=False) == (is_there and not deletes)
