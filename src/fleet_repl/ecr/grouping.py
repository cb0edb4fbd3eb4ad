"""Links put into few groups that together mean exactly the links.

In a group every member has every prefix. A replication rule is a group of destinations, a
statement of a registry policy a group of sources, and ECR takes only so many of either. Members
with equal prefixes make plain groups, and so do prefixes with equal members. Groups that overlap
can be fewer than both:

    links                     by member                  by prefix     overlapping
    A  base/ shop/            A  base/ shop/             ABC  base/    BC  base/ lake/
    B  base/ lake/            B  base/ lake/             AC   shop/    AC  base/ shop/
    C  base/ lake/ shop/      C  base/ lake/ shop/       BC   lake/

`overlapping` finds them greedily, among groups that no member and no prefix can join. Of those,
`BC base/ lake/` and `AC base/ shop/` hold four links each, the others three. It takes the first.
Then `AC base/ shop/` holds the most links that are left, which are three, and none is left over.

A shorter prefix implies longer ones, so a member that has `a/` may join a group of `a/x/`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, reduce
from heapq import heapify, heapreplace
from itertools import islice, product
from operator import and_, or_
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeAlias, TypeVar

from fleet_repl.values.prefixes import Prefixes, end_of_covered

if TYPE_CHECKING:
    from _typeshed import SupportsRichComparison

T = TypeVar("T")
M = TypeVar("M", bound="SupportsRichComparison")
Price: TypeAlias = Callable[[int, int], float]
"""The cost of a group, by its numbers of members and of prefixes."""

MOST_CELLS: Final = 16_384
"""Members times prefixes up to which groups may overlap. A policy that names 150 sources and 100
prefixes once each is as long as ECR takes; a registry has 100 destinations at the most."""
_PAIRS: Final = 2_048
"""Pairs of members whose common prefixes are tried as a group."""


class Group(NamedTuple, Generic[M]):
    """Every member has every prefix. Both are sorted."""

    members: tuple[M, ...]
    prefixes: Prefixes


def fewest_groups(
    links: Mapping[M, Prefixes], *, most_members: int, most_prefixes: int
) -> tuple[Group[M], ...]:
    """Returns the fewest groups that the search finds within both sizes, sorted by prefixes.

    `links` holds the prefixes of each member, none of which implies another. There are never more
    groups than `by_member` or `by_prefix` take, and the better of these unless others are fewer,
    because they list each link once. Neither the order of `links` nor the names of members make
    a difference.
    """
    plain = by_member(links)
    if len(plain) <= 2 and all(
        len(group.members) <= most_members and len(group.prefixes) <= most_prefixes
        for group in plain
    ):
        # Two members with different prefixes never fit into one group.
        return tuple(plain)
    ordered = [member for group in plain for member in group.members]
    groups = _fewest(tuple(links[member] for member in ordered), most_members, most_prefixes)
    named = (
        Group(tuple(sorted(ordered[number] for number in numbers)), prefixes)
        for numbers, prefixes in groups
    )
    return tuple(sorted(named, key=_prefixes_first))


def by_member(links: Mapping[M, Prefixes]) -> list[Group[M]]:
    """A group for each set of prefixes, with all members that have just these."""
    alike: dict[Prefixes, list[M]] = defaultdict(list)
    for member in sorted(links):
        if links[member]:
            alike[links[member]].append(member)
    return [Group(tuple(members), prefixes) for prefixes, members in sorted(alike.items())]


def by_prefix(links: Mapping[M, Prefixes]) -> list[Group[M]]:
    """A group for each set of members, with all prefixes that just these have."""
    having: dict[str, list[M]] = defaultdict(list)
    for member in sorted(links):
        for prefix in links[member]:
            having[prefix].append(member)
    alike: dict[tuple[M, ...], list[str]] = defaultdict(list)
    for prefix in sorted(having):
        alike[tuple(having[prefix])].append(prefix)
    groups = (Group(members, tuple(prefixes)) for members, prefixes in alike.items())
    return sorted(groups, key=_prefixes_first)


def overlapping(links: Mapping[M, Prefixes], price: Price) -> list[Group[M]]:
    """Groups that may overlap, chosen one by one for the most missing links for their price.

    The work is bounded and counted, not timed, so the same links always get the same groups.
    Where there are too many links for it, these are the groups `by_member`.
    """
    members = [member for group in by_member(links) for member in group.members]
    columns = sorted({prefix for member in members for prefix in links[member]})
    width = len(columns)
    if len(members) * width > MOST_CELLS:
        return by_member(links)
    wanted, allowed = _rows([links[member] for member in members], columns)
    groups = []
    for cells in _chosen(_candidates(wanted, allowed, width, price), _table(wanted, width)):
        rows = [cells >> at * width & (1 << width) - 1 for at in range(len(members))]
        listed = _union(rows)
        groups.append(
            Group(
                tuple(member for member, row in zip(members, rows, strict=True) if row),
                tuple(prefix for at, prefix in enumerate(columns) if listed >> at & 1),
            )
        )
    return trimmed(links, groups)


def trimmed(links: Mapping[M, Prefixes], groups: Iterable[Group[M]]) -> list[Group[M]]:
    """The groups without members and prefixes that add nothing to the other groups. A small group
    loses its own before a large one does."""
    having = {member: frozenset(prefixes) for member, prefixes in links.items()}
    left = sorted(groups, key=lambda group: (len(group.members) * len(group.prefixes), group[::-1]))
    cells = [[cell for cell in product(*group) if cell[1] in having[cell[0]]] for group in left]
    times = Counter(cell for group_cells in cells for cell in group_cells)
    kept = []
    for group_cells in cells:
        alone = [cell for cell in group_cells if times[cell] == 1]
        members = {member for member, _ in alone}
        prefixes = {prefix for _, prefix in alone}
        times.subtract(
            cell for cell in group_cells if cell[0] not in members or cell[1] not in prefixes
        )
        if alone:
            kept.append(Group(tuple(sorted(members)), tuple(sorted(prefixes))))
    return kept


@lru_cache(maxsize=1_024)
def _fewest(
    rows: tuple[Prefixes, ...], most_members: int, most_prefixes: int
) -> tuple[Group[int], ...]:
    """Groups of the numbers of `rows`. A fleet has few different sources, so they are kept."""

    def price(members: int, prefixes: int) -> int:
        return -(-members // most_members) * -(-prefixes // most_prefixes)

    def cut(groups: Iterable[Group[int]]) -> list[Group[int]]:
        return [
            Group(members, prefixes)
            for group in groups
            for members in _slices(group.members, most_members)
            for prefixes in _slices(group.prefixes, most_prefixes)
        ]

    links = dict(enumerate(rows))
    plain = min(cut(by_member(links)), cut(by_prefix(links)), key=len)
    whole = overlapping(links, price)
    others = cut(whole)
    if len(others) > len(whole):
        others = trimmed(links, others)
    return tuple(others if len(others) < len(plain) else plain)


def _rows(rows: Sequence[Prefixes], columns: Sequence[str]) -> tuple[list[int], list[int]]:
    """Rows as bits, one for each column: what a row has, and what that implies."""
    own = {prefix: 1 << at for at, prefix in enumerate(columns)}
    implied = {prefix: (1 << end_of_covered(columns, prefix)) - bit for prefix, bit in own.items()}
    return (
        [_union(own[prefix] for prefix in row) for row in rows],
        [_union(implied[prefix] for prefix in row) for row in rows],
    )


def _candidates(
    wanted: Sequence[int], allowed: Sequence[int], width: int, price: Price
) -> Iterator[tuple[int, float]]:
    """Groups that no member and no prefix can join, each as the wanted cells in it and its price.

    Found by what two members have in common, and by what all members of a prefix have.
    """
    unlike = sorted(set(allowed))
    shared = set(islice((row & other for row in unlike for other in unlike), _PAIRS))
    for column in range(width):
        shared.add(reduce(and_, (row for row in unlike if row >> column & 1)))
    for prefixes in sorted(shared - {0}):
        rows = [
            own & prefixes if not prefixes & ~row else 0
            for own, row in zip(wanted, allowed, strict=True)
        ]
        members = sum(map(bool, rows))
        yield _table(rows, width), price(members, _union(rows).bit_count())


def _chosen(candidates: Iterable[tuple[int, float]], missing: int) -> Iterator[int]:
    """Candidates until no cell is missing, each with the most missing cells for its price."""
    queue = [(-cells.bit_count() / price, cells, price) for cells, price in candidates]
    heapify(queue)
    while missing:
        known, cells, price = queue[0]
        value = -(cells & missing).bit_count() / price
        if value > known:
            # Others have taken some of its cells. None gains any, so it waits for its turn.
            heapreplace(queue, (value, cells, price))
        else:
            missing &= ~cells
            yield cells


def _table(rows: Iterable[int], width: int) -> int:
    """Rows of bits in one number."""
    return _union(row << at * width for at, row in enumerate(rows))


def _union(sets: Iterable[int]) -> int:
    return reduce(or_, sets, 0)


def _slices(items: tuple[T, ...], most: int) -> Iterator[tuple[T, ...]]:
    return (items[start : start + most] for start in range(0, len(items), most))


def _prefixes_first(group: Group[M]) -> tuple[Prefixes, tuple[M, ...]]:
    return group.prefixes, group.members
