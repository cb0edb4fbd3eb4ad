"""The Lambda handler over HTTP against a simulated AWS: rounds done, ignored, cut short."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pytest
from tests.support.registries import registry_of
from tests.watch.functions.conftest import Call, Deployed, Listener

from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.text import timestamp
from fleet_repl.watch.aws_lambda import Allowance, RoundError

SCHEDULE = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


def test_a_schedule_looks_at_the_whole_fleet(deployed: Deployed) -> None:
    """Without FLEET_REPL_FIX it tells what differs and writes nothing."""
    result = deployed.invoke(SCHEDULE)
    assert result["ignored"] is False
    assert result["schema"] == "fleet-repl/round/1"
    assert (result["verdict"], result["exit_code"], result["fix"]) == ("drift", 2, False)
    assert result["summary"]["registries"] == 2
    assert deployed.writes == []
    json.dumps(result)


def test_looking_needs_no_state_that_lasts(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function's own files cannot be written: it does without a memory, and says so."""
    monkeypatch.setenv("FLEET_REPL_STATE", "/proc/fleet-repl")
    assert deployed.invoke(SCHEDULE)["verdict"] == "drift"
    assert "memory-unwritable" in [line["event"] for line in deployed.lines]


def test_what_differs_is_corrected_where_that_is_asked_for(fixing: Deployed) -> None:
    """And the round after it finds everything in place."""
    assert fixing.invoke({})["verdict"] == "corrected"
    assert fixing.writes == ["PutRegistryPolicy", "PutReplicationConfiguration"]
    assert fixing.invoke({})["verdict"] == "in-sync"
    assert len(fixing.writes) == 2


def test_a_write_has_its_registry_checked(fixing: Deployed, call: Call) -> None:
    """Only what it holds is changed, although the other one differs too."""
    result = fixing.invoke(call(recipientAccountId="222222222222", eventName="PutRegistryPolicy"))
    (only,) = result["registries"]
    assert (only["account"], only["region"], only["outcome"]) == (
        "222222222222",
        "eu-west-1",
        "applied",
    )
    assert fixing.writes == ["PutRegistryPolicy"]


def test_our_own_writes_are_ignored(deployed: Deployed, call: Call, ours: dict[str, str]) -> None:
    """Or each correction would have itself checked; AWS is not even called."""
    result = deployed.invoke(call(userIdentity=ours))
    assert result == {
        "ignored": True,
        "because": "the fleet prod wrote 111111111111/eu-west-1 itself",
    }
    assert not deployed.world.calls


@pytest.mark.parametrize(
    "session",
    [
        "alice",
        "fleet-repl-prod-",
        "fleet-repl-prod-by-hand",
        "fleet-repl-prod-eu-20261123T081500Z-3f9c1a",
        "fleet-repl-stage-20261123T081500Z-3f9c1a",
    ],
)
def test_writes_of_others_are_not(session: str, deployed: Deployed, call: Call) -> None:
    """Of people, of other fleets, of names that only look like ours."""
    arn = f"arn:aws:sts::111111111111:assumed-role/fleet-replication/{session}"
    assert deployed.invoke(call(userIdentity={"arn": arn}))["ignored"] is False


def test_a_name_like_ours_hides_nobody(
    deployed: Deployed, call: Call, ours: dict[str, str]
) -> None:
    """Anybody may name a session of their own role like those of the fleet's runs."""
    arn = ours["arn"].replace("/fleet-replication/", "/deployer/")
    assert deployed.invoke(call(userIdentity={"arn": arn}))["ignored"] is False


@pytest.mark.parametrize(
    "place",
    [
        {"recipientAccountId": "444444444444"},
        {"recipientAccountId": "333333333333"},
        {"awsRegion": "us-east-1"},
    ],
)
def test_registries_of_others_are_ignored(
    place: dict[str, str], deployed: Deployed, call: Call
) -> None:
    """Unknown accounts, external ones, and regions that the account does not list."""
    result = deployed.invoke(call(**place))
    assert result["ignored"] is True
    assert result["because"].endswith("is no registry of the fleet prod")
    assert [line["event"] for line in deployed.lines] == ["ignored"]
    assert not deployed.world.calls


def test_a_round_ends_before_the_function_does(fixing: Deployed) -> None:
    """With no time left it starts nothing, and says so."""
    result = fixing.invoke({}, milliseconds=0)
    assert (result["verdict"], result["exit_code"]) == ("interrupted", 130)
    assert fixing.writes == []


@pytest.mark.parametrize(
    ("milliseconds", "stops", "ends"),
    [(900_000, 885, 895), (60_000, 45, 55), (30_000, 20, 26.667), (3_000, 2, 2.667), (-5, 0, 0)],
)
def test_some_time_is_kept_for_the_end(milliseconds: int, stops: float, ends: float) -> None:
    """15 seconds to finish what is in flight; of a short invocation, a third."""
    allowance = Allowance.within(milliseconds)
    assert allowance.stops == pytest.approx(stops, abs=0.001)
    assert allowance.ends == pytest.approx(ends, abs=0.001)


