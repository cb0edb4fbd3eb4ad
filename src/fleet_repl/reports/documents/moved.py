"""The part of a document that says why a registry differs, and who has changed it."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.planning.attribution import Attribution, Moved, Mover, RecordedCall
from fleet_repl.reports.documents.member_types import Timestamp
from fleet_repl.reports.documents.reader import Document, read_items
from fleet_repl.reports.documents.shared import given, moment
from fleet_repl.runs.drift import sentence
from fleet_repl.values.text import timestamp


class RecordedCallDocument(Document, frozen=True):
    """A call that changed a registry, as CloudTrail recorded it."""

    operation: str
    at: Timestamp
    event_id: str
    issuer: Annotated[
        str | None,
        Meta(
            description="The ARN of the role or user that made it, or the name of an AWS service."
        ),
    ]
    session: Annotated[str | None, Meta(description="The name of the role session.")]
    source_identity: str | None
    tool: Annotated[
        str | None,
        Meta(description="The program, guessed by its user agent; null where nothing tells."),
    ]

    @classmethod
    def of(cls, call: RecordedCall) -> RecordedCallDocument:
        return cls(
            operation=call.operation,
            at=timestamp(call.at),
            event_id=call.event_id,
            issuer=call.issuer,
            session=call.session,
            source_identity=call.source_identity,
            tool=call.tool,
        )

    def call(self) -> RecordedCall:
        return RecordedCall(
            operation=self.operation,
            at=moment(self.at, "calls.at"),
            event_id=self.event_id,
            issuer=self.issuer,
            session=self.session,
            source_identity=self.source_identity,
            tool=self.tool,
        )


Calls: TypeAlias = Annotated[
    tuple[RecordedCallDocument, ...] | UnsetType,
    Meta(
        description="The last call of others on each resource that differs, newest first; none "
        "where CloudTrail has none yet. Missing where CloudTrail was not asked.",
    ),
]
CallsUnknown: TypeAlias = Annotated[
    str | UnsetType,
    Meta(description="Why CloudTrail does not say who has changed it. Missing where it does."),
]
ByRepositories: TypeAlias = Annotated[
    bool | UnsetType,
    Meta(
        description="True where the inventory is the same, and routes need other prefixes for "
        "the repositories that there are. Missing otherwise.",
        extra_json_schema={"const": True},
    ),
]


def calls_of(moved: Moved) -> tuple[RecordedCallDocument, ...] | UnsetType:
    """Returns who has changed a registry; UNSET where CloudTrail was not asked."""
    if moved.attribution is None:
        return UNSET
    return tuple(map(RecordedCallDocument.of, moved.attribution.calls))


def unknown_of(moved: Moved) -> str | UnsetType:
    """Returns why it is not known who has changed a registry."""
    unknown = None if moved.attribution is None else moved.attribution.unknown
    return UNSET if unknown is None else unknown


def attribution_of(calls: Calls, unknown: CallsUnknown) -> Attribution | None:
    """Returns the attribution in a document."""
    if calls is UNSET:
        return None
    return Attribution(
        calls=read_items("calls", calls, RecordedCallDocument.call), unknown=given(unknown)
    )


class MovedDocument(Document, frozen=True):
    by: Annotated[
        Mover,
        Meta(
            description="What is no longer as it was when a run last wrote the registry: what is "
            "in place (fleet), or what is wanted (inventory)."
        ),
    ]
    run: Annotated[str | None, Meta(description="The run that last wrote it.")]
    at: Annotated[Timestamp | None, Meta(description="When that was.")]
    message: str
    calls: Calls = UNSET
    calls_unknown: CallsUnknown = UNSET
    by_repositories: ByRepositories = UNSET

    @classmethod
    def of(cls, moved: Moved) -> MovedDocument:
        return cls(
            by=moved.by,
            run=moved.run_id,
            at=timestamp(moved.at) if moved.at is not None else None,
            message=sentence(moved),
            calls=calls_of(moved),
            calls_unknown=unknown_of(moved),
            by_repositories=moved.by_repositories or UNSET,
        )

    def moved(self) -> Moved:
        at = moment(self.at, "moved.at") if self.at is not None else None
        return Moved(
            by=self.by,
            run_id=self.run,
            at=at,
            attribution=attribution_of(self.calls, self.calls_unknown),
            by_repositories=self.by_repositories is True,
        )
