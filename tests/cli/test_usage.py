"""Help, the version, and wrong use of the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from tests.support.command_line import Cli, FakeFleet

from fleet_repl._version import __version__

COMMANDS = (
    "init",
    "validate",
    "bootstrap",
    "graph",
    "schema",
    "sandbox",
    "doctor",
    "plan",
    "drift",
    "verify",
    "coverage",
    "import",
    "apply",
    "backfill",
    "watch",
    "rollback",
    "runs",
    "report",
    "freeze",
    "unfreeze",
)
CODES = (
    "Exit codes: 0 done · 1 error, nothing attempted · 2 changes pending "
    "(drift, plan --exit-code) · 3 refused, nothing written · 4 partial · 64 wrong usage · "
    "130 interrupted"
)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Help is wrapped to the terminal; tests want whole lines."""
    monkeypatch.setenv("COLUMNS", "200")


def test_help_names_every_command(cli: Cli) -> None:
    """And what the exit codes mean."""
    ended = cli("--help")
    assert (ended.code, ended.err) == (0, "")
    for command in COMMANDS:
        assert f"│ {command} " in ended.out
    for panel in ("Prepare", "Look", "Change", "Remember"):
        assert f"╭─ {panel} (" in ended.out
    assert CODES in ended.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(cli: Cli, command: str) -> None:
    """What it does, and an example that can be pasted."""
    ended = cli(command, "-h")
    assert (ended.code, ended.err) == (0, "")
    assert f"Example: fleet-repl {command}" in ended.out


@pytest.mark.parametrize("command", [[], ["apply"], ["watch"], ["init"]], ids=" ".join)
def test_a_flag_that_takes_no_value_is_shown_without_one(cli: Cli, command: list[str]) -> None:
    """`--yes <bool>` reads as if `--yes true` had to be written."""
    ended = cli(*command, "--help")
    assert ended.code == 0
    assert "<bool>" not in ended.out
    assert re.search(r"│ --help +-h +Show this message and exit\.", ended.out)


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("wait", "[OPTIONS] INVENTORY IMAGE"),
        ("rollback", "[OPTIONS] RUN [INVENTORY]"),
        ("init", "[OPTIONS] [FILE]"),
        ("show", "[OPTIONS] FILE"),
        ("schema", "[OPTIONS] [DOCUMENT]"),
    ],
)
def test_what_may_be_left_out_stands_in_brackets(cli: Cli, command: str, usage: str) -> None:
    """And the rest in nothing, as on the page of commands."""
    for args in (["--help"], ["--no-such-flag"]):
        ended = cli(command, *args)
        assert re.search(rf" {command} {re.escape(usage)} *\n", ended.out + ended.err)


def test_no_command_at_all(cli: Cli) -> None:
    """Help, but as an error: on stderr, so that nothing takes it for a result."""
    ended = cli()
    assert (ended.code, ended.out) == (64, "")
    assert CODES in ended.err


def test_the_version(cli: Cli) -> None:
    """One line on stdout."""
    ended = cli("--version")
    assert (ended.code, ended.out, ended.err) == (0, f"fleet-repl {__version__}\n", "")


WRONG = pytest.mark.parametrize(
    ("args", "message"),
    [
        (["plan"], "Missing argument 'INVENTORY'"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["plan", "demo.toml", "--frobnicate"], "No such option: --frobnicate"),
        (["plan", "demo.toml", "extra"], "extra"),
        (["plan", "demo.toml", "--label", "env"], "'env' is not KEY=VALUE"),
        (["plan", "demo.toml", "--label", "=prod"], "'=prod' is not KEY=VALUE"),
        (["plan", "demo.toml", "--format", "yaml"], "yaml"),
        (["plan", "demo.toml", "--report", "out.doc"], "write one of .txt, .json, "),
        (["plan", "demo.toml", "--rows", "links"], "--rows links is about CSV"),
        (["plan", "demo.toml", "--format", "csv", "--report", "json:-"], "stdout takes one result"),
        (["plan", "demo.toml", "--report", "csv:-", "--report", "json:-"], "stdout takes one"),
        (["accounts", "demo.toml", "--report", "out.xml"], "there is no JUnit XML of accounts"),
        (["validate", "demo.toml", "--format", "csv"], "there is no CSV of validate documents"),
        (["doctor", "demo.toml", "--format", "csv", "--rows", "links"], "doctor documents have no"),
        (["show", "prod.plan", "--rows", "links"], "--rows links is about CSV"),
        (["plan", "demo.toml", "--scenario", "faults.toml"], "--scenario needs --sandbox"),
        (["apply", "demo.toml", "--allow", "anything"], "anything"),
        (["graph", "demo.toml", "--format", "text"], "'text' is not one of"),
        (["bootstrap", "demo.toml", "--format", "json"], "'json' is not one of"),
        (["bootstrap", "demo.toml", "--with", "grants"], "'grants' is not one of"),
        (["graph", "demo.toml", "--label", "env"], "'env' is not KEY=VALUE"),
        (["sandbox", "demo.toml", "--port", "70000"], "'--port'"),
        (["runs", "--limit", "0"], "'--limit'"),
        (["runs", "--state", " "], "--state must not be empty"),
        (["report"], "Missing argument 'RUN'"),
        (["rollback"], "Missing argument 'RUN'"),
        (["freeze", "demo.toml"], "Missing option '--why'"),
        (["schema", "nothing"], "nothing"),
    ],
)


