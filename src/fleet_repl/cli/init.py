"""`fleet-repl init`: a first inventory, from answers. Offline."""

from __future__ import annotations

import io
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TextIO

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.options import CommonOptions
from fleet_repl.values.errors import FleetError, InventoryError, Problem
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.text import quoted, visible

if TYPE_CHECKING:
    from fleet_repl.inventory.starter import StarterAnswers

ANSWERS: Final = "Answers (asked for on a terminal)"
_STDOUT: Final = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class InitOptions(CommonOptions):
    """Flags of a command that writes a first inventory."""

    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Where to write it; - for stdout.", readable=False),
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
    """Answers that no flag gives are asked for on a terminal; elsewhere examples stand in their
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
            answers = _Dialogue(call, streams.keyboard, terminal).answers(answers)
    text = starter_text(answers)
    if options.file == _STDOUT:
        streams.emit(text)
        return ExitCode.OK
    _write(options.file, text)
    valid = not _problems(call, text)
    streams.emit(streams.words(_next_steps(options, answers, valid=valid), streams.stdout))
    return ExitCode.OK


def _problems(call: Call[InitOptions], text: str) -> Sequence[Problem]:
    """Returns what is wrong with the text of an inventory."""
    try:
        call.backend.load_inventory(call.options.file, stdin=io.BytesIO(text.encode()))
    except InventoryError as error:
        return error.problems
    return ()


def _next_steps(options: InitOptions, answers: StarterAnswers, *, valid: bool) -> str:
    from fleet_repl.inventory.starter import EXAMPLES  # noqa: PLC0415

    path = visible(str(options.file))
    file = shlex.quote(path)
    steps = {
        "validate": "checks it, offline" if valid else "says what is wrong in it",
        **({"accounts": "lists the accounts of the organization"} if options.organization else {}),
        "bootstrap": "prints what makes the role in each account",
        "doctor": "tells which accounts cannot be reached yet",
        "plan": "shows what would change",
    }
    commands = {f"fleet-repl {command} {file}": what for command, what in steps.items()}
    width = max(map(len, commands))
    lines = "".join(f"  {command:{width}}  {what}\n" for command, what in commands.items())
    examples = [
        *((answers.source,) if options.source is None else ()),
        *(() if options.destinations or options.organization else answers.destinations),
    ]
    examples = [account for account in examples if account in EXAMPLES]
    mend = f"Put your own account ids in place of {' and '.join(examples)}. " if examples else ""
    written = "is written" if valid else "is written, but not valid yet"
    return f"{path} {written}. {mend}Next:\n{lines}"


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


class _Question(NamedTuple):
    """A question about one of the answers, which is called as its flag's value is."""

    answer: str
    text: str
    key: str
    """A pattern of the keys of those inventory problems that are about this answer."""


_QUESTIONS: Final = (
    _Question("name", "Name of the fleet", r"name"),
    _Question("role", "Role in each account", r"aws\.role"),
    _Question("regions", "Regions", r"aws\.regions.*"),
    _Question("source", "Account that images are pushed to", r"accounts\[0\]\.id"),
    _Question("destinations", "Accounts that pull them", r"accounts\[[1-9]\d*\]\.id"),
    _Question("prefixes", "Prefixes of repositories", r"routes\[0\]\.prefixes.*"),
)
_EVERY: Final = "every repository"


class _Dialogue:
    """Asks at a terminal for what no flag says. An answer that an inventory may not hold is asked
    for again; an empty line takes the example, and so does the end of input."""

    def __init__(self, call: Call[InitOptions], keyboard: TextIO, terminal: TextIO) -> None:
        self._call = call
        self._options = call.options
        self._keyboard = keyboard
        self._terminal = terminal

    def answers(self, answers: StarterAnswers) -> StarterAnswers:
        """The answers, asked for one after the other."""
        questions = [
            question
            for question in _QUESTIONS
            if not getattr(self._options, question.answer)
            and not (question.answer == "destinations" and self._options.organization)
        ]
        if questions:
            self._say(
                "Enter takes what is in brackets; several answers are separated by blanks. Ctrl-C "
                "writes nothing."
            )
        for question in questions:
            answers = self._ask(question, answers)
        return answers

    def _ask(self, question: _Question, answers: StarterAnswers) -> StarterAnswers:
        example = getattr(answers, question.answer)
        several = not isinstance(example, str)
        shown = ", ".join(example) or _EVERY if several else example
        while True:
            self._terminal.write(f"{question.text} [{shown}] ")
            self._terminal.flush()
            line = self._keyboard.readline()
            if not line:
                self._terminal.write("\n")
                return answers
            text = line.strip()
            answer = tuple(text.replace(",", " ").split()) if several else text
            # Who types the words in the brackets means them.
            if text in ("", shown):
                answer = example
            given = replace(answers, **{question.answer: answer})  # type: ignore[arg-type]
            problems = self._problems(given, question.key)
            for problem in problems:
                remedy = f"; {problem.remedy}" if problem.remedy else ""
                self._say(f"  {problem.value or quoted(text)} {problem.message}{remedy}")
            if not problems:
                return given

    def _say(self, line: str) -> None:
        self._terminal.write(self._call.streams.words(line, self._terminal))

    def _problems(self, answers: StarterAnswers, key: str) -> list[Problem]:
        """Returns the problems that an inventory of these answers has with the answers that `key`
        is about."""
        from fleet_repl.inventory.starter import starter_text  # noqa: PLC0415

        problems = _problems(self._call, starter_text(answers))
        return [problem for problem in problems if re.fullmatch(key, problem.key)]
