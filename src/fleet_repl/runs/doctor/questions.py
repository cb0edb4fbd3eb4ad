"""The needs of an inventory's registries, and the questions to IAM about them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fleet_repl.ecr.permissions import account_statements
from fleet_repl.ecr.statements import Statement, among, unescaped
from fleet_repl.inventory import Account, Inventory
from fleet_repl.runs.doctor.model import (
    DESCRIBE,
    POLICY,
    REPOSITORIES,
    SETTING,
    TEMPLATES,
    BaseIdentity,
    Question,
)
from fleet_repl.values.names import Partition, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The calls that a fleet needs in its accounts."""

    partition: Partition
    statements: tuple[Statement, ...]
    """The statements of the role in each account."""
    writes: tuple[str, ...]
    """The actions among them that write."""
    grants: bool
    """True if registry policies are read and written."""
    templates: frozenset[Registry]
    """Registries whose creation templates are read."""
    repositories: frozenset[Registry]
    """Registries whose repositories are listed."""

    def reads_of(self, registry: Registry) -> tuple[str, ...]:
        """The actions of the reads that are made of a registry, DescribeRegistry first."""
        policy = (POLICY, SETTING) if self.grants else ()
        repositories = (REPOSITORIES,) if registry in self.repositories else ()
        templates = (TEMPLATES,) if registry in self.templates else ()
        return (DESCRIBE, *policy, *repositories, *templates)


def needs_of(
    inventory: Inventory, templates: Collection[Registry], repositories: Collection[Registry] = ()
) -> Needs:
    """`templates`: the registries that creation templates are placed in. `repositories`: the
    sources of routes whose prefixes follow from their repositories."""
    statements = account_statements(inventory)
    reading = account_statements(inventory, read_only=True)
    reads = {action for statement in reading for action in statement.actions}
    actions = dict.fromkeys(action for statement in statements for action in statement.actions)
    return Needs(
        partition=inventory.aws.partition,
        statements=statements,
        writes=tuple(action for action in actions if action not in reads),
        grants=inventory.ownership.grants == "managed",
        templates=frozenset(templates),
        repositories=frozenset(repositories),
    )


def questions_of(needs: Needs, account: Account, base: BaseIdentity) -> tuple[Question, ...]:
    """The questions whether an account's identity may make the writes, as few as IAM can answer:
    one, and another for each further service whose linked role may be made.

    None for a retired account. Nor where no role is assumed and the base identity is a session,
    whose ARN does not tell the path of its role, or a profile's, whose ARN is not known: IAM
    simulates users and roles only.
    """
    by_itself = account.role is None
    if account.retired or (by_itself and (base.kind != "user" or account.profile is not None)):
        return ()
    principal = base.arn if by_itself else str(account.role)
    statements = among(needs.statements, needs.writes)
    first = next((statement.service for statement in statements if statement.service), None)
    asked: dict[str | None, dict[str, tuple[str, ...]]] = {first: {}}
    for statement in statements:
        resources = asked.setdefault(statement.service or first, {})
        filled = statement.filled_resources(needs.partition, account.id)
        arns = tuple(map(unescaped, filled))
        for action in statement.actions:
            resources[action] = (*resources.get(action, ()), *arns)
    return tuple(
        Question(principal=principal, resources=resources, service=service)
        for service, resources in asked.items()
    )
