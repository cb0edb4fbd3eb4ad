"""Shipments: prefixes that travel on exactly the same links, with those links as bits.

Each shipment becomes routes of its own. A link that carries a shorter prefix may be in such a
route as well, because that changes nothing; such links are allowed, not wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeAlias

from fleet_repl.planning.importing.bitsets import Registries
from fleet_repl.planning.importing.links import LinksBySource
from fleet_repl.values.prefixes import LinkScope, Prefixes, covering

Rows: TypeAlias = dict[int, int]
"""Number of the source → its destinations as bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """The prefixes that routes have to carry, and the registries between which."""

    prefixes: Prefixes
    deletes: bool
    wanted: Rows
    allowed: Rows
    """The wanted links, and links that carry these prefixes anyway."""

    @property
    def size(self) -> int:
        """The number of links that are wanted."""
        return sum(mask.bit_count() for mask in self.wanted.values())


def shipments(links: LinksBySource, registries: Registries) -> tuple[Shipment, ...]:
    """Every prefix of every link in exactly one shipment, those with the most links first."""
    carriers = _carriers(links, registries)
    wanting: dict[tuple[bool, str], list[LinkScope]] = {}
    for scope in carriers:
        for prefix in scope.prefixes:
            wanting.setdefault((prefix in scope.deletes, prefix), []).append(scope)
    alike: dict[tuple[bool, tuple[LinkScope, ...], tuple[LinkScope, ...]], list[str]] = {}
    for (deletes, prefix), scopes in sorted(wanting.items(), key=itemgetter(0)):
        # The prefix itself, and every shorter one that carries it too.
        allowing = {
            scope for other in covering(prefix) for scope in wanting.get((deletes, other), ())
        }
        ordered = sorted(allowing, key=lambda scope: (scope.plain, scope.deletes))
        alike.setdefault((deletes, tuple(scopes), tuple(ordered)), []).append(prefix)
    grouped = [
        Shipment(
            prefixes=tuple(prefixes),
            deletes=deletes,
            wanted=together(carriers[scope] for scope in scopes),
            allowed=together(carriers[scope] for scope in allowing),
        )
        for (deletes, scopes, allowing), prefixes in alike.items()
    ]
    return tuple(
        sorted(grouped, key=lambda shipment: (-shipment.size, shipment.deletes, shipment.prefixes))
    )


def _carriers(links: LinksBySource, registries: Registries) -> Mapping[LinkScope, Rows]:
    """The links that replicate the same."""
    carriers: dict[LinkScope, Rows] = {}
    for source, ends in links.items():
        number = registries.bit[source].bit_length() - 1
        for destination, scope in ends.items():
            rows = carriers.setdefault(scope, {})
            rows[number] = rows.get(number, 0) | registries.bit[destination]
    return carriers


def together(some: Iterable[Rows]) -> Rows:
    """Everything that is in any of them."""
    union: Rows = {}
    for rows in some:
        for source, mask in rows.items():
            union[source] = union.get(source, 0) | mask
    return union
