"""The links out of a registry: compared, joined and taken apart by destination."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes, beyond, intersect, union

Outgoing: TypeAlias = Mapping[Registry, Prefixes]
"""Destination → the prefixes replicated there. No destination is without prefixes."""

NOWHERE: Final[Outgoing] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChanges:
    """How two states of a registry's links differ, by destination."""

    added: Outgoing
    removed: Outgoing


def compare(before: Outgoing, after: Outgoing) -> LinkChanges:
    """The prefixes that `after` has beyond `before`, and the other way round."""
    if before == after:
        return LinkChanges(added={}, removed={})
    return LinkChanges(added=_more(after, before), removed=_more(before, after))


def _more(these: Outgoing, than: Outgoing) -> Outgoing:
    return {
        destination: more
        for destination, prefixes in sorted(these.items())
        if (more := beyond(prefixes, than.get(destination, ())))
    }


def without(links: Outgoing, others: Outgoing) -> Outgoing:
    """`links` without the prefixes that `others` holds to the letter."""
    return {
        destination: left
        for destination, prefixes in links.items()
        if (
            left := tuple(
                prefix for prefix in prefixes if prefix not in others.get(destination, ())
            )
        )
    }


def joined(first: Outgoing, second: Outgoing) -> Outgoing:
    """The links in either."""
    return {
        destination: union(first.get(destination, ()), second.get(destination, ()))
        for destination in {**first, **second}
    }


def within(links: Outgoing, bounds: Outgoing) -> Outgoing:
    """The part of `links` that is in `bounds` as well."""
    return {
        destination: common
        for destination, prefixes in links.items()
        if (common := intersect(prefixes, bounds.get(destination, ())))
    }
