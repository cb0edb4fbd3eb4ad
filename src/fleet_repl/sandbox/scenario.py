"""Scenarios: how a sandbox departs from a quiet AWS, as frozen values.

A scenario says what the registries hold at first and what goes wrong. `seed` checks the accounts,
regions and documents of a scenario against an inventory; `scenario_file` reads the file.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from fleet_repl.sandbox.scenario_contents import (
    FunctionScenario,
    OrganizationScenario,
    QueueScenario,
    RegistryScenario,
    ServiceScenario,
)
from fleet_repl.sandbox.scenario_values import (
    Account,
    Action,
    EcrOperation,
    Milliseconds,
    Operation,
    Part,
    PolicyScope,
    Positive,
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


class FaultRule(Part):
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


class AccountScenario(Part):
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


class RegionScenario(Part):
    """The peculiarities of one region."""

    name: str
    unknown_operations: tuple[EcrOperation, ...] = ()
    """Operations that ECR does not have there yet."""

    @property
    def key(self) -> str:
        return self.name


Peculiar = TypeVar("Peculiar", AccountScenario, RegionScenario, RegistryScenario, QueueScenario)


def _each_once(parts: tuple[Peculiar, ...]) -> tuple[Peculiar, ...]:
    counts = Counter(part.key for part in parts)
    repeated = sorted(key for key, times in counts.items() if times > 1)
    if repeated:
        raise ValueError(f"{', '.join(repeated)} listed more than once")
    return parts


class Scenario(Part):
    """A quiet AWS with the faults and contents that are named here."""

    seed: int = 0
    latency_ms: Span = (0, 0)
    """Before every answer: a number, or the least and the most."""
    lag_ms: Milliseconds = 0
    """For how long after a write reads still show the old rules, policy or templates."""
    replication_ms: Milliseconds = 0
    """The time until a copy or a deletion arrives at a destination."""
    trail_ms: Milliseconds = 0
    """The time until CloudTrail shows a call."""
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


QUIET: Final = Scenario.model_construct()
"""Nothing goes wrong and every registry is empty."""
