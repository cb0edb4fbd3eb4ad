"""Remembered runs as values: who ran what, what was written and when.

Pure. The room `state` keeps these values, in a folder or a bucket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.planning.plan import Plan
from fleet_repl.runs.outcomes import Outcome, Report, Status, Writes
from fleet_repl.runs.overwritten import BeforeDocuments
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Registry
from fleet_repl.values.text import timestamp


class Purpose(StrEnum):
    """The purpose of a run."""

    APPLY = "apply"
    ROLLBACK = "rollback"
    WATCH = "watch"
    REPAIR = "repair"
    """Images are put again: of all runs, only these have sessions that may put any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that makes a run, or made it. No member is a secret."""

    run_id: str
    purpose: Purpose
    user: str
    host: str
    pid: int
    process: str
    """A text that no other process of the host has, not even an earlier one with the same pid;
    empty where the operating system gives none."""

    def __str__(self) -> str:
        return f"{self.purpose} {self.run_id} of {self.user}@{self.host} (process {self.pid})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMeta:
    """The facts about a run that are known before its first write."""

    run_id: str
    fleet: str
    purpose: Purpose
    holder: Holder
    started_at: datetime
    inventory: InventoryRef
    """The inventory's path relative to the state's folder; in a bucket, as it was given."""
    plan_digest: str
    forced: bool = False
    allowed: tuple[str, ...] = ()
    rolls_back: str | None = None
    changes: int = 0
    """The number of writes in the plan."""


class Moment(StrEnum):
    """The moment in a write at which a line of the journal was written."""

    SENDING = "sending"
    ENDED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A line of the journal: a write is about to be sent, or has ended."""

    moment: Moment
    at: datetime
    registry: Registry
    resource: Resource
    action: Action
    phase: Phase
    wave: str
    prefix: str | None = None
    """The prefix of a creation template; None for rules and policies."""
    before: JsonObject | None = None
    """The document that the write expects. `before` and `after` are in lines about sending only."""
    after: JsonObject | None = None
    outcome: Outcome | None = None
    """`outcome`, `request_id` and `in_doubt` are in lines about the end only."""
    request_id: str | None = None
    in_doubt: bool = False
    """True if ECR may have made a write that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run as a row in the list of runs."""

    meta: RunMeta
    status: Status | None
    """None for a run that is under way, or died without a report."""
    finished_at: datetime | None = None
    applied: int = 0
    partial: int = 0
    failed: int = 0
    """`applied`, `partial` and `failed` count registries."""
    writes: Writes | None = None
    """None for a run without a report, and for a run of an earlier version, which did not count."""

    @property
    def may_have_written(self) -> bool:
        """False only for a run that surely wrote nothing: its plan had no writes, or its report
        counts none that was applied, failed or was cancelled."""
        writes = self.writes
        sent = writes is None or writes.applied or writes.failed or writes.cancelled
        return bool(self.meta.changes and sent)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRun:
    """A run with a remembered document that cannot be read."""

    run_id: str
    fleet: str
    reason: str
    """The name of the document, and what is wrong with its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """The runs of a state location, newest first, and the fleets that are frozen."""

    location: str
    runs: tuple[RunSummary, ...]
    older: int = 0
    """The number of older runs that are left out."""
    frozen: Mapping[str, Freeze] = field(default_factory=dict)
    """By fleet."""
    under_way: frozenset[str] = frozenset()
    """The ids of runs that a process is at work on. Any other run without a report has died."""
    unreadable: tuple[UnreadableRun, ...] = ()
    """Runs that are missing in `runs`, because a document of theirs cannot be read."""
    pruned: Pruned | None = None
    """The runs that were removed; None where nothing was to be removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """Runs that ended longer ago than they are kept, and were removed, newest first."""

    runs: tuple[RunSummary, ...]
    dry_run: bool = False
    """True if they were only shown, and are still there."""


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
class Fingerprint:
    """The contents that a run of the fleet left in a registry, where no later run wrote."""

    run_id: str
    at: datetime
    inventory: str
    """The digest of that run's inventory."""
    rules: str | None = None
    """A digest of what the replication configuration meant; None if no run has written one."""
    policy: str | None = None
    """A digest of what the registry policy meant; None if no run has written one."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """Digests of what the creation templates meant that runs have written or deleted, by prefix
    without the slash at its end."""
    whole: bool = True
    """True if the run left the registry as its inventory asked for. False where a write failed or
    was skipped, or a link was held."""


Fingerprints: TypeAlias = Mapping[Registry, Fingerprint]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """A version of the inventory that is not to be applied again, as its run was rolled back."""

    inventory: str
    """The digest of the inventory."""
    run_id: str
    """The run that was rolled back."""
    by: str
    """The run that rolled it back."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A freeze of a fleet: by whom, when and why. No run writes to a frozen fleet."""

    who: str
    why: str
    since: datetime

    def __str__(self) -> str:
        return f"{self.who} since {timestamp(self.since)}: {self.why}"
