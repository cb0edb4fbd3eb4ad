"""A change: one write to one registry, with the links that it adds and removes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from fleet_repl.ecr.content import Content
from fleet_repl.topology import REST
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes


class Resource(StrEnum):
    REPLICATION_CONFIGURATION = "replication-configuration"
    REGISTRY_POLICY = "registry-policy"
    CREATION_TEMPLATE = "creation-template"


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


def operation_of(resource: Resource, action: Action) -> str:
    """The API call that makes a change."""
    match resource:
        case Resource.REPLICATION_CONFIGURATION:
            return "PutReplicationConfiguration"
        case Resource.REGISTRY_POLICY:
            return "DeleteRegistryPolicy" if action is Action.DELETE else "PutRegistryPolicy"
        case Resource.CREATION_TEMPLATE:
            return f"{action.value.capitalize()}RepositoryCreationTemplate"
        case _:
            assert_never(resource)


class Phase(StrEnum):
    """The order of writes: templates before images can arrive, a rule only works once it is
    granted, and a grant may only go once nothing uses it."""

    TEMPLATES = "templates"
    GRANTS = "grants"
    RULES = "rules"
    WITHDRAWALS = "withdrawals"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEnd:
    """A link seen from one registry: its other end."""

    registry: Registry
    prefixes: Prefixes
    routes: tuple[str, ...] = ()
    """Empty for a link that no route asks for; of a link that is narrowed, those of the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLink:
    """A link that is left out because its destination does not grant it."""

    destination: Registry
    prefixes: Prefixes
    because: str
    joining: bool = False
    """True if the account of its destination is joining: then it is no failure that it is held."""


def fall_short(held: Iterable[HeldLink]) -> bool:
    """Returns whether any of these held links is a failure: its destination is not joining."""
    return any(not link.joining for link in held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write to one registry. `before` is what it expects to find."""

    resource: Resource
    action: Action
    phase: Phase
    wave: str = REST
    before: Content
    after: Content
    links_added: tuple[LinkEnd, ...] = ()
    """For a replication configuration the other end is a destination, for a policy a source
    (the granted account's registries)."""
    links_removed: tuple[LinkEnd, ...] = ()
    needs: frozenset[Registry] = frozenset()
    """Registries whose rules have to be written before this (withdrawals only)."""
    deletes_started: tuple[LinkEnd, ...] = ()
    """Links whose deletions will travel from now on (replication configurations only)."""
    deletes_stopped: tuple[LinkEnd, ...] = ()
