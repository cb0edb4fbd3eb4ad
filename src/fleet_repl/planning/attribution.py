"""The cause of a registry's difference from the inventory: the side, and the calls that did it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """A call that wrote to a registry, as CloudTrail recorded it."""

    operation: str
    """The API call, such as `PutReplicationConfiguration`."""
    at: datetime
    event_id: str
    issuer: str | None = None
    """The ARN of the role or user that made it, or the name of an AWS service; None where the
    record names none that IAM could have."""
    session: str | None = None
    """The name of the role session."""
    source_identity: str | None = None
    """The source identity that was set when the chain of roles began."""
    tool: str | None = None
    """The program, guessed by its user agent, such as `Terraform`; None where nothing tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """The answer to the question who changed a registry."""

    calls: tuple[RecordedCall, ...] = ()
    """The last call of others on each resource that differs, newest first. Empty where CloudTrail
    has none yet, or its answer is unknown."""
    unknown: str | None = None
    """The reason why the answer is not known: a sentence without its end."""


KnownCalls: TypeAlias = Mapping[Registry, tuple[RecordedCall, ...]]
"""Calls of others that whoever connects knows of already, such as the call in an event."""
NO_CALLS: Final[KnownCalls] = MappingProxyType({})


class Mover(StrEnum):
    """The side that has changed since a run of the fleet last wrote a registry."""

    FLEET = "fleet"
    """The content in place has changed: somebody else has written the registry."""
    INVENTORY = "inventory"
    """The inventory has changed: the registry is as the run left it."""
    UNKNOWN = "unknown"
    """No run has written it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The cause of a registry's difference from the inventory."""

    by: Mover
    run_id: str | None = None
    """The run that last wrote it."""
    at: datetime | None = None
    """The time of the run `run_id`."""
    attribution: Attribution | None = None
    """The calls of others since; None where nobody asked CloudTrail."""
    by_repositories: bool = False
    """True if only the repositories have changed, and with them the prefixes of the routes."""
