"""An invocation by ECR's replication events counts deliveries, and does no round."""

from __future__ import annotations

import json
from typing import Any, Final

import jsonschema
import pytest
from hypothesis import given
from tests.runs.test_replication_events import DIGEST, JSON, event
from tests.watch.functions.conftest import Deployed, Listener
from tests.watch.functions.test_rounds_are_metrics import DIRECTIVE, NAME

from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.watch.aws_lambda import RoundError
from fleet_repl.watch.lambda_deliveries import reported_deliveries

BUILD: Final = Registry(AccountId("111111111111"), Region("eu-west-1"))
SHOP: Final = Registry(AccountId("222222222222"), Region("eu-west-1"))


def copy(deployed: Deployed, tag: str = "1.25", *, result: str = "SUCCESS") -> dict[str, Any]:
    """Push an image, and say what became of it at the shop."""
    image = deployed.world.push(BUILD, "base/go", tag)
    at = image.pushed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    detail = {"result": result, "image-digest": image.digest, "image-tag": tag}
    return {**event(**detail), "region": SHOP.region, "time": at}


def record(number: int, body: str) -> dict[str, Any]:
    return {"messageId": f"message-{number}", "eventSource": "aws:sqs", "body": body}


def lines(deployed: Deployed, kind: str) -> list[dict[str, Any]]:
    return [line for line in deployed.lines if line.get("event") == kind]


def test_an_event_is_a_line(deployed: Deployed) -> None:
    """With the time that the copy took; nothing of the fleet is planned or written."""
    answer = deployed.invoke(copy(deployed))
    assert answer == {"ignored": False, "because": None}
    (line,) = lines(deployed, "delivery")
    assert (line["from"], line["to"], line["routes"]) == (str(BUILD), str(SHOP), ["golden"])
    assert line["seconds"] == 0
    assert deployed.writes == []
    assert deployed.world.calls["DescribeRegistry"] == 0


def test_metrics_are_left_by_route(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CloudWatch's format: seconds as a list of values."""
    monkeypatch.setenv("FLEET_REPL_METRICS", "1")
    deployed.invoke(copy(deployed))
    (line,) = [line for line in deployed.lines if "_aws" in line]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    jsonschema.validate(directive, DIRECTIVE)
    jsonschema.validate("delivery_seconds", NAME)
    assert directive["Dimensions"] == [["fleet", "route"]]
    assert (line["fleet"], line["route"]) == ("prod", "golden")
    assert (line["delivery_seconds"], line["deliveries_late"]) == ([0], 0)


def test_a_failed_copy_is_news_once(
    deployed: Deployed, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its explanation; the next invocation knows of it by the fleet's state, and tells that
    the link has recovered."""
    monkeypatch.setenv("FLEET_REPL_NOTIFY", listener.url)
    deployed.world.set_replication(
        BUILD, {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": SHOP.account}]}]}
    )
    for tag in ("1.25", "1.26"):
        deployed.invoke(copy(deployed, tag, result="FAILED"))
        (line,) = lines(deployed, "delivery-failed")
        assert line["level"] == "warning"
        assert line["code"] == "DESTINATION_REGISTRY_ACCESS_DENIED"
    deployed.invoke(copy(deployed, "1.27"))
    assert [document["news"] for document in listener.documents] == ["failed", "recovered"]
    (failed,) = listener.documents[0]["deliveries"]
    assert failed["explanation"]["not_carried"][0]["reason"] == "not-granted"


def test_records_of_a_queue(deployed: Deployed) -> None:
    """Each counts; what comes twice counts once, and what is no event is told and done with."""
    body = json.dumps(copy(deployed))
    other = json.dumps(event())
    answer = deployed.invoke(
        {"Records": [record(1, body), record(2, body), record(3, "no event"), record(4, other)]}
    )
    assert answer == {"ignored": False, "because": None, "batchItemFailures": []}
    assert len(lines(deployed, "delivery")) == 1
    (malformed,) = lines(deployed, "delivery-malformed")
    assert malformed["message"] == "message message-3 is no replication event"


def test_records_come_again_where_nothing_can_be_counted(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for what is no event: that would come for ever. A single event raises."""
    answer = copy(deployed)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    failed = deployed.invoke({"Records": [record(1, json.dumps(answer)), record(2, "no event")]})
    assert failed == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    assert lines(deployed, "deliveries-unread")[0]["level"] == "error"
    with pytest.raises(RoundError):
        deployed.invoke(answer)


def test_an_event_of_no_route_is_ignored(deployed: Deployed) -> None:
    """And says so: another fleet's images, and a forged event."""
    foreign = event(**{"repository-name": "theirs/go", "image-digest": DIGEST})
    for document in (foreign, {**foreign, "detail": "none"}):
        answer = deployed.invoke(document)
        assert answer == {"ignored": True, "because": "no route of the fleet asks for it"}


@given(JSON)
def test_any_event_is_a_report_or_none(document: object) -> None:
    """Nothing is raised, whatever the function is called with."""
    for payload in (document, {"Records": document}, {"detail-type": document}):
        reported = reported_deliveries(payload)
        assert reported is None or not any(reported.events.values())
