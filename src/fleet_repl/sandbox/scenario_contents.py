"""The contents of a scenario's accounts at first, and the organization that they come and go in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from fleet_repl.sandbox.scenario_values import (
    Account,
    Document,
    EcrOperation,
    Part,
    PolicyScope,
    Seconds,
)
from fleet_repl.values.names import AccountId, Region, Registry


class StackScenario(Part):
    """A CloudFormation stack in the account and region of a registry."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,127}$")]
    resources: dict[str, str] = Field(default_factory=dict)
    """Logical id → type; of a creation template, its prefix follows after a blank."""


class Placed(Part):
    """A part of a scenario in an account and region."""

    account: Account
    region: str

    @property
    def place(self) -> Registry:
        """The account and region, as they name a registry."""
        return Registry(AccountId(self.account), Region(self.region))


class RegistryScenario(Placed):
    """The contents of one registry at first."""

    replication: Document | None = None
    policy: Document | None = None
    repositories: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Repository name → tags, pushed before any rule was in place."""
    pushes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Repository name → tags, pushed once all rules, policies and templates were in place."""
    templates: tuple[Document, ...] = ()
    """Repository creation templates, as CreateRepositoryCreationTemplate takes them."""
    policy_scope: PolicyScope | None = None
    """The account setting REGISTRY_POLICY_SCOPE in this region; None: as the account has it."""
    unknown_operations: tuple[EcrOperation, ...] = ()
    """Operations that ECR does not have for this registry yet."""
    stacks: tuple[StackScenario, ...] = ()
    """The stacks that have its rules or its policy."""
    unknown_fields: Document = Field(default_factory=dict)
    """Members that each of its first rules has besides those that ECR is known to have."""

    @property
    def key(self) -> str:
        return str(self.place)


class ServiceScenario(Placed):
    """A service of ECS, with running tasks."""

    cluster: str = "default"
    name: str
    images: tuple[str, ...]
    """The images of the containers of a task, such as
    `111111111111.dkr.ecr.eu-west-1.amazonaws.com/base/go:1.25`."""
    tasks: Annotated[int, Field(ge=0)] = 1
    """The number of running tasks."""


class FunctionScenario(Placed):
    """A function of Lambda."""

    name: str
    image: str | None = None
    """That of its latest version; None for a function that is a ZIP file."""
    versions: dict[str, str] = Field(default_factory=dict)
    """The image of each published version, by its number."""
    aliases: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    """The versions that each alias points to; to those after the first with a part of the calls."""


class QueueScenario(Placed):
    """A queue of SQS."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
    events: bool = True
    """True if every copy of a push is reported there."""
    copies: Annotated[int, Field(ge=1)] = 1
    """The number of times that each event arrives."""
    messages: tuple[str, ...] = ()
    """The bodies of messages that are there at first."""

    @property
    def key(self) -> str:
        return f"{self.place}/{self.name}"


class UnitScenario(Part):
    """An organizational unit."""

    id: Annotated[str, Field(pattern=r"^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$")]
    name: str
    parent: str | None = None
    """The unit that holds it; None: the root."""


class MemberScenario(Part):
    """An account of the organization."""

    id: Account
    name: str = ""
    email: str = ""
    state: Literal["PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"] = (
        "ACTIVE"
    )
    unit: str | None = None
    """The unit that holds it; None: the root."""
    tags: dict[str, str] = Field(default_factory=dict)
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


class OrganizationScenario(Part):
    """An organization: its units and accounts, and who may ask about it."""

    id: Annotated[str, Field(pattern=r"^o-[a-z0-9]{10,32}$")] = "o-sandbox0001"
    management: Account
    delegated: tuple[Account, ...] = ()
    """Accounts that administer it beside the management account."""
    units: tuple[UnitScenario, ...] = ()
    members: tuple[MemberScenario, ...] = ()
    empty_pages: bool = False
    """True if an empty page comes before each page of a list."""
