"""`fleet-repl validate`: problems of an inventory, or its links and rules in numbers. Offline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import InventoryPath
from fleet_repl.cli.output import check_files, hand_over
from fleet_repl.cli.output_options import OutputOptions
from fleet_repl.reports.formats import Kind, ReportFormat
from fleet_repl.values.errors import InventoryError
from fleet_repl.values.exit_code import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOptions(OutputOptions):
    """Flags of a command that looks at an inventory."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.VALIDATE,)

    inventory: InventoryPath


def validate(call: Call[ValidateOptions]) -> ExitCode:
    """Names every problem at once, each with its place and what would be right. Of a valid
    inventory it tells the registries, links and rules, and what each route does.

    Example: fleet-repl validate inventories/prod.toml
    """
    options = call.options
    inputs = [options.inventory]
    try:
        inventory = call.load_inventory(options.inventory, secrets_required=False)
        inputs += map(Path, inventory.files)
        summary = call.backend.describe(call.recalled(inventory))
    except InventoryError as error:
        check_files(options, inputs)
        # As text, problems are on stderr, like every error.
        as_text = options.stdout_format is ReportFormat.TEXT
        code = hand_over(call, error, ExitCode.ERROR, to_stdout=not as_text)
        if as_text:
            raise
        return code
    check_files(options, inputs)
    return hand_over(call, summary, ExitCode.OK, inventory=inventory)
