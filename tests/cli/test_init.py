"""A first inventory: from flags, from answers at a terminal, or from examples."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.command_line import Cli, Session, Terminal

from fleet_repl import InventoryError, load_inventory
from fleet_repl.values.prefixes import EVERY_REPOSITORY

WRITTEN = """\
fleet.toml is written. Put your own account ids in place of 111111111111 and 222222222222. Next:
  fleet-repl validate fleet.toml   checks it, offline
  fleet-repl bootstrap fleet.toml  prints what makes the role in each account
  fleet-repl doctor fleet.toml     tells which accounts cannot be reached yet
  fleet-repl plan fleet.toml       shows what would change
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    return empty


def test_examples_where_nobody_can_be_asked(cli: Cli) -> None:
    """The file is valid as it is written, and the next steps are said."""
    ended = cli("init")
    assert (ended.code, ended.out, ended.err) == (0, WRITTEN, "")
    inventory = load_inventory("fleet.toml", environ={})
    assert [account.name for account in inventory.accounts] == ["build", "team-1"]
    assert inventory.ownership.rules == "additive"


def test_flags_are_answers(cli: Cli) -> None:
    """Each of them shows in the inventory."""
    flags = [
        *("--name", "shop", "--role", "ops/replication", "--prefix", "base/", "--prefix", "go/"),
        *("--region", "us-east-1", "--region", "eu-west-1", "--source", "333333333333"),
        *("--destination", "444444444444", "--destination", "555555555555"),
    ]
    assert cli("init", "shop.toml", *flags).code == 0
    inventory = load_inventory("shop.toml", environ={})
    assert inventory.name == "shop"
    assert [str(account.role).rpartition("role/")[2] for account in inventory.accounts] == [
        "ops/replication"
    ] * 3
    assert {account.regions for account in inventory.accounts} == {("us-east-1", "eu-west-1")}
    assert [account.id for account in inventory.accounts] == [
        "333333333333",
        "444444444444",
        "555555555555",
    ]
    assert inventory.routes[0].prefixes == ("base/", "go/")


def test_answers_at_a_terminal(cli: Cli, seated: Terminal) -> None:
    """What no flag says is asked for; an empty line takes the example."""
    seated.type("shop\neu-west-1, us-east-1\n333333333333\n444444444444 555555555555\n\n")
    assert cli("init", "--role", "ops").code == 0
    assert "Role in each account" not in seated.screen()
    inventory = load_inventory("fleet.toml", environ={})
    assert inventory.name == "shop"
    assert [account.regions for account in inventory.accounts] == [("eu-west-1", "us-east-1")] * 3
    assert inventory.routes[0].prefixes == EVERY_REPOSITORY


def test_questions_show_their_examples(cli: Cli, seated: Terminal) -> None:
    """Each on its own line, in one order."""
    seated.type("\n" * 6)
    assert cli("init", "-").code == 0
    screen = seated.screen()
    for question in (
        "Name of the fleet [prod] ",
        "Role in each account [fleet-replication] ",
        "Regions [eu-west-1] ",
        "Account that images are pushed to [111111111111] ",
        "Accounts that pull them [222222222222] ",
        "Prefixes of repositories [every repository] ",
    ):
        assert question in screen


WRONG_ANSWERS = """\
Name of the fleet [prod] Role in each account [fleet-replication]   "my role" is not a role; write \
a role's name, path/name, or ARN like "arn:{partition}:iam::{account}:role/name"
Role in each account [fleet-replication] Regions [eu-west-1]   "moon-1" is not a region of the \
partition aws; write it like "us-east-1"
Regions [eu-west-1] Account that images are pushed to [111111111111]   "12" is not an account id: \
12 digits
Account that images are pushed to [111111111111] Accounts that pull them [222222222222]   \
"222222222222" is listed already, in accounts[0].id (line 24)
Accounts that pull them [222222222222] Prefixes of repositories [every repository]   "Base/" is \
not a prefix that ECR takes; only lower-case letters, digits, single / and . _ - within names
Prefixes of repositories [every repository] """


def test_wrong_answers_at_a_terminal_are_asked_for_again(cli: Cli, seated: Terminal) -> None:
    """With what is wrong with them, which is what `validate` would say."""
    answers = ["", "my role", "ops", "moon-1, eu-west-1", "", "12", "222222222222", ""]
    seated.type("\n".join([*answers, "333333333333", "Base/", "base/"]) + "\n")
    ended = cli("init")
    assert ended.code == 0
    assert seated.screen().endswith(WRONG_ANSWERS)
    assert ended.out.startswith("fleet.toml is written. Put your own account ids in place of 2")
    inventory = load_inventory("fleet.toml", environ={})
    assert [account.id for account in inventory.accounts] == ["222222222222", "333333333333"]
    assert inventory.routes[0].prefixes == ("base/",)


