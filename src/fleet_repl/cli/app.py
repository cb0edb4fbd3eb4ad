"""The command line itself: every command with its options, and the exit code of the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Annotated, Final

import typer

from fleet_repl._version import __version__
from fleet_repl.cli.commands import COMMANDS, LazyCommand, PlainGroup, UsageError, flowing
from fleet_repl.cli.process import CommandContext, Ended
from fleet_repl.cli.streams import OutputError, Streams
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.cli.library import Library

NAME: Final = "fleet-repl"
_COMPLETION: Final = "_FLEET_REPL_COMPLETE"
"""Set by a shell that completes a command line, which it gives in other variables."""
WRONG_USAGE: Final = 2
"""The code that typer exits with on wrong usage; here that code means that changes are pending."""
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
    cls=PlainGroup,
    epilog=CODES,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback(help=flowing(fleet_repl))(fleet_repl)


def _no_body() -> None:
    """Stands for the function of a command, which is loaded when the command is called."""


for panel, commands in COMMANDS.items():
    for name, summary in commands.items():
        app.command(name, cls=LazyCommand, rich_help_panel=panel, help=summary)(_no_body)


def run(args: Sequence[str], backend: Library | None = None) -> int:
    """Run a command line; returns the exit code of the process."""
    command_context = CommandContext(backend=backend, streams=Streams.of_process())
    if not args and _COMPLETION not in os.environ:
        with redirect_stdout(sys.stderr):
            _invoke(["--help"], command_context)
        return ExitCode.USAGE
    return _invoke(args, command_context)


def _wants_json(args: Sequence[str]) -> bool:
    """Returns whether a command line, which may be wrong, asks for JSON lines on stderr."""
    flags = " ".join(takewhile("--".__ne__, args)).replace("--log-format=", "--log-format ").split()
    chosen = [value for flag, value in pairwise(flags) if flag == "--log-format"]
    return chosen[-1:] == ["json"]


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
        from fleet_repl.cli.log import failure_in_json  # noqa: PLC0415 - help needs no log

        failure_in_json(command_context.streams, error.format_message())
        return ExitCode.USAGE
    except SystemExit as ended:
        return ExitCode.USAGE if ended.code == WRONG_USAGE else int(ended.code or 0)
    return ExitCode.OK
