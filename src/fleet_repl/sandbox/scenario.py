"""Scenarios: how a sandbox departs from a quiet AWS, as frozen values.

A scenario says what the registries hold at first and what goes wrong. `seed` checks the accounts,
regions and documents of a scenario against an inventory; `scenario_file` reads the file.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    model_validator,
)

from fleet_repl.sandbox.scenario_values import (
    Account,
    Action,
    Document,
    EcrOperation,
    Milliseconds,
    Operation,
    PolicyScope,
    Positive,
    Seconds,
    Span,
)
from fleet_repl.values.names import AccountId, Region, Registry


class Mishap(StrEnum):
    """A way in which a call goes wrong."""

    THROTTLED = "throttled"
    SERVER_ERROR = "server-error"
    DROPPED = "dropped"
    """The connection closes before the call is looked at."""
    LOST_ANSWER = "lost-answer"
    """The call is carried out, then the connection closes."""
    GARBAGE = "garbage"
    """A proxy answers 200 with an HTML page; the call never arrives."""
    EXPIRED_TOKEN = "expired-token"  # noqa: S105 - a kind of mishap, no password
    """The session that signed the call ends, for good."""
    DENIED = "denied"
    """IAM does not allow the call, for now."""
    UNKNOWN_KEY = "unknown-key"
    """The endpoint does not know the credentials, for now."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FaultRule(_Part):
    """Calls that fail: a share of the matching calls, or the first ones.

    `first` counts per account, region and operation, and so does every draw: which calls fail
    depends on the seed alone, not on the order in which concurrent calls arrive.
    """

    kind: Mishap
    rate: Annotated[float, Field(ge=0, le=1)] | None = None
    first: Annotated[int, Field(ge=1)] | None = None
    operations: tuple[Operation, ...] = ()
    """Empty: every operation."""
    accounts: tuple[Account, ...] = ()
    """Empty: every account. AssumeRole counts for the account of the role."""
    regions: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_measure(self) -> FaultRule:
        if (self.rate is None) == (self.first is None):
            raise ValueError("needs either rate or first")
        return self

    def matches(self, account: AccountId, region: Region, operation: str) -> bool:
        return (
            (not self.operations or operation in self.operations)
            and (not self.accounts or account in self.accounts)
            and (not self.regions or region in self.regions)
        )


class AccountScenario(_Part):
    """The peculiarities of one account."""

    id: Account
    denied: bool = False
    """Nobody may assume its role."""
    denied_actions: tuple[Action, ...] = ()
    """IAM actions its role lacks, such as `ecr:PutRegistryPolicy` or `ecr:Put*`."""
    disabled_regions: tuple[str, ...] = ()
    answers_as: Account | None = None
    """Sessions of its role belong to this other account."""
    closed: bool = False
    """The account does not exist any more: no role, and a policy naming it is refused."""
    policy_scope: PolicyScope = "V2"
    """Its account setting REGISTRY_POLICY_SCOPE, in every region."""

    @property
    def key(self) -> str:
        return self.id


class RegionScenario(_Part):
    """The peculiarities of one region."""

    name: str
    unknown_operations: tuple[EcrOperation, ...] = ()
    """Operations that ECR does not have there yet."""

    @property
    def key(self) -> str:
        return self.name


class StackScenario(_Part):
    """A CloudFormation stack in the account and region of a registry."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,127}$")]
    resources: dict[str, str] = {}
    """Logical id → type; of a creation template, its prefix follows after a blank."""


class _Placed(_Part):
    """Something in an account and region."""

    account: Account
    region: str

    @property
    def place(self) -> Registry:
        """The account and region, as they name a registry."""
        return Registry(AccountId(self.account), Region(self.region))


class RegistryScenario(_Placed):
    """The contents of one registry at first."""

    replication: Document | None = None
    policy: Document | None = None
    repositories: dict[str, tuple[str, ...]] = {}
    """Repository name → tags, pushed before any rule was in place."""
    pushes: dict[str, tuple[str, ...]] = {}
    """Repository name → tags, pushed once all rules, policies and templates were in place."""
    templates: tuple[Document, ...] = ()
    """Repository creation templates, as CreateRepositoryCreationTemplate takes them."""
    policy_scope: PolicyScope | None = None
    """The account setting REGISTRY_POLICY_SCOPE in this region; None: as the account has it."""
    unknown_operations: tuple[EcrOperation, ...] = ()
    """Operations that ECR does not have for this registry yet."""
    stacks: tuple[StackScenario, ...] = ()
    """The stacks that have its rules or its policy."""
    unknown_fields: Document = {}
    """Members that each of its first rules has besides those that ECR is known to have."""

    @property
    def key(self) -> str:
        return str(self.place)


class ServiceScenario(_Placed):
    """A service of ECS, with running tasks."""

    cluster: str = "default"
    name: str
    images: tuple[str, ...]
    """The images of the containers of a task, such as
    `111111111111.dkr.ecr.eu-west-1.amazonaws.com/base/go:1.25`."""
    tasks: Annotated[int, Field(ge=0)] = 1
    """How many tasks run."""


class FunctionScenario(_Placed):
    """A function of Lambda."""

    name: str
    image: str | None = None
    """None for a function that is a ZIP file."""


class QueueScenario(_Placed):
    """A queue of SQS."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
    events: bool = True
    """Whether every copy of a push is reported there."""
    copies: Annotated[int, Field(ge=1)] = 1
    """How often each event arrives."""
    messages: tuple[str, ...] = ()
    """The bodies of messages that are there at first."""

    @property
    def key(self) -> str:
        return f"{self.place}/{self.name}"


