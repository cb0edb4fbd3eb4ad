"""Links as the fewest rectangles, each a set of destinations times a set of prefixes.

Which destinations they are does not matter, only which prefixes go together; so what was found
once for the same sets of prefixes is found again at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from fleet_repl.covers.covering import Cover, cheapest, fewest
from fleet_repl.covers.relation import Block, Relation, bits, components, relation_of, trimmed
from fleet_repl.prefixes import EVERY_REPOSITORY, Prefixes

if TYPE_CHECKING:
    from _typeshed import SupportsRichComparison

D = TypeVar("D", bound="SupportsRichComparison")
Sharing: TypeAlias = Mapping[Prefixes, list[D]]
"""Sets of prefixes, and the destinations that have just these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle(Generic[D]):
    """Every destination receives every prefix. Both are sorted."""

    destinations: tuple[D, ...]
    prefixes: Prefixes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Sets of prefixes that have nothing in common with those of other parts."""

    rows: tuple[Prefixes, ...]
    columns: tuple[Prefixes, ...]
    relation: Relation
    cover: Cover


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sizes:
    """How many destinations and prefixes a rectangle may have."""

    destinations: int
    prefixes: int

    def hold(self, rectangle: Rectangle[D]) -> bool:
        return (
            len(rectangle.destinations) <= self.destinations
            and len(rectangle.prefixes) <= self.prefixes
        )

    def times(self, destinations: int, prefixes: int) -> int:
        """How many rectangles it takes for so many of each."""
        return -(-destinations // self.destinations) * -(-prefixes // self.prefixes)


def fewest_rectangles(
    links: Mapping[D, Prefixes], *, most_prefixes: int, most_destinations: int
) -> tuple[Rectangle[D], ...]:
    """As few rectangles as are found that together mean exactly `links`, sorted.

    `links` is destination → reduced prefixes. Rectangles may overlap, and one may list a prefix
    that a shorter one of the destination implies. None has more than `most_prefixes` prefixes or
    `most_destinations` destinations. The fewest that exist, while the search's effort lasts and
    neither limit is in the way; never more than grouping destinations with equal prefixes, or
    prefixes with equal destinations.
    """
    sizes = _Sizes(destinations=most_destinations, prefixes=most_prefixes)
    sharing = _sharing(links)
    plain = [
        Rectangle(destinations=tuple(sorted(destinations)), prefixes=prefixes)
        for prefixes, destinations in sorted(sharing.items())
    ]
    # Two sets of prefixes that differ never fit into one rectangle.
    if len(plain) <= 2 and all(map(sizes.hold, plain)):
        return tuple(plain)
    found: list[Rectangle[D]] = []
    for part in _parts(tuple(sorted(sharing))):
        rectangles = [_rectangle(part, block, sharing) for block in part.cover.blocks]
        fit = all(map(sizes.hold, rectangles))
        found += rectangles if fit else _split(part, sharing, sizes)
    return tuple(sorted(found, key=lambda one: (one.prefixes, one.destinations)))


def lower_bound(links: Mapping[D, Prefixes], *, most_prefixes: int, most_destinations: int) -> int:
    """A number of rectangles that is surely needed for `links`; often the fewest."""
    sizes = _Sizes(destinations=most_destinations, prefixes=most_prefixes)
    sharing = _sharing(links)
    count = 0
    for part in _parts(tuple(sorted(sharing))):
        rows = [sizes.times(1, len(row)) for row in part.rows]
        columns = [
            sizes.times(sum(len(sharing[part.rows[row]]) for row in bits(rows_)), 1)
            for rows_ in part.relation.wanted_by
        ]
        count += max(part.cover.bound, *rows, *columns)
    return count


def _sharing(links: Mapping[D, Prefixes]) -> dict[Prefixes, list[D]]:
    sharing: dict[Prefixes, list[D]] = {}
    for destination, prefixes in links.items():
        if prefixes:
            sharing.setdefault(prefixes, []).append(destination)
    return sharing


@lru_cache(maxsize=1024)
def _parts(rows: tuple[Prefixes, ...]) -> tuple[_Part, ...]:
    """Covers for sorted sets of prefixes that differ, part by part."""
    if not rows:
        return ()
    if rows[0] == EVERY_REPOSITORY and len(rows) > 1:
        # It implies every other prefix, but has none of them to cover.
        return (*_parts(rows[:1]), *_parts(rows[1:]))
    relation, columns = relation_of(rows)
    apart = components(relation)
    if len(apart) > 1:
        parts = (_parts(tuple(rows[row] for row in bits(numbers))) for numbers in apart)
        return tuple(chain.from_iterable(parts))
    cover = fewest(relation)
    return (_Part(rows=rows, columns=tuple(columns), relation=relation, cover=cover),)


def _rectangle(part: _Part, block: Block, sharing: Sharing[D]) -> Rectangle[D]:
    destinations = (one for row in bits(block.rows) for one in sharing[part.rows[row]])
    prefixes = (one for column in bits(block.columns) for one in part.columns[column])
    return Rectangle(destinations=tuple(sorted(destinations)), prefixes=tuple(sorted(prefixes)))


def _split(part: _Part, sharing: Sharing[D], sizes: _Sizes) -> Iterator[Rectangle[D]]:
    """Rectangles for a part whose fewest are too large."""

    def price(block: Block) -> int:
        destinations = sum(len(sharing[part.rows[row]]) for row in bits(block.rows))
        prefixes = sum(len(part.columns[column]) for column in bits(block.columns))
        return sizes.times(destinations, prefixes)

    cover = cheapest(part.relation, price, part.cover)
    rectangles = [_rectangle(part, block, sharing) for block in cover.blocks]
    links = {one: prefixes for prefixes in part.rows for one in sharing[prefixes]}
    return _without_needless(links, _pieces(rectangles, sizes))


def _pieces(rectangles: Iterable[Rectangle[D]], sizes: _Sizes) -> Iterator[Rectangle[D]]:
    for one in rectangles:
        for first in range(0, len(one.destinations), sizes.destinations):
            for start in range(0, len(one.prefixes), sizes.prefixes):
                yield Rectangle(
                    destinations=one.destinations[first : first + sizes.destinations],
                    prefixes=one.prefixes[start : start + sizes.prefixes],
                )


def _without_needless(
    links: Mapping[D, Prefixes], pieces: Iterable[Rectangle[D]]
) -> Iterator[Rectangle[D]]:
    """The pieces without destinations and prefixes that only the whole had use for."""
    destinations = sorted(links)
    relation, columns = relation_of([links[one] for one in destinations], merge=False)
    prefixes = [prefix for (prefix,) in columns]
    row_of = {one: 1 << row for row, one in enumerate(destinations)}
    column_of = {one: 1 << column for column, one in enumerate(prefixes)}
    blocks = [
        Block(
            sum(row_of[one] for one in piece.destinations),
            sum(column_of[one] for one in piece.prefixes),
        )
        for piece in pieces
    ]
    for block in trimmed(relation, blocks):
        yield Rectangle(
            destinations=tuple(destinations[row] for row in bits(block.rows)),
            prefixes=tuple(prefixes[column] for column in bits(block.columns)),
        )
