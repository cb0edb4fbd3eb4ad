"""`fleet-repl init`: a first inventory, from answers. Offline."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.options import CommonOptions
from fleet_repl.reports import ExitCode
from fleet_repl.values.errors import FleetError

if TYPE_CHECKING:
    from fleet_repl.inventory.starter import StarterAnswers

ANSWERS: Final = "Answers (asked for on a terminal)"
_STDOUT: Final = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class InitOptions(CommonOptions):
    """Flags of a command that writes a first inventory."""

    file: Annotated[
        Path,
        typer.Argument(metavar="[FILE]", help="Where to write it; - for stdout.", readable=False),
    ] = Path("fleet.toml")
    organization: Annotated[
        bool,
        typer.Option(
            "--organization", help="Have accounts discovered in AWS Organizations, not listed."
        ),
    ] = False
    name: Annotated[
        str | None,
        typer.Option(help="The fleet's name.", show_default=False, rich_help_panel=ANSWERS),
    ] = None
    role: Annotated[
        str | None,
        typer.Option(help="The role in each account.", show_default=False, rich_help_panel=ANSWERS),
    ] = None
    regions: Annotated[
        list[str],
        typer.Option("--region", help="Repeatable.", show_default=False, rich_help_panel=ANSWERS),
    ] = field(default_factory=list)
    source: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="The account that images are pushed to.",
            show_default=False,
            rich_help_panel=ANSWERS,
        ),
    ] = None
    destinations: Annotated[
        list[str],
        typer.Option(
            "--destination",
            metavar="ID",
            help="An account that pulls them. Repeatable.",
            show_default=False,
            rich_help_panel=ANSWERS,
        ),
    ] = field(default_factory=list)
    prefixes: Annotated[
        list[str],
        typer.Option(
            "--prefix",
            help="The prefix of repositories that replicate. Repeatable.",
            show_default=False,
            rich_help_panel=ANSWERS,
        ),
    ] = field(default_factory=list)


def init(call: Call[InitOptions]) -> ExitCode:
    """Write a first inventory, commented, that is valid as it is.

    Answers that no flag gives are asked for on a terminal; elsewhere examples stand in their
    place. A file that exists is never replaced. It starts with rules = "additive": nothing that
    others made is taken away.

    Example: fleet-repl init fleet.toml --source 111122223333 --destination 444455556666
    """
    from fleet_repl.inventory.starter import starter_text  # noqa: PLC0415 - help needs no text

    options, streams = call.options, call.streams
    if options.file != _STDOUT and os.path.lexists(options.file):
        raise _taken(options.file)
    answers = _given(options)
    if streams.keyboard is not None:
        with streams.terminal(streams.keyboard) as terminal:
            answers = _asked(answers, options, streams.keyboard, terminal)
    text = starter_text(answers)
    if options.file == _STDOUT:
        streams.emit(text)
        return ExitCode.OK
    _write(options.file, text)
    streams.emit(
        f"{options.file} is written. Next:\n"
        f"  fleet-repl validate {options.file}\n"
        f"  fleet-repl bootstrap {options.file}\n"
        f"  fleet-repl plan {options.file}\n"
    )
    return ExitCode.OK


def _taken(file: Path) -> FleetError:
    return FleetError(f"{file} is there already\n    name another file, or move it away")


def _write(file: Path, text: str) -> None:
    """Write a file that was not there. Raises FleetError, and leaves no file of its own then."""
    made = False
    try:
        with file.open("x", encoding="utf-8") as stream:
            made = True
            stream.write(text)
    except FileExistsError:
        raise _taken(file) from None
    except OSError as error:
        if made:
            # Half an inventory would be worse than none.
            file.unlink(missing_ok=True)
        raise FleetError(f"{file} cannot be written: {error.strerror}") from None


def _given(options: InitOptions) -> StarterAnswers:
    """The answers that flags give, and examples for the others."""
    from fleet_repl.inventory.starter import StarterAnswers  # noqa: PLC0415

    example = StarterAnswers()
    return StarterAnswers(
        name=options.name or example.name,
        role=options.role or example.role,
        regions=options.regions or example.regions,
        source=options.source or example.source,
        destinations=options.destinations or example.destinations,
        prefixes=options.prefixes,
        organization=options.organization,
    )


def _asked(
    answers: StarterAnswers, options: InitOptions, keyboard: TextIO, terminal: TextIO
) -> StarterAnswers:
    """The answers, those that no flag gives from the terminal. An empty line takes the example,
    and so does the end of input."""

    def ask(question: str, example: str) -> str:
        terminal.write(f"{question} [{example}] ")
        terminal.flush()
        return keyboard.readline().strip() or example

    def ask_all(question: str, examples: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(ask(question, ", ".join(examples)).replace(",", " ").split())

    if options.name is None:
        answers = replace(answers, name=ask("Name of the fleet", answers.name))
    if options.role is None:
        answers = replace(answers, role=ask("Role in each account", answers.role))
    if not options.regions:
        answers = replace(answers, regions=ask_all("Regions", tuple(answers.regions)))
    if options.source is None:
        answers = replace(answers, source=ask("Account that images are pushed to", answers.source))
    if not (options.destinations or options.organization):
        question = "Accounts that pull them"
        answers = replace(answers, destinations=ask_all(question, tuple(answers.destinations)))
    if not options.prefixes:
        wanted = ask("Prefixes of repositories", "every repository")
        every = wanted == "every repository"
        answers = replace(
            answers, prefixes=() if every else tuple(wanted.replace(",", " ").split())
        )
    return answers
