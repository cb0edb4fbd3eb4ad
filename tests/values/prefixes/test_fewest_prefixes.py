"""The fewest prefixes that carry what is wanted and nothing else."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, strategies as st

from fleet_repl.values import limits
from fleet_repl.values.fewest_prefixes import Bounds, Collateral, Fewest, fewest_prefixes
from fleet_repl.values.prefixes import EVERY_REPOSITORY, selects

ANYWHERE = Bounds(within=EVERY_REPOSITORY)
names = st.from_regex(r"[ab]{1,2}(?:[/-][ab]{1,2}){0,2}", fullmatch=True).filter(
    lambda name: len(name) >= 2
)
sets = st.frozensets(names, max_size=9)


def _split(there: frozenset[str], mask: int) -> tuple[list[str], list[str]]:
    """The names as wanted and unwanted ones, by the bits of a number."""
    ordered = sorted(there)
    wanted = [name for place, name in enumerate(ordered) if mask >> place & 1]
    return wanted, [name for name in ordered if name not in wanted]


def _smallest(wanted: list[str], barred: list[str]) -> int:
    """The size of the smallest set of prefixes, by trying all sets. All wanted names can be
    carried."""
    candidates = sorted(
        {
            name[:length]
            for name in wanted
            for length in range(2, len(name) + 1)
            if not any(other.startswith(name[:length]) for other in barred)
        }
    )
    return next(
        size
        for size in range(len(wanted) + 1)
        for prefixes in combinations(candidates, size)
        if all(selects(prefixes, name) for name in wanted)
    )


def test_the_example_of_the_page() -> None:
    """What is excluded stays out; a folder in which nothing is barred is carried as a whole."""
    bounds = Bounds(
        within=("base/", "tools/"), avoided=("base/private/",), whole=("base/", "tools/")
    )
    there = ["base/go", "base/java", "base/javascript", "tools/x/y"]
    made = fewest_prefixes(there, ["base/private/x"], bounds)
    assert made == Fewest(prefixes=("base/go", "base/java", "tools/"))
    assert fewest_prefixes(there, [], bounds) == made


def test_collateral_is_named() -> None:
    """`base/priv` cannot be carried without `base/private/x`; what is apart from it still is."""
    made = fewest_prefixes(
        ["base/go", "base/priv", "base/private/y"], ["base/private/x", "team/x"], ANYWHERE
    )
    assert made.prefixes == ("base/go", "base/priv")
    assert made.collateral == (Collateral(wanted="base/priv", unwanted=("base/private/x",)),)


def test_what_is_avoided_but_not_there_is_no_collateral() -> None:
    """A wanted name that starts a folder which does not exist is carried by its own name."""
    bounds = Bounds(within=EVERY_REPOSITORY, avoided=("base/private/",))
    made = fewest_prefixes(["base/go", "base/priv"], [], bounds)
    assert made == Fewest(prefixes=("base/go", "base/priv"))


def test_every_prefix_is_long_enough_for_ecr() -> None:
    """Two repositories with one letter in common need two prefixes: one letter is no filter."""
    assert fewest_prefixes(["ab/x", "ac"], [], ANYWHERE).prefixes == ("ab/x", "ac")


@given(sets, st.integers(0, 511))
def test_no_fewer_prefixes_would_do(there: frozenset[str], mask: int) -> None:
    """All that is wanted is carried, nothing else but named collateral, by the smallest set."""
    wanted, unwanted = _split(there, mask)
    made = fewest_prefixes(wanted, unwanted, ANYWHERE)
    carried = {name for name in there if selects(made.prefixes, name)}
    named = {name for item in made.collateral for name in item.unwanted}
    assert carried == {*wanted, *named}
    assert named.isdisjoint(wanted)
    for item in made.collateral:
        assert item.wanted in wanted
        assert all(name.startswith(item.wanted) for name in item.unwanted)
    if not made.collateral:
        assert len(made.prefixes) == _smallest(wanted, unwanted)
    for prefix in made.prefixes:
        assert limits.FILTER_PATTERN.fullmatch(prefix)
        assert len(prefix) >= limits.FILTER_LENGTH[0]


@given(sets, st.integers(0, 511), names)
def test_what_is_avoided_is_not_matched(there: frozenset[str], mask: int, avoided: str) -> None:
    """No prefix matches a text to avoid, unless a wanted name starts it; and no fewer would do."""
    wanted, unwanted = _split(there, mask)
    wanted = [name for name in wanted if not name.startswith(avoided)]
    made = fewest_prefixes(wanted, unwanted, Bounds(within=EVERY_REPOSITORY, avoided=(avoided,)))
    forced = any(avoided.startswith(name) for name in wanted)
    assert selects(made.prefixes, avoided) is forced
    if not made.collateral and not forced:
        assert len(made.prefixes) == _smallest(wanted, [*unwanted, avoided])


@given(sets, st.integers(0, 511), st.frozensets(names, min_size=1, max_size=2), st.randoms())
def test_neither_order_nor_repeats_matter(
    there: frozenset[str], mask: int, roots: frozenset[str], random: object
) -> None:
    """The same names give the same prefixes, which stay within their bounds."""
    wanted, unwanted = _split(there, mask)
    within = tuple(sorted(roots))
    wanted = [name for name in wanted if selects(within, name)]
    bounds = Bounds(within=within, whole=within)
    made = fewest_prefixes(wanted, unwanted, bounds)
    shuffled = sorted(wanted, key=lambda name: hash((name, str(random))))
    assert fewest_prefixes(shuffled, reversed(unwanted), bounds) == made
    assert all(prefix.startswith(within) for prefix in made.prefixes)
    assert {name for name in wanted if selects(made.prefixes, name)} == set(wanted)
