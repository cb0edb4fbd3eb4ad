"""docs/library.md has every public name, with the parameters and fields that it really has."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import TYPE_CHECKING, get_args

import pytest
from tests.support.pages import Page

import fleet_repl

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@pytest.fixture(scope="module")
def page(pages: dict[str, Page]) -> Page:
    return pages["docs/library.md"]


def parameters(written: str) -> list[str]:
    """The names in a written signature."""
    return [item.partition("=")[0] for item in written.split(", ") if item not in ("", "*")]


def test_every_public_name_is_reported(page: Page) -> None:
    """All of `__all__`, each written as code somewhere on the page."""
    code = " ".join(re.findall(r"`([^`]+)`", page.prose))
    named = set(re.findall(r"\w+", code))
    assert set(fleet_repl.__all__) - named == set()


def test_every_event_is_reported_with_its_fields(page: Page) -> None:
    """The union of events and the table, both ways."""
    rows = {
        row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in page.table("## Events")
    }
    events = get_args(fleet_repl.Event)
    assert rows == {
        event.__name__: {field_.name for field_ in dataclasses.fields(event)} for event in events
    }


def test_every_exception_is_reported(page: Page) -> None:
    """The tree under FleetError, as far as it is public."""
    rows = {row[0].strip("`") for row in page.table("## Errors")}
    public = [getattr(fleet_repl, name) for name in fleet_repl.__all__]
    errors = {
        item.__name__
        for item in public
        if inspect.isclass(item) and issubclass(item, fleet_repl.FleetError)
    }
    assert rows == errors - {"FleetError"}


@pytest.mark.parametrize(
    ("heading", "described", "attributes"),
    [
        ("## Fleet", fleet_repl.Fleet, {"run_id", "name", "holds_lock"}),
        ("## Past runs", fleet_repl.History, {"location"}),
    ],
)
def test_calls_are_reported_with_their_parameters(
    heading: str, described: type[object], attributes: set[str], page: Page
) -> None:
    """The public methods of what a connection gives, and for each of them the names it takes."""
    named = {}
    for row in page.table(heading):
        name, called, rest = re.sub(r"`|await |fleet\.|history\.", "", row[0]).partition("(")
        assert bool(called) != (name in attributes), name
        named[name] = parameters(rest.rstrip(")"))
    for name, taken in named.items():
        if name not in attributes:
            actual = inspect.signature(getattr(described, name)).parameters
            assert [item for item in actual if item != "self"] == taken, name
    public = {name for name in dir(described) if not name.startswith("_")}
    assert set(named) == public | attributes


@pytest.mark.parametrize(
    "name",
    [
        "connect",
        "load_inventory",
        "describe_fleet",
        "load_plan",
        "check_plan",
        "open_history",
        "to_json",
    ],
)
def test_functions_take_what_the_page_says(name: str, page: Page) -> None:
    """The first signature in code on the page; `clock` is for tests and is left out."""
    written = re.search(rf"`{name}\(([^`]*)\)`", page.prose)
    assert written is not None
    named = parameters(written[1])
    actual = inspect.signature(getattr(fleet_repl, name)).parameters
    if name == "to_json":
        assert len(named) == len(actual)
    else:
        assert named == [item for item in actual if item != "clock"]


@pytest.mark.parametrize(
    ("start", "described"),
    [
        ("| `Plan` |", fleet_repl.Plan),
        ("| `RegistryPlan` |", fleet_repl.RegistryPlan),
        ("| `Change` |", fleet_repl.Change),
        ("| `Report` |", fleet_repl.Report),
        ("| `RegistryOutcome` |", fleet_repl.RegistryOutcome),
        ("| `RunSummary` |", fleet_repl.RunSummary),
        ("| `RunMeta` |", fleet_repl.RunMeta),
        ("| `Holder` |", fleet_repl.Holder),
        ("| `PastRun` |", fleet_repl.PastRun),
        ("| `JournalEntry` |", fleet_repl.JournalEntry),
        ("| `Freeze` |", fleet_repl.Freeze),
        ("A `Problem` has", fleet_repl.Problem),
        ("Values carry a `Fault`:", fleet_repl.Fault),
        ("A `Selection` has", fleet_repl.Selection),
    ],
)
def test_fields_on_the_page_exist(
    start: str, described: type[DataclassInstance], page: Page
) -> None:
    """What a type's row or sentence names is really there."""
    (line,) = [line for line in page.prose.splitlines() if line.startswith(start)]
    known = {field_.name for field_ in dataclasses.fields(described)} | set(vars(described))
    named = set(re.findall(r"`([a-z_]+)", line))
    assert named
    assert named <= known
