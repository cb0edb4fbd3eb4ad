"""The links out of a registry: compared, joined and narrowed by destination."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import LinkScope, Prefixes, beyond

Links: TypeAlias = Mapping[Registry, LinkScope]
"""Destination → what is replicated there. No destination is without prefixes."""

Outgoing: TypeAlias = Mapping[Registry, Prefixes]
"""Destination → the prefixes replicated there, never none, where deletions make no difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChanges:
    """The difference between two states of a registry's links, by destination."""

    added: Outgoing
    removed: Outgoing
    deletes_started: Outgoing
    deletes_stopped: Outgoing


def compare(before: Links, after: Links) -> LinkChanges:
    """The prefixes that `after` has beyond `before`, and the other way round; the same for those
    of them whose deletions are replicated."""
    if before == after:
        return LinkChanges(added={}, removed={}, deletes_started={}, deletes_stopped={})
    old, new = prefixes_of(before), prefixes_of(after)
    old_deletes, new_deletes = deletes_of(before), deletes_of(after)
    return LinkChanges(
        added=_more(new, old),
        removed=_more(old, new),
        deletes_started=_more(new_deletes, old_deletes),
        deletes_stopped=_more(old_deletes, new_deletes),
    )


def prefixes_of(links: Links) -> Outgoing:
    """The links without what they say of deletions."""
    return {destination: scope.prefixes for destination, scope in links.items()}


def deletes_of(links: Links) -> Outgoing:
    """The prefixes whose deletions are replicated."""
    return {destination: scope.deletes for destination, scope in links.items() if scope.deletes}


def joined(first: Links, second: Links) -> Links:
    """The links in either."""
    links = {**first, **second}
    for destination in first.keys() & second.keys():
        links[destination] = first[destination].union(second[destination])
    return links


def within(links: Links, bounds: Outgoing) -> Links:
    """The part of `links` that is in `bounds` as well."""
    return {
        destination: common
        for destination, scope in links.items()
        if (common := scope.within(bounds.get(destination, ()))).prefixes
    }


def _more(these: Outgoing, than: Outgoing) -> Outgoing:
    return {
        destination: more
        for destination, prefixes in sorted(these.items())
        if (more := beyond(prefixes, than.get(destination, ())))
    }
