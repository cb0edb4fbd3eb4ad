"""The contents of a scenario's accounts at first: registries, stacks, queues, and what runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fleet_repl.sandbox.scenario_values import Account, Document, EcrOperation, Part, PolicyScope
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
