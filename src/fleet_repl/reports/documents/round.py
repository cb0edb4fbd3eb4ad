"""The members of the JSON document `fleet-repl/round/1`. `watch` fills them in."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.planning.attribution import Attribution, Moved, Mover
from fleet_repl.planning.plan import State
from fleet_repl.reports.documents.member_types import (
    EARLIER,
    OBJECTIONS,
    Count,
    Digest,
    Timestamp,
)
from fleet_repl.reports.documents.moved import (
    ByRepositories,
    Calls,
    CallsUnknown,
    attribution_of,
    calls_of,
    unknown_of,
)
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.shared import (
    ErrorDocument,
    NamedPlaceDocument,
    PlaceDocument,
)
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.text import timestamp

ROUND_SCHEMA: Final = "fleet-repl/round/1"
SHOWN: Final = 50
"""Registries that a list names at the most."""
NEWS: Final = ("drift", "corrected", "failed", "recovered")
VERDICTS: Final = (
    "in-sync",
    "drift",
    "corrected",
    "partial",
    "failed",
    "refused",
    "busy",
    "frozen",
    "interrupted",
    "broken",
)

_EXIT_CODES: Final = [int(code) for code in ExitCode if code is not ExitCode.USAGE]
_MORE: Final = "How many of them are not listed."
_More: TypeAlias = Annotated[Count, Meta(description=_MORE)]


class RoundInventoryDocument(Document, frozen=True):
    """The inventory that the round went by."""

    path: str
    digest: Digest
    error: Annotated[
        str | None, Meta(description="Why the last good inventory counts, and not the one on disk.")
    ]


class OutcomeCountsDocument(Document, frozen=True, kw_only=True):
    """Registries by what became of them, each one once."""

    applied: Count
    partial: Annotated[Count | UnsetType, Meta(description=EARLIER)] = UNSET
    changed: Count
    unreadable: Count
    failed: Count
    skipped: Count
    cancelled: Count
    unchanged: Count


class SummaryDocument(Document, frozen=True, kw_only=True):
    registries: Count
    drifted: Annotated[Count, Meta(description="Registries that differed when the round looked.")]
    still_differing: Annotated[Count, Meta(description="Registries that differed when it ended.")]
    held: Annotated[Count, Meta(description="Links left out.")]
    links_added: Count
    links_removed: Count
    joining: Annotated[
        Count | UnsetType,
        Meta(
            description="Registries of accounts that have joined the fleet less than a day ago and "
            f"whose roles cannot be assumed yet, which is no failure. {EARLIER}"
        ),
    ] = UNSET
    outcomes: OutcomeCountsDocument


class ObjectionDocument(Document, frozen=True):
    """A reason not to write: the plan as a whole, or an excluded registry."""

    kind: Annotated[str, Meta(extra_json_schema={"enum": list(OBJECTIONS)})]
    message: str


class MovedDocument(Document, frozen=True):
    """Whether the fleet or the inventory is no longer as it was when a run last wrote the
    registry."""

    by: Mover
    run_id: str | None
    at: Timestamp | None
    calls: Calls = UNSET
    calls_unknown: CallsUnknown = UNSET
    by_repositories: ByRepositories = UNSET

    @classmethod
    def of(cls, moved: Moved) -> MovedDocument:
        return cls(
            by=moved.by,
            run_id=moved.run_id,
            at=timestamp(moved.at) if moved.at is not None else None,
            calls=calls_of(moved),
            calls_unknown=unknown_of(moved),
            by_repositories=moved.by_repositories or UNSET,
        )

    @property
    def attribution(self) -> Attribution | None:
        """Who has changed the registry; None where CloudTrail was not asked."""
        return attribution_of(self.calls, self.calls_unknown)


class RegistryDocument(NamedPlaceDocument, frozen=True, kw_only=True):
    wave: str
    state: State
    outcome: Annotated[Outcome | None, Meta(description="Null where nothing was written.")]
    left_alone: bool
    moved: MovedDocument | None
    held: Annotated[Count, Meta(description="Links out of it that are left out.")]
    error: ErrorDocument | None
    because: Annotated[
        str | None,
        Meta(
            description="Why it was skipped or cancelled, or why it is no failure that it could "
            "not be read."
        ),
    ]


class ExcludedDocument(PlaceDocument, frozen=True):
    objections: Annotated[
        tuple[ObjectionDocument, ...],
        Meta(description="What speaks against correcting it.", extra_json_schema={"minItems": 1}),
    ]


class RoundDocument(Document, frozen=True, kw_only=True, tag_field="schema", tag=ROUND_SCHEMA):
    """One round of a watch, as it is posted to whoever wants to know."""

    text: Annotated[
        str, Meta(description="The round in one line. Chats show the member of this name.")
    ]
    news: Annotated[
        str | None,
        Meta(
            description="Why it is sent; null where nobody is notified.",
            extra_json_schema={"enum": [*NEWS, None]},
        ),
    ]
    round: Annotated[int, Meta(ge=1, description="Counted since the watch was started.")]
    fleet: str
    run_id: Annotated[str | None, Meta(description="Null where the fleet could not be connected.")]
    verdict: Annotated[str, Meta(extra_json_schema={"enum": list(VERDICTS)})]
    exit_code: Annotated[
        int,
        Meta(
            description="What a watch that does one round ends with.",
            extra_json_schema={"enum": _EXIT_CODES},
        ),
    ]
    fix: Annotated[bool, Meta(description="Whether drift is corrected.")]
    started_at: Timestamp
    finished_at: Timestamp
    inventory: RoundInventoryDocument
    plan_digest: Annotated[
        Digest | None, Meta(description="Null where there was no plan to be had.")
    ]
    drift_since: Annotated[
        Timestamp | None, Meta(description="When the drift that is left was first seen.")
    ]
    summary: SummaryDocument | None
    registries: Annotated[
        tuple[RegistryDocument, ...],
        Meta(
            description="Those that differ, failed, are joining, or have links held; the first of "
            "them.",
            max_length=SHOWN,
        ),
    ]
    more_registries: _More
    left_alone: Annotated[
        tuple[PlaceDocument, ...],
        Meta(description="Registries that flap; the first of them.", max_length=SHOWN),
    ]
    more_left_alone: _More
    excluded: Annotated[
        tuple[ExcludedDocument, ...] | UnsetType,
        Meta(
            description="Registries that were not corrected because objections are about them; "
            f"the first of them. {EARLIER}",
            extra_json_schema={"maxItems": SHOWN},
        ),
    ] = UNSET
    more_excluded: Annotated[Count | UnsetType, Meta(description=f"{_MORE} {EARLIER}")] = UNSET
    objections: tuple[ObjectionDocument, ...]
    error: Annotated[
        str | None, Meta(description="Why the round is broken, or why nothing was corrected.")
    ]
