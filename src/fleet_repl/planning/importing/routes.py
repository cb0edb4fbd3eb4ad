"""Few routes that carry every shipment, and nothing that was not observed; and their names.

Greedy: what carries most for the fewest words first, a path that is taken already for almost
nothing; in the end, whatever the others carry as
well is dropped.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fleet_repl.planning.importing.bitsets import Frame, Registries, bits
from fleet_repl.planning.importing.file_texts import FileTexts
from fleet_repl.planning.importing.links import LinksBySource
from fleet_repl.planning.importing.proposals import Path, Proposal, Proposer
from fleet_repl.planning.importing.selectors import Conditions
from fleet_repl.planning.importing.shipments import Rows, Shipment, shipments, together
from fleet_repl.values.prefixes import Prefixes, reduce

_ANOTHER_PREFIX: Final = 1.0
"""The cost of another prefix on a route, in words."""
_MOST_CHECKED: Final = 80
"""Paths of one shipment among which needless ones are looked for."""
_LONGEST: Final = 72
_MOST_SPELLED: Final = 3
"""Values, regions or accounts that a name spells out."""
_YES: Final = frozenset({"true", "yes", "on", "1", "enabled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRoute:
    """A route to be, without a name."""

    path: Path
    prefixes: Prefixes
    deletes: bool


def routes_for(links: LinksBySource, registries: Registries) -> tuple[PlainRoute, ...]:
    """Routes that make exactly `links`, those with the most links first."""
    ordered = shipments(links, registries)
    proposer = Proposer(registries, sum(shipment.size for shipment in ordered))
    carried: dict[tuple[bool, Path], list[str]] = {}
    taken: dict[tuple[bool, Path], Proposal] = {}
    for shipment in ordered:
        # A route that is there already carries one more prefix for almost nothing.
        fitting = [
            proposal._replace(cost=_ANOTHER_PREFIX)
            for (deletes, _), proposal in taken.items()
            if deletes == shipment.deletes and _fits(proposal, shipment, registries)
        ]
        proposals = (*fitting, *proposer.proposals(shipment))
        for proposal in _cover(shipment, proposals, registries):
            key = (shipment.deletes, proposal.path)
            carried.setdefault(key, []).extend(shipment.prefixes)
            taken.setdefault(key, proposal)
    routes = [
        PlainRoute(path=path, prefixes=reduce(prefixes), deletes=deletes)
        for (deletes, path), prefixes in carried.items()
    ]
    sizes = {path: _size(proposal, registries) for (_, path), proposal in taken.items()}
    return tuple(sorted(routes, key=lambda route: -sizes[route.path]))


def _fits(proposal: Proposal, shipment: Shipment, registries: Registries) -> bool:
    """Returns whether every link of a path may carry the shipment."""
    return all(
        not proposal.leads(source, registries) & ~shipment.allowed.get(source, 0)
        for source in bits(proposal.sources)
    )


def _size(proposal: Proposal, registries: Registries) -> int:
    """Returns the number of links that a proposed route makes."""
    sources = bits(proposal.sources)
    return sum(proposal.leads(source, registries).bit_count() for source in sources)


def _cover(
    shipment: Shipment, proposals: Sequence[Proposal], registries: Registries
) -> list[Proposal]:
    """Enough of the proposals to carry the whole shipment."""
    rows = [_wanted(proposal, shipment, registries) for proposal in proposals]
    left = dict(shipment.wanted)

    def entry(number: int) -> tuple[float, float, int]:
        gain = sum((mask & left[source]).bit_count() for source, mask in rows[number].items())
        return (-gain / proposals[number].cost, proposals[number].cost, number)

    chosen: list[int] = []
    # What a proposal would add only shrinks: one that is first with a fresh score is best.
    heap = [entry(number) for number in range(len(proposals))]
    heapq.heapify(heap)
    while any(left.values()):
        number = heapq.heappop(heap)[2]
        fresh = entry(number)
        if heap and fresh > heap[0]:
            heapq.heappush(heap, fresh)
            continue
        chosen.append(number)
        for source, mask in rows[number].items():
            left[source] &= ~mask
    if len(chosen) <= _MOST_CHECKED:
        for number in sorted(chosen, key=lambda number: -proposals[number].cost):
            others = together(rows[other] for other in chosen if other != number)
            if all(not mask & ~others.get(source, 0) for source, mask in rows[number].items()):
                chosen.remove(number)
    return [proposals[number] for number in chosen]


def _wanted(proposal: Proposal, shipment: Shipment, registries: Registries) -> Rows:
    """The wanted links of a proposal."""
    wanted = shipment.wanted
    return {
        source: mask
        for source in bits(proposal.sources)
        if source in wanted and (mask := proposal.leads(source, registries) & wanted[source])
    }


def route_names(routes: Sequence[PlainRoute], file_texts: FileTexts) -> tuple[str, ...]:
    """A name for each, in the words of its selectors, no two alike: told apart by prefix where
    paths are equal, else by number."""
    plain = [_path_name(route.path, file_texts) for route in routes]
    doubles = Counter(plain)
    names: dict[str, None] = {}
    numbers: Counter[str] = Counter()
    for name, route in zip(plain, routes, strict=True):
        wished = name if doubles[name] == 1 else f"{name}-{_cargo_name(route)}"
        own = wished
        while own in names:
            numbers[wished] += 1
            own = f"{wished}-{numbers[wished] + 1}"
        names[own] = None
    return tuple(names)


def _path_name(path: Path, file_texts: FileTexts) -> str:
    source, end = _name(path.source, file_texts), _name(path.destination, file_texts)
    if path.frame is Frame.NOTHING and path.source == path.destination:
        return f"{source}-mesh"
    if path.frame is Frame.ACCOUNT:
        end = "-".join(["own", *_regions(path.destination, file_texts)])
    elif path.frame is Frame.REGION:
        end = f"{end}-nearby"
    return f"{source}-to-{end}"[:_LONGEST].rstrip("-")


def _name(conditions: Conditions, file_texts: FileTexts) -> str:
    parts = [_label(label, values, file_texts) for label, values in conditions.labels]
    if conditions.accounts is not None:
        parts.append(
            _few([file_texts.account(account) for account in conditions.accounts], "accounts")
        )
    return "-".join([*parts, *_regions(conditions, file_texts)]) or "all"


def _label(label: str, values: Sequence[str], file_texts: FileTexts) -> str:
    texts = [file_texts.value(label, value) for value in values]
    if len(texts) == 1 and texts[0].lower() in _YES:
        # `hub = "true"` says more by its key.
        return _slug(label)
    return _few(texts, _slug(label))


def _regions(conditions: Conditions, file_texts: FileTexts) -> list[str]:
    if conditions.regions is None:
        return []
    return [_few([file_texts.region(region) for region in conditions.regions], "regions")]


def _cargo_name(route: PlainRoute) -> str:
    prefix = "everything" if "" in route.prefixes else _slug(route.prefixes[0])
    return f"{prefix[:24].strip('-')}{'-with-deletes' if route.deletes else ''}"


def _few(texts: Sequence[str], noun: str) -> str:
    """The texts, or how many there are if they are too many for a name."""
    if len(texts) > _MOST_SPELLED:
        return f"{len(texts)}-{noun}"
    return "-".join(map(_slug, texts))


def _slug(text: str) -> str:
    """Letters, digits and . _ of a text, with a dash for anything else."""
    plain = "".join(letter if letter.isalnum() or letter in "._" else "-" for letter in text)
    return "-".join(filter(None, plain.split("-"))) or "x"
