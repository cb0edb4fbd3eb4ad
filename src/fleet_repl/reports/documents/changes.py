"""The part of a plan's document that is a change of one resource, with its links."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from fleet_repl.planning.change import Action, Change, LinkEnd, Phase, Resource
from fleet_repl.planning.stored import stored_content
from fleet_repl.reports.documents.member_types import (
    UNIQUE,
    AwsDocument,
    PrefixList,
    RegistryName,
)
from fleet_repl.reports.documents.reader import Document, MalformedError
from fleet_repl.reports.documents.shared import (
    PlaceDocument,
    prefix_list,
    prefixes_of,
    registry_named,
)

_PHASES: Final = {
    Resource.CREATION_TEMPLATE: (Phase.TEMPLATES,),
    Resource.REGISTRY_POLICY: (Phase.GRANTS, Phase.WITHDRAWALS),
    Resource.REPLICATION_CONFIGURATION: (Phase.RULES,),
}


class LinkDocument(PlaceDocument, frozen=True):
    """A link by its other end: a destination of a replication configuration, a source of a
    registry policy."""

    prefixes: PrefixList
    routes: Annotated[
        tuple[str, ...],
        Meta(
            description="Routes that ask for it; empty where none does.",
            extra_json_schema=UNIQUE,
        ),
    ]

    def end(self) -> LinkEnd:
        return LinkEnd(
            registry=self.registry,
            prefixes=prefixes_of(self.prefixes),
            routes=self.routes,
        )


class ChangeDocument(Document, frozen=True):
    resource: Resource
    action: Action
    phase: Annotated[
        Phase,
        Meta(
            description="When it is written within its wave: all templates come first, then all "
            "grants, then all rules, then all withdrawals."
        ),
    ]
    wave: Annotated[str, Meta(description="When it is written: waves come one after another.")]
    before: AwsDocument
    after: AwsDocument
    links_added: tuple[LinkDocument, ...]
    links_removed: tuple[LinkDocument, ...]
    deletes_started: Annotated[
        tuple[LinkDocument, ...],
        Meta(description="Links whose deletions will travel from now on."),
    ]
    deletes_stopped: Annotated[
        tuple[LinkDocument, ...], Meta(description="Links whose deletions travel no more.")
    ]
    needs: Annotated[
        tuple[RegistryName, ...],
        Meta(
            description="Registries whose rules have to be written before this, withdrawals only.",
            extra_json_schema=UNIQUE,
        ),
    ]

    @classmethod
    def of(cls, change: Change) -> ChangeDocument:
        return cls(
            resource=change.resource,
            action=change.action,
            phase=change.phase,
            wave=change.wave,
            before=change.before.document,
            after=change.after.document,
            links_added=_links(change.links_added),
            links_removed=_links(change.links_removed),
            deletes_started=_links(change.deletes_started),
            deletes_stopped=_links(change.deletes_stopped),
            needs=tuple(sorted(map(str, change.needs))) if change.needs else (),
        )

    def change(self) -> Change:
        if self.phase not in _PHASES[self.resource]:
            raise MalformedError("phase", f"no {self.resource} is written among the {self.phase}")
        return Change(
            resource=self.resource,
            action=self.action,
            phase=self.phase,
            wave=self.wave,
            before=stored_content(self.resource, self.before),
            after=stored_content(self.resource, self.after),
            links_added=_ends(self.links_added),
            links_removed=_ends(self.links_removed),
            needs=frozenset(map(registry_named, self.needs)) if self.needs else frozenset(),
            deletes_started=_ends(self.deletes_started),
            deletes_stopped=_ends(self.deletes_stopped),
        )


def _links(ends: tuple[LinkEnd, ...]) -> tuple[LinkDocument, ...]:
    if not ends:
        return ()
    return tuple(
        LinkDocument(
            account=end.registry.account,
            region=end.registry.region,
            prefixes=prefix_list(end.prefixes),
            routes=end.routes,
        )
        for end in sorted(ends, key=lambda end: (end.registry, end.prefixes, end.routes))
    )


def _ends(links: tuple[LinkDocument, ...]) -> tuple[LinkEnd, ...]:
    return tuple(map(LinkDocument.end, links)) if links else ()
