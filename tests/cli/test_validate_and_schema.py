"""What an inventory amounts to, what is wrong with it, and the schemas. All offline."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.support.command_line import Cli, FakeBackend

from fleet_repl.cli.schema import Document
from fleet_repl.planning.fleet_summary import FleetSummary
from fleet_repl.planning.plan import Warning
from fleet_repl.reports.documents.schemas import SCHEMAS, schema
from fleet_repl.reports.text.validation import summary_text
from fleet_repl.reports.to_json import to_json
from fleet_repl.topology import RouteSummary
from fleet_repl.values.errors import InventoryError, Problem

SUMMARY = FleetSummary(
    name="prod",
    accounts=1_200,
    registries=2_400,
    externals=1,
    links=3_000,
    rules=40,
    routes=(
        RouteSummary(
            name="golden",
            sources=1,
            destinations=2_400,
            links=2_400,
            near_misses=("40 accounts match but list no eu-west-1",),
        ),
        RouteSummary(name="東京", sources=3, destinations=3, links=3, near_misses=()),
    ),
    warnings=(Warning(kind="not-transitive", message="spoke only receives base/"),),
)


def summary_document(summary: FleetSummary) -> Any:
    """The document of a valid inventory."""
    return json.loads(to_json(summary))


def test_a_valid_inventory(cli: Cli, inventory: str) -> None:
    """Totals, and a line for each route."""
    ended = cli("validate", inventory)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "Fleet demo is valid\n"
        "\n"
        "  accounts    2\n"
        "  registries  2\n"
        "  external    0\n"
        "  links       1\n"
        "  rules       1\n"
        "\n"
        "Routes  sources  destinations  links\n"
        "golden        1             1      1\n"
    )


def test_acknowledged_warnings_are_counted() -> None:
    """In one line, and as a member that is missing where there are none."""
    known = replace(SUMMARY, warnings=(), acknowledged=3)
    assert summary_text(known).endswith("\n3 warnings acknowledged\n")
    assert summary_document(known)["acknowledged"] == 3
    assert "acknowledged" not in summary_document(SUMMARY)


def test_routes_whose_prefixes_are_known_only_at_each_run() -> None:
    """A line says so, and a member that others lack."""
    golden, other = SUMMARY.routes
    live = replace(SUMMARY, routes=(replace(golden, by_name=True, near_misses=()), other))
    assert (
        "2,400  2,400\n"
        "  its prefixes follow from the repositories that each source has at each run\n"
    ) in summary_text(live)
    document = summary_document(live)
    Draft202012Validator(schema("validate")).validate(document)
    assert [route.get("live") for route in document["routes"]] == [True, None]


def test_near_misses_and_warnings_are_reported() -> None:
    """Columns line up whatever the script of a name, and numbers can be read."""
    assert summary_text(SUMMARY) == (
        "Fleet prod is valid\n"
        "\n"
        "  accounts    1,200\n"
        "  registries  2,400\n"
        "  external        1\n"
        "  links       3,000\n"
        "  rules          40\n"
        "\n"
        "Routes  sources  destinations  links\n"
        "golden        1         2,400  2,400\n"
        "  near miss: 40 accounts match but list no eu-west-1\n"
        "東京          3             3      3\n"
        "\n"
        "Warnings\n"
        "  not-transitive: spoke only receives base/\n"
    )


def test_a_long_warning_fits_the_terminal() -> None:
    """It breaks between words, as a plan's does."""
    text = summary_text(SUMMARY, width=36)
    assert "\n  not-transitive: spoke only\n      receives base/\n" in text


def test_nothing_shall_replicate() -> None:
    """An inventory with `routes = []` is told as what it is."""
    text = summary_text(replace(SUMMARY, routes=(), warnings=()))
    assert text.endswith("  rules          40\n\nNo routes: nothing shall replicate.\n")


def _checked(text: str) -> Any:
    """A document of `validate`, which fits its schema."""
    document = json.loads(text)
    Draft202012Validator(schema("validate")).validate(document)
    return document


