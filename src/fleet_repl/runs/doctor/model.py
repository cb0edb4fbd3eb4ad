"""The questions, answers and results of an examination of a fleet, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Region, Registry

DESCRIBE: Final = "ecr:DescribeRegistry"
POLICY: Final = "ecr:GetRegistryPolicy"
TEMPLATES: Final = "ecr:DescribeRepositoryCreationTemplates"
REPOSITORIES: Final = "ecr:DescribeRepositories"
SETTING: Final = "ecr:GetAccountSetting"
LIST_REGIONS: Final = "account:ListRegions"
"""The IAM actions of an examination's reads, the last being those of the discovery."""


class CheckState(StrEnum):
    """The result of one check of a registry."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The check could not be made, because an earlier check failed or nobody may ask."""


Checks: TypeAlias = Mapping[str, CheckState]
"""By name: `role`, `account` and `region`, then the IAM actions that a registry needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question to IAM: may an identity make these calls, each on its resources?"""

    principal: str
    """The ARN of the user or role."""
    resources: Mapping[str, tuple[str, ...]]
    """By action, the resources that the call would be made on."""
    service: str | None = None
    """The service whose linked role would be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountExamination:
    """The answers of one account."""

    reads: Mapping[Region, Mapping[str, Fault | None]]
    """The reads that were made in each region, by IAM action, with the fault of each that failed.
    A read behind a failure of the role, the account or the region is not made."""
    permissions: Checks = field(default_factory=dict)
    """The writes that IAM was asked about, by action."""
    unasked: Fault | None = None
    """The fault that kept IAM from being asked."""


class ProblemKind(StrEnum):
    ROLE_REFUSED = "role-refused"
    VIA_REFUSED = "via-refused"
    """A role of `via` could not be assumed, so that no account was reached through it."""
    ROLE_FAILED = "role-failed"
    """The account's identity could not be had for another reason than a refusal."""
    WRONG_ACCOUNT = "wrong-account"
    REGION_DISABLED = "region-disabled"
    READ_DENIED = "read-denied"
    READ_FAILED = "read-failed"
    WRITE_DENIED = "write-denied"
    BASE_IS_ROOT = "base-is-root"
    BASE_EXPIRES = "base-expires"
    CLOCK = "clock"
    STATE = "state"
    QUEUE = "queue"
    """The queue of deliveries cannot be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetProblem:
    """A problem that several registries share: each account in each region has it. Both are empty
    for a problem of the run itself."""

    kind: ProblemKind
    accounts: tuple[AccountId, ...] = ()
    regions: tuple[Region, ...] = ()
    message: str
    remedy: str
    """The remedy, with a command to run or a statement to paste. ACCOUNT and REGION stand for the
    account and the region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The way to AWS that the SDK's settings lay out."""

    endpoints: tuple[str, ...] = ()
    """Endpoints in place of AWS's own."""
    proxy: str | None = None
    """Without a user and a password."""
    dual_stack: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseIdentity:
    """The base identity, and the way on which it reaches AWS."""

    arn: str
    account: AccountId
    seconds_left: float | None
    """The seconds until its credentials end; None where they do not end, or the end is unknown."""
    clock_ahead: float | None
    """Seconds by which this machine's clock is ahead of AWS's; None where AWS named no time."""
    way: Way = Way()

    @property
    def kind(self) -> str:
        """`user`, `sso`, `assumed-role`, `federated-user` or `root`."""
        resource = self.arn.rpartition(":")[2]
        if resource.startswith("assumed-role/AWSReservedSSO_"):
            return "sso"
        return resource.partition("/")[0]

    @property
    def is_assumed(self) -> bool:
        """Returns whether the sessions of roles that it assumes are limited to an hour."""
        return self.kind in ("sso", "assumed-role")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateExamination:
    """The state location, as far as it can be known without a write."""

    location: str
    readable: CheckState
    writable: CheckState = CheckState.UNKNOWN
    conditional_writes: CheckState = CheckState.UNKNOWN
    lock: str | None = None
    """The lock's holder, in words; None where nobody holds it."""
    frozen: str | None = None
    """The freeze in words: by whom, when and why; None where the fleet is not frozen."""
    problems: tuple[FleetProblem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StsUse:
    """The calls that the fleet takes from the quota of STS."""

    accounts: int
    """Accounts with a role to assume."""
    rate: float
    """AssumeRole calls per second, as [apply] allows them."""
    measured: int
    """The most AssumeRole calls in a second of this run."""
    throttled: int = 0
    """Calls that STS refused because there were too many."""

    @property
    def seconds(self) -> float:
        """Seconds that assuming every role takes at that rate."""
        return self.accounts / self.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """The result of examining a fleet."""

    fleet: str
    started_at: datetime
    finished_at: datetime
    base: BaseIdentity
    session_seconds: int
    """The longest possible session of a role, in seconds."""
    sts: StsUse
    state: StateExamination
    problems: tuple[FleetProblem, ...]
    """The problems of the run, then those of accounts, the problems of most accounts first."""
    notes: tuple[str, ...]
    """Facts that are no problem, and good to know."""
    registries: Mapping[Registry, Checks]
    names: Mapping[AccountId, str]
    """The names of the accounts."""
    interrupted: bool = False
