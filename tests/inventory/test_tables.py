"""Any frozen dataclass is a table: its fields are the keys that are read, checked and described."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest
from pydantic.errors import PydanticSchemaGenerationError

from fleet_repl.inventory.accounts import AccountNames
from fleet_repl.inventory.editor_schema import schema_of
from fleet_repl.inventory.fields import Name, duration
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.kinds import DISTINCT, NOT_EMPTY, Context, Switch, number
from fleet_repl.inventory.regions import Regions
from fleet_repl.inventory.tables import Table, adapter, part_of, read_table
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import Partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg(Table):
    """A part of a journey."""

    to: Name = field(metadata={"missing": "say where it leads"})
    """Where it leads."""
    lasts: Annotated[int, duration(1, 60)] = 5
    """How long it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey(Table):
    """A way through several places."""

    start: Name = field(metadata={"alias": "from", "missing": "say where it starts"})
    """Where it
    starts."""
    by: Literal["land", "sea"] = "land"
    """How one travels."""
    again: Switch = False
    """Whether it is made twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyTable(Journey):
    """A way through several places, as it is written."""

    legs: tuple[Leg, ...] = ()
    """Its parts."""
    guests: Annotated[tuple[Annotated[int, number(1, 9)], ...], NOT_EMPTY, DISTINCT] = ()
    """How many come along."""


def _read(document: dict[str, object]) -> tuple[JourneyTable, tuple[Problem, ...]]:
    findings = Findings("j.toml", document, {})
    context = Context(regions=Regions(Partition.AWS), names=AccountNames(findings))
    return read_table(JourneyTable, document, findings, context), findings.problems


def test_a_good_table() -> None:
    """Keys are fields, by their own name or by another; what is missing has its default."""
    legs = [{"to": "a", "lasts": "1m"}, {"to": "b"}]
    journey, problems = _read({"from": "x", "by": "sea", "legs": legs, "guests": [2, 1]})
    assert problems == ()
    assert journey == JourneyTable(
        start="x", by="sea", legs=(Leg(to="a", lasts=60), Leg(to="b")), guests=(2, 1)
    )
    assert part_of(journey, Journey) == Journey(start="x", by="sea")


def test_a_bad_table_is_read_to_its_end() -> None:
    """Every key is judged; what is bad has its default, or is missing where it has none."""
    legs = [{"lasts": "2m"}, "home"]
    journey, problems = _read(
        {"by": "air", "again": 1, "length": 3, "legs": legs, "guests": [1, 10, "x", 1]}
    )
    assert [str(problem) for problem in problems] == [
        "j.toml: again: must be true or false (found 1)",
        'j.toml: by: must be "land" or "sea" (found "air")',
        "j.toml: from: is missing\n    say where it starts",
        "j.toml: guests[1]: must be at most 9 (found 10)",
        'j.toml: guests[2]: must be a whole number (found "x")',
        "j.toml: guests[3]: is in the list twice (found 1)",
        'j.toml: legs[0].lasts: must be 1s to 1m (found "2m")',
        "j.toml: legs[0].to: is missing\n    say where it leads",
        'j.toml: legs[1]: must be a table (found "home")',
        "j.toml: length: is not a known key\n    known here: from, by, again, legs, guests",
    ]
    assert str(journey) == (
        "JourneyTable(start=None, by='land', again=False, legs=(Leg(to=None, lasts=5), "
        "Leg(to=None, lasts=5)), guests=())"
    )


def test_editors_learn_what_stands_below_a_field() -> None:
    """The text below each field is what an editor shows, in one line."""
    schema = schema_of(JourneyTable, "journey")
    assert schema["required"] == ["from"]
    assert schema["properties"] == {
        "from": {"title": "from", "description": "Where it starts.", "type": "string"},
        "by": {
            "title": "by",
            "description": "How one travels.",
            "anyOf": [{"enum": ["land", "sea"]}, {"type": "string", "pattern": r"\$\{"}],
        },
        "again": {
            "title": "again",
            "description": "Whether it is made twice.",
            "type": "boolean",
        },
        "legs": {
            "title": "legs",
            "description": "Its parts.",
            "type": "array",
            "items": {"$ref": "#/$defs/Leg"},
        },
        "guests": {
            "title": "guests",
            "description": "How many come along.",
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 9},
            "minItems": 1,
            "uniqueItems": True,
        },
    }


def test_a_type_that_says_nothing_is_a_mistake_of_ours() -> None:
    """A field of a type that pydantic cannot read is found when the table is first used."""

    @dataclass(frozen=True)
    class Odd(Table):
        width: Findings | None = None

    with pytest.raises(PydanticSchemaGenerationError, match="Findings"):
        adapter(Odd)
