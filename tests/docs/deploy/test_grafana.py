"""The Grafana dashboard and the alert rules name what a watch serves, and every rule is tried."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.support.clock import VirtualClock
from tests.support.watched import HUB, A, Stage, World, inventory_of

from fleet_repl.planning.plan import Objection
from fleet_repl.runs.timed_deliveries import DeliveryResult, TimedDelivery
from fleet_repl.watch.delivery_totals import EventCounts
from fleet_repl.watch.metrics import Metrics

PROMTOOL = os.environ.get("FLEET_REPL_PROMTOOL") or shutil.which("promtool")
ALERT_TESTS = Path(__file__).parent / "alerts_test.yml"
DURATION = {"type": "string", "pattern": "^([0-9]+(ms|[smhdwy]))+$"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}}
RULE = {
    "type": "object",
    "required": ["alert", "expr", "labels", "annotations"],
    "additionalProperties": False,
    "properties": {
        "alert": {"type": "string", "pattern": "^FleetRepl[A-Z][A-Za-z]+$"},
        "expr": {"type": "string"},
        "for": DURATION,
        "labels": TEXTS,
        "annotations": {**TEXTS, "required": ["summary", "description"]},
    },
}
RULES = {
    "type": "object",
    "required": ["groups"],
    "additionalProperties": False,
    "properties": {
        "groups": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "rules"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "rules": {"type": "array", "items": RULE},
                },
            },
        }
    },
}
"""The format of a file of alert rules, as Prometheus documents it."""


class Served:
    """What a watch serves: every metric with its labels, and the values of labels."""

    def __init__(self, text: str) -> None:
        self.labels: dict[str, set[str]] = {}
        self.values: dict[tuple[str, str], set[str]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self.labels.setdefault(sample.name, set()).update(sample.labels)
                for name, value in sample.labels.items():
                    self.values.setdefault((sample.name, name), set()).add(value)


@pytest.fixture
async def served() -> Served:
    """Of a watch whose round has excluded a registry, and which could not notify of it."""
    clock = VirtualClock()
    world = World(clock)
    stage = Stage(world=world, clock=clock, inventory=inventory_of())
    world.tamper(HUB)
    world.objected[HUB] = Objection(kind="protected", message="it is protected")
    await stage.watch(1, fix=True, once=True)
    metrics = Metrics(clock, lambda: False)
    metrics.began("prod")
    (round_,) = stage.rounds
    metrics.finished(round_)
    async with world.connect(stage.inventory) as fleet:
        metrics.called(fleet.statistics())
    for delivered in (True, False):
        metrics.notified(delivered=delivered)
    counted = metrics.of_deliveries(lambda: True)
    counted.received(EventCounts(counted=2))
    arrived = TimedDelivery(
        source=HUB,
        destination=A,
        repository="base/go",
        digest=f"sha256:{'0' * 64}",
        routes=("golden",),
        result=DeliveryResult.ARRIVED,
        at=clock.now(),
        seconds=7.0,
    )
    for delivery in (arrived, replace(arrived, result=DeliveryResult.FAILED)):
        counted.delivered(delivery, sampled=True)
    return Served(metrics.scrape()[1].decode())


@pytest.fixture(scope="module")
def dashboard(deploy: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((deploy / "grafana/dashboard.json").read_text("utf-8"))
    return read


@pytest.fixture(scope="module")
def rules(deploy: Path) -> list[dict[str, Any]]:
    read = yaml.safe_load((deploy / "grafana/alerts.yml").read_text("utf-8"))
    jsonschema.validate(read, RULES)
    (group,) = read["groups"]
    listed: list[dict[str, Any]] = group["rules"]
    return listed


def queries(dashboard: dict[str, Any]) -> Iterator[str]:
    """The expressions of all panels, with Grafana's own variables filled in."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            text: str = target["expr"]
            yield text.replace("$__rate_interval", "5m").replace("$fleet", ".*")


def parts(expression: Any) -> list[Any]:
    """Every part of a parsed expression."""
    found: list[Any] = []
    promql_parser.walk(expression, found.append)
    return found


def selectors(text: str) -> Iterator[Any]:
    """The selectors of series in an expression. Raises ValueError for what is no PromQL."""
    for part in parts(promql_parser.parse(text)):
        if isinstance(part, promql_parser.MatrixSelector):
            yield part.vector_selector
        elif isinstance(part, promql_parser.VectorSelector):
            yield part


def grouped_by(text: str) -> Iterator[str]:
    """The labels that an expression groups or joins by."""
    for part in parts(promql_parser.parse(text)):
        modifier = getattr(part, "modifier", None)
        if isinstance(part, promql_parser.AggregateExpr) and modifier is not None:
            yield from modifier.labels
        if isinstance(part, promql_parser.BinaryExpr) and modifier is not None:
            yield from modifier.matching.labels if modifier.matching else ()


