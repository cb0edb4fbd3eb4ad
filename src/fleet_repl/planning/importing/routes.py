"""Few routes that carry every shipment, and nothing that was not observed; and their names.

Greedy: what carries most for the fewest words first, a path that is taken already for almost
nothing; in the end, whatever the others carry as well is dropped.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from fleet_repl.inventory import Match, Route, Selector
from fleet_repl.planning.importing.bitsets import Frame, Registries, bits
from fleet_repl.planning.importing.file_texts import FileTexts
from fleet_repl.planning.importing.links import LinksBySource
from fleet_repl.planning.importing.proposals import Path, Proposal, Proposer
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


def routes_for(
    links: LinksBySource, registries: Registries, file_texts: FileTexts
) -> tuple[Route, ...]:
    """Routes that make exactly `links`, those with the most links first, with a name for each."""
    loads = shipments(links, registries)
    proposer = Proposer(registries, sum(shipment.size for shipment in loads))
    carried: dict[tuple[bool, Path], list[str]] = {}
    taken: dict[tuple[bool, Path], Proposal] = {}
    for shipment in loads:
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
    sizes = {path: _size(proposal, registries) for (_, path), proposal in taken.items()}
    routes = [
        _route(path, reduce(prefixes), deletes=deletes)
        for (deletes, path), prefixes in sorted(
            carried.items(), key=lambda item: -sizes[item[0][1]]
        )
    ]
    names = _names(routes, file_texts)
    return tuple(replace(route, name=name) for name, route in zip(names, routes, strict=True))


def _route(path: Path, prefixes: Prefixes, *, deletes: bool) -> Route:
    return Route(
        name="",
        source=Selector(match=path.source.match),
        destination=Selector(
            match=path.destination.match,
            same_account=path.frame is Frame.ACCOUNT,
            same_region=path.frame is Frame.REGION,
        ),
        prefixes=prefixes,
        replicate_deletes=deletes,
    )


def _fits(proposal: Proposal, shipment: Shipment, registries: Registries) -> bool:
    return all(
        not proposal.leads(source, registries) & ~shipment.allowed.get(source, 0)
        for source in bits(proposal.sources)
    )


def _size(proposal: Proposal, registries: Registries) -> int:
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
    return [proposals[number] for number in _needed(chosen, rows, proposals)]


def _needed(
    chosen: Sequence[int], rows: Sequence[Rows], proposals: Sequence[Proposal]
) -> Sequence[int]:
    """The chosen proposals without those whose links the others carry as well, dearest first."""
    needed = list(chosen)
    if len(chosen) <= _MOST_CHECKED:
        for number in sorted(chosen, key=lambda number: -proposals[number].cost):
            others = together(rows[other] for other in needed if other != number)
            if all(not mask & ~others.get(source, 0) for source, mask in rows[number].items()):
                needed.remove(number)
    return needed


def _wanted(proposal: Proposal, shipment: Shipment, registries: Registries) -> Rows:
    wanted = shipment.wanted
    return {
        source: mask
        for source in bits(proposal.sources)
        if source in wanted and (mask := proposal.leads(source, registries) & wanted[source])
    }


def _names(routes: Sequence[Route], file_texts: FileTexts) -> Sequence[str]:
    """A name for each, in the words of its selectors, no two alike: told apart by prefix where
    paths are equal, else by number."""
    plain = [_path_name(route, file_texts) for route in routes]
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


def _path_name(route: Route, file_texts: FileTexts) -> str:
    source, end = (_name(at.match, file_texts) for at in (route.source, route.destination))
    if route.source == route.destination:
        return f"{source}-mesh"
    if route.destination.same_account:
        end = "-".join(["own", *_regions(route.destination.match, file_texts)])
    elif route.destination.same_region:
        end = f"{end}-nearby"
    return f"{source}-to-{end}"[:_LONGEST].rstrip("-")


def _name(match: Match, file_texts: FileTexts) -> str:
    parts = [_label(label, sorted(values), file_texts) for label, values in match.labels.items()]
    if match.accounts is not None:
        parts.append(_few(map(file_texts.account, sorted(match.accounts)), "accounts"))
    return "-".join([*parts, *_regions(match, file_texts)]) or "all"


def _label(label: str, values: Sequence[str], file_texts: FileTexts) -> str:
    texts = [file_texts.value(label, value) for value in values]
    if len(texts) == 1 and texts[0].lower() in _YES:
        # `hub = "true"` says more by its key.
        return _slug(label)
    return _few(texts, _slug(label))


def _regions(match: Match, file_texts: FileTexts) -> list[str]:
    if match.regions is None:
        return []
    return [_few(map(file_texts.region, sorted(match.regions)), "regions")]


def _cargo_name(route: Route) -> str:
    prefix = "everything" if "" in route.prefixes else _slug(route.prefixes[0])
    return f"{prefix[:24].strip('-')}{'-with-deletes' if route.replicate_deletes else ''}"


def _few(texts: Iterable[str], noun: str) -> str:
    """The texts, or how many there are if they are too many for a name."""
    slugs = list(map(_slug, texts))
    return f"{len(slugs)}-{noun}" if len(slugs) > _MOST_SPELLED else "-".join(slugs)


def _slug(text: str) -> str:
    """Letters, digits and . _ of a text, with a dash for anything else."""
    plain = "".join(letter if letter.isalnum() or letter in "._" else "-" for letter in text)
    return "-".join(filter(None, plain.split("-"))) or "x"