class UnitScenario(_Part):
    """An organizational unit."""

    id: Annotated[str, Field(pattern=r"^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$")]
    name: str
    parent: str | None = None
    """The unit that holds it; None: the root."""


class MemberScenario(_Part):
    """An account of the organization."""

    id: Account
    name: str = ""
    email: str = ""
    state: Literal["PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"] = (
        "ACTIVE"
    )
    unit: str | None = None
    """The unit that holds it; None: the root."""
    tags: dict[str, str] = {}
    joined: AwareDatetime = datetime(2020, 1, 1, tzinfo=UTC)
    """Counts only for an account that is a member from the start."""
    joins_after: Seconds = 0
    """Seconds after the start at which it becomes a member."""
    role_after: Seconds = 0
    """Seconds after the start from which its role is there."""
    closes_after: Seconds | None = None
    """Seconds after the start at which it is closed; None: never."""

    def at(self, seconds: float) -> MemberScenario | None:
        """Returns the member as it is so many seconds after the start; None before it joins."""
        if seconds < self.joins_after:
            return None
        if self.closes_after is None or seconds < self.closes_after:
            return self
        return self.model_copy(update={"state": "CLOSED"})


class OrganizationScenario(_Part):
    """An organization: its units and accounts, and who may ask about it."""

    id: Annotated[str, Field(pattern=r"^o-[a-z0-9]{10,32}$")] = "o-sandbox0001"
    management: Account
    delegated: tuple[Account, ...] = ()
    """Accounts that administer it beside the management account."""
    units: tuple[UnitScenario, ...] = ()
    members: tuple[MemberScenario, ...] = ()
    empty_pages: bool = False
    """Whether an empty page comes before each page of a list."""


Peculiar = TypeVar("Peculiar", AccountScenario, RegionScenario, RegistryScenario, QueueScenario)


def _each_once(parts: tuple[Peculiar, ...]) -> tuple[Peculiar, ...]:
    counts = Counter(part.key for part in parts)
    repeated = sorted(key for key, times in counts.items() if times > 1)
    if repeated:
        raise ValueError(f"{', '.join(repeated)} listed more than once")
    return parts


class Scenario(_Part):
    """A quiet AWS with the faults and contents that are named here."""

    seed: int = 0
    latency_ms: Span = (0, 0)
    """Before every answer: a number, or the least and the most."""
    lag_ms: Milliseconds = 0
    """For how long after a write reads still show the old rules, policy or templates."""
    replication_ms: Milliseconds = 0
    """How long a copy or a deletion takes to arrive at a destination."""
    trail_ms: Milliseconds = 0
    """How long CloudTrail takes to show a call."""
    backfill_preparing_ms: Positive = 500
    backfill_images_per_second: Positive = 50
    respell_policies: bool = False
    """Registry policies are kept as ECR spells them and not as they were put."""
    sessions_expire_after_calls: Annotated[int, Field(ge=1)] | None = None
    sessions_refused_for_seconds: Positive | None = None
    """For how long after its AssumeRole every endpoint refuses a session as unknown."""
    sessions_expire_after_seconds: Positive | None = None
    sts_rate: Positive | None = None
    """Calls per second that STS takes from one account; it throttles further calls."""
    ecr_rate: Positive | None = None
    """The same of ECR, for each account and region."""
    organizations_rate: Positive | None = None
    """The same of Organizations, for each account."""
    organization: OrganizationScenario | None = None
    """None: the inventory's accounts are members of one, below its root."""
    other_accounts: tuple[Account, ...] = ()
    """Accounts that exist although the inventory does not name them."""
    faults: tuple[FaultRule, ...] = ()
    """Tried in order; a call suffers the first that hits it."""
    accounts: Annotated[tuple[AccountScenario, ...], AfterValidator(_each_once)] = ()
    regions: Annotated[tuple[RegionScenario, ...], AfterValidator(_each_once)] = ()
    registries: Annotated[tuple[RegistryScenario, ...], AfterValidator(_each_once)] = ()
    services: tuple[ServiceScenario, ...] = ()
    functions: tuple[FunctionScenario, ...] = ()
    queues: Annotated[tuple[QueueScenario, ...], AfterValidator(_each_once)] = ()
    _file: str = PrivateAttr("scenario")

    def forgets(self, registry: Registry, operation: str) -> bool:
        """Returns whether ECR does not have the operation for this registry."""
        keys = (registry.region, str(registry))
        parts: list[RegionScenario | RegistryScenario] = [*self.regions, *self.registries]
        return any(part.key in keys and operation in part.unknown_operations for part in parts)

    @property
    def file(self) -> str:
        """The path of the scenario's file."""
        return self._file


QUIET: Final = Scenario()
"""Nothing goes wrong and every registry is empty."""