@WRONG
def test_wrong_usage_is_64(cli: Cli, fleet: FakeFleet, args: list[str], message: str) -> None:
    """Not 2, which means that changes are pending; and nothing is started."""
    ended = cli(*args)
    assert (ended.code, ended.out) == (64, "")
    assert message in ended.err
    assert fleet.asked == []


@WRONG
@pytest.mark.parametrize("flag", [["--log-format", "json"], ["--log-format=json"]], ids=" ".join)
def test_a_log_of_json_tells_of_wrong_usage_too(
    cli: Cli, fleet: FakeFleet, args: list[str], message: str, flag: list[str]
) -> None:
    """One object in one line, as of every other error, for whoever collects stderr."""
    ended = cli(args[0], *flag, *args[1:])
    assert (ended.code, ended.out) == (64, "")
    (line,) = ended.err.splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["event"]) == ("error", "error")
    assert message in entry["message"]
    assert fleet.asked == []


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["plan", "--log-format", "json", "--help"],
        ["--version"],
    ],
    ids=" ".join,
)
def test_help_is_no_error_in_any_format(cli: Cli, args: list[str]) -> None:
    """It is the result, on stdout."""
    ended = cli(*args)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out


def test_what_comes_last_counts(cli: Cli) -> None:
    """As for every flag, and what follows `--` is no flag."""
    for args in (
        ["plan", "--log-format", "json", "--log-format", "text"],
        ["plan", "a", "b", "--", "--log-format", "json"],
    ):
        assert cli(*args).err.startswith("Usage: fleet-repl plan")


def test_help_names_the_formats_that_a_command_has(cli: Cli) -> None:
    """No format that the command would refuse."""
    plan, accounts = (" ".join(cli(name, "--help").out.split()) for name in ("plan", "accounts"))
    assert "The result on stdout: text, json, md, html, csv, xml, sarif." in plan.replace(
        "│ │ ", ""
    )
    assert "The result on stdout: text, json, md, html, csv, sarif." in accounts.replace("│ │ ", "")


def test_a_selection_of_nothing_is_wrong_usage(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """The inventory is right, the flag is not; and nothing is called."""
    ended = cli("plan", inventory, "--account", "nobody")
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == 'fleet-repl: no account is called "nobody"\n'
    assert fleet.asked == []


def test_as_a_module() -> None:
    """`python -m fleet_repl` is the same program."""
    ended = subprocess.run(
        [sys.executable, "-m", "fleet_repl", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == f"fleet-repl {__version__}\n"


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["apply", "--help"],
        ["schema"],
        ["schema", "plan"],
        ["validate", "demo.toml"],
        ["graph", "demo.toml"],
        ["bootstrap", "demo.toml"],
        ["watch", "--help"],
        ["runs"],
        ["runs", "demo.toml", "--format", "json"],
        ["freeze", "demo.toml", "--why", "a test"],
        ["unfreeze", "demo.toml"],
    ],
)
def test_offline_commands_load_no_aws_code(inventory: str, args: list[str]) -> None:
    """Help comes at once, and validating works where the SDK could not."""
    program = (
        "import sys; from fleet_repl.cli.app import run; "
        f"code = run({args!r}); "
        "slow = {'aiobotocore', 'botocore', 'aiohttp'} & sys.modules.keys(); "
        "sys.exit(f'{code} {slow}' if code or slow else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("coverage", "f.toml", "--in-use"), "SERVICE,…: Ask ecs, lambda or eks, one or several"),
        (("export", "f.toml", "--format"), "terraform|cloudformation"),
        (("plan", "f.toml", "--log-format"), "text|json"),
    ],
)
def test_an_option_without_its_value_says_which_there_are(
    cli: Cli, args: tuple[str, ...], words: str
) -> None:
    """As its help does."""
    ended = cli(*args)
    assert ended.code == 64
    message = " ".join(ended.err.replace("│", " ").split())
    assert f"Option '{args[-1]}' requires an argument. {args[-1]} " in message
    assert words in message
