"""`fleet-repl bootstrap`: what makes the role in every account. Offline."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, assert_never

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import OUTPUT, QUEUE_URL, InventoryPath, queue_address
from fleet_repl.cli.options import CommonOptions
from fleet_repl.reports.documents.writer import json_text
from fleet_repl.values.errors import FleetError
from fleet_repl.values.exit_code import ExitCode

ALLOWED = "What the role may do"


class Target(StrEnum):
    """The tool that makes the role."""

    CLOUDFORMATION = "cloudformation"
    TERRAFORM = "terraform"
    IAM = "iam"


class Extra(StrEnum):
    """Permissions of the role beyond those that the inventory needs."""

    BACKFILL = "backfill"
    TEMPLATES = "templates"
    CLOUDFORMATION = "cloudformation"
    CLOUDTRAIL = "cloudtrail"
    REPUT = "reput"
    IN_USE = "in-use"


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapOptions(CommonOptions):
    """Flags of a command that prints what sets a fleet up."""

    inventory: InventoryPath
    principal: Annotated[
        str | None,
        typer.Option(
            metavar="ARN",
            help="The base identity, whom the role trusts, or the first role of \\[aws] via. "
            "Without it a parameter asks for it.",
            show_default=False,
        ),
    ] = None
    extras: Annotated[
        list[Extra],
        typer.Option(
            "--with",
            help="Allow this too, though the inventory does not ask for it. Repeatable.",
            show_default=False,
            rich_help_panel=ALLOWED,
        ),
    ] = field(default_factory=list)
    deliveries: Annotated[
        str | None,
        typer.Option(
            metavar=QUEUE_URL,
            help="Allow the base identity this SQS queue, for watch --deliveries; --format iam "
            "prints it.",
            show_default=False,
            rich_help_panel=ALLOWED,
        ),
    ] = None
    read_only: Annotated[
        bool,
        typer.Option(
            "--read-only",
            help="Allow only what plan, drift, verify and other commands ask for that write "
            "nothing.",
            rich_help_panel=ALLOWED,
        ),
    ] = False
    format: Annotated[
        Target, typer.Option(help="The result on stdout.", rich_help_panel=OUTPUT)
    ] = Target.CLOUDFORMATION


def bootstrap(call: Call[BootstrapOptions]) -> ExitCode:
    """cloudformation: the template of a StackSet that reaches every account of an organization,
    those to come included, with the commands that roll it out. terraform: a module that does the
    same. iam: the bare policies as JSON, those of the base identity among them. No output has a
    secret in it.

    Example: fleet-repl bootstrap inventories/prod.toml > fleet-repl-role.yaml
    """
    from fleet_repl.ecr.permissions import Feature  # noqa: PLC0415
    from fleet_repl.reports.bootstrap import (  # noqa: PLC0415
        bootstrap_of,
        cloudformation_text,
        iam_document,
        terraform_text,
    )

    options = call.options
    inventory = call.load_offline(options.inventory, routes_required=False)
    organization = inventory.organization
    wanted = bootstrap_of(
        inventory,
        base_identity=options.principal,
        organization=None if organization is None else organization.id,
        units=() if organization is None else organization.ous,
        more=[Feature(extra.value) for extra in options.extras],
        deliveries=queue_address(options.deliveries),
        read_only=options.read_only,
    )
    if not wanted.roles and options.format is not Target.IAM:
        raise FleetError(
            f"no account of {inventory.name} has a role to be made: the base identity makes every "
            "call itself\n    --format iam prints the policy for it"
        )
    match options.format:
        case Target.CLOUDFORMATION:
            text = cloudformation_text(wanted)
        case Target.TERRAFORM:
            text = terraform_text(wanted)
        case Target.IAM:
            text = json_text(iam_document(wanted))
        case other:
            assert_never(other)
    call.streams.emit(text)
    return ExitCode.OK
