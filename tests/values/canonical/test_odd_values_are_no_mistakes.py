"""Members of answers and events that hold anything: understood, named or left out, and no crash.

Whatever reads a document of somebody else's meets each of its members with a value of any kind.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.support.registries import registry_of

from fleet_repl.ecr.backfills import MalformedBackfillError, parse_backfill
from fleet_repl.ecr.templates import parse_template
from fleet_repl.ecr.templates.state import differences
from fleet_repl.runs.delivery import arrival_of, newest, parse_statuses, recent_images, sample
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.watch.eventbridge import Ignored, RegistryWrite, WholeFleet, target_of

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
END = registry_of("2")

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**20)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=4)
    | st.sampled_from(["\ud800", "\x00", "1" * 12, "eu-west-1", "COMPLETE"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)

TEMPLATE: dict[str, Any] = {
    "prefix": "base/",
    "description": "made by fleet-repl",
    "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "key"},
    "resourceTags": [{"Key": "team", "Value": "base"}],
    "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
    "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "v*"}],
    "repositoryPolicy": '{"Statement": []}',
    "lifecyclePolicy": '{"rules": []}',
    "appliedFor": ["REPLICATION"],
    "customRoleArn": "arn:aws:iam::111111111111:role/x",
    "createdAt": 1.0,
}
STATUS = {
    "registryId": "2" * 12,
    "region": "eu-west-1",
    "status": "FAILED",
    "failureCode": "ACCESS_DENIED",
}
IMAGE = {
    "imageDigest": "sha256:0",
    "imagePushedAt": 1_795_000_000,
    "imageTags": ["1"],
    "imageStatus": "ACTIVE",
}
BACKFILL = {
    "replicationBackfillId": "id",
    "destination": {"registryId": "2" * 12, "region": "eu-west-1"},
    "status": "COMPLETE",
    "startedAt": 1_795_000_000,
    "endedAt": 1_795_000_001,
    "progress": {"totalReplicationCount": 1, "failedReplicationCount": 0, "failureCodes": ["X"]},
    "failureCode": "X",
}
EVENT = {
    "detail-type": "AWS API Call via CloudTrail",
    "detail": {
        "eventSource": "ecr.amazonaws.com",
        "eventName": "PutRegistryPolicy",
        "awsRegion": "eu-west-1",
        "recipientAccountId": "1" * 12,
        "errorCode": None,
        "userIdentity": {
            "arn": "arn:aws:sts::111111111111:assumed-role/r/s",
            "accountId": "1" * 12,
        },
    },
}


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document that holds a value, its own included."""
    inner: Any = document.items() if isinstance(document, dict) else ()
    if isinstance(document, list):
        inner = enumerate(document)
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with another value in one place."""
    if not path:
        return value
    first, *rest = path
    if isinstance(document, dict):
        return {**document, first: put(document[first], tuple(rest), value)}
    return [
        put(item, tuple(rest), value) if at == first else item for at, item in enumerate(document)
    ]


def template(document: Any) -> None:
    parsed, known = parse_template(document), parse_template(TEMPLATE)
    parsed.same_as(known)
    known.same_as(parsed)
    differences(parsed, known)


def status(document: Any) -> None:
    for status in parse_statuses([document]).values():
        assert isinstance(status.status, str)


def image(document: Any) -> None:
    sample([newest(recent_images([document], "base/a", since=SINCE), count=2)], count=1)
    arrival_of(document)


def backfill(document: Any) -> None:
    for destination in (None, END):
        try:
            parsed = parse_backfill(document, destination)
        except MalformedBackfillError:
            continue
        assert parsed.completed >= 0
        _ = (parsed.state, parsed.active)


def event(document: Any) -> None:
    assert isinstance(target_of(document), WholeFleet | Ignored | RegistryWrite)


@pytest.mark.parametrize(
    ("good", "read", "whole"),
    [
        (TEMPLATE, template, False),
        (STATUS, status, False),
        (IMAGE, image, False),
        (BACKFILL, backfill, False),
        (EVENT, event, True),
    ],
    ids=["template", "status", "image", "backfill", "event"],
)
@given(data=st.data())
def test_any_value_in_any_place(
    good: JsonObject, read: Callable[[Any], None], data: st.DataObject, *, whole: bool
) -> None:
    """Two places at a time. `whole`: the document itself may be anything, too."""
    document = good
    for _ in range(2):
        inner = [place for place in places(document) if place or whole]
        document = put(document, data.draw(st.sampled_from(inner)), data.draw(values))
        if not isinstance(document, dict):
            break
    read(document)


@pytest.mark.parametrize(
    ("good", "read"),
    [(TEMPLATE, template), (STATUS, status), (IMAGE, image), (BACKFILL, backfill), (EVENT, event)],
    ids=["template", "status", "image", "backfill", "event"],
)
def test_any_member_may_be_missing(good: dict[str, Any], read: Callable[[Any], None]) -> None:
    """Also all of them."""
    for key in good:
        read({name: value for name, value in good.items() if name != key})
    read({})
