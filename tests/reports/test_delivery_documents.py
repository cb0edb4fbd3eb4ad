"""Deliveries for programs: the JSON document with its schema, JUnit XML, and the exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from tests.support.clock import NOON
from tests.support.registries import registry_of

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.reports.documents.delivery import delivery_document
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.exit_codes import delivery_exit
from fleet_repl.reports.junit import to_junit
from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.delivery import (
    Delivery,
    DeliveryReport,
    DeliveryState,
    LinkDelivery,
    PushedImage,
    UnreadRegistry,
    state_of,
)
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.names import AccountId, Region, Registry

HOSTILE = st.text("aé\x00\x1b\u202e<&\"'\\", max_size=4)
OF_LINKS = (DeliveryState.UNKNOWN, DeliveryState.IDLE)
OF_IMAGES = [item for item in DeliveryState if item not in OF_LINKS]
DENIED = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no", hint="trust it")

places = st.builds(
    Registry,
    st.sampled_from([AccountId(digit * 12) for digit in "123"]),
    st.sampled_from([Region("us-east-1"), Region("eu-west-1")]),
)
images = st.builds(
    PushedImage,
    repository=HOSTILE,
    digest=HOSTILE,
    tags=st.lists(HOSTILE, max_size=2).map(tuple),
    pushed_at=st.datetimes(timezones=st.just(UTC), min_value=datetime(2020, 1, 1)),
)
deliveries = st.builds(
    Delivery,
    image=images,
    state=st.sampled_from(OF_IMAGES),
    code=st.none() | HOSTILE,
    seconds=st.none() | st.floats(0, 1e6),
    because=st.none() | HOSTILE,
    hint=st.none() | HOSTILE,
)


def of(deliveries: list[Delivery], state: DeliveryState, **other: Any) -> LinkDelivery:
    """A link with these images, or one in a state of its own without any."""
    return LinkDelivery(
        state=state_of(deliveries) if deliveries else state, images=tuple(deliveries), **other
    )


links = st.builds(
    of,
    st.lists(deliveries, max_size=2),
    st.sampled_from(OF_LINKS),
    source=places,
    source_name=HOSTILE,
    destination=places,
    destination_name=HOSTILE,
    external=st.booleans(),
    prefixes=st.sampled_from([("",), ("base/", "golden/")]),
    routes=st.lists(HOSTILE, max_size=2).map(tuple),
)
reports = st.builds(
    DeliveryReport,
    run_id=HOSTILE,
    started_at=st.just(NOON),
    finished_at=st.just(NOON + timedelta(seconds=2)),
    fleet=HOSTILE,
    inventory=st.builds(InventoryRef, path=HOSTILE, digest=st.just("sha256:" + "0" * 64)),
    count=st.integers(1, 9),
    age=st.timedeltas(timedelta(minutes=1), timedelta(days=9)),
    sources=st.integers(0, 9),
    sampled=st.integers(0, 9),
    links=st.lists(links, max_size=3).map(tuple),
    unreadable=st.lists(
        st.builds(UnreadRegistry, registry=places, name=HOSTILE, error=st.just(DENIED)), max_size=1
    ).map(tuple),
    interrupted=st.booleans(),
)


@given(report=reports)
def test_every_report_fits_the_schema(report: DeliveryReport) -> None:
    """And survives being read; its counts are those of what it lists."""
    document: Any = json.loads(to_json(report))
    checker = Draft202012Validator(schema("delivery"), format_checker=FormatChecker())
    assert [error.message for error in checker.iter_errors(document)] == []
    assert document == delivery_document(report)
    summary = document["summary"]
    assert sum(summary["links"].values()) == len(document["links"])
    assert sum(summary["deliveries"].values()) == sum(
        len(link["images"]) for link in document["links"]
    )
    assert summary["unreadable"] == len(document["unreadable"])


@given(report=reports)
def test_every_report_is_xml_that_can_be_read(report: DeliveryReport) -> None:
    """A case for each link and each registry that could not be read, and right totals."""
    root = ET.fromstring(to_junit(report))
    cases = root.findall("./testsuite/testcase")
    assert len(cases) == len(report.links) + len(report.unreadable)
    for name in ("failure", "error", "skipped"):
        total = len(root.findall(f".//{name}"))
        assert root.attrib[f"{name}s" if name != "skipped" else name] == str(total)
    failed = len(root.findall(".//failure")) + len(root.findall(".//error"))
    unknown = any(link.state is DeliveryState.UNKNOWN for link in report.links)
    assert unknown or (failed > 0) is any(
        (report.unreadable, *(link.state.is_problem for link in report.links))
    )


def sample(*states: DeliveryState, **other: Any) -> DeliveryReport:
    """A report of one link with images in these states."""
    links = [
        Delivery(
            image=PushedImage(
                repository="base/app", digest=f"sha256:{at}", tags=("1",), pushed_at=NOON
            ),
            state=state,
            code="DENIED" if state is DeliveryState.FAILED else None,
            because="nobody lets it in" if state is DeliveryState.FAILED else None,
            hint="ask" if state is DeliveryState.FAILED else None,
            seconds=12.5 if state is DeliveryState.COMPLETE else None,
        )
        for at, state in enumerate(states)
    ]
    link = of(
        links,
        DeliveryState.IDLE,
        source=registry_of("1", "us-east-1"),
        source_name="build",
        destination=registry_of("2"),
        destination_name="shop",
        external=False,
        prefixes=("base/",),
        routes=("golden",),
    )
    settings: dict[str, Any] = {
        "run_id": "run",
        "started_at": NOON,
        "finished_at": NOON + timedelta(seconds=2),
        "fleet": "prod",
        "inventory": InventoryRef(path="prod.toml", digest="sha256:" + "0" * 64),
        "count": 10,
        "age": timedelta(days=7),
        "sources": 1,
        "sampled": len(states),
        "links": (link,),
    }
    return DeliveryReport(**{**settings, **other})


def test_what_the_document_says() -> None:
    """One link with one image, in full."""
    document = delivery_document(sample(DeliveryState.COMPLETE))
    assert document["summary"] == {
        "sources": 1,
        "sampled": 1,
        "links": {**dict.fromkeys(map(str, DeliveryState), 0), "complete": 1},
        "deliveries": {**dict.fromkeys(map(str, OF_IMAGES), 0), "complete": 1},
        "seconds": {"measured": 1, "median": 12.5, "slowest": 12.5},
        "unreadable": 0,
    }
    assert document["links"] == [
        {
            "source": {"account": "1" * 12, "region": "us-east-1", "name": "build"},
            "destination": {
                "account": "2" * 12,
                "region": "eu-west-1",
                "name": "shop",
                "external": False,
            },
            "prefixes": ["base/"],
            "routes": ["golden"],
            "state": "complete",
            "images": [
                {
                    "repository": "base/app",
                    "digest": "sha256:0",
                    "tags": ["1"],
                    "pushed_at": "2026-11-23T12:00:00Z",
                    "state": "complete",
                    "code": None,
                    "seconds": 12.5,
                    "because": None,
                    "hint": None,
                }
            ],
        }
    ]


def test_junit_of_a_link_that_failed() -> None:
    """What failed, why, and what to do, each told once."""
    xml = to_junit(sample(DeliveryState.FAILED, DeliveryState.COMPLETE))
    case = ET.fromstring(xml).find("./testsuite/testcase")
    assert case is not None
    assert case.attrib["name"] == (
        "111111111111 us-east-1 (build) to 222222222222 eu-west-1 (shop)"
    )
    failure = case.find("failure")
    assert failure is not None
    assert failure.attrib["type"] == "failed"
    assert failure.text == (
        "1 of 2 images did not arrive\nbase/app@sha256:0 failed: DENIED nobody lets it in\nask"
    )


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (DeliveryState.COMPLETE, ExitCode.OK),
        (DeliveryState.IN_PROGRESS, ExitCode.OK),
        (DeliveryState.NOT_SENT, ExitCode.OK),
        (DeliveryState.FAILED, ExitCode.PARTIAL),
        (DeliveryState.MISSING, ExitCode.PARTIAL),
        (DeliveryState.NO_RULE, ExitCode.PARTIAL),
    ],
)
def test_exit_codes(state: DeliveryState, code: ExitCode) -> None:
    """What is on its way, or was there before its rule, is no failure."""
    assert delivery_exit(sample(DeliveryState.COMPLETE, state)) is code


def test_exit_codes_without_an_answer() -> None:
    """Nothing recent is fine; an unreadable registry is not; an interruption comes first."""
    assert delivery_exit(sample()) is ExitCode.OK
    dark = UnreadRegistry(registry=registry_of("1", "us-east-1"), name="build", error=DENIED)
    unread = sample(unreadable=(dark,))
    assert delivery_exit(unread) is ExitCode.PARTIAL
    assert delivery_exit(replace(unread, interrupted=True)) is ExitCode.INTERRUPTED


def test_the_schema_is_strict() -> None:
    """It names every state; an idle link has no images, and every other one has some."""
    checker = Draft202012Validator(schema("delivery"))
    text = json.dumps(schema("delivery"))
    assert all(f'"{state}"' in text for state in DeliveryState)
    document: Any = json.loads(to_json(sample(DeliveryState.COMPLETE)))
    link = document["links"][0]
    assert checker.is_valid(document)
    for wrong in ({**link, "images": []}, {**link, "state": "idle"}, {**link, "extra": 1}):
        assert not checker.is_valid({**document, "links": [wrong]})
