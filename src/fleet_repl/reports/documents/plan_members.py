"""The members of a plan's document that are about the plan as a whole."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from fleet_repl.planning.plan import Vouched
from fleet_repl.planning.route_prefixes import RoutePrefixes
from fleet_repl.reports.documents.member_types import Account, AccountName, Count, RegionName
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.shared import PlaceDocument


class SummaryDocument(Document, frozen=True):
    registries: Count
    changed: Count
    unchanged: Count
    unreadable: Count
    held: Count
    links_added: Count
    links_removed: Count


class VouchedDocument(PlaceDocument, frozen=True):
    sid: str

    def vouched(self) -> Vouched:
        return Vouched(registry=self.registry, sid=self.sid)


class AccountDocument(Document, frozen=True, kw_only=True):
    """An account of a fleet that is discovered, as it was when the plan was made."""

    id: Account
    name: AccountName
    regions: tuple[RegionName, ...]
    labels: dict[str, str]
    role: Annotated[str | None, Meta(description="Its ARN; null for the base identity.")]
    retired: bool


class ResolvedDocument(PlaceDocument, frozen=True):
    """The prefixes of a route with `exclude` or `only` out of one source."""

    route: str
    prefixes: Annotated[
        tuple[str, ...],
        Meta(description="Empty where the source has no repository that the route asks for."),
    ]

    def resolved(self) -> RoutePrefixes:
        return RoutePrefixes(source=self.registry, route=self.route, prefixes=self.prefixes)
