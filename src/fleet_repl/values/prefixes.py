"""Repository prefixes as ECR's PREFIX_MATCH understands them.

A set of prefixes is a sorted tuple in which none covers another; the empty prefix stands
for every repository. Two sets mean the same exactly when the tuples are equal.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, TypeAlias

Prefixes: TypeAlias = tuple[str, ...]

EVERY_REPOSITORY: Final[Prefixes] = ("",)
NOTHING: Final[Prefixes] = ()

_FEW: Final = 64
_LAST: Final = chr(0x10FFFF)
"""Sorts behind every character of a prefix."""


@dataclass(frozen=True, slots=True)
class LinkScope:
    """The scope of a link: its prefixes, and those whose deletions travel. Links share values."""

    prefixes: Prefixes
    deletes: Prefixes = NOTHING
    """The part of `prefixes` whose deletions are replicated too."""

    @property
    def plain(self) -> Prefixes:
        """The prefixes that are not in `deletes`."""
        if not self.deletes:
            return self.prefixes
        return tuple(prefix for prefix in self.prefixes if prefix not in self.deletes)

    def has(self, prefix: str, *, deletes: bool) -> bool:
        """Returns whether the link replicates `prefix`, with or without deletions (`deletes`)."""
        return covers(self.prefixes, prefix) and covers(self.deletes, prefix) is deletes

    def within(self, bounds: Prefixes) -> LinkScope:
        """The part that is in `bounds` as well."""
        return LinkScope(intersect(self.prefixes, bounds), intersect(self.deletes, bounds))

    def union(self, other: LinkScope) -> LinkScope:
        """Returns the scope of the link when other rules add `other` to it."""
        return LinkScope(union(self.prefixes, other.prefixes), union(self.deletes, other.deletes))


NO_SCOPE: Final = LinkScope(NOTHING)


def reduce(prefixes: Iterable[str]) -> Prefixes:
    """The canonical set: sorted, without what a shorter prefix already covers."""
    kept: list[str] = []
    for prefix in sorted(prefixes):
        # Sorted order puts a prefix right before everything that starts with it.
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return tuple(kept)


def covers(prefixes: Prefixes, prefix: str) -> bool:
    """Returns whether every repository that starts with `prefix` is in `prefixes`."""
    return prefix.startswith(prefixes)


def selects(prefixes: Prefixes, repository: str) -> bool:
    """Returns whether a repository, by its full name, is in `prefixes`."""
    return repository.startswith(prefixes)


def touches(prefixes: Prefixes, prefix: str) -> bool:
    """Returns whether some repository may start with `prefix` and be in `prefixes`."""
    return any(prefix.startswith(other) or other.startswith(prefix) for other in prefixes)


def union(first: Prefixes, second: Prefixes) -> Prefixes:
    """The repositories in either set."""
    return first if first == second else reduce((*first, *second))


def intersect(first: Prefixes, second: Prefixes) -> Prefixes:
    """The repositories in both sets."""
    if first == second:
        return reduce(first)
    return reduce([*_covered(first, second), *_covered(second, first)])


def beyond(prefixes: Prefixes, others: Prefixes) -> Prefixes:
    """The prefixes that `others` do not cover in full."""
    if not others:
        return prefixes
    covered = set(_covered(prefixes, others))
    return tuple(prefix for prefix in prefixes if prefix not in covered)


def covering(prefix: str) -> Iterator[str]:
    """Every prefix that covers `prefix`, from that of every repository to `prefix` itself."""
    return (prefix[:length] for length in range(len(prefix) + 1))


def end_of_covered(ordered: Sequence[str], prefix: str) -> int:
    """Returns the index after the last sorted prefix that `prefix` covers: they are adjacent."""
    return bisect_left(ordered, prefix + _LAST)


def starting_with(ordered: Sequence[str], prefix: str) -> Sequence[str]:
    """The sorted texts that start with a prefix."""
    return ordered[bisect_left(ordered, prefix) : end_of_covered(ordered, prefix)]


def covers_at_once(prefixes: Prefixes, prefix: str) -> bool:
    """Returns the answer of `covers` by one binary search, for a canonical set: no prefix in it
    covers another, so only the prefix that sorts right before `prefix` can cover it."""
    at = bisect_right(prefixes, prefix)
    return at > 0 and prefix.startswith(prefixes[at - 1])


def _covered(prefixes: Prefixes, others: Prefixes) -> list[str]:
    """The prefixes that `others` cover. For small sets plain comparison is faster than sorting."""
    if len(prefixes) * len(others) <= _FEW:
        return [prefix for prefix in prefixes if covers(others, prefix)]
    canonical = reduce(others)
    return [prefix for prefix in prefixes if covers_at_once(canonical, prefix)]


def shared_letters(prefix: str, repository: str) -> int:
    """Returns how many letters the two have in common at their start."""
    pairs = zip(prefix, repository, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
