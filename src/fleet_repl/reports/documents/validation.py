"""The result of `validate` as the JSON document `fleet-repl/validate/1`.

Pure; the keys are a promise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.planning.fleet_summary import FleetSummary
from fleet_repl.reports.documents.member_types import (
    Acknowledged,
    Count,
)
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.shared import (
    WarningDocument,
    recast,
)
from fleet_repl.topology import RouteSummary
from fleet_repl.values.errors import Problem

VALIDATE_SCHEMA: Final = "fleet-repl/validate/1"

_OF_VALID: Final = (
    "fleet",
    "accounts",
    "registries",
    "external",
    "links",
    "rules",
    "routes",
    "warnings",
)
"""Members of the document of a valid inventory that the other lacks."""


class RouteDocument(Document, frozen=True):
    name: str
    sources: Annotated[Count, Meta(description="Registries.")]
    destinations: Annotated[Count, Meta(description="Registries.")]
    links: Count
    near_misses: Annotated[tuple[str, ...], Meta(description="What a selector almost matches.")]
    live: Annotated[
        bool | UnsetType,
        Meta(
            description="True where its prefixes follow from the repositories that each source has "
            "at each run. Missing otherwise.",
            extra_json_schema={"const": True},
        ),
    ] = UNSET

    @classmethod
    def of(cls, route: RouteSummary) -> RouteDocument:
        return cls(
            name=route.name,
            sources=route.sources,
            destinations=route.destinations,
            links=route.links,
            near_misses=route.near_misses,
            live=route.by_name or UNSET,
        )


class ProblemDocument(Document, frozen=True):
    file: Annotated[str, Meta(description="- for standard input.")]
    line: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="From 1; null where it is not known.")
    ]
    key: Annotated[
        str,
        Meta(
            description="The path of the key, such as accounts[2].id; (file) for the file as a "
            "whole."
        ),
    ]
    message: str
    value: Annotated[
        str | None,
        Meta(description="What was written there; null for nothing, and for a secret."),
    ]
    remedy: Annotated[str | None, Meta(description="What would be right.")]


class ValidateDocument(
    Document, frozen=True, kw_only=True, tag_field="schema", tag=VALIDATE_SCHEMA
):
    """What an inventory amounts to, or everything that is wrong with it."""

    valid: bool
    fleet: str | UnsetType = UNSET
    accounts: Count | UnsetType = UNSET
    registries: Count | UnsetType = UNSET
    external: Annotated[
        Count | UnsetType,
        Meta(description="Registries of other people's accounts that may receive images."),
    ] = UNSET
    links: Count | UnsetType = UNSET
    rules: Count | UnsetType = UNSET
    routes: tuple[RouteDocument, ...] | UnsetType = UNSET
    warnings: tuple[WarningDocument, ...] | UnsetType = UNSET
    acknowledged: Acknowledged = UNSET
    problems: tuple[ProblemDocument, ...]

    @classmethod
    def of(cls, summary: FleetSummary) -> ValidateDocument:
        """Returns the document of a valid inventory."""
        return cls(
            valid=True,
            fleet=summary.name,
            accounts=summary.accounts,
            registries=summary.registries,
            external=summary.externals,
            links=summary.links,
            rules=summary.rules,
            routes=tuple(map(RouteDocument.of, summary.routes)),
            warnings=tuple(recast(warning, WarningDocument) for warning in summary.warnings),
            acknowledged=summary.acknowledged or UNSET,
            problems=(),
        )

    @classmethod
    def of_problems(cls, problems: Iterable[Problem]) -> ValidateDocument:
        """Returns the document of an inventory with problems."""
        listed = tuple(recast(problem, ProblemDocument) for problem in problems)
        return cls(valid=False, problems=listed)


_BY_VALIDITY: Final[dict[str, Any]] = {
    "if": {"properties": {"valid": {"const": True}}},
    "then": {"required": list(_OF_VALID), "properties": {"problems": {"maxItems": 0}}},
    "else": {
        "properties": {
            **dict.fromkeys((*_OF_VALID, "acknowledged"), False),
            "problems": {"minItems": 1},
        }
    },
}
PublishedValidate: TypeAlias = Annotated[ValidateDocument, Meta(extra_json_schema=_BY_VALIDITY)]
"""The document as its schema publishes it: with all members of one kind and none of the other."""
