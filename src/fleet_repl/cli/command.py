"""One invocation of a command: its options, its streams and its exit code.

Every error becomes a message and an exit code here; nothing a user can cause shows a traceback.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, Generic, ParamSpec, TypeVar, get_args

import typer

from fleet_repl.cli.commands import flowing
from fleet_repl.cli.flags import STANDARD_INPUT
from fleet_repl.cli.library import Library
from fleet_repl.cli.log import Log
from fleet_repl.cli.options import CommonOptions, parameters_of
from fleet_repl.cli.process import CommandContext, Ended
from fleet_repl.cli.streams import OutputError, Streams
from fleet_repl.values.errors import FleetError, InventoryError, RefusedError, SelectionError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.text import day_and_time

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory

Options_co = TypeVar("Options_co", bound=CommonOptions, covariant=True)
P = ParamSpec("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Options_co]):
    """An invocation of a command: its parsed options, and the library, streams and log it uses."""

    options: Options_co
    backend: Library
    streams: Streams
    log: Log

    def load_inventory(
        self, path: Path, *, routes_required: bool = True, secrets_required: bool = True
    ) -> Inventory:
        """Load the inventory in a file or on standard input. Raises InventoryError."""
        inventory = self.backend.load_inventory(
            path,
            routes_required=routes_required,
            secrets_required=secrets_required,
            stdin=self.streams.content() if path == STANDARD_INPUT else None,
        )
        return replace(inventory, given_state=getattr(self.options, "state", None))

    def load_offline(self, path: Path, *, routes_required: bool = True) -> Inventory:
        """Load the inventory for a command that does not call AWS.

        A missing external id, which `load_inventory` raises for, is only warned about.
        """
        inventory = self.load_inventory(
            path, routes_required=routes_required, secrets_required=False
        )
        for problem in inventory.unset:
            self.log.write_warning(f"{problem.headline}; where AWS is called that is an error")
        return inventory

    def load_called(
        self, path: Path, *, simulated: bool, routes_required: bool = True
    ) -> Inventory:
        """Load the inventory for a command that calls AWS, or a simulated AWS, which takes no
        external id. Raises InventoryError."""
        load = self.load_offline if simulated else self.load_inventory
        return load(path, routes_required=routes_required)

    def recalled(self, inventory: Inventory) -> Inventory:
        """The inventory with the accounts that were discovered last, or as it is where none were.
        Calls no AWS, and says in the log which accounts these are."""
        if not inventory.needs_discovery:
            return inventory
        recalled = self.backend.recall(inventory)
        if recalled is None or recalled.discovery is None:
            self.log.note("accounts are discovered, and no discovery is at hand")
            return inventory
        when = day_and_time(recalled.discovery.at)
        self.log.note(f"accounts are discovered; these are those of {when}")
        return recalled

    def load_resolved(self, path: Path) -> Inventory:
        """Load the inventory for a command that calls no AWS and has to know the accounts.

        Raises FleetError where they are discovered, and no discovery is at hand.
        """
        inventory = self.recalled(self.load_offline(path))
        if inventory.needs_discovery:
            raise FleetError(
                f"the accounts of {inventory.name} are discovered, which was not done yet\n"
                "    run fleet-repl accounts INVENTORY once"
            )
        return inventory

    def show(self, text: str | Iterable[str]) -> None:
        """Write the result of work that is done to stdout.

        Where stdout cannot be written, log that instead of raising: the work is done all the same.
        """
        try:
            self.streams.emit(text)
        except OutputError as error:
            self.log.failure(str(error))


def command(
    body: Callable[Concatenate[Call[CommonOptions], P], ExitCode], *, summary: str
) -> Callable[..., None]:
    """Return a function for typer: `body` with its options as parameters before its own.

    The first parameter of `body` is annotated with the class of its options: `Call[PlanOptions]`.
    `summary` is the first paragraph of its help, and the docstring the others.
    """
    call_parameter, *own = inspect.signature(body, eval_str=True).parameters.values()
    (options,) = get_args(call_parameter.annotation)
    shared = parameters_of(options)

    def run(context: typer.Context, **values: object) -> None:
        # typer made the values by the annotations that mypy cannot follow here.
        given = {parameter.name: values.pop(parameter.name) for parameter in shared}
        chosen: CommonOptions = options(**given)
        chosen.check()
        command_context: CommandContext = context.obj
        log = Log(command_context.streams, chosen)
        call = Call(
            options=chosen,
            backend=command_context.backend or Library(),
            streams=command_context.streams,
            log=log,
        )
        raise Ended(conclude(log, lambda: body(call, **values), verbose=chosen.verbose))  # type: ignore[call-arg, arg-type]

    context = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    run.__signature__ = inspect.Signature([context, *shared, *own])  # type: ignore[attr-defined]
    run.__doc__ = f"{summary}\n\n{flowing(body)}"
    return run


def conclude(log: Log, work: Callable[[], ExitCode], *, verbose: bool) -> ExitCode:
    """Do the work; log every failure and return its exit code.

    Raises only typer.BadParameter, which typer reports.
    """
    try:
        return work()
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except typer.BadParameter:
        # typer reports it like every other wrong use.
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: one line, not a traceback
        return _log_failure(log, _single(error), verbose=verbose)


def _log_failure(log: Log, error: BaseException, *, verbose: bool) -> ExitCode:
    match error:
        case InventoryError():
            log.problems(error)
            return ExitCode.ERROR
        case SelectionError():
            log.failure(str(error))
            return ExitCode.USAGE
        case RefusedError():
            log.failure(str(error))
            return ExitCode.REFUSED
        case FleetError():
            log.failure(str(error))
            return ExitCode.ERROR
        case _:
            if verbose:
                log.trace("".join(traceback.format_exception(error)))
            more = "this output" if verbose else "what it says with -v"
            log.failure(
                f"internal error: {type(error).__name__}: {error}. This is a mistake in "
                f"fleet-repl; please report it to the project, with {more}"
            )
            return ExitCode.ERROR


def _single(error: BaseException) -> BaseException:
    """Unwrap an error that task groups have wrapped in groups of one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
