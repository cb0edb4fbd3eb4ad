"""The links that a plan changes, or that a run has changed, as its document tells. Pure.

A plan lists them. A report has the rules before and after each write, which say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fleet_repl.ecr.rules import compare, parse_stored_rules
from fleet_repl.planning.change import Resource
from fleet_repl.reports.documents.changes import ChangeDocument
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.registry_outcomes import (
    ChangeOutcomeDocument,
    RegistryOutcomeDocument,
)
from fleet_repl.reports.documents.registry_plans import RegistryDocument
from fleet_repl.reports.documents.report import ReportDocument
from fleet_repl.reports.documents.shared import prefixes_of
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import Prefixes


class LinkChange(StrEnum):
    """A change of a link."""

    ADDED = "added"
    REMOVED = "removed"
    DELETES_STARTED = "deletes-started"
    DELETES_STOPPED = "deletes-stopped"
    HELD = "held"
    """The link is left out, because its destination does not grant it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedLink:
    """A change of a link, seen from the link's source."""

    source: Registry
    destination: Registry
    change: LinkChange
    prefixes: Prefixes
    """The prefixes that change; the others of the link stay as they are."""
    wave: str
    """The wave in which it is written; of a held link, its source's wave."""
    routes: tuple[str, ...] = ()
    """Empty in a report, which does not tell routes, and for a link that no route asks for."""
    outcome: str | None = None
    """What became of the write, in a report."""
    because: str | None = None
    """The reason why the link is held."""


def changed_links(document: PlanDocument | ReportDocument) -> Iterator[ChangedLink]:
    """Yields every change of a link, by source."""
    for registry in document.registries:
        yield from changed_links_of(registry)


def changed_links_of(registry: RegistryDocument | RegistryOutcomeDocument) -> Iterator[ChangedLink]:
    """Yields the changes of the links out of one registry."""
    for change in registry.changes:
        if change.resource is Resource.REPLICATION_CONFIGURATION:
            if isinstance(change, ChangeDocument):
                yield from _planned(registry.registry, change)
            else:
                yield from _written(registry.registry, change)
    for link in registry.held:
        yield ChangedLink(
            source=registry.registry,
            destination=link.registry,
            change=LinkChange.HELD,
            prefixes=prefixes_of(link.prefixes),
            wave=registry.wave,
            because=link.because,
        )


def names_of(document: PlanDocument | ReportDocument) -> Mapping[AccountId, str]:
    """Returns the names of the accounts that the document lists."""
    return {registry.account: registry.name for registry in document.registries}


def _planned(source: Registry, change: ChangeDocument) -> Iterator[ChangedLink]:
    by_kind = {
        LinkChange.ADDED: change.links_added,
        LinkChange.REMOVED: change.links_removed,
        LinkChange.DELETES_STARTED: change.deletes_started,
        LinkChange.DELETES_STOPPED: change.deletes_stopped,
    }
    for kind, links in by_kind.items():
        for link in links:
            yield ChangedLink(
                source=source,
                destination=link.registry,
                change=kind,
                prefixes=prefixes_of(link.prefixes),
                wave=change.wave,
                routes=link.routes,
            )


def _written(source: Registry, change: ChangeOutcomeDocument) -> Iterator[ChangedLink]:
    changes = compare(
        parse_stored_rules(change.before).links, parse_stored_rules(change.after).links
    )
    by_kind = {
        LinkChange.ADDED: changes.added,
        LinkChange.REMOVED: changes.removed,
        LinkChange.DELETES_STARTED: changes.deletes_started,
        LinkChange.DELETES_STOPPED: changes.deletes_stopped,
    }
    for kind, links in by_kind.items():
        for destination, prefixes in links.items():
            yield ChangedLink(
                source=source,
                destination=destination,
                change=kind,
                prefixes=prefixes,
                wave=change.wave,
                outcome=change.outcome,
            )
