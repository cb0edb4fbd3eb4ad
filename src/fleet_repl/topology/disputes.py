"""Disputes: two routes that ask for the same repositories on one link, one of them with
deletions and the other without. No rule can do both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from fleet_repl.inventory import Inventory
from fleet_repl.inventory.findings import nearest_line
from fleet_repl.topology.links import Link
from fleet_repl.topology.near_misses import counted
from fleet_repl.topology.reach import Reach
from fleet_repl.values.errors import Problem
from fleet_repl.values.prefixes import touches


def find_disputes(
    reaches: Sequence[Reach], links: Sequence[Link], inventory: Inventory
) -> Iterator[Problem]:
    """One problem for each pair of routes that disagree, with an example."""
    if len({one.route.replicate_deletes for one in reaches}) < 2:
        return
    by_name = {one.name: one for one in reaches}
    found: dict[tuple[str, str], list[Link]] = {}
    known: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}
    for link in links:
        if link.routes not in known:
            known[link.routes] = tuple(_disagreeing([by_name[name] for name in link.routes]))
        for pair in known[link.routes]:
            found.setdefault(pair, []).append(link)
    for (first, second), some in found.items():
        yield _problem(by_name[first], by_name[second], some, inventory)


def _disagreeing(reaches: Sequence[Reach]) -> Iterator[tuple[str, str]]:
    for one, other in combinations(reaches, 2):
        if one.route.replicate_deletes != other.route.replicate_deletes and any(
            touches(one.prefixes, prefix) for prefix in other.prefixes
        ):
            yield one.name, other.name


def _problem(one: Reach, other: Reach, links: Sequence[Link], inventory: Inventory) -> Problem:
    key = f"routes[{other.number}]"
    shared = next(prefix for prefix in other.prefixes if touches(one.prefixes, prefix))
    meeting = min((two for two in one.prefixes if touches((two,), shared)), key=len)
    what = max(shared, meeting, key=len)
    link = links[0]
    with_deletes, without = (one, other) if one.route.replicate_deletes else (other, one)
    return Problem(
        file=inventory.path,
        line=nearest_line(inventory.lines, key),
        key=key,
        message=f"route {with_deletes.name} replicates deletions and route {without.name} does "
        f"not, but both lead {what or 'every repository'} from {link.source} to "
        f"{link.destination} ({counted(len(links), 'link')})",
        remedy="give both the same replicate_deletes, or prefixes that have nothing in common",
    )
