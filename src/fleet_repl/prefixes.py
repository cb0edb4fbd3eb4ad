"""Repository prefixes as ECR's PREFIX_MATCH understands them.

A set of prefixes is a sorted tuple in which none covers another; the empty prefix stands
for every repository. Two sets mean the same exactly when the tuples are equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

Prefixes: TypeAlias = tuple[str, ...]

EVERY_REPOSITORY: Final[Prefixes] = ("",)
NOTHING: Final[Prefixes] = ()


def reduce(prefixes: Iterable[str]) -> Prefixes:
    """The canonical set: sorted, without what a shorter prefix already covers."""
    kept: list[str] = []
    for prefix in sorted(prefixes):
        # Sorted order puts a prefix right before everything that starts with it.
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return tuple(kept)


def covers(prefixes: Prefixes, prefix: str) -> bool:
    """Whether every repository that starts with `prefix` is in `prefixes`."""
    return any(prefix.startswith(one) for one in prefixes)


def touches(prefixes: Prefixes, prefix: str) -> bool:
    """Whether some repository may start with `prefix` and be in `prefixes`."""
    return any(prefix.startswith(one) or one.startswith(prefix) for one in prefixes)


def union(first: Prefixes, second: Prefixes) -> Prefixes:
    """The repositories in either set."""
    return first if first == second else reduce((*first, *second))


def intersect(first: Prefixes, second: Prefixes) -> Prefixes:
    """The repositories in both sets."""
    return reduce(
        [one for one in first if covers(second, one)]
        + [two for two in second if covers(first, two)]
    )


def beyond(prefixes: Prefixes, known: Prefixes) -> Prefixes:
    """Those of `prefixes` that `known` does not cover in full."""
    return tuple(prefix for prefix in prefixes if not covers(known, prefix))
