"""Remembered runs as values: who ran what, what was written and when.

Pure: `store` keeps them, and nothing here knows where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.ownership import Cells, Record
from fleet_repl.planning.plan import Action, Change, Phase, Plan, Resource
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, Report, Status, Writes
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Registry

NO_RECORD: Final[Record] = MappingProxyType({})


class Purpose(StrEnum):
    """What a run is for."""

    APPLY = "apply"
    ROLLBACK = "rollback"
    WATCH = "watch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that a run is, or was, made by. No part of it is a secret."""

    run_id: str
    purpose: Purpose
    user: str
    host: str
    pid: int
    process: str
    """Tells this process from every other one of its host, earlier ones of the same pid too;
    empty where the system does not say."""

    def __str__(self) -> str:
        return f"{self.purpose} {self.run_id} of {self.user}@{self.host} (process {self.pid})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMeta:
    """What is known of a run before its first write."""

    run_id: str
    fleet: str
    purpose: Purpose
    holder: Holder
    started_at: datetime
    inventory: InventoryRef
    """Its path is seen from the folder of the state; as it was given where that is a bucket."""
    plan_digest: str
    forced: bool = False
    allowed: tuple[str, ...] = ()
    rolls_back: str | None = None
    changes: int = 0
    """Writes that the plan asks for."""


class Moment(StrEnum):
    """What a line of the journal tells."""

    SENDING = "sending"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A write that is about to be sent, or that has ended."""

    moment: Moment
    at: datetime
    registry: Registry
    resource: Resource
    action: Action
    phase: Phase
    wave: str
    prefix: str | None = None
    """Of a creation template."""
    before: JsonObject | None = None
    """What the write expects. In lines about sending only."""
    after: JsonObject | None = None
    outcome: Outcome | None = None
    """In lines about the end only, as is what follows."""
    request_id: str | None = None
    in_doubt: bool = False


BeforeDocuments: TypeAlias = Mapping[Registry, "RegistryBefore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryBefore:
    """The whole documents of a registry as they were before a run's first write to them.

    Only what the run will touch is there: a resource that is missing is left alone.
    """

    documents: Mapping[Resource, JsonObject | None] = field(default_factory=dict)
    """Replication configuration and policy."""
    templates: Mapping[str, JsonObject | None] = field(default_factory=dict)
    """Creation templates by prefix."""
    owned: Cells = field(default_factory=dict)
    """The links out of it that were on record as the fleet's own."""


def before_documents(plan: Plan, record: Record = NO_RECORD) -> BeforeDocuments:
    """What every registry that a run will write to has now, as the plan saw it, and what of that
    is the fleet's own by its record.

    A resource that is written several times is as its first write expects it. What is refused is
    not written.
    """
    befores: dict[Registry, RegistryBefore] = {}
    for registry_plan in plan.registries:
        documents: dict[Resource, JsonObject | None] = {}
        templates: dict[str, JsonObject | None] = {}
        for change in registry_plan.changes:
            if change.resource in registry_plan.refused:
                continue
            if (prefix := prefix_of(change)) is not None:
                templates.setdefault(prefix, change.before.document)
            else:
                documents.setdefault(change.resource, change.before.document)
        if documents or templates:
            owned = record[registry_plan.registry].links if registry_plan.registry in record else {}
            befores[registry_plan.registry] = RegistryBefore(
                documents=documents, templates=templates, owned=owned
            )
    return befores


def prefix_of(change: Change | ChangeOutcome) -> str | None:
    """Which creation template a change is of; None for one of anything else."""
    if change.resource is not Resource.CREATION_TEMPLATE:
        return None
    document = change.after.document or change.before.document or {}
    return str(document.get("prefix", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A line of the list of runs."""

    meta: RunMeta
    status: Status | None
    """None for a run that is under way, or died without a report."""
    finished_at: datetime | None = None
    applied: int = 0
    partial: int = 0
    failed: int = 0
    """Registries."""
    writes: Writes | None = None
    """None where nobody has counted them: without a report, or in earlier versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRun:
    """A run of which something that is remembered cannot be read."""

    run_id: str
    fleet: str
    reason: str
    """Which document, and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """Runs of a state location, newest first, and what stops further ones."""

    location: str
    runs: tuple[RunSummary, ...]
    older: int = 0
    """Runs that are left out."""
    frozen: Mapping[str, Freeze] = field(default_factory=dict)
    """By fleet."""
    under_way: frozenset[str] = frozenset()
    """Ids of runs that a process is at work on. Another one without a report has died."""
    unreadable: tuple[UnreadableRun, ...] = ()
    """Runs that are not among these, as something of them cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """Everything that is remembered of a run."""

    meta: RunMeta
    plan: Plan
    before: BeforeDocuments
    journal: tuple[JournalEntry, ...]
    """In the order in which it was written; a last line that was cut off is left out."""
    report: Report | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """How the fleet left a registry when it last wrote it."""

    run_id: str
    at: datetime
    inventory: str
    """The digest of that run's inventory."""
    rules: str | None = None
    """A digest of what the replication configuration meant; None if it was never written."""
    policy: str | None = None
    """The same for the registry policy."""


Traces: TypeAlias = Mapping[Registry, Trace]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """A version of the inventory whose run was taken back: it is not to be applied again."""

    inventory: str
    """Its digest."""
    run_id: str
    """The run that was rolled back."""
    by: str
    """The run that did it."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A fleet that nobody may write to for now."""

    who: str
    why: str
    since: datetime
