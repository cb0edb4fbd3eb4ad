"""Files that results go to: whether they can be written, and replace nothing that is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_repl.cli.command import Call
from fleet_repl.cli.run_options import Reporting
from fleet_repl.reports import ReportError, check_apart, check_place

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory


def check_outputs(
    call: Call[Reporting],
    inventory: Inventory | None,
    *,
    reads: Sequence[Path] = (),
    out: Path | None = None,
) -> None:
    """Raises ReportError for a file of a result that cannot be written, or that is an input.

    `reads`: what the command reads beside the inventory and a scenario. `out`: where a plan is
    kept, beside the files of --report.
    """
    options = call.options
    inputs = [*reads]
    if inventory is not None:
        inputs += map(Path, inventory.files)
    if options.simulated is not None and options.simulated.scenario is not None:
        inputs.append(options.simulated.scenario)
    state = _state(inventory, options.state)
    outputs = [(path, "report") for path in options.report]
    if out is not None:
        outputs.insert(0, (out, "plan"))
    for nth, (path, what) in enumerate(outputs):
        check_place(path, what=what)
        check_apart(path, inputs, state=state)
        if any(path.resolve() == other.resolve() for other, _ in outputs[:nth]):
            raise ReportError(f"{path}: two results cannot be in one file; name another one")


def _state(inventory: Inventory | None, location: str | None) -> Path | None:
    """The folder of the state; None for a bucket, and where nothing is told of it."""
    from fleet_repl.inventory import located  # noqa: PLC0415 - help needs no inventory

    if location is not None:
        return located(location).folder
    return None if inventory is None else inventory.state.folder