def check_expressions(texts: Iterable[str], served: Served) -> set[str]:
    """Each metric and label is served, and each value of `result` and `outcome` can be. Returns
    the names of the metrics."""
    named = set()
    for text in texts:
        known: set[str] = {"le"}
        for selector in selectors(text):
            assert selector.name in served.labels, f"{text}: {selector.name} is not served"
            named.add(selector.name)
            known |= served.labels[selector.name]
            for matcher in selector.matchers.matchers:
                assert matcher.name in served.labels[selector.name], f"{text}: {matcher.name}"
                if matcher.name != "fleet":
                    values = served.values[selector.name, matcher.name]
                    assert set(matcher.value.split("|")) <= values, f"{text}: {matcher.value}"
        assert set(grouped_by(text)) <= known, text
    return named


def test_every_metric_of_the_dashboard_is_served_and_none_is_left_out(
    dashboard: dict[str, Any], served: Served
) -> None:
    """Names, labels and values, both ways."""
    named = check_expressions(queries(dashboard), served)
    assert named == served.labels.keys()


def test_every_metric_of_an_alert_is_served(rules: list[dict[str, Any]], served: Served) -> None:
    """Names, labels and values; a text names only labels that the alert has."""
    check_expressions((rule["expr"] for rule in rules), served)
    for rule in rules:
        texts = " ".join(rule["annotations"].values())
        labels = set(re.findall(r"\$labels\.(\w+)", texts))
        kept = set().union(*(served.labels[item.name] for item in selectors(rule["expr"])))
        by = set(grouped_by(rule["expr"]))
        assert labels <= (by or kept), rule["alert"]


@pytest.mark.parametrize(
    "text",
    [
        "fleet_repl_round_total",
        'fleet_repl_rounds_total{verdict="drift"}',
        'fleet_repl_rounds_total{result="drifted"}',
        "sum by (account) (fleet_repl_left_alone)",
        "rate(fleet_repl_nothing[5m])",
    ],
)
def test_a_slip_would_be_found(text: str, served: Served) -> None:
    """The check above can fail."""
    with pytest.raises(AssertionError):
        check_expressions([text], served)


def test_the_dashboard_can_be_imported(dashboard: dict[str, Any]) -> None:
    """Into any Grafana: it asks for the data source, every panel uses it, and none lies on
    another one."""
    (asked,) = dashboard["__inputs"]
    source = {"type": asked["pluginId"], "uid": f"${{{asked['name']}}}"}
    required = {item["id"] for item in dashboard["__requires"] if item["type"] == "panel"}
    panels = dashboard["panels"]
    assert {panel["type"] for panel in panels} == required
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    used = [panel["datasource"] for panel in panels]
    used += [target["datasource"] for panel in panels for target in panel["targets"]]
    (variable,) = dashboard["templating"]["list"]
    assert all(item == source for item in (*used, variable["datasource"]))
    for first, second in combinations([panel["gridPos"] for panel in panels], 2):
        beside = first["x"] + first["w"] <= second["x"] or second["x"] + second["w"] <= first["x"]
        above = first["y"] + first["h"] <= second["y"] or second["y"] + second["h"] <= first["y"]
        assert beside or above
    assert all(place["x"] + place["w"] <= 24 for place in (panel["gridPos"] for panel in panels))


def test_the_variable_is_a_label_that_is_served(dashboard: dict[str, Any], served: Served) -> None:
    """The dashboard lists the fleets that there are."""
    (variable,) = dashboard["templating"]["list"]
    match = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"])
    assert match is not None
    assert match[2] in served.labels[match[1]]


def test_every_alert_is_tried(rules: list[dict[str, Any]]) -> None:
    """In the tests of the rules: that it fires, and that it does not while all is well."""
    tests = yaml.safe_load(ALERT_TESTS.read_text("utf-8"))["tests"]
    quiet = {trial["alertname"] for trial in tests[0]["alert_rule_test"]}
    fired = {
        trial["alertname"]
        for test in tests[1:]
        for trial in test["alert_rule_test"]
        if trial.get("exp_alerts")
    }
    assert quiet == fired == {rule["alert"] for rule in rules}


def test_the_page_lists_every_alert(rules: list[dict[str, Any]], deploy: Path) -> None:
    """In the order of the file."""
    page = (deploy.parent / "observability.md").read_text("utf-8")
    assert re.findall(r"^\| `(FleetRepl\w+)` \|", page, re.MULTILINE) == [
        rule["alert"] for rule in rules
    ]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_the_rules_do_what_they_say(deploy: Path, tmp_path: Path) -> None:
    """By Prometheus itself: the file is one of rules, and every alert fires when it should."""
    assert PROMTOOL is not None
    shutil.copy(deploy / "grafana/alerts.yml", tmp_path)
    shutil.copy(ALERT_TESTS, tmp_path)
    for args in (["check", "rules", "alerts.yml"], ["test", "rules", ALERT_TESTS.name]):
        done = subprocess.run(
            [PROMTOOL, *args], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
