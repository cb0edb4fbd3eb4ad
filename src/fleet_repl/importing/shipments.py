"""Shipments: prefixes that travel on exactly the same links, with those links as bits.

Each shipment becomes routes of its own. A link that carries a shorter prefix may be in such a
route as well, because that changes nothing; such links are allowed, not wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from fleet_repl.importing.expressing import Cargo
from fleet_repl.importing.places import Places
from fleet_repl.names import Registry
from fleet_repl.prefixes import Prefixes

Rows: TypeAlias = dict[int, int]
"""Number of the source → its destinations as bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """What routes have to carry, and between whom."""

    prefixes: Prefixes
    deletes: bool
    wanted: Rows
    allowed: Rows
    """What is wanted, and links that carry these prefixes anyway."""

    @property
    def size(self) -> int:
        """How many links are wanted."""
        return sum(mask.bit_count() for mask in self.wanted.values())


class _Parcel(NamedTuple):
    deletes: bool
    prefix: str


def shipments(
    links: Mapping[Registry, Mapping[Registry, Cargo]], places: Places
) -> tuple[Shipment, ...]:
    """Every prefix of every link in exactly one of them, those with the most links first."""
    carriers: dict[Cargo, Rows] = {}
    for source, ends in links.items():
        number = places.bit[source].bit_length() - 1
        for end, cargo in ends.items():
            rows = carriers.setdefault(cargo, {})
            rows[number] = rows.get(number, 0) | places.bit[end]
    wanting: dict[_Parcel, list[Cargo]] = {}
    for cargo in carriers:
        for parcel in _parcels(cargo):
            wanting.setdefault(parcel, []).append(cargo)
    alike: dict[tuple[bool, tuple[Cargo, ...], tuple[Cargo, ...]], list[str]] = {}
    for parcel, cargos in sorted(wanting.items()):
        allowing = (one for shorter in _shorter(parcel) for one in wanting.get(shorter, ()))
        key = (parcel.deletes, tuple(cargos), tuple(sorted(set(allowing))))
        alike.setdefault(key, []).append(parcel.prefix)
    found = [
        Shipment(
            prefixes=tuple(prefixes),
            deletes=deletes,
            wanted=together(carriers[one] for one in cargos),
            allowed=together(carriers[one] for one in allowing),
        )
        for (deletes, cargos, allowing), prefixes in alike.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.size, one.deletes, one.prefixes)))


def _parcels(cargo: Cargo) -> Iterator[_Parcel]:
    for prefix in cargo.plain:
        yield _Parcel(deletes=False, prefix=prefix)
    for prefix in cargo.deleting:
        yield _Parcel(deletes=True, prefix=prefix)


def _shorter(parcel: _Parcel) -> Iterator[_Parcel]:
    """The parcel itself, and whatever carries it too."""
    for length in range(len(parcel.prefix) + 1):
        yield parcel._replace(prefix=parcel.prefix[:length])


def together(some: Iterable[Rows]) -> Rows:
    """Everything that is in any of them."""
    found: Rows = {}
    for rows in some:
        for source, mask in rows.items():
            found[source] = found.get(source, 0) | mask
    return found
