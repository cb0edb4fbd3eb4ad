"""The observed state of a registry: what it answered in this run, or why it did not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from fleet_repl.ecr.content import Content
from fleet_repl.ecr.policy import Policy
from fleet_repl.ecr.rules import Replication
from fleet_repl.ecr.templates import parse_template, template_at
from fleet_repl.planning.change import Resource
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A registry that could be read."""

    replication: Replication
    policy: Policy | None
    """None where grants are not managed and the policy was not asked for."""
    policy_scope: str | None = None
    """The account setting REGISTRY_POLICY_SCOPE; None where it was not read."""
    templates: tuple[JsonObject, ...] | None = None
    """The registry's creation templates; None where they were not read."""
    repositories: tuple[str, ...] | None = None
    """The names of its repositories; None where they were not read."""
    templates_error: Fault | None = None
    """The fault that kept the templates from being read."""

    def content(self, resource: Resource, prefix: str | None = None) -> Content | None:
        """Returns what is in place, or None where it was not read. `prefix`: of a template."""
        match resource:
            case Resource.REPLICATION_CONFIGURATION:
                return self.replication
            case Resource.REGISTRY_POLICY:
                return self.policy
            case Resource.CREATION_TEMPLATE:
                if self.templates is None:
                    return None
                return parse_template(template_at(self.templates, prefix or ""))
            case _:
                assert_never(resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A registry that could not be read. It is never taken for an empty registry."""

    error: Fault


def holds_anything(seen: Observed | Unreadable) -> bool:
    """Returns whether a registry has rules, a policy or templates, as far as it was read."""
    if isinstance(seen, Unreadable):
        return False
    return bool(
        (seen.replication.document or {}).get("rules")
        or (seen.policy is not None and seen.policy.document)
        or seen.templates
    )


Observation: TypeAlias = Mapping[Registry, Observed | Unreadable]
"""Every registry that was asked in this run."""


def silence_of(registry: Registry, observation: Observation) -> str | None:
    """Returns why nothing is known of a registry, or None where it could be read."""
    match observation.get(registry):
        case Unreadable(error=error):
            return f"{registry} could not be read ({error.kind})"
        case Observed():
            return None
        case None:
            return f"{registry} was not read"


def refused_accounts(
    observation: Observation, accounts: Collection[AccountId]
) -> frozenset[AccountId]:
    """Returns the accounts whose roles AWS has refused at least twice, seconds apart, and of which
    no registry answered anything else in this run. Retired ones count as gone."""
    seen: dict[AccountId, list[Observed | Unreadable]] = {}
    for registry, answer in observation.items():
        if registry.account in accounts:
            seen.setdefault(registry.account, []).append(answer)
    return frozenset(
        account
        for account, answers in seen.items()
        if all(isinstance(answer, Unreadable) and answer.error.role_refused for answer in answers)
    )
