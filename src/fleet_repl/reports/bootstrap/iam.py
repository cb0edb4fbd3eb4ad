"""The policies themselves, as one JSON document: for tools that make roles in their own way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from fleet_repl.ecr.permissions import (
    OWN_PERMISSIONS,
    organization_statements,
    queue_statement,
    role_resources,
    state_statements,
)
from fleet_repl.ecr.statements import Statement, alone, escaped, policy_document
from fleet_repl.reports.bootstrap.comments import external_id_variable, external_ids
from fleet_repl.reports.bootstrap.model import ACCOUNT, Bootstrap, folder_of, name_of
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.text import joined, listed, visible

PRINCIPAL: Final = "${PRINCIPAL_ARN}"
"""In place of a base identity that is not known."""

_ACCOUNT_ID: Final = "${ACCOUNT_ID}"
_USUAL_SESSION: Final = 3_600
_MOST_NAMED: Final = 5


def iam_document(bootstrap: Bootstrap) -> JsonObject:
    """Trust and permissions of each role, of each hub, and what the base identity is allowed.

    `${…}` stands for what is not known here, or must not be shown.
    """
    last = bootstrap.principal or PRINCIPAL
    roles: list[Json] = [
        {
            "name": name_of(role.path).replace(ACCOUNT, _ACCOUNT_ID),
            "path": folder_of(role.path).replace(ACCOUNT, _ACCOUNT_ID),
            "accounts": list(role.accounts),
            "max_session_duration": max(bootstrap.session_seconds, _USUAL_SESSION),
            "trust": _trust(last, role.external_id, bootstrap),
            "permissions": _policy(
                bootstrap.permissions, bootstrap, role=escaped(role.path).replace(ACCOUNT, "*")
            ),
        }
        for role in bootstrap.roles
    ]
    return {
        "fleet": bootstrap.fleet,
        "notes": list(_notes(bootstrap)),
        "roles": roles,
        "hubs": list(_hubs(bootstrap)),
        **_organization_role(bootstrap),
        "base_identity": {
            "arn": bootstrap.base_identity,
            "permissions": _base_policy(bootstrap),
        },
    }


def _trust(principal: str, external_id: int | None, bootstrap: Bootstrap) -> JsonObject:
    """Returns the trust policy of a role: the principals that may assume it, and their
    conditions."""
    asked: dict[str, Json] = {}
    if bootstrap.organization is not None:
        asked["aws:PrincipalOrgID"] = bootstrap.organization
    if external_id is not None:
        asked["sts:ExternalId"] = _variable(external_id)
    return policy_document(
        [
            {
                "Effect": "Allow",
                "Principal": {"AWS": principal},
                "Action": alone(bootstrap.assuming),
                **({"Condition": {"StringEquals": asked}} if asked else {}),
            }
        ]
    )


def _policy(
    statements: Iterable[Statement], bootstrap: Bootstrap, *, account: str = "*", role: str = "*"
) -> JsonObject:
    return policy_document(
        statement.document(partition=bootstrap.partition, account=account, role=role)
        for statement in statements
    )


def _hubs(bootstrap: Bootstrap) -> Iterator[JsonObject]:
    """The roles of [aws] via; each trusts the role before it."""
    before = bootstrap.base_identity or PRINCIPAL
    for position, hub in enumerate(bootstrap.hubs):
        yield {
            "arn": str(hub),
            "trust": _trust(before, bootstrap.hub_external_id, bootstrap),
            "permissions": _policy([_assuming(bootstrap, position + 1)], bootstrap),
        }
        before = str(hub)


def _organization_role(bootstrap: Bootstrap) -> JsonObject:
    """The role that lists the organization, where there is one; it trusts the base identity."""
    role = bootstrap.organization_role
    if role is None:
        return {}
    before = bootstrap.base_identity or PRINCIPAL
    return {
        "organization_role": {
            "arn": str(role),
            "trust": _trust(before, bootstrap.hub_external_id, bootstrap),
            "permissions": _policy(organization_statements(), bootstrap),
        }
    }


def _base_policy(bootstrap: Bootstrap) -> JsonObject:
    """Returns the policy of the base identity: the next role, the state, the queue of deliveries,
    and its own account's calls."""
    statements: list[Statement] = []
    if bootstrap.hubs or bootstrap.roles:
        statements.append(_assuming(bootstrap, 0))
    if bootstrap.organization_role is not None:
        resources = (escaped(str(bootstrap.organization_role)),)
        statements.append(
            Statement(sid="OrganizationRole", actions=bootstrap.assuming, resources=resources)
        )
    if bootstrap.lists_organization:
        statements += organization_statements()
    if bootstrap.bucket is not None:
        statements += state_statements(bootstrap.bucket)
    if bootstrap.queue is not None:
        statements.append(queue_statement(bootstrap.queue, examined=True))
    if bootstrap.own_accounts:
        # Whom it would ask about is known for a role only.
        statements += (
            statement for statement in bootstrap.permissions if statement.sid != OWN_PERMISSIONS
        )
    return _policy(statements, bootstrap)


def _assuming(bootstrap: Bootstrap, position: int) -> Statement:
    """The statement that lets somebody assume the hub at `position`, or after it the roles."""
    resources: tuple[str, ...]
    if position < len(bootstrap.hubs):
        resources = (escaped(str(bootstrap.hubs[position])),)
    else:
        resources = role_resources(role.path for role in bootstrap.roles)
    return Statement(sid="NextRole", actions=bootstrap.assuming, resources=resources)


def _notes(bootstrap: Bootstrap) -> Iterator[str]:
    """Yields notes on the use of the output, and on the work that is left."""
    if bootstrap.roles:
        yield (
            "Make each role in each of its accounts, and in those that join later. With its trust "
            "and permissions in files: aws iam create-role --role-name NAME --path PATH "
            "--max-session-duration SECONDS --assume-role-policy-document file://trust.json; aws "
            "iam put-role-policy --role-name NAME --policy-name fleet-repl --policy-document "
            "file://permissions.json"
        )
    if bootstrap.base_identity is None:
        yield f"{PRINCIPAL} stands for the ARN of the base identity; --principal fills it in."
    for number, owners in external_ids(bootstrap).items():
        yield f"{_variable(number)} stands for the external id of {owners}."
    if any(ACCOUNT in role.path for role in bootstrap.roles):
        yield f"{_ACCOUNT_ID} stands for the id of the account that has the role."
    if bootstrap.own_accounts:
        yield (
            f"In {joined(bootstrap.own_accounts)} the base identity makes the calls itself, so the "
            "permissions of the base identity hold those of a role."
        )
    if bootstrap.externals:
        names = listed([visible(external.name) for external in bootstrap.externals], _MOST_NAMED)
        yield f"Nothing is to be set up in external accounts: {names}."


def _variable(number: int) -> str:
    return f"${{{external_id_variable(number)}}}"
