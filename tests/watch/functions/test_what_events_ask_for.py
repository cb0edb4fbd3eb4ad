"""What an event makes the handler do, whatever is written into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from hypothesis import given, strategies as st
from tests.support.registries import registry_of

from fleet_repl.runs.cloudtrail import WRITES
from fleet_repl.watch.eventbridge import Ignored, RegistryWrite, WholeFleet, target_of

Call: TypeAlias = Callable[..., dict[str, Any]]

ROLE = "arn:aws:sts::111111111111:assumed-role/fleet-replication"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KEYS = ("eventSource", "eventName", "awsRegion", "recipientAccountId", "userIdentity", "errorCode")


@pytest.mark.parametrize(
    "event",
    [
        {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
        {},
        {"any": "payload"},
        None,
        "text",
        [],
    ],
)
def test_a_schedule_asks_for_everything(event: object) -> None:
    """Of a rule, of EventBridge Scheduler with whatever payload, and one sent by hand."""
    assert target_of(event) == WholeFleet()


@pytest.mark.parametrize("name", sorted(WRITES))
def test_a_write_asks_for_its_registry(name: str, call: Call) -> None:
    """With the session that wrote it, for whoever has to know whether that was us."""
    registry = registry_of("1")
    event = call(eventName=name, userIdentity={"arn": f"{ROLE}/alice"})
    assert target_of(event) == RegistryWrite(registry=registry, session="alice")


@pytest.mark.parametrize(
    "identity",
    [
        {"type": "IAMUser", "arn": "arn:aws:iam::111111111111:user/bob"},
        {"type": "Root", "arn": "arn:aws:iam::111111111111:root"},
        {"type": "AWSAccount", "accountId": "999999999999"},
        None,
        "fleet-repl",
    ],
)
def test_a_write_without_a_session_is_a_write(identity: object, call: Call) -> None:
    """By a user, by the root, or by somebody of whom nothing is told."""
    target = target_of(call(userIdentity=identity))
    assert isinstance(target, RegistryWrite)
    assert target.session is None


def test_the_account_is_the_one_written_to(call: Call) -> None:
    """The recipient; where that is missing, the one of the caller."""
    elsewhere = {"accountId": "222222222222"}
    for event, account in (
        (call(userIdentity=elsewhere), "111111111111"),
        (call(userIdentity=elsewhere, recipientAccountId=None), "222222222222"),
    ):
        target = target_of(event)
        assert isinstance(target, RegistryWrite)
        assert target.registry.account == account


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        (
            {"eventName": "CreateRepository"},
            "changes no rules, registry policy or creation template",
        ),
        (
            {"eventSource": "s3.amazonaws.com"},
            "changes no rules, registry policy or creation template",
        ),
        ({"errorCode": "AccessDeniedException"}, "the call failed"),
        ({"recipientAccountId": "1111"}, "names no account and region"),
        ({"recipientAccountId": 111111111111}, "names no account and region"),
        ({"awsRegion": "eu-west-1/../../x"}, "names no account and region"),
        ({"awsRegion": None}, "names no account and region"),
    ],
)
def test_other_calls_are_ignored_with_a_reason(
    changed: dict[str, Any], because: str, call: Call
) -> None:
    """Reasons repeat nothing of an event."""
    target = target_of(call(**changed))
    assert isinstance(target, Ignored)
    assert because in target.because


@pytest.mark.parametrize(
    "event",
    [
        {"detail-type": "EC2 Instance State-change Notification", "detail": {}},
        {"detail-type": None},
        {"detail-type": "AWS API Call via CloudTrail"},
        {"detail-type": "AWS API Call via CloudTrail", "detail": "text"},
    ],
)
def test_other_events_are_ignored(event: object) -> None:
    """A bus carries more than what is meant for us."""
    assert isinstance(target_of(event), Ignored)


@given(changed=st.dictionaries(st.sampled_from(KEYS), ANYTHING))
def test_nothing_in_an_event_is_trusted(changed: dict[str, object]) -> None:
    """Whatever is in it: no crash, and a registry only where its names are AWS's."""
    detail: dict[str, object] = {
        "eventSource": "ecr.amazonaws.com",
        "eventName": "PutRegistryPolicy",
        "awsRegion": "eu-west-1",
        "recipientAccountId": "111111111111",
        **changed,
    }
    match target_of({"detail-type": "AWS API Call via CloudTrail", "detail": detail}):
        case RegistryWrite(registry=registry):
            assert len(registry.account) == 12
            assert registry.account.isascii()
            assert registry.account.isdecimal()
            assert registry.region.replace("-", "").isalnum()
        case other:
            assert isinstance(other, Ignored)