@pytest.mark.parametrize("wrong", ["\udcff", "\x7f", "\x1b[31m", '"""', "\u2028", "${UNSET}"])
def test_whatever_a_flag_holds_there_is_a_file_that_names_it(wrong: str, cli: Cli) -> None:
    """Bytes that are no text and characters that TOML does not take are no crash, and never half a
    file: `validate` then says which line is wrong."""
    assert cli("init", "--name", f"a{wrong}b", "--prefix", wrong).code == 0
    text = Path("fleet.toml").read_text(encoding="utf-8")
    assert text.endswith("was in place\n")
    with pytest.raises(InventoryError) as raised:
        load_inventory("fleet.toml", environ={})
    assert {problem.key for problem in raised.value.problems} >= {"name"}


def test_a_name_of_a_file_that_a_terminal_would_obey(cli: Cli) -> None:
    """Its escape codes are shown, not carried out."""
    ended = cli("init", "\x1b[31mred.toml")
    assert ended.code == 0
    assert ended.out.startswith("\\x1b[31mred.toml is written. ")
    assert "\x1b" not in ended.out


def test_bytes_that_are_no_text_at_a_terminal(cli: Cli, seated: Terminal) -> None:
    """They are asked for again like any other wrong answer."""
    seated.type("x\udcffy\nshop\n" + "\n" * 5)
    assert cli("init").code == 0
    assert load_inventory("fleet.toml", environ={}).name == "shop"


def test_wrong_flags_are_no_reason_to_ask_again(cli: Cli, seated: Terminal) -> None:
    """They are for `validate`, as without a terminal."""
    seated.type("\n" * 5)
    assert cli("init", "--region", "moon-1").code == 0
    assert "moon-1" not in seated.screen()


def test_the_end_of_input_takes_the_examples(at_terminal: Callable[..., Session]) -> None:
    """Ctrl-D at the first question; what comes next begins on a line of its own."""
    session = at_terminal(["init"])
    session.expect("Name of the fleet [prod] ")
    session.send("\x04" * 6)
    assert session.end() == 0
    assert "\nfleet.toml is written. " in session.seen
    assert load_inventory("fleet.toml", environ={}).name == "prod"


def test_an_organization_is_discovered(cli: Cli) -> None:
    """Its accounts are not listed, but for the source; the file is valid as well."""
    ended = cli("init", "--organization")
    assert ended.code == 0
    assert "\n  fleet-repl accounts fleet.toml   lists the accounts of the" in ended.out
    inventory = load_inventory("fleet.toml", environ={})
    assert inventory.organization is not None
    assert [account.name for account in inventory.accounts] == ["build"]
    assert "to = {}      # every account; ECR takes 25 at most: narrow it, " in Path(
        "fleet.toml"
    ).read_text(encoding="utf-8")


def test_what_is_there_stays(cli: Cli, folder: Path) -> None:
    """No file is ever replaced."""
    (folder / "fleet.toml").write_text("mine")
    ended = cli("init")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "fleet-repl: fleet.toml is there already\n    name another file, or move it away\n"
    )
    assert (folder / "fleet.toml").read_text() == "mine"


@pytest.mark.parametrize("path", ["missing/fleet.toml", "/proc/fleet.toml"])
def test_a_place_that_takes_no_file(cli: Cli, path: str) -> None:
    """It is said which, and why."""
    ended = cli("init", path)
    assert ended.code == 1
    assert ended.err == f"fleet-repl: {path} cannot be written: No such file or directory\n"


def test_wrong_answers_are_for_validate(cli: Cli) -> None:
    """They are written as they are: validate names each with its line and a remedy."""
    ended = cli("init", "--region", "moon-1", "--source", "12")
    assert ended.code == 0
    first, validate, *_ = ended.out.splitlines()
    assert first == (
        "fleet.toml is written, but not valid yet. Put your own account ids in place of "
        "222222222222. Next:"
    )
    assert validate == "  fleet-repl validate fleet.toml   says what is wrong in it"
    ended = cli("validate", "fleet.toml")
    assert ended.code == 1
    assert "moon-1" in ended.err
    assert '"12"' in ended.err


def test_an_interruption_writes_nothing(at_terminal: Callable[..., Session], folder: Path) -> None:
    """Ctrl-C at a question ends it, without a traceback."""
    session = at_terminal(["init"])
    session.expect("Name of the fleet")
    session.send("\x03")
    assert session.end() in (130, -signal.SIGINT)
    assert "Traceback" not in session.seen
    assert not (folder / "fleet.toml").exists()
