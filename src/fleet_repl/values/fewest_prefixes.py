"""The fewest prefixes that carry the wanted repositories of a registry and none of the others.

A walk down the tree of names: where no barred name is below a branch, one prefix carries all that
is wanted there. For example, of `base/go`, `base/java` and `base/private/x`, without the last:

    base/ holds a barred name → base/g… → base/go
                              → base/j… → base/java
                              → base/p… → nothing is wanted there

Two prefixes are the fewest: any shorter one would match `base/private/x` too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

from fleet_repl.values import limits
from fleet_repl.values.prefixes import Prefixes, reduce, starting_with

_SHORTEST = limits.FILTER_LENGTH[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collateral:
    """Repositories that no prefix can keep apart: each prefix of the wanted one matches them."""

    wanted: str
    unwanted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits of prefixes, whatever repositories there are."""

    within: Prefixes
    """Each prefix starts with one of these."""
    avoided: tuple[str, ...] = ()
    """Texts that no prefix may match, unless a wanted name starts them."""
    whole: tuple[str, ...] = ()
    """A prefix is widened to one of these that it starts with, if it then matches nothing barred:
    so it carries what is created there later too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fewest:
    """The prefixes, and what they carry against the will of whoever asked."""

    prefixes: Prefixes
    collateral: tuple[Collateral, ...] = ()


def fewest_prefixes(wanted: Iterable[str], unwanted: Iterable[str], bounds: Bounds) -> Fewest:
    """Returns the fewest prefixes within `bounds` that carry every wanted repository and none of
    the unwanted, except for collateral.

    Each of them matches as few other names as it can, unless it is widened to one of
    `bounds.whole`. The order of names does not matter.
    """
    walk = _Walk(sorted(unwanted), sorted(bounds.avoided))
    names = sorted(wanted)
    prefixes = [
        prefix
        for start in reduce(bounds.within)
        for prefix in walk.prefixes(starting_with(names, start))
    ]
    return Fewest(
        prefixes=tuple(sorted(walk.widened(prefix, bounds.whole) for prefix in prefixes)),
        collateral=tuple(walk.collateral),
    )


class _Walk:
    """The barred names, and the collateral that was met so far."""

    def __init__(self, unwanted: Sequence[str], avoided: Sequence[str]) -> None:
        self._unwanted = unwanted
        self._avoided = avoided
        self.collateral: list[Collateral] = []

    def prefixes(self, wanted: Sequence[str]) -> Iterator[str]:
        """Yields the prefixes that carry these names, which are sorted."""
        if not wanted:
            return
        common = _common(wanted[0], wanted[-1])
        unwanted = starting_with(self._unwanted, common)
        if wanted[0] == common:
            # Whatever carries this name carries all that starts with it.
            if unwanted:
                self.collateral.append(Collateral(wanted=common, unwanted=tuple(unwanted)))
            yield common
        elif len(common) >= _SHORTEST and not unwanted and not starting_with(self._avoided, common):
            yield common
        else:
            for _, branch in groupby(wanted, key=lambda name: name[len(common)]):
                yield from self.prefixes(tuple(branch))

    def widened(self, prefix: str, whole: Iterable[str]) -> str:
        """Returns the shortest of `whole` that `prefix` starts with and that matches nothing
        barred, or `prefix` itself."""
        return next(
            (
                text
                for text in sorted(whole)
                if len(text) >= _SHORTEST
                and prefix.startswith(text)
                and not starting_with(self._unwanted, text)
                and not starting_with(self._avoided, text)
            ),
            prefix,
        )


def _common(first: str, last: str) -> str:
    """The text that both names start with: of sorted names, all between them do too."""
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(letter for letter, _ in alike)