def test_each_line_of_the_log_is_json(fixing: Deployed) -> None:
    """With the id of Lambda's own lines; the last one is what alarms are set on."""
    fixing.invoke({})
    assert {line["request_id"] for line in fixing.lines} == {"8f5c1a7e-0000-4000-8000-000000000001"}
    assert [line["event"] for line in fixing.lines].count("write-settled") == 2
    last = fixing.lines[-1]
    assert (last["event"], last["level"], last["exit_code"]) == ("round-finished", "info", 0)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("FLEET_REPL_FIX", "perhaps", "FLEET_REPL_FIX must be 1 or 0; it is neither"),
        ("FLEET_REPL_FIX", "1", "FLEET_REPL_FIX=1 needs a state that lasts, and nothing that a "),
        ("FLEET_REPL_NOTIFY", "s3cr3t", "FLEET_REPL_NOTIFY must be an http or https address"),
        ("FLEET_REPL_INVENTORY", "missing.toml", "missing.toml"),
        ("AWS_ACCESS_KEY_ID", "", ""),
    ],
)
def test_a_broken_configuration_raises(
    name: str, value: str, message: str, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that Lambda counts an error; in words, and without a secret."""
    monkeypatch.setenv(name, value)
    with pytest.raises(RoundError) as raised:
        deployed.invoke({})
    assert message in str(raised.value)
    assert raised.value.__suppress_context__
    assert "s3cr3t" not in str(raised.value) + deployed.printed


def test_a_broken_inventory_raises(deployed: Deployed) -> None:
    """With every problem in it."""
    deployed.path.write_text(deployed.path.read_text().replace('"222222222222"', '"2222"'))
    with pytest.raises(RoundError, match=r"accounts\[1\]\.id"):
        deployed.invoke({})


def test_drift_is_reported_where_that_is_asked_for(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, listener: Listener
) -> None:
    """The same document, posted to an address that no line repeats."""
    monkeypatch.setenv("FLEET_REPL_NOTIFY", f"{listener.url}/hook?token=s3cr3t")
    result = deployed.invoke({})
    (posted,) = listener.documents
    assert posted["news"] == "drift"
    assert posted["run_id"] == result["run_id"]
    assert "s3cr3t" not in deployed.printed


def test_what_nobody_was_notified_of_is_news_later(
    fixing: Deployed, monkeypatch: pytest.MonkeyPatch, listener: Listener
) -> None:
    """Trouble of the time before there was an address does not count as told."""
    monkeypatch.setenv("FLEET_REPL_FIX", "0")
    assert fixing.invoke({})["verdict"] == "drift"
    monkeypatch.setenv("FLEET_REPL_NOTIFY", listener.url)
    for _ in range(2):
        assert fixing.invoke({})["verdict"] == "drift"
    assert [document["news"] for document in listener.documents] == ["drift"]


def test_secrets_are_in_no_line(fixing: Deployed) -> None:
    """Neither the external id nor the keys of the base identity."""
    result = fixing.invoke({})
    printed = fixing.printed + json.dumps(result)
    assert "s3cr3t" not in printed
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in printed


def test_the_event_says_who_it_was(fixing: Deployed, call: Call) -> None:
    """So CloudTrail is not asked, which has the call later than the event comes."""
    assert fixing.invoke({})["verdict"] == "corrected"
    fixing.world.set_replication(registry_of("1"), {"rules": []})
    event = call(
        eventTime=timestamp(SYSTEM.now() + timedelta(seconds=1)),
        eventID="5f6ec62b-0000-4000-8000-9ed1b7e6cd10",
        userAgent="aws-cli/2.22.4",
        userIdentity={"arn": "arn:aws:sts::111111111111:assumed-role/admin/alice"},
    )
    result = fixing.invoke(event)
    assert result["verdict"] == "corrected"
    (only,) = result["registries"]
    (named,) = only["moved"]["calls"]
    assert (named["session"], named["tool"]) == ("alice", "AWS CLI")
    assert fixing.world.calls["LookupEvents"] == 0
    # A schedule has no event, so CloudTrail is asked, which knows of nothing.
    fixing.world.set_replication(registry_of("1"), {"rules": []})
    assert fixing.invoke({})["registries"][0]["moved"]["calls"] == []
    assert fixing.world.calls["LookupEvents"] == 1


def test_an_event_of_before_the_last_run_says_nothing(fixing: Deployed, call: Call) -> None:
    """One that was delivered late, or again: what it tells of is no longer in place."""
    assert fixing.invoke({})["verdict"] == "corrected"
    fixing.world.set_replication(registry_of("1"), {"rules": []})
    event = call(eventTime="2020-01-01T00:00:00Z", eventID="5f6ec62b-0000-4000-8000-9ed1b7e6cd10")
    (only,) = fixing.invoke(event)["registries"]
    assert only["moved"]["calls"] == []
    assert fixing.world.calls["LookupEvents"] == 1
