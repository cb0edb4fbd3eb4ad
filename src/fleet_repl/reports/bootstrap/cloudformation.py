"""A service-managed StackSet that makes the role in every account: template and commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from fleet_repl.reports.bootstrap.comments import (
    bullets,
    commented,
    external_id_variable,
    left_out,
    others,
    paragraph,
    quoted_parameter,
    roles_in_words,
    shell,
)
from fleet_repl.reports.bootstrap.model import AccountRole, Bootstrap
from fleet_repl.reports.bootstrap.template import template_text

FILE: Final = "fleet-repl-role.yaml"
"""The name of the template's file in the comments."""

_OPERATION: Final = "MaxConcurrentPercentage=25,FailureTolerancePercentage=10"


def cloudformation_text(bootstrap: Bootstrap) -> str:
    """The template, with the commands that roll it out in comments before it.

    The bootstrap has at least one role.
    """
    return f"{commented(_comments(bootstrap))}\n\n{template_text(bootstrap)}"


def stack_set_name(bootstrap: Bootstrap, position: int) -> str:
    """The name of the StackSet for the role at `position`, from 0."""
    fleet = re.sub(r"[^A-Za-z0-9]", "-", bootstrap.fleet)
    return f"fleet-repl-{fleet}" if position == 0 else f"fleet-repl-{fleet}-{position + 1}"


def _comments(bootstrap: Bootstrap) -> Iterator[str]:
    yield from paragraph(
        f"The {roles_in_words(bootstrap)}, which fleet-repl assumes in each account of the fleet "
        f"{bootstrap.fleet}. The template allows what the inventory uses now: print it again when "
        "that changes, and update the StackSet with it."
    )
    unit = "" if bootstrap.units else " Put the id of a unit or of the root for UNIT."
    yield from paragraph(
        "Run this in the organization's management account, or in a delegated administrator's and "
        "with --call-as DELEGATED_ADMIN in each command. Every account of the units gets the role, "
        f"and so does each that joins later. The template is expected in {FILE}.{unit}"
    )
    for position, role in enumerate(bootstrap.roles):
        yield from _stack_set(bootstrap, role, position)
    yield from paragraph("What this does not reach:")
    yield from bullets(left_out(bootstrap))
    yield from paragraph(
        "The management account, or one outside the units, gets the role by a plain stack of the "
        "same template, made with credentials of that account:"
    )
    overrides = [
        f'"{key}={value}"' if value.startswith("$") else f"{key}={value}"
        for key, value in _values(bootstrap, bootstrap.roles[0])
    ]
    yield from shell(
        "aws cloudformation deploy",
        f"--template-file {FILE}",
        "--stack-name fleet-repl-role",
        "--capabilities CAPABILITY_NAMED_IAM",
        *_glued("--parameter-overrides", overrides),
    )


def _stack_set(bootstrap: Bootstrap, role: AccountRole, position: int) -> Iterator[str]:
    """Yields the commands for one role. Only the first role's StackSet goes to whole units."""
    name = f"--stack-set-name {stack_set_name(bootstrap, position)}"
    automatic = "true,RetainStacksOnAccountRemoval=false" if position == 0 else "false"
    values = [quoted_parameter(key, value) for key, value in _values(bootstrap, role)]
    yield from shell(
        "aws cloudformation create-stack-set",
        name,
        f"--template-body file://{FILE}",
        "--capabilities CAPABILITY_NAMED_IAM",
        "--permission-model SERVICE_MANAGED",
        f"--auto-deployment Enabled={automatic}",
        *_glued("--parameters", values),
    )
    yield from shell(
        "aws cloudformation create-stack-instances",
        name,
        f"--deployment-targets {_targets(bootstrap, role, position)}",
        f"--regions {bootstrap.partition.first_region}",
        f"--operation-preferences {_OPERATION}",
    )


def _glued(flag: str, values: Sequence[str]) -> Iterator[str]:
    """A flag with its first value as one word, so that they stay on one line."""
    if values:
        yield f"{flag} {values[0]}"
        yield from values[1:]


def _targets(bootstrap: Bootstrap, role: AccountRole, position: int) -> str:
    units = ",".join(bootstrap.units) or "UNIT"
    accounts = others(bootstrap, role) if position == 0 else role.accounts
    if not accounts:
        return f"OrganizationalUnitIds={units}"
    kind = "DIFFERENCE" if position == 0 else "INTERSECTION"
    return f"OrganizationalUnitIds={units},Accounts={','.join(accounts)},AccountFilterType={kind}"


def _values(bootstrap: Bootstrap, role: AccountRole) -> Iterator[tuple[str, str]]:
    """The parameters for one role that differ from the template's defaults.

    A value that begins with a dollar is a variable of the shell.
    """
    if bootstrap.principal is None:
        yield "Principal", "PRINCIPAL_ARN"
    if role.path != bootstrap.paths[0]:
        yield "WhichRole", role.path
    if role.external_id is not None:
        yield "ExternalId", f"${external_id_variable(role.external_id)}"
