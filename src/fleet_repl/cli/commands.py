"""The commands by name, and how each is loaded: its module is imported when it is called.

So `--help`, which lists them all, imports none of them, and a command only what it needs itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

if TYPE_CHECKING:
    from typer._click.core import Command, Context, Parameter

_IN_S3: Final = "Calls AWS only for a state in S3."

COMMANDS: Final[Mapping[str, Mapping[str, str]]] = {
    "Prepare (calls no AWS)": {
        "init": "Write a first inventory, commented, that is valid as it is.",
        "validate": "Check an inventory and say what it amounts to. Calls nothing.",
        "bootstrap": (
            "Print what makes the role in every account, with exactly the permissions it needs."
        ),
        "explain": (
            "Say where an image goes, where it does not go, and why. Calls nothing without --live."
        ),
        "graph": "Draw the links that an inventory asks for. Calls nothing.",
        "show": "Show a kept plan, or a report in a file. Calls nothing, and needs no inventory.",
        "schema": (
            "Print the JSON Schema of an inventory or of a document, such as a plan or a report."
        ),
        "sandbox": "Serve a simulated AWS with the inventory's accounts, until stopped.",
    },
    "Look (reads the fleet)": {
        "accounts": "List the accounts of a fleet, and where each fact about them comes from.",
        "doctor": "Examine whether every account can be reached, read and written. Writes nothing.",
        "plan": "Show what apply would do. Writes nothing.",
        "drift": "Exit with 2 if the fleet differs from the inventory. Writes nothing.",
        "verify": (
            "Ask ECR whether recent images have arrived where the inventory sends them. "
            "Writes nothing."
        ),
        "coverage": (
            "Say which repositories and images are missing where the inventory sends them, and "
            "which it sends nowhere. Writes nothing."
        ),
        "wait": ("Wait until an image is where it will be pulled, or cannot come. Writes nothing."),
        "import": "Make an inventory of what is in place. Writes nothing to AWS.",
        "export": "Write what is in place as Terraform or CloudFormation. Writes nothing to AWS.",
    },
    "Change (writes to the fleet)": {
        "apply": "Make the fleet as the inventory says, and report every registry.",
        "backfill": "Copy images that were pushed before their rule was in place.",
        "repair": "Have ECR copy what a document of verify or coverage says is missing.",
        "watch": "Look for drift again and again; with --fix, correct it.",
        "rollback": "Put back what a run has changed, as it was before that run.",
    },
    "Remember (the state location)": {
        "runs": f"List the runs that are remembered, newest first. {_IN_S3}",
        "report": f"Show the report of a run again, in any format. {_IN_S3}",
        "freeze": f"Let nobody write to a fleet until unfreeze. {_IN_S3}",
        "unfreeze": f"Let runs write to a frozen fleet again. {_IN_S3}",
        "unlock": f"Give a fleet's lock back in place of a run that is dead. {_IN_S3}",
    },
}
"""By panel of `--help` and by name, the first paragraph of the help of each command. The other
paragraphs are the docstring of the function of that name, in the module of that name."""


def _flags_without_type(params: list[Parameter]) -> list[Parameter]:
    """Returns the parameters, of which those that take no value have no `<bool>` in help: it looks
    as if a value had to be given."""
    for param in params:
        if isinstance(param, TyperOption) and param.is_flag:
            param.metavar = ""
    return params


UsageError: Final = cast(type[typer.BadParameter], typer.BadParameter.__mro__[1])
"""The exception that typer raises for any wrong use; typer has no public name for it."""


class PlainGroup(TyperGroup):
    """The program, whose help shows a type only where a value has to be given."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Returns the flags of the program, with that of help."""
        return _flags_without_type(super().get_params(ctx))


class PlainCommand(TyperCommand):
    """A command whose help shows a type only where a value has to be given, and no braces around
    what has to be."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Returns the parameters of the command, with the flag of help."""
        return _flags_without_type(super().get_params(ctx))

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parses a command line. To the error about an option without its value its help is
        added, which says what values there are."""
        try:
            return super().parse_args(ctx, args)
        except UsageError as error:
            name = getattr(error, "option_name", None)
            for param in self.params:
                if name in param.opts and error.message.endswith("requires an argument."):
                    help_of_option = ": ".join(param.get_help_record(ctx) or ())
                    error.message = f"{error.message} {help_of_option}"
            raise

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """Returns the parts of the line of usage: `INVENTORY`, and `[INVENTORY]` where it may be
        left out."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


class LazyCommand(TyperCommand):
    """A command as `--help` lists it. Its module is imported when the command is called."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: Context | None = None,
        **extra: object,
    ) -> Context:
        """Returns the context in which typer runs the command: that of the loaded one."""
        return self.loaded.make_context(info_name, args, parent=parent, **extra)

    @cached_property
    def loaded(self) -> Command:
        """The command with its options and its whole help."""
        from fleet_repl.cli.command import command  # noqa: PLC0415 - it loads the library

        name = self.name or ""
        # A command may be called like a keyword of Python; its module and function get a `_` then.
        name_in_python = f"{name}_" if iskeyword(name) else name
        body = getattr(import_module(f"fleet_repl.cli.{name_in_python}"), name_in_python)
        app = typer.Typer(add_completion=False)
        app.command(name, cls=PlainCommand)(command(body, summary=self.help or ""))
        return typer.main.get_command(app)


def flowing(documented: object) -> str:
    """Returns the docstring of `documented` as help text: each paragraph on one line."""
    paragraphs = (inspect.getdoc(documented) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
