"""ECR's replication events as values, and what is none of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st
from tests.support.registries import registry_of

from fleet_repl.runs.replication_events import ReplicationEvent, parse_event, replication_event
from fleet_repl.values.images import ImageName

DIGEST: Final = f"sha256:{'7f5b2640' * 8}"


def event(**detail: Any) -> dict[str, Any]:
    """An event as AWS's documentation shows it, with some of its detail changed."""
    return {
        "version": "0",
        "id": "c8b133b1-6029-ee73-e2a1-4f466b8ba999",
        "detail-type": "ECR Replication Action",
        "source": "aws.ecr",
        "account": "222222222222",
        "time": "2026-11-23T08:15:54Z",
        "region": "us-east-1",
        "resources": ["arn:aws:ecr:us-east-1:222222222222:repository/base/go"],
        "detail": {
            "result": "SUCCESS",
            "repository-name": "base/go",
            "image-digest": DIGEST,
            "source-account": "111111111111",
            "action-type": "REPLICATE",
            "source-region": "eu-west-1",
            "image-tag": "1.25",
            **detail,
        },
    }


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)
PATHS: Final = [(key,) for key in event()] + [("detail", key) for key in event()["detail"]]


def test_a_copy_that_arrived() -> None:
    """Its ends, its image and its time; the registry that emits it is the destination."""
    assert replication_event(event()) == ReplicationEvent(
        source=registry_of("1"),
        destination=registry_of("2", "us-east-1"),
        repository="base/go",
        digest=DIGEST,
        tag="1.25",
        succeeded=True,
        at=datetime(2026, 11, 23, 8, 15, 54, tzinfo=UTC),
    )


@pytest.mark.parametrize("tag", ["", None, 7, "-x", "a b", "a@b", "x" * 301])
def test_a_tag_that_no_image_has_is_none(tag: object) -> None:
    """An image may be pushed by its digest alone; the rest counts all the same."""
    copy = replication_event(event(**{"image-tag": tag}))
    assert copy is not None
    assert copy.tag is None


@pytest.mark.parametrize(
    "change",
    [
        {"detail-type": "ECR Image Action"},
        {"source": "my.app"},
        {"detail": event(result="PENDING")["detail"]},
        {"detail": event(**{"image-digest": "sha256:short"})["detail"]},
        {"detail": event(**{"repository-name": "Base/Go"})["detail"]},
        {"detail": event(**{"repository-name": "base/go:1@x"})["detail"]},
        {"detail": event(**{"source-account": "1"})["detail"]},
        {"region": "moon-1"},
        {"time": "2026-13-01T00:00:00Z"},
        {"time": "yesterday"},
    ],
)
def test_what_is_no_event(change: dict[str, Any]) -> None:
    """Another event of ECR or of somebody else, or one with a text of another form."""
    assert replication_event({**event(), **change}) is None


@given(JSON)
def test_any_document_is_an_event_or_none(document: object) -> None:
    """Whatever comes is parsed or passed over, and nothing is raised."""
    assert replication_event(document) is None
    assert parse_event(json.dumps(document)) is None


@given(st.sampled_from(PATHS), JSON)
def test_any_member_may_be_anything(path: tuple[str, ...], value: object) -> None:
    """What comes of a changed event is of ECR's form, so that it can be shown and asked about."""
    document = event()
    inner = document["detail"] if len(path) > 1 else document
    inner[path[-1]] = value
    copy = parse_event(json.dumps(document))
    if copy is not None:
        assert str(ImageName.parse(f"{copy.repository}@{copy.digest}"))
        assert f"{copy.destination} {copy.source}".isprintable()
        assert copy.at.tzinfo is UTC


@given(st.text())
def test_any_text_is_an_event_or_none(text: str) -> None:
    """JSON or not."""
    assert parse_event(text) is None


def test_texts_without_end_are_not_read() -> None:
    """Neither deep ones nor long ones."""
    assert parse_event("[" * 60_000) is None
    assert parse_event(json.dumps(event(padding="x" * 70_000))) is None
