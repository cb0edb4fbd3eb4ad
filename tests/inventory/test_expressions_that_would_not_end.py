"""How many ways there are to match an expression is known before it meets a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
from hypothesis import given, strategies as st

from fleet_repl.inventory.match_paths import most_paths

LONGEST = 5
Node: TypeAlias = Any
"""`("atom",)`, `("both", a, b)`, `("either", a, b)` or `("repeat", a, least, most)`."""

ATOMS: st.SearchStrategy[Node] = st.just(("atom",))
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda parts: st.one_of(
        st.tuples(st.just("both"), parts, parts),
        # Branches of one character each are one set of characters to Python, and so one way.
        st.tuples(st.just("either"), parts, st.tuples(st.just("both"), parts, parts)),
        st.tuples(
            st.just("repeat"), parts, st.integers(0, 2), st.one_of(st.none(), st.integers(2, 3))
        ),
    ),
    max_leaves=5,
)


def written(node: Node) -> str:
    """The expression."""
    match node:
        case ("both", first, second):
            return written(first) + written(second)
        case ("either", first, second):
            return f"(?:{written(first)}|{written(second)})"
        case ("repeat", body, least, most):
            return f"(?:{written(body)}){{{least},{'' if most is None else most}}}"
    return "a"


def ends(node: Node, start: int) -> Iterator[int]:
    """Where a match from `start` may end in a text of `a`s: once for each way to get there, as a
    matcher that tries one way after the other goes them."""
    match node:
        case ("both", first, second):
            for middle in ends(first, start):
                yield from ends(second, middle)
        case ("either", first, second):
            yield from ends(first, start)
            yield from ends(second, start)
        case ("repeat", body, least, most):
            yield from repeats(body, start, least, LONGEST if most is None else most)
        case _ if start < LONGEST:
            yield start + 1


def repeats(body: Node, start: int, least: int, most: int) -> Iterator[int]:
    if least <= 0:
        yield start
    for end in ends(body, start) if most > 0 else ():
        # A repeat that takes nothing ends the loop.
        if end > start or least > 0:
            yield from repeats(body, end, least - 1, most - 1)


@given(EXPRESSIONS)
def test_no_text_has_more_ways(node: Node) -> None:
    """The bound holds for a text that fits everywhere, in which a matcher goes every way there
    is."""
    expression = written(node)
    re.compile(expression)
    ways = sum(1 for start in range(LONGEST + 1) for _ in ends(node, start))
    assert ways <= most_paths(expression, LONGEST)


@pytest.mark.parametrize(
    ("expression", "ways"),
    [
        ("abc", 3),
        ("a+", 15),
        ("(?:a+)+", sum(2 ** (size - 1) * (6 - size) for size in range(1, 6))),
        ("[ab]|c", 5),
        ("^a?$", 11),
        (r"(a)(?=b)\1", 5),
        ("(a)?(?(1)b|c)", 2 * 5 + 2 * 4),
        ("(?>a+)b++", 20),
    ],
)
def test_the_ways_are_counted(expression: str, ways: int) -> None:
    """Of five characters, from any of them on."""
    assert most_paths(expression, 5) == ways


@pytest.mark.parametrize(
    "expression",
    [
        "^(?P<team>[a-z]+)-(?P<env>dev|stage|prod)$",
        "^" + "-".join(f"(?P<part{number}>[a-z0-9]+)" for number in range(6)) + "$",
        r"(?P<team>\w{2,12})-(?P<env>dev|prod)(?:-(?P<number>\d+))?$",
        "(?P<team>.*)-(?P<env>.*?)-.*",
    ],
)
def test_what_people_write_is_taken(expression: str) -> None:
    """Labels one after another, of names of 50 characters."""
    assert most_paths(expression, 50) < 100_000_000


@pytest.mark.parametrize(
    "expression",
    ["(a+)+b", "(a|aa)*b", "(a?){30}a{30}", "(.*-)*.*-prod", "((a{0,50}){0,50}){0,50}", ".*" * 9],
)
def test_what_never_ends_is_not(expression: str) -> None:
    """Repeats within repeats, ambiguous alternatives, and many repeats in a row."""
    assert most_paths(expression, 50) > 100_000_000
