"""The command line itself: every command with its options, and the exit code of the process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from itertools import pairwise, takewhile
from typing import Annotated, Concatenate, Final, ParamSpec, TypeVar, cast

import typer

from fleet_repl._version import __version__
from fleet_repl.cli.accounts import AccountsOptions, accounts
from fleet_repl.cli.apply import apply
from fleet_repl.cli.backfill import backfill
from fleet_repl.cli.bootstrap import BootstrapOptions, bootstrap
from fleet_repl.cli.command import Call, CommandContext, Ended, command, flowing
from fleet_repl.cli.doctor import doctor
from fleet_repl.cli.drift import drift
from fleet_repl.cli.flags import Format
from fleet_repl.cli.freeze import freeze, unfreeze
from fleet_repl.cli.graph import graph
from fleet_repl.cli.import_ import import_
from fleet_repl.cli.init import InitOptions, init
from fleet_repl.cli.library import Library
from fleet_repl.cli.log import Log
from fleet_repl.cli.options import (
    CommonOptions,
    GraphOptions,
    ServeOptions,
    ShowOptions,
    ValidateOptions,
)
from fleet_repl.cli.plan import plan
from fleet_repl.cli.report import report
from fleet_repl.cli.rollback import rollback
from fleet_repl.cli.run_options import (
    ApplyOptions,
    DoctorOptions,
    ImportOptions,
    RepeatOptions,
    RunOptions,
    VerifyOptions,
)
from fleet_repl.cli.runs import runs
from fleet_repl.cli.sandbox import sandbox
from fleet_repl.cli.schema import schema
from fleet_repl.cli.show import show
from fleet_repl.cli.state_options import (
    ReportOptions,
    RollbackOptions,
    RunListOptions,
    StateOptions,
)
from fleet_repl.cli.streams import OutputError, Streams
from fleet_repl.cli.unlock import unlock
from fleet_repl.cli.validate import validate
from fleet_repl.cli.verify import verify
from fleet_repl.cli.watch import watch
from fleet_repl.reports import ExitCode

Options = TypeVar("Options", bound=CommonOptions)
P = ParamSpec("P")

NAME: Final = "fleet-repl"
OFFLINE: Final = "Prepare (calls no AWS)"
LOOK: Final = "Look (reads the fleet)"
CHANGE: Final = "Change (writes to the fleet)"
REMEMBERED: Final = "Remember (the state location)"
WRONG_USAGE: Final = 2
"""What typer exits with; here that code means that changes are pending."""
UsageError: Final = cast(type[typer.BadParameter], typer.BadParameter.__mro__[1])
"""What typer raises for any wrong use; it does not name it."""
CODES: Final = (
    "Exit codes: 0 done · 1 error, nothing attempted · 2 changes pending (drift, plan --exit-code)"
    " · 3 refused, nothing written · 4 partial · 64 wrong usage · 130 interrupted"
)


def _print_version(context: typer.Context, *, wanted: bool) -> None:
    if wanted:
        command_context: CommandContext = context.obj
        command_context.streams.emit(f"{NAME} {__version__}\n")
        raise Ended(ExitCode.OK)


def fleet_repl(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Replicate ECR images across a whole fleet of AWS accounts, as one file says.

    Start with validate, look at plan, then apply. With --sandbox all of it runs against a
    simulated AWS, without an account.
    """


app = typer.Typer(
    name=NAME,
    epilog=CODES,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback(help=flowing(fleet_repl))(fleet_repl)


def _add(
    name: str,
    panel: str,
    options: type[Options],
    body: Callable[Concatenate[Call[Options], P], ExitCode],
) -> None:
    app.command(name, rich_help_panel=panel)(command(options, body))


_add("init", OFFLINE, InitOptions, init)
_add("validate", OFFLINE, ValidateOptions, validate)
_add("bootstrap", OFFLINE, BootstrapOptions, bootstrap)
_add("graph", OFFLINE, GraphOptions, graph)
_add("show", OFFLINE, ShowOptions, show)
_add("schema", OFFLINE, CommonOptions, schema)
_add("sandbox", OFFLINE, ServeOptions, sandbox)
_add("accounts", LOOK, AccountsOptions, accounts)
_add("doctor", LOOK, DoctorOptions, doctor)
_add("plan", LOOK, RunOptions, plan)
_add("drift", LOOK, RunOptions, drift)
_add("verify", LOOK, VerifyOptions, verify)
_add("import", LOOK, ImportOptions, import_)
_add("apply", CHANGE, ApplyOptions, apply)
_add("backfill", CHANGE, RunOptions, backfill)
_add("watch", CHANGE, RepeatOptions, watch)
_add("rollback", CHANGE, RollbackOptions, rollback)
_add("runs", REMEMBERED, RunListOptions, runs)
_add("report", REMEMBERED, ReportOptions, report)
_add("freeze", REMEMBERED, StateOptions, freeze)
_add("unfreeze", REMEMBERED, StateOptions, unfreeze)
_add("unlock", REMEMBERED, StateOptions, unlock)


def run(args: Sequence[str], backend: Library | None = None) -> int:
    """Run a command line; returns the exit code of the process."""
    command_context = CommandContext(backend=backend or Library(), streams=Streams.of_process())
    if not args:
        with redirect_stdout(sys.stderr):
            _invoke(["--help"], command_context)
        return ExitCode.USAGE
    return _invoke(args, command_context)


def _wants_json(args: Sequence[str]) -> bool:
    """Whether a command line, which may be wrong, asks for JSON lines on stderr."""
    flags = " ".join(takewhile("--".__ne__, args)).replace("--log-format=", "--log-format ").split()
    chosen = [value for flag, value in pairwise(flags) if flag == "--log-format"]
    return chosen[-1:] == [Format.JSON]


def _invoke(args: Sequence[str], command_context: CommandContext) -> int:
    as_json = _wants_json(args)
    try:
        # typer can report wrong usage as text only; for JSON lines it has to raise it.
        app(list(args), prog_name=NAME, obj=command_context, standalone_mode=not as_json)
    except Ended as ended:
        return ended.code
    except OutputError as error:
        print(f"{NAME}: {error}", file=command_context.streams.stderr)
        return ExitCode.ERROR
    except UsageError as error:
        Log(command_context.streams, CommonOptions(log_format=Format.JSON)).failure(
            error.format_message()
        )
        return ExitCode.USAGE
    except SystemExit as ended:
        return ExitCode.USAGE if ended.code == WRONG_USAGE else int(ended.code or 0)
    return ExitCode.OK
