"""Counts the ways in which a regular expression can try a short text, before it is matched.

Python's `re` tries one way after the other, so an expression such as `(a+)+-` can take for ever to
find that a text does not match. The ways are counted here as if every character fitted every place,
by the number of characters that they take: `[a-z]+` takes each number from 1 in one way, and
`(a+)+` takes n characters in 2ⁿ⁻¹ ways, as each of its n - 1 gaps may or may not end a repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from re import _parser  # nothing else gives the parts of an expression
from typing import Any, Final, TypeAlias

_Part: TypeAlias = tuple[object, Any]
"""A part of an expression: an operation with its argument, which `re` gives no type."""
_Ways: TypeAlias = tuple[int, ...]
"""The number of ways to take 0, 1, 2, … characters."""
_ZERO_WIDTH: Final = frozenset({"AT", "GROUPREF"})
"""Parts that take no characters or, like what a group has matched, may take none."""
_REPEATS: Final = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


def most_paths(expression: str, longest: int) -> int:
    """Returns how many ways there are at the most to search for an expression, which compiles, in a
    text of up to `longest` characters: more than are tried in any such text."""
    anywhere = (1,) * (longest + 1)
    return sum(_both(anywhere, _sequence(_parser.parse(expression), longest)))


def _sequence(parts: Iterable[_Part], longest: int) -> _Ways:
    ways = _nothing(longest)
    for part in parts:
        ways = _both(ways, _part(part, longest))
    return ways


def _part(part: _Part, longest: int) -> _Ways:
    operation, argument = str(part[0]), part[1]
    match operation, argument:
        case _, (least, most, body) if operation in _REPEATS:
            return _repeated(_sequence(body, longest), least, most)
        case ("BRANCH", (_, bodies)) | ("GROUPREF_EXISTS", (_, *bodies)):
            return _either(_sequence(body or (), longest) for body in bodies)
        case ("SUBPATTERN", (*_, body)) | ("ATOMIC_GROUP", body):
            return _sequence(body, longest)
        case "ASSERT" | "ASSERT_NOT", (_, body):
            inside: int = sum(_sequence(body, longest))
            return (inside, *_nothing(longest)[1:])
    return _nothing(longest) if operation in _ZERO_WIDTH else (0, 1, *(0,) * (longest - 1))


def _nothing(longest: int) -> _Ways:
    return (1, *(0,) * longest)


def _both(first: Sequence[int], second: Sequence[int]) -> _Ways:
    """Returns the ways of one part after the other."""
    return tuple(
        sum(first[taken] * second[number - taken] for taken in range(number + 1))
        for number in range(len(first))
    )


def _either(parts: Iterable[_Ways]) -> _Ways:
    return tuple(map(sum, zip(*parts, strict=True)))


def _repeated(once: _Ways, least: int, most: int) -> _Ways:
    """Returns the ways of `least` to `most` repeats; of more repeats than there are characters,
    only as many as there are characters."""
    longest = len(once) - 1
    ways = total = _nothing(longest)
    for number in range(1, min(most, longest) + 1):
        ways = _both(ways, once)
        total = _either((total, ways)) if number > least else ways
    return total
