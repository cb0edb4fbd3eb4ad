"""The inventory as frozen core values: what the operator wrote, checked and resolved.

Account names are resolved to ids, durations to seconds, defaults filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, TypeAlias

from fleet_repl import limits
from fleet_repl.errors import Problem
from fleet_repl.inventory.roles import RoleTemplate
from fleet_repl.names import AccountId, Partition, Region, RoleArn, Secret
from fleet_repl.prefixes import EVERY_REPOSITORY, Prefixes

RuleOwnership: TypeAlias = Literal["exclusive", "additive"]
"""Whether a file is the whole truth for a registry's rules, or speaks for some of them."""
TagMutability: TypeAlias = Literal[
    "mutable", "immutable", "mutable-with-exclusion", "immutable-with-exclusion"
]
Encryption: TypeAlias = Literal["aes256", "kms", "kms-dsse"]
AppliedFor: TypeAlias = Literal["replication", "pull-through-cache", "create-on-push"]
"""Why ECR creates a repository."""
REST: Final = "rest"
"""The wave of registries that no wave selects, the last one; no wave in a file is called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How many of something: a count, or a share of a whole. Exactly one is given."""

    count: int | None = None
    percent: Fraction | None = None
    """0 to 100; exact, so that 10% of 30 is 3 and no rounding lets a fourth one through."""

    def allows(self, part: int, whole: int) -> bool:
        """Whether `part` of `whole` is not more than this."""
        if self.count is not None:
            return part <= self.count
        return part * 100 <= (self.percent or 0) * whole

    def most(self, whole: int) -> int:
        """The largest part of `whole` that is not more than this."""
        if self.count is not None:
            return self.count
        return (self.percent or 0) * whole // 100

    def __str__(self) -> str:
        if self.count is not None:
            return f"{self.count}"
        return f"{float(self.percent or 0):g}%"


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
    retired: bool = False
    """Routes pass it over; whatever the fleet made there or for it is taken away."""
    rules: RuleOwnership = "exclusive"
    trusted_statements: tuple[str, ...] = ()
    """Sids of foreign statements in its registry policies that somebody vouches for, beside
    those of `Ownership`."""


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
    replicate_deletes: bool = False
    """Deletions travel too, those by lifecycle policies among them."""
    backfill: Literal["off", "new-links"] = "off"
    """Whether images that are there already follow when a link is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A repository creation template: what ECR gives to repositories that it creates itself."""

    name: str
    prefix: str
    """Without the trailing slash that ECR implies; `ROOT` for every other repository."""
    select: Selector
    tag_mutability: TagMutability = "mutable"
    tag_mutability_exclusions: tuple[str, ...] = ()
    """Sorted; some exactly where the mutability says so."""
    encryption: Encryption = "aes256"
    kms_key: str | None = None
    """An ARN, maybe with {account} and {region} in it. None: the one that AWS keeps for ECR."""
    lifecycle_policy: str | None = None
    """The JSON text that is sent."""
    repository_policy: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    role: RoleTemplate | None = None
    """What ECR assumes to create a repository; None: its service-linked role."""
    applied_for: tuple[AppliedFor, ...] = ("replication",)


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
    rules: RuleOwnership = "exclusive"
    """For accounts that say nothing else."""
    grants: Literal["managed", "off"] = "managed"
    create_repositories: bool = True
    formerly: tuple[str, ...] = ()
    """Names that the fleet had: what carries their marks counts as its own."""
    trusted_statements: tuple[str, ...] = ()
    """Sids of foreign statements that somebody vouches for, in any account."""


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
class Wave:
    """Registries that are written together, after those of earlier waves."""

    name: str
    select: Selector
    max_failures: Amount = Amount(count=0)
    """With more failures than that, later waves are skipped; a share is of the wave."""
    pause: float = 0
    """Seconds after the wave, before the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """How much a plan may do before it is refused."""

    max_removals: Amount = Amount(percent=Fraction(30))
    """Of the links in place in the registries that could be read."""
    max_changed: Amount = Amount(percent=Fraction(100))
    """Of the registries in scope."""
    max_unreadable: Amount = Amount(percent=Fraction(20))
    """Of the registries in scope."""
    protected: tuple[Selector, ...] = ()
    """Registries that lose no link without being told so."""


ACKNOWLEDGEABLE: Final = (
    "already-granted",
    "backfill",
    "breaking-condition",
    "delete-replication",
    "denied",
    "given-up",
    "grant-kept",
    "idle-wave",
    "malformed-resource",
    "no-room",
    "not-transitive",
    "policy-scope",
    "retired-route",
    "trusted-nothing",
    "unknown-fields",
    "unknown-rule",
    "unlinked",
    "unlisted",
)
"""Kinds of warnings that are about a fleet, and not about what happened to a single run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A kind of warning that somebody knows of."""

    kind: str
    subject: str | None = None
    """The name of a route, the name or id of an account, or a Sid; None for any."""

    def __str__(self) -> str:
        return self.kind if self.subject is None else f"{self.kind}:{self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a fleet keeps what it has to remember."""

    location: str = ".fleet-repl"
    """As written: a folder, or `s3://bucket/prefix`."""
    folder: Path | None = Path(".fleet-repl")
    """The folder, seen from the working directory; None for a bucket."""
    shared: bool = False
    """Whether several users of the machine keep the folder together."""


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
    templates: tuple[Template, ...] = ()
    ownership: Ownership = Ownership()
    apply: Apply = Apply()
    limits: Limits = Limits()
    state: State = State()
    waves: tuple[Wave, ...] = ()
    """In their order."""
    safety: Safety = Safety()
    acknowledged: tuple[Acknowledgement, ...] = ()
    unset: tuple[Problem, ...] = field(default=(), compare=False)
    """External ids that are missing because their variables are not set. Such an inventory is
    good for everything that does not call AWS."""
    lines: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)
    """Key path → 1-based line, for problems found by later stages."""
    text: str | None = field(default=None, repr=False, compare=False)
    """What standard input held, which cannot be read again; None for a file."""
    files: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Every file that it was read from → a digest of the text that was found there."""