def test_as_a_document(cli: Cli, inventory: str) -> None:
    """The same for machines."""
    ended = cli("validate", inventory, "--format", "json")
    assert ended.code == 0
    assert _checked(ended.out) == {
        "schema": "fleet-repl/validate/1",
        "valid": True,
        "fleet": "demo",
        "accounts": 2,
        "registries": 2,
        "external": 0,
        "links": 1,
        "rules": 1,
        "routes": [
            {"name": "golden", "sources": 1, "destinations": 1, "links": 1, "near_misses": []}
        ],
        "warnings": [],
        "problems": [],
    }
    assert summary_document(SUMMARY)["warnings"] == [
        {"kind": "not-transitive", "message": "spoke only receives base/"}
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"valid": False},
        {"valid": True, "fleet": None},
        {"problems": [{"message": "is missing"}]},
        {"more": 1},
    ],
    ids=str,
)
def test_its_schema_tells_the_two_kinds_apart(wrong: dict[str, Any]) -> None:
    """An inventory is valid and amounts to something, or has problems and does not."""
    document = summary_document(SUMMARY)
    checker = Draft202012Validator(schema("validate"))
    assert checker.is_valid(document)
    assert not checker.is_valid({**document, **wrong})


PROBLEMS = InventoryError(
    [
        Problem(
            file="demo.toml",
            line=9,
            key="accounts[0].id",
            message="an account id has 12 digits",
            value='"1\x1b[2J"',
            remedy="write it as a string",
        ),
        Problem(file="demo.toml", line=None, key="name", message="is missing"),
    ]
)


def test_every_problem_is_reported(
    cli: Cli, backend: FakeBackend, inventory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Place, key, what is wrong, the value made harmless, and what would be right."""

    def broken(path: Path, **how: object) -> None:
        raise PROBLEMS

    monkeypatch.setattr(backend, "load_inventory", broken)
    for command in ("validate", "plan", "apply", "drift", "import", "graph", "sandbox"):
        ended = cli(command, inventory)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err == (
            'demo.toml:9: accounts[0].id: an account id has 12 digits (found "1\\x1b[2J")\n'
            "    write it as a string\n"
            "demo.toml: name: is missing\n"
            "fleet-repl: 2 problems; nothing was called\n"
        )


def test_problems_as_a_document(
    cli: Cli, backend: FakeBackend, inventory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On stdout, because they are the result that was asked for."""

    def broken(path: Path, **how: object) -> None:
        raise PROBLEMS

    monkeypatch.setattr(backend, "load_inventory", broken)
    ended = cli("validate", inventory, "--format", "json")
    assert (ended.code, ended.err) == (1, "")
    assert _checked(ended.out) == {
        "schema": "fleet-repl/validate/1",
        "valid": False,
        "problems": [
            {
                "file": "demo.toml",
                "line": 9,
                "key": "accounts[0].id",
                "message": "an account id has 12 digits",
                "value": '"1\x1b[2J"',
                "remedy": "write it as a string",
            },
            {
                "file": "demo.toml",
                "line": None,
                "key": "name",
                "message": "is missing",
                "value": None,
                "remedy": None,
            },
        ],
    }


def test_a_missing_file_is_a_problem(cli: Cli) -> None:
    """Not a traceback, and not wrong usage either."""
    ended = cli("plan", "/nowhere/fleet.toml")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("/nowhere/fleet.toml: ")
    assert ended.err.endswith("fleet-repl: 1 problem; nothing was called\n")


@pytest.mark.parametrize("name", ["plan", "report", "graph"])
def test_a_documents_schema(cli: Cli, name: str) -> None:
    """The schema as it is published."""
    ended = cli("schema", name)
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == schema(name)


def test_the_inventorys_schema_is_the_default(cli: Cli) -> None:
    """It is the one that editors want."""
    ended = cli("schema")
    assert ended.code == 0
    assert ended.out == cli("schema", "inventory").out
    Draft202012Validator.check_schema(json.loads(ended.out))


def test_every_published_schema_can_be_printed(cli: Cli) -> None:
    """And the inventory's, which comes first."""
    assert {item.value for item in Document} == {"inventory", *SCHEMAS}
    for name in SCHEMAS:
        assert json.loads(cli("schema", name).out) == schema(name)
