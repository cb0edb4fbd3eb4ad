"""The plan: everything that a run will do, as frozen values.

The types only; `planner` and `runs.rollback` make plans. A plan holds AWS documents as they are now
and as they shall be, so that it can be shown, kept and executed without deciding anything again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.rules import Replication, unknown_rules_lost
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.attribution import Moved, Mover
from fleet_repl.planning.change import Change, HeldLink, Resource, fall_short
from fleet_repl.planning.ownership import Applied, Record
from fleet_repl.planning.route_prefixes import RoutePrefixes
from fleet_repl.topology import REST, About
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Region, Registry


class State(StrEnum):
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryPlan:
    """The changes that a run will make to one registry in scope."""

    registry: Registry
    name: str
    wave: str = REST
    """The registry's own wave; a change of its rules or its policy belongs to the wave of the links
    that the change is for."""
    state: State
    changes: tuple[Change, ...] = ()
    """In the order they are written: by wave, then by phase."""
    held: tuple[HeldLink, ...] = ()
    error: Fault | None = None
    """The fault that kept the registry from being read, or a refused change from being written."""
    refused: Mapping[Resource, Fault] = field(default_factory=dict)
    """Resources whose changes are shown but must not be written, and why."""
    owned: Applied = field(default_factory=Applied, repr=False, compare=False)
    """The links and templates that are this fleet's own once all is done."""
    retired: bool = False
    gone: bool = False
    """The registry's account is retired, AWS has refused the account's role for good, and nothing
    of the account answered in this run."""
    joining: str | None = None
    """The reason why a failed read is no failure, where the account is joining: a sentence."""
    spared: bool = field(default=False, compare=False)
    """True where the caller of the plan wants nothing written to the registry; its failure then
    does not count against its wave. No part of the document."""
    objections: tuple[Objection, ...] = field(default=(), compare=False)
    """The objections to this registry's own changes, where whoever asked for the plan wants to
    leave such registries out. No part of the document."""
    in_place: int = field(default=0, compare=False)
    """Links out of it when it was read; no part of the document."""
    moved: Moved | None = None
    """The cause of a changed registry's difference, as far as remembered runs show."""

    @property
    def excuse(self) -> str | None:
        """The reason why a registry that could not be read is no failure, or None."""
        if self.error is None or self.state is not State.UNREADABLE:
            return None
        if self.gone:
            return f"its account is retired and could not be reached ({self.error.kind})"
        return self.joining

    @property
    def changed_outside(self) -> Moved | None:
        """The cause of the difference where others have changed the registry, or None."""
        moved = self.moved
        return moved if moved is not None and moved.by is Mover.FLEET else None

    @property
    def fails(self) -> bool:
        """Returns whether the registry's error is a failure."""
        return self.error is not None and self.excuse is None

    @property
    def falls_short(self) -> bool:
        """Returns whether the registry's error is a failure, or a held link out of it."""
        return self.fails or fall_short(self.held)

    @property
    def writes(self) -> bool:
        """Returns whether any of it will be written: what is refused is only shown."""
        return any(change.resource not in self.refused for change in self.changes)

    @property
    def lost_rules(self) -> tuple[tuple[int, JsonObject], ...]:
        """The rules of unknown meaning that will go, with their places."""
        resource = Resource.REPLICATION_CONFIGURATION
        if resource in self.refused:
            return ()
        writes = [change for change in self.changes if change.resource is resource]
        if not writes:
            return ()
        (before, _), (_, after) = (contents(writes[at], Replication) for at in (0, -1))
        return unknown_rules_lost(before, after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """A reason to refuse the plan as a whole."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:
    """Something the reader should know that stops nothing."""

    kind: str
    message: str
    about: About = field(default=(), repr=False, compare=False)
    """No part of the document."""


UNKNOWN_REGIONS: Final = "unknown-regions"
"""The kind of the warning that accounts did not say which regions they have enabled, so that
registries of theirs may not have been read."""


def regions_unknown(warnings: Iterable[Warning]) -> bool:
    """Returns whether one of these warnings says so: then the result of a command is partial."""
    return any(warning.kind == UNKNOWN_REGIONS for warning in warnings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """A statement of which nobody can tell whether it keeps images out, and that does not because
    `trusted_statements` says so."""

    registry: Registry
    sid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAccount:
    """An account of a fleet that is discovered, as it was when the plan was made."""

    id: AccountId
    name: str
    regions: tuple[Region, ...]
    labels: Mapping[str, str]
    role: str | None
    """The ARN of the role; None for the base identity."""
    retired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    registries: int
    changed: int
    unchanged: int
    unreadable: int
    held: int
    links_added: int
    links_removed: int


@dataclass(frozen=True, slots=True)
class Effort:
    """The effort that one registry took in a run."""

    attempts: int = 0
    """Calls made, retries and its account's AssumeRole included."""
    seconds: float = 0

    def __add__(self, other: Effort) -> Effort:
        return Effort(self.attempts + other.attempts, self.seconds + other.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The content of the fleet's state when a plan began to observe the registries."""

    runs: frozenset[str]
    """Ids of the runs that were over by then."""
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`digest` is over the plan's whole document without the digest itself."""

    digest: str
    created_at: datetime
    """The time when the plan began to observe the fleet."""
    fleet: str
    inventory: InventoryRef
    summary: Summary
    registries: tuple[RegistryPlan, ...]
    """Every registry in scope exactly once, in order of account and region."""
    objections: tuple[Objection, ...] = ()
    warnings: tuple[Warning, ...] = ()
    acknowledged: int = 0
    """Warnings that the inventory acknowledges, and that are not listed."""
    vouched: tuple[Vouched, ...] = ()
    """In order of registry and Sid."""
    accounts: tuple[PlannedAccount, ...] = ()
    """The accounts of a discovered fleet in order of id; otherwise the inventory has them."""
    labels: Mapping[AccountId, Mapping[str, str]] = field(default_factory=dict)
    """The labels of the accounts in scope that have any, where the inventory lists them."""
    resolved: tuple[RoutePrefixes, ...] = ()
    """The prefixes of routes by name, by source and in the order of routes."""
    rolls_back: str | None = None
    """The run whose writes it takes back; None for a plan of the inventory."""
    world: str | None = None
    """The AWS that it was made of, where that is not AWS itself: an endpoint's host and port."""
    efforts: Mapping[Registry, Effort] = field(default_factory=dict, repr=False, compare=False)
    """The effort of reading each registry; no part of the document."""
    basis: Basis | None = field(default=None, repr=False, compare=False)
    """None for a plan out of a file, as it is no part of the document."""

    @property
    def account_labels(self) -> Mapping[AccountId, Mapping[str, str]]:
        """Returns the labels of the accounts, whether these were discovered or not."""
        if not self.accounts:
            return self.labels
        return {account.id: account.labels for account in self.accounts if account.labels}

    @property
    def changes(self) -> tuple[tuple[Registry, Change], ...]:
        """Every write of the plan, with its registry."""
        return tuple(
            (registry_plan.registry, change)
            for registry_plan in self.registries
            for change in registry_plan.changes
        )

    @property
    def writes(self) -> bool:
        """Returns whether any of it will be written."""
        return any(registry_plan.writes for registry_plan in self.registries)
