"""The inline policies of a run's sessions: what they may do of all that their roles may."""

from __future__ import annotations

from fleet_repl.ecr.permissions import every_statement, organization_statements
from fleet_repl.ecr.statements import VERSION, policy_document
from fleet_repl.values.canonical_json import Json, compact_json
from fleet_repl.values.names import Partition


def session_policy(*, partition: Partition, read_only: bool, puts_images: bool = False) -> str:
    """The inline policy of a run's sessions, well within the 2,048 characters that STS takes.

    A run that writes may make every call there is: it learns only on the way what has to go that
    the inventory no longer has. Only a run that `puts_images` again may put any. The role's own
    policy narrows it further.
    """
    allowed = every_statement(read_only=read_only, puts_images=puts_images)
    linked = [statement for statement in allowed if statement.service and statement.actions]
    actions = [
        action for statement in allowed if not statement.service for action in statement.actions
    ]
    if not read_only:
        actions.append("iam:PassRole")
    statements: list[Json] = [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    if linked:
        roles = [
            role for statement in linked for role in statement.filled_resources(partition, "*")
        ]
        action = "iam:CreateServiceLinkedRole"
        statements.append({"Effect": "Allow", "Action": action, "Resource": roles})
    return compact_json({"Version": VERSION, "Statement": statements})


def passing_policy(*, partition: Partition) -> str:
    """The inline policy of the sessions of roles on the way to others: they assume the next."""
    statement: Json = {
        "Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
        "Resource": f"arn:{partition}:iam::*:role/*",
    }
    return compact_json({"Version": VERSION, "Statement": [statement]})


def organization_policy() -> str:
    """The inline policy of a session that lists the organization."""
    statements = organization_statements()
    return compact_json(
        policy_document(statement.document(partition="*") for statement in statements)
    )
