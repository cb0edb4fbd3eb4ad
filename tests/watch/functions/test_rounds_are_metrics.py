"""The line of a round in CloudWatch's embedded metric format, checked by the format's own rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from tests.support.registries import registry_of
from tests.support.watched import Stage
from tests.watch.functions.conftest import Deployed

from fleet_repl.watch.aws_lambda import RoundError
from fleet_repl.watch.embedded_metrics import embedded_metrics

NAME = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
UNITS = ["Seconds", "Count"]
"""Of CloudWatch's units, those that are used."""


def _closed(**properties: Any) -> dict[str, Any]:
    """An object with exactly these members."""
    return {
        "type": "object",
        "required": [*properties],
        "properties": properties,
        "additionalProperties": False,
    }


def _array(items: Any, least: int, most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


METRIC = _closed(Name=NAME, Unit={"enum": UNITS})
DIRECTIVE = _closed(
    Namespace=NAME,
    Dimensions=_array(_array(NAME, 0, 9), 1, 30),
    Metrics=_array(METRIC, 1, 100),
)
FORMAT = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": _closed(
            Timestamp={"type": "integer", "minimum": 1_000_000_000_000},
            CloudWatchMetrics=_array(DIRECTIVE, 1, 1),
        )
    },
}
"""AWS's specification of the format, as a schema. What names refer to is checked by `check`."""


def check(line: dict[str, Any]) -> dict[str, float]:
    """The metrics of a line that fits the format: every name is that of a member of the line,
    dimensions are texts, and metrics are numbers."""
    jsonschema.validate(line, FORMAT)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    for dimensions in directive["Dimensions"]:
        assert all(isinstance(line[name], str) and line[name] for name in dimensions)
    metrics = {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}
    for value in metrics.values():
        assert isinstance(value, int | float)
        assert not isinstance(value, bool)
    return metrics


@pytest.fixture
def measured(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """The function, told to leave metrics."""
    monkeypatch.setenv("FLEET_REPL_METRICS", "1")
    return deployed


def lines(function: Deployed) -> list[dict[str, Any]]:
    return [line for line in function.lines if "_aws" in line]


def test_a_round_leaves_one_line(measured: Deployed) -> None:
    """It is the last one, and says what the document of the round says."""
    result = measured.invoke({})
    (line,) = lines(measured)
    assert measured.lines[-1] == line
    metrics = check(line)
    assert metrics.pop("seconds") >= 0
    assert metrics == {
        "drifted": 2,
        "applied": 0,
        "failed": 0,
        "held": 0,
        "unreadable": 0,
        "joining": 0,
    }
    assert (line["fleet"], line["run_id"], line["verdict"]) == ("prod", result["run_id"], "drift")


def test_without_the_setting_there_is_none(deployed: Deployed) -> None:
    """AWS bills custom metrics."""
    deployed.invoke({})
    assert lines(deployed) == []


def test_a_setting_that_is_neither_on_nor_off(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused, as FLEET_REPL_FIX would be."""
    monkeypatch.setenv("FLEET_REPL_METRICS", "yes")
    with pytest.raises(RoundError, match="FLEET_REPL_METRICS must be 1 or 0; it is neither"):
        deployed.invoke({})


async def test_every_number_of_a_round_that_went_wrong(stage: Stage) -> None:
    """Registries that failed, that could not be read and that were corrected count apart."""
    failing, unreadable, good = map(registry_of, "123")
    stage.world.tamper(failing, good)
    stage.world.failing.add(failing)
    stage.world.unreadable.add(unreadable)
    await stage.watch(1, fix=True, once=True)
    (round_,) = stage.rounds
    metrics = check(dict(embedded_metrics(round_)))
    assert {name: value for name, value in metrics.items() if value and name != "seconds"} == {
        "drifted": 2,
        "applied": 1,
        "failed": 1,
        "unreadable": 1,
    }


async def test_a_round_without_a_plan_knows_no_numbers(stage: Stage) -> None:
    """An alarm on failures must not be reassured by a round that saw nothing."""
    await stage.watch(1, fix=True, once=True)
    (round_,) = stage.rounds
    line = dict(embedded_metrics(replace(round_, plan=None, report=None)))
    assert list(check(line)) == ["seconds"]
    assert "failed" not in line
