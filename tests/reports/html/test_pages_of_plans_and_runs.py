"""What the pages of plans and runs show, word by word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy
from tests.support.changes import change_of
from tests.support.plans import plan_of
from tests.support.registries import registry_of

from fleet_repl.ecr.rules import Replication
from fleet_repl.planning.change import Action, LinkEnd, Phase, Resource
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import Plan, PlannedAccount, RegistryPlan, State
from fleet_repl.reports.documents.plan import parse_plan, plan_content
from fleet_repl.reports.documents.report import parse_report, report_content
from fleet_repl.reports.html import page_of
from fleet_repl.reports.html.figures import Matrix
from fleet_repl.reports.html.model import Fact, Page
from fleet_repl.runs.outcomes import Outcome, Report, Status
from fleet_repl.values.names import AccountId

HUB = registry_of("1", "us-east-1")
NEW, STAYS, GONE, DELETES = map(registry_of, "2345")


def rule(registry: Any, prefix: str, **more: Any) -> dict[str, Any]:
    """A replication rule to one destination."""
    return {
        "destinations": [{"region": registry.region, "registryId": registry.account}],
        "repositoryFilters": [{"filter": prefix, "filterType": "PREFIX_MATCH"}],
        **more,
    }


def cells(matrix: Matrix | None) -> dict[tuple[str, str], tuple[str, int]]:
    """The word and the number of each cell that is not empty, by row and column."""
    assert matrix is not None
    return {
        (row.heading.name, column.name): (cell.mark.word, cell.number)
        for row in matrix.rows
        for column, cell in zip(matrix.columns, row.cells, strict=True)
        if cell is not None
    }


def numbers(page: Page) -> dict[str, int]:
    return {tile.label: tile.number for tile in page.tiles}


def test_a_plan(plan: Plan) -> None:
    """Its sentence, its tiles, and each problem once with its remedy."""
    page = page_of(plan)
    assert (page.kind, page.fleet, page.status.word) == ("Plan", "prod", "refused")
    assert page.sentence == (
        "2 of 4 registries would change: 1 link added and 1 link removed; "
        "1 link held, 1 registry unreadable and 1 objection."
    )
    assert numbers(page) == {
        "drifted": 2,
        "to add": 1,
        "to remove": 1,
        "held": 1,
        "unreadable": 1,
        "as wanted": 1,
    }
    assert [(problem.kind, problem.title, problem.remedy) for problem in page.problems] == [
        ("foreign-rules", "1 link would be removed", ()),
        (
            "access-denied",
            "AssumeRole failed: 1 registry",
            ("check that the role exists and trusts the base identity",),
        ),
        (
            "held",
            "1 link left out: 333333333333/eu-west-1 could not be read (access-denied)",
            (),
        ),
        ("not-transitive", "spoke only receives base/", ()),
    ]
    assert page.problems[1].examples == (
        (
            "dark, 333333333333, eu-west-1: not authorized to assume "
            "arn:aws:iam::333333333333:role/fleet-replication (AccessDenied), request id 7a1c"
        ),
    )
    assert cells(page.matrix) == {
        ("build", "spoke"): ("added", 1),
        ("build", "dark"): ("held", 1),
        ("build", "444444444444"): ("removed", 1),
    }
    assert [(row.name, row.mark.word, row.summary) for row in page.table.rows] == [
        ("dark", "unreadable", "access-denied at AssumeRole"),
        ("build", "to change", "update rules, 1 held link"),
        ("spoke", "to change", "create policy"),
        ("555555555555", "as wanted", ""),
    ]


def test_labels_of_a_run_group_and_filter_it(report: Report) -> None:
    """A report has the labels of the accounts in scope."""
    labels = {"333333333333": {"stage": "dev"}, "111111111111": {"stage": "prod", "team": "x"}}
    page = page_of(replace(report, labels={AccountId(key): labels[key] for key in labels}))
    assert page.matrix is not None
    assert [group for group, _ in page.matrix.groups] == ["eu-west-1, stage=dev"]
    choice = next(choice for choice in page.table.choices if choice.name == "label")
    assert choice.options == ("stage=dev", "stage=prod", "team=x")


def test_what_a_row_opens_to(plan: Plan) -> None:
    """Held links, then each change with its links and the difference of its documents."""
    rows = {row.name: row for row in page_of(plan).table.rows}
    held, rules = rows["build"].blocks
    assert held.items == (
        (
            "→ dark, 333333333333, eu-west-1: base/, golden/; "
            "333333333333/eu-west-1 could not be read (access-denied)"
        ),
    )
    assert rules.title == "Replication configuration: update"
    assert rules.items == (
        "+ to spoke, 222222222222, eu-west-1: base/, golden/; route golden",
        "\N{MINUS SIGN} to 444444444444, eu-west-1: every repository",
    )
    assert [(line.sign, line.text) for line in rules.diff] == [
        (" ", "{"),
        ("-", '  "rules": []'),
        ("+", '  "rules": ['),
        ("+", '    "…"'),
        ("+", "  ]"),
        (" ", "}"),
    ]
    (error,) = rows["dark"].blocks
    assert Fact(term="Request id", value="7a1c") in error.facts
    assert error.items == ("check that the role exists and trusts the base identity",)


def test_the_timeline_of_a_plan(plan: Plan) -> None:
    """Its phases in their order; a fleet without waves has one, for all writes."""
    (wave,) = page_of(plan).timeline
    assert (wave.name, wave.summary) == ("All writes", "2 registries to change")
    assert [(step.name, step.words) for step in wave.steps] == [
        ("grants", "1 to create"),
        ("rules", "1 to update"),
    ]


def test_every_state_of_a_link() -> None:
    """In place, added, removed, and with deletions that travel from now on."""
    change = change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        before={"rules": []},
        after={"rules": []},
        links_added=(LinkEnd(registry=NEW, prefixes=("a/",), routes=("golden",)),),
        links_removed=(LinkEnd(registry=GONE, prefixes=("",)),),
        deletes_started=(LinkEnd(registry=DELETES, prefixes=("a/",), routes=("golden",)),),
    )
    owned = Applied(links={NEW: ("a/", "b/"), STAYS: ("",), DELETES: ("a/",)})
    hub = RegistryPlan(
        registry=HUB, name="hub", state=State.CHANGED, changes=(change,), owned=owned
    )
    matrix = page_of(plan_of(hub)).matrix
    assert cells(matrix) == {
        ("hub", "222222222222"): ("added", 1),
        ("hub", "333333333333"): ("in place", 1),
        ("hub", "444444444444"): ("removed", 1),
        ("hub", "555555555555"): ("delete replication", 1),
    }
    assert matrix is not None
    (row,) = matrix.rows
    assert row.cells[0] is not None
    assert row.cells[0].lines == (
        "hub us-east-1 → 222222222222 eu-west-1: added; a/; route golden",
        "hub us-east-1 → 222222222222 eu-west-1: in place; b/",
    )
    assert [(mark.word, number) for mark, number in matrix.legend] == [
        ("removed", 1),
        ("delete replication", 1),
        ("added", 1),
        ("in place", 3),
    ]


def test_a_run(report: Report) -> None:
    """Its sentence, its tiles, and its table with the failures first."""
    page = page_of(report)
    assert (page.kind, page.status.word) == ("Run", "partial")
    assert page.sentence == (
        "Applied 2 of 3 writes to 5 registries in 12.4 s; 2 failed, 1 skipped and 1 link held."
    )
    assert numbers(page) == {
        "applied": 1,
        "failed": 2,
        "held": 1,
        "unreadable": 1,
        "drifted": 2,
        "unchanged": 1,
    }
    assert [(row.mark.word, row.name) for row in page.table.rows] == [
        ("failed", "spoke"),
        ("failed", "dark"),
        ("applied", "build"),
        ("skipped", "old"),
        ("unchanged", "555555555555"),
    ]
    assert page.table.rows[1].outcomes == ("failed", "unreadable")
    assert page.table.rows[2].outcomes == ("applied", "with held links", "drifted")
    assert Fact(term="Request id", value="9f") in page.table.rows[2].blocks[1].facts


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Outcome.APPLIED, "added"),
        (Outcome.FAILED, "failed"),
        (Outcome.SKIPPED, "not written"),
        (Outcome.CANCELLED, "not written"),
    ],
)
def test_links_of_a_run_are_read_from_its_documents(
    report: Report, outcome: Outcome, word: str
) -> None:
    """A link that both documents have is in place, whatever became of the write."""
    first = report.registries[0]
    before = {"rules": [rule(STAYS, "a/")]}
    after = {"rules": [rule(STAYS, "a/"), rule(NEW, "a/")]}
    planned = change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        before=before,
        after=after,
        action=Action.UPDATE,
        phase=Phase.RULES,
    )
    assert isinstance(planned.after, Replication)
    changed = replace(first.changes[0], before=planned.before, after=planned.after, outcome=outcome)
    registry = replace(first, changes=(changed,), held=())
    assert cells(page_of(replace(report, registries=(registry,))).matrix) == {
        ("build", "222222222222"): (word, 1),
        ("build", "333333333333"): ("in place", 1),
    }


def test_registries_are_grouped_by_a_label_that_divides_the_fleet(plan: Plan) -> None:
    """Of the labels of a plan's accounts, the one with the fewest values, if it has two to six."""
    stages = {"111111111111": "prod", "222222222222": "prod", "333333333333": "dev"}
    accounts = tuple(
        PlannedAccount(
            id=registry.account,
            name="x",
            regions=(registry.region,),
            labels={"stage": stages[registry.account], "owner": "us"},
            role=None,
            retired=False,
        )
        for registry in (HUB, NEW, STAYS)
    )
    page = page_of(replace(plan, accounts=accounts))
    assert page.matrix is not None
    assert [group for group, _ in page.matrix.groups] == [
        "eu-west-1",
        "eu-west-1, stage=dev",
        "eu-west-1, stage=prod",
    ]
    labels = next(choice for choice in page.table.choices if choice.name == "label")
    assert labels.options == ("owner=us", "stage=dev", "stage=prod")


@given(data=st.data())
def test_a_plan_read_from_its_document_has_the_same_page(
    data: DataObject, plans: SearchStrategy[Plan]
) -> None:
    """So a page can be made on another day, and on another machine."""
    plan = data.draw(plans)
    assert page_of(parse_plan(plan_content(plan), "plan.json")) == page_of(plan)


@given(data=st.data())
def test_a_report_read_from_its_document_has_the_same_page(
    data: DataObject, reports: SearchStrategy[Report]
) -> None:
    """But for parts of backfills, which no document has."""
    report = replace(data.draw(reports), backfills=())
    assert page_of(parse_report(report_content(report), "report.json")) == page_of(report)


def test_a_run_that_was_refused_says_that_nothing_was_written(report: Report) -> None:
    """Whatever it wanted to write."""
    page = page_of(replace(report, status=Status.REFUSED))
    assert page.sentence == "Refused as a whole, and nothing was written to 5 registries."
