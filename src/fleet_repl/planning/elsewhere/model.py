"""A resource that another tool manages, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fleet_repl.planning.change import Resource
from fleet_repl.values.names import AccountId, Region, Registry

WORDS: Final = {
    Resource.REPLICATION_CONFIGURATION: "replication configuration",
    Resource.REGISTRY_POLICY: "registry policy",
    Resource.CREATION_TEMPLATE: "creation template",
}


class Holder(StrEnum):
    """A tool that manages resources."""

    TERRAFORM = "Terraform"
    CLOUDFORMATION = "CloudFormation"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldResource:
    """A resource of a registry that another tool manages."""

    holder: Holder
    resource: Resource
    account: AccountId
    region: Region | None
    """None where a Terraform state does not say it: providers before version 6 do not."""
    prefix: str | None = None
    """The prefix of a creation template."""
    address: str
    """Terraform's address with its keys, or the stack and the logical id: `stack/LogicalId`."""
    target: str
    """The same without keys, which `removed` blocks name; for CloudFormation the stack."""
    source: str = ""
    """The state that says so."""

    def is_of(self, registry: Registry) -> bool:
        """Returns whether the resource is, or may be, one of the registry."""
        return self.account == registry.account and self.region in (None, registry.region)

    @property
    def place(self) -> str:
        """The registry, or the account where the region is not known."""
        if self.region is None:
            return f"{self.account} (region not in the state)"
        return str(Registry(self.account, self.region))

    def __str__(self) -> str:
        prefix = "" if self.prefix is None else f" {self.prefix}"
        return f"{self.place}: {WORDS[self.resource]}{prefix}: {self.address} ({self.holder})"
