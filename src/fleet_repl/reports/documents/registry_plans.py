"""The part of a plan's document that is the plan of one registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.planning.change import Resource
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.reports.documents.changes import ChangeDocument
from fleet_repl.reports.documents.member_types import (
    UNIQUE,
    RegistryName,
)
from fleet_repl.reports.documents.moved import MovedDocument
from fleet_repl.reports.documents.reader import Document, MalformedError, read_items
from fleet_repl.reports.documents.shared import (
    ErrorDocument,
    HeldDocument,
    NamedPlaceDocument,
    given,
    held_documents,
    prefix_list,
    prefixes_of,
    recast_or_none,
    registry_named,
)
from fleet_repl.values.errors import Fault

_BY_STATE: Final[Mapping[str, Any]] = {
    "allOf": [
        {
            "if": {"properties": {"state": {"const": "unreadable"}}},
            "then": {
                "properties": {
                    "changes": {"maxItems": 0},
                    "held": {"maxItems": 0},
                    "error": {"type": "object"},
                }
            },
        },
        {
            "if": {"properties": {"state": {"const": "changed"}}},
            "then": {"properties": {"changes": {"minItems": 1}}},
            "else": {"properties": {"changes": {"maxItems": 0}}},
        },
    ]
}
"""The members that a registry has in each state."""


class OwnedDocument(Document, frozen=True):
    links: Annotated[
        dict[
            RegistryName,
            Annotated[tuple[str, ...] | None, Meta(extra_json_schema={"minItems": 1, **UNIQUE})],
        ],
        Meta(
            description="Destinations, each with the prefixes that the fleet's rules list for "
            "it; null for every repository."
        ),
    ]
    templates: Annotated[
        tuple[str, ...],
        Meta(description="Prefixes of the fleet's creation templates.", extra_json_schema=UNIQUE),
    ]

    @classmethod
    def of(cls, applied: Applied) -> OwnedDocument | None:
        """Returns None where the fleet owns nothing, as in most registries."""
        if not applied.links and not applied.templates:
            return None
        links = {str(end): prefix_list(prefixes) for end, prefixes in sorted(applied.links.items())}
        return cls(links=links, templates=applied.templates)

    def applied(self) -> Applied:
        links = {registry_named(end): prefixes_of(listed) for end, listed in self.links.items()}
        return Applied(links=links, templates=self.templates)


class RegistryDocument(NamedPlaceDocument, frozen=True, kw_only=True):
    wave: Annotated[str, Meta(description="The registry's own wave.")]
    state: State
    changes: Annotated[
        tuple[ChangeDocument, ...], Meta(description="In the order they are written.")
    ]
    refused: Annotated[
        tuple[Resource, ...],
        Meta(
            description="Resources whose changes are shown but must not be written; error says "
            "why.",
            extra_json_schema=UNIQUE,
        ),
    ]
    held: tuple[HeldDocument, ...]
    error: ErrorDocument | None
    owned: Annotated[
        OwnedDocument | None,
        Meta(
            description="What of the registry is the fleet's own once all is done; null for "
            "nothing."
        ),
    ]
    retired: Annotated[bool, Meta(description="Whether its account is retired.")]
    gone: Annotated[
        bool | UnsetType,
        Meta(
            description="True where that account counts as gone: AWS refused its role twice, "
            "seconds apart, and nothing of it answered. Missing otherwise."
        ),
    ] = UNSET
    joining: Annotated[
        str | UnsetType,
        Meta(
            description="Why its error is no failure, where its account has joined the fleet less "
            "than a day ago and its role cannot be assumed yet. Missing otherwise."
        ),
    ] = UNSET
    moved: Annotated[
        MovedDocument | None,
        Meta(
            description="Why it differs from the inventory, as far as remembered runs tell; null "
            "where it does not, or nobody asked."
        ),
    ]

    @classmethod
    def of(cls, plan: RegistryPlan) -> RegistryDocument:
        return cls(
            account=plan.registry.account,
            region=plan.registry.region,
            name=plan.name,
            wave=plan.wave,
            state=plan.state,
            changes=tuple(map(ChangeDocument.of, plan.changes)),
            refused=tuple(sorted(plan.refused)) if plan.refused else (),
            held=held_documents(plan.held) if plan.held else (),
            error=recast_or_none(plan.error, ErrorDocument),
            owned=OwnedDocument.of(plan.owned),
            retired=plan.retired,
            gone=plan.gone or UNSET,
            joining=plan.joining or UNSET,
            moved=MovedDocument.of(plan.moved) if plan.moved is not None else None,
        )

    @property
    def is_excused(self) -> bool:
        """Returns whether it is no failure that the registry could not be read."""
        excused = self.gone is True or self.joining is not UNSET
        return excused and self.state is State.UNREADABLE

    def plan(self) -> RegistryPlan:
        error = recast_or_none(self.error, Fault)
        if self.refused and error is None:
            raise MalformedError("error", "it has to say why resources are refused")
        return RegistryPlan(
            registry=self.registry,
            name=self.name,
            wave=self.wave,
            state=self.state,
            changes=read_items("changes", self.changes, ChangeDocument.change),
            held=tuple(map(HeldDocument.link, self.held)),
            error=error,
            refused={resource: error for resource in self.refused if error is not None},
            owned=self.owned.applied() if self.owned is not None else Applied(),
            retired=self.retired,
            gone=self.gone is True,
            joining=given(self.joining),
            moved=self.moved.moved() if self.moved is not None else None,
        )


PlannedRegistry: TypeAlias = Annotated[RegistryDocument, Meta(extra_json_schema=_BY_STATE)]
