"""The inventory as frozen core values: what the operator wrote, checked and resolved.

Account names are resolved to ids, durations to seconds, defaults filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fleet_repl import limits
from fleet_repl.names import AccountId, Partition, Region, RoleArn, Secret
from fleet_repl.prefixes import EVERY_REPOSITORY, Prefixes


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that the fleet manages, with the registries it has in scope."""

    id: AccountId
    name: str
    regions: tuple[Region, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    role: RoleArn | None
    """The role to assume; None: the base identity acts itself."""
    external_id: Secret | None = None
    session_seconds: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """An account that may receive images but is not managed here."""

    id: AccountId
    name: str
    regions: tuple[Region, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Conditions on a registry; None means that anything will do, a tuple that one of it must."""

    accounts: frozenset[AccountId] | None = None
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    regions: frozenset[Region] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which registries a route starts from or leads to."""

    match: Match = Match()
    exclude: Match | None = None
    """`not`: what matches it is taken away."""
    same_account: bool = False
    same_region: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    name: str
    source: Selector
    destination: Selector
    prefixes: Prefixes = EVERY_REPOSITORY


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    partition: Partition = Partition.AWS
    profile: str | None = None
    sts_region: Region | None = None
    via: tuple[RoleArn, ...] = ()
    external_id: Secret | None = None
    """For the roles of `via`; each account carries its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    rules: Literal["exclusive"] = "exclusive"
    grants: Literal["managed", "off"] = "managed"
    create_repositories: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    concurrency: int = 64
    """Calls in flight."""
    sts_rate: float = 400
    """AssumeRole calls per second."""
    attempts: int = 8
    """Per call."""
    timeout: float = 30
    """Seconds per attempt."""
    deadline: float = 7200
    """Seconds for the whole run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    rules: int = limits.RULES
    destinations: int = limits.DESTINATIONS
    filters: int = limits.FILTERS
    policy_bytes: int = limits.POLICY_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """One fleet. `digest` is over the parsed document before `${}` was filled in."""

    path: str
    digest: str
    name: str
    aws: Aws = Aws()
    accounts: tuple[Account, ...]
    externals: tuple[External, ...] = ()
    routes: tuple[Route, ...] = ()
    ownership: Ownership = Ownership()
    apply: Apply = Apply()
    limits: Limits = Limits()
    lines: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)
    """Key path → 1-based line, for problems found by later stages."""
