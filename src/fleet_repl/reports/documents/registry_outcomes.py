"""The part of a report's document that is the outcome of one registry."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.planning.change import Action, Resource
from fleet_repl.planning.stored import stored_content
from fleet_repl.reports.documents.member_types import (
    AwsDocument,
    Count,
)
from fleet_repl.reports.documents.moved import MovedDocument
from fleet_repl.reports.documents.reader import Document, MalformedError, read_items
from fleet_repl.reports.documents.shared import (
    ErrorDocument,
    HeldDocument,
    NamedPlaceDocument,
    held_documents,
    recast_or_none,
)
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome, Writes
from fleet_repl.values.errors import Fault

_OF_WRITES: Final = tuple(Writes().counts)

WriteOutcome: TypeAlias = Annotated[
    Outcome,
    Meta(
        description="applied: written and read back.",
        extra_json_schema={"enum": list(map(str, _OF_WRITES))},
    ),
]


class ChangeOutcomeDocument(Document, frozen=True):
    resource: Resource
    action: Action
    wave: str
    outcome: WriteOutcome
    request_id: str | None
    before: AwsDocument
    after: Annotated[AwsDocument, Meta(description="What was written, or would have been.")]

    @classmethod
    def of(cls, change: ChangeOutcome) -> ChangeOutcomeDocument:
        return cls(
            resource=change.resource,
            action=change.action,
            wave=change.wave,
            outcome=change.outcome,
            request_id=change.request_id,
            before=change.before.document,
            after=change.after.document,
        )

    def change(self) -> ChangeOutcome:
        check_write_outcome(self.outcome)
        return ChangeOutcome(
            resource=self.resource,
            action=self.action,
            wave=self.wave,
            outcome=self.outcome,
            request_id=self.request_id,
            before=stored_content(self.resource, self.before),
            after=stored_content(self.resource, self.after),
        )


class RegistryOutcomeDocument(NamedPlaceDocument, frozen=True):
    wave: str
    outcome: Annotated[
        Outcome,
        Meta(
            description="As of a change. partial: some changes were written, the rest were "
            "skipped or cancelled."
        ),
    ]
    attempts: Annotated[Count, Meta(description="Calls made for the registry, retries included.")]
    duration_ms: Count
    changes: tuple[ChangeOutcomeDocument, ...]
    held: tuple[HeldDocument, ...]
    error: ErrorDocument | None
    because: Annotated[
        str | None, Meta(description="Why it, or the rest of it, was skipped or cancelled.")
    ]
    moved: Annotated[
        MovedDocument | UnsetType,
        Meta(
            description="Who had changed it, where it was not as the fleet had left it. Missing "
            "otherwise."
        ),
    ] = UNSET

    @classmethod
    def of(cls, outcome: RegistryOutcome) -> RegistryOutcomeDocument:
        return cls(
            account=outcome.registry.account,
            region=outcome.registry.region,
            name=outcome.name,
            wave=outcome.wave,
            outcome=outcome.outcome,
            attempts=outcome.attempts,
            duration_ms=outcome.duration_ms,
            changes=tuple(map(ChangeOutcomeDocument.of, outcome.changes)),
            held=held_documents(outcome.held),
            error=recast_or_none(outcome.error, ErrorDocument),
            because=outcome.because,
            moved=UNSET if outcome.moved is None else MovedDocument.of(outcome.moved),
        )

    def registry_outcome(self) -> RegistryOutcome:
        return RegistryOutcome(
            registry=self.registry,
            name=self.name,
            wave=self.wave,
            outcome=self.outcome,
            attempts=self.attempts,
            duration_ms=self.duration_ms,
            changes=read_items("changes", self.changes, ChangeOutcomeDocument.change),
            held=tuple(map(HeldDocument.link, self.held)),
            error=recast_or_none(self.error, Fault),
            because=self.because,
            moved=None if self.moved is UNSET else self.moved.moved(),
        )


def check_write_outcome(outcome: Outcome) -> None:
    """Raises MalformedError for an outcome that a single write cannot have, which is `partial`."""
    if outcome not in _OF_WRITES:
        raise MalformedError("outcome", f"one of {', '.join(_OF_WRITES)} is needed")
