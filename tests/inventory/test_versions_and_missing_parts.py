"""What is told of files that lack almost everything, or are of another version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleet_repl.inventory import parse
from fleet_repl.values.errors import InventoryError, Problem


def test_an_empty_file(problems: Callable[[str], list[Problem]]) -> None:
    """An empty file lacks four things, and each problem says what to write."""
    assert [str(problem) for problem in problems("")] == [
        "fleet.toml: accounts: is missing\n    list each account under [[accounts]]",
        'fleet.toml: name: is missing\n    give the fleet a name: name = "prod"',
        (
            "fleet.toml: routes: is missing\n"
            "    write one under [[routes]], or routes = [] if nothing shall replicate"
        ),
        "fleet.toml: version: is missing\n    write version = 1 at the top",
    ]


def test_no_accounts_at_all(problems: Callable[[str], list[Problem]]) -> None:
    """A fleet of nobody is a slip."""
    problems_ = problems('version = 1\nname = "x"\naccounts = []\nroutes = []')
    assert [str(item) for item in problems_] == [
        "fleet.toml:3: accounts: must not be empty (found [])"
    ]


def test_routes_can_be_left_out_where_that_is_said(tmp_path: Path) -> None:
    """For importing; routes that are there are checked as ever."""
    text = (
        'version = 1\nname = "x"\n[[accounts]]\nid = "111111111111"\nrole = "r"\n'
        'regions = ["eu-west-1"]\n'
    )
    path = tmp_path / "fleet.toml"
    path.write_text(text)
    assert parse(path, environ={}, routes_required=False).routes == ()
    path.write_text(f"{text}[[routes]]\nfrom = {{}}\nto = {{}}\n")
    with pytest.raises(InventoryError, match="name: is missing"):
        parse(path, environ={}, routes_required=False)


def test_another_version_is_not_judged(problems: Callable[[str], list[Problem]]) -> None:
    """Nothing known here holds for a file of another version, so only that is told."""
    problems_ = problems("version = 2\nwaves = 3")
    assert [str(item) for item in problems_] == [
        "fleet.toml:1: version: is not known here: this program reads version 1 (found 2)"
    ]


@pytest.mark.parametrize("version", ['"1"', "1.0", "true"])
def test_a_version_that_is_no_number(
    version: str, problems: Callable[[str], list[Problem]]
) -> None:
    """A version of another type is told together with everything else."""
    problems_ = problems(f"version = {version}\nname = 5")
    assert [(warning.key, warning.message) for warning in problems_ if warning.line] == [
        ("version", "must be a whole number"),
        ("name", "must be a string"),
    ]


def test_one_problem_for_all_accounts_without_regions(
    problems: Callable[[str], list[Problem]],
) -> None:
    """What a thousand accounts lack for want of one default is told once."""
    accounts = "".join(f'[[accounts]]\nid = "{number:012d}"\n' for number in range(1000))
    problems_ = problems(f'version = 1\nname = "x"\nroutes = []\n{accounts}')
    assert [str(item).splitlines()[0] for item in problems_] == [
        (
            "fleet.toml:4: accounts[0].regions: is missing, and [aws] has no default; "
            "the same for 999 more"
        ),
        (
            "fleet.toml:4: accounts[0].role: is missing, and [aws] has no default; "
            "the same for 999 more"
        ),
    ]


def test_nobody_is_unlisted_while_names_are_unread(
    problems: Callable[[str], list[Problem]],
) -> None:
    """An account that could not be read may be the one that a route names."""
    problems_ = problems(
        'version = 1\nname = "x"\naws.role = "r"\naws.regions = ["us-east-1"]\n'
        "[[accounts]]\nid = 1\nname = 2\n"
        '[[routes]]\nname = "r"\nfrom.accounts = "build"\nto.accounts = "111111111111"\n'
    )
    assert [item.key for item in problems_] == ["accounts[0].id", "accounts[0].name"]
