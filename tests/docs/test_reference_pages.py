"""Tables of keys, fields and kinds are whole: nothing is missing and nothing made up."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import BaseModel
from tests.support.pages import Page

import fleet_repl.ecr.policy.lint
import fleet_repl.fleet.attribution
import fleet_repl.fleet.recover
import fleet_repl.fleet.run_reports
import fleet_repl.planning.acknowledgements
import fleet_repl.planning.discovery
import fleet_repl.planning.elsewhere.plan_warnings
import fleet_repl.planning.fleet_summary
import fleet_repl.planning.objections
import fleet_repl.planning.plan_warnings
import fleet_repl.planning.repository_routes
import fleet_repl.planning.thresholds
import fleet_repl.planning.wave_warnings
import fleet_repl.runs.backfills
import fleet_repl.runs.rollback.planner
import fleet_repl.runs.rollback.refusals
from fleet_repl import FaultKind, Outcome
from fleet_repl.inventory import json_schema
from fleet_repl.planning.plan import UNKNOWN_REGIONS
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.runs.rollback.targets import FOREIGN_RULES
from fleet_repl.sandbox import (
    AccountScenario,
    FaultRule,
    FunctionScenario,
    Mishap,
    OrganizationScenario,
    RegionScenario,
    RegistryScenario,
    Scenario,
    ServiceScenario,
)
from fleet_repl.sandbox.shapes import OPERATIONS
from fleet_repl.state import parse_record, record_document
from fleet_repl.topology.chains import NOT_TRANSITIVE
from fleet_repl.topology.summaries import RETIRED_ROUTE
from fleet_repl.topology.waves import IDLE_WAVE

TABLES = {
    "## The file": "fleet-repl inventory, version 1",
    "## [aws]": "AWS",
    "## [[accounts]]": "account",
    "## [[external]]": "external account",
    "## [organization]": "organization",
    "## [[routes]]": "route",
    "## [[templates]]": "creation template",
    "## Selectors": "selector",
    "## [ownership]": "ownership",
    "## [[waves]]": "wave",
    "## [safety]": "safety",
    "## [apply]": "apply",
    "## [state]": "state",
    "## [warnings]": "warnings",
    "## [limits]": "limits",
}


def first_column(rows: Any) -> set[str]:
    """What is written as code in the first cells."""
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row[0])}


@pytest.fixture(scope="module")
def inventory_tables() -> dict[str, dict[str, Any]]:
    """The tables of an inventory by title, from the schema that editors get."""
    document: Any = json_schema()
    return {item["title"]: item for item in (document, *document["$defs"].values())}


@pytest.mark.parametrize(("heading", "title"), TABLES.items())
def test_the_inventory_page_has_every_key(
    heading: str, title: str, pages: dict[str, Page], inventory_tables: dict[str, dict[str, Any]]
) -> None:
    """The keys of each table, and which of them must be there."""
    rows = pages["docs/inventory.md"].table(heading)
    table = inventory_tables[title]
    assert first_column(rows) == set(table["properties"])
    required = {row[0].strip("`") for row in rows if "required" in row[1]}
    assert required == set(table.get("required", []))


def test_every_table_of_an_inventory_has_a_section(
    inventory_tables: dict[str, dict[str, Any]],
) -> None:
    """`not` takes the conditions of a selector, so it has none of its own."""
    assert set(inventory_tables) == {*TABLES.values(), "conditions"}


def test_defaults_on_the_inventory_page_are_the_schemas(
    pages: dict[str, Page], inventory_tables: dict[str, dict[str, Any]]
) -> None:
    """Where the schema tells a default that can be written down, the page tells the same."""
    compared = 0
    for heading, title in TABLES.items():
        for key, _, default, *_ in pages["docs/inventory.md"].table(heading):
            properties = inventory_tables[title]["properties"]
            named = properties[key.strip("`")].get("description", "")
            value = re.search(r"Default: ([\w,]+)\.$|(\w+) \(default\)", named)
            if value and default.startswith("`"):
                compared += 1
                assert default.strip('`"') == (value[1] or value[2]).replace(",", "")
    assert compared >= 11


@pytest.mark.parametrize(
    ("nth", "model"),
    [
        (0, Scenario),
        (1, FaultRule),
        (3, AccountScenario),
        (4, OrganizationScenario),
        (5, RegionScenario),
        (6, RegistryScenario),
        (7, ServiceScenario),
        (8, FunctionScenario),
    ],
)
def test_the_sandbox_page_has_every_key_of_a_scenario(
    nth: int, model: type[BaseModel], pages: dict[str, Page]
) -> None:
    """Of the file, its faults, accounts, regions and registries."""
    rows = pages["docs/sandbox.md"].table("## Scenario files", nth)
    assert first_column(rows) == set(model.model_fields)


def test_the_sandbox_page_has_every_mishap_and_operation(pages: dict[str, Page]) -> None:
    """Kinds of faults in their table, operations where it says what is simulated."""
    page = pages["docs/sandbox.md"]
    assert first_column(page.table("## Scenario files", 2)) == set(Mishap)
    operations = {name for names in OPERATIONS.values() for name in names}
    named = set(re.findall(r"`([A-Z]\w+)`", page.section("## What it simulates")))
    assert named - {"DESTINATION_REGISTRY_ACCESS_DENIED"} == operations


def properties_of(node: Any) -> set[str]:
    """Every property that a JSON Schema names, AWS documents left out."""
    names: set[str] = set()
    if isinstance(node, dict):
        names |= set(node.get("properties", {}))
        for value in node.values():
            names |= properties_of(value)
    elif isinstance(node, list):
        for value in node:
            names |= properties_of(value)
    return names


@pytest.mark.parametrize("document", ["plan", "report"])
def test_the_report_page_has_every_field(document: str, pages: dict[str, Page]) -> None:
    """Every property of the published schemas is named as code."""
    named = set(re.findall(r"`([a-z_]+)`", pages["docs/report.md"].prose))
    assert properties_of(schema(document)) <= named


def test_the_report_page_makes_no_field_up(pages: dict[str, Page]) -> None:
    """First columns hold fields, outcomes or elements of JUnit."""
    page = pages["docs/report.md"]
    fields = properties_of(schema("plan")) | properties_of(schema("report"))
    for heading in ("## The plan", "## The report"):
        for nth in range(3):
            named = first_column(page.table(heading, nth))
            outcomes = set(Outcome)
            assert named <= fields or named == outcomes


def test_every_kind_of_error_has_a_section(pages: dict[str, Page]) -> None:
    """In the table, and with what to do about it."""
    page = pages["docs/troubleshooting.md"]
    assert first_column(page.table("# Troubleshooting")) == set(FaultKind)
    for kind in FaultKind:
        assert page.section(f"## {kind}").strip()


TOLD_BY: dict[Any, set[str]] = {
    fleet_repl.runs.backfills: set(),
    fleet_repl.planning.plan_warnings: {fleet_repl.planning.plan_warnings.UNKNOWN_FIELDS},
    fleet_repl.planning.wave_warnings: set(),
    fleet_repl.planning.repository_routes: set(),
    fleet_repl.ecr.policy.lint: set(),
    fleet_repl.runs.rollback.refusals: set(),
    fleet_repl.runs.rollback.planner: {FOREIGN_RULES},
    fleet_repl.fleet.run_reports: set(),
    fleet_repl.planning.acknowledgements: {NOT_TRANSITIVE, RETIRED_ROUTE, IDLE_WAVE},
    fleet_repl.planning.discovery: {UNKNOWN_REGIONS},
    fleet_repl.planning.fleet_summary: set(),
    fleet_repl.fleet.attribution: set(),
    fleet_repl.planning.elsewhere.plan_warnings: set(),
    fleet_repl.fleet.recover: set(),
}
"""Modules that make warnings, and the kinds of those which they write by a name. What lint finds
becomes warnings in cautions."""
ELSEWHERE = {"reports/graph/builder.py"}
"""Warnings of a graph, which docs/commands.md explains."""


def kinds_in(*modules: Any) -> set[str]:
    """Kinds that the source of modules gives to objections and warnings."""
    source = "".join(Path(module.__file__).read_text() for module in modules)
    return set(re.findall(r'\bkind="([a-z-]+)"', source))


OBJECTIONS: Final = kinds_in(fleet_repl.planning.objections, fleet_repl.planning.thresholds)


def test_every_objection_and_warning_is_explained(pages: dict[str, Page]) -> None:
    """What can refuse a plan, and what stops nothing."""
    page = pages["docs/how-it-works.md"]
    assert first_column(page.table("## Objections")) == OBJECTIONS
    warnings = set()
    for module, named in TOLD_BY.items():
        assert kinds_in(module) | named
        warnings |= kinds_in(module) | named
    assert first_column(page.table("## Warnings")) == warnings


@pytest.mark.parametrize("name", ["plan", "report", "round"])
def test_every_objection_fits_the_schemas(name: str) -> None:
    """A document that names an objection is one of its kind, whatever the objection is."""
    folder = Path(fleet_repl.__file__).parent / "reports" / "schemas"
    schema = json.loads((folder / f"{name}-1.json").read_text())
    objection = schema["$defs"]["objection"]["properties"]["kind"]["enum"]
    assert set(objection) == OBJECTIONS


def test_no_other_module_warns() -> None:
    """Whatever makes warnings is among those whose kinds are looked for."""
    package = Path(fleet_repl.__file__).parent
    making = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\bWarning\(", path.read_text(encoding="utf-8"))
    }
    known = {Path(item.__file__).relative_to(package).as_posix() for item in TOLD_BY}
    assert making == known - {"ecr/policy/lint.py"} | ELSEWHERE


def test_the_record_on_the_ownership_page_is_one(pages: dict[str, Page]) -> None:
    """It can be read, and says what would be written."""
    (block,) = [block for block in pages["docs/ownership.md"].blocks if "applied/1" in block.text]
    shown = block.text.encode()
    remembered = parse_record(shown, "platform", where="the page")
    assert json.loads(record_document("platform", remembered)) == json.loads(shown)
    assert len(remembered.record) == 2
