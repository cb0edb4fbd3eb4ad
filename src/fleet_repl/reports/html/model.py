"""The content of an HTML page as frozen values, which the template only places."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_repl.reports.html.figures import Drawing, Matrix, Wave
from fleet_repl.reports.html.marks import Mark, Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    term: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A number at the top of the page."""

    number: int
    label: str
    tone: Tone
    note: str
    choice: str | None = None
    """The word of the table's outcome filter that the tile selects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A fact that needs a reader, written once for all registries that share it."""

    tone: Tone
    kind: str
    title: str
    examples: tuple[str, ...] = ()
    more: int = 0
    """How many more registries or links than `examples` share it."""
    remedy: tuple[str, ...] = ()
    """What to do, and below it the lines to run or to paste."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    sign: str
    """`+`, `-`, a space for a line of both, and `…` for a gap."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A part of what a row opens to."""

    title: str
    tone: Tone = Tone.IDLE
    note: str = ""
    facts: tuple[Fact, ...] = ()
    items: tuple[str, ...] = ()
    diff: tuple[DiffLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table at the bottom of the page."""

    mark: Mark
    name: str
    """The name of the account, or of the source of a link."""
    account: str
    region: str
    """Several regions are separated by commas."""
    wave: str | None
    summary: str
    outcomes: tuple[str, ...]
    """The words of the outcome filter that select it; the first is its own."""
    labels: tuple[str, ...] = ()
    """Such as `team=payments`."""
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A filter of the table with its options; a row has the numbers of those that select it."""

    name: str
    label: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    title: str
    noun: str
    rows: tuple[Row, ...]
    picks: tuple[tuple[tuple[int, ...], ...], ...]
    """For each row and each choice, the numbers of the options that select the row."""
    choices: tuple[Choice, ...]
    cut: str | None
    """How many rows are left out; None where every row is listed."""
    in_waves: bool
    labelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything that a page shows, in its order."""

    kind: str
    """The kind of the document, such as `Plan`."""
    fleet: str
    status: Mark
    sentence: str
    facts: tuple[Fact, ...]
    tiles: tuple[Tile, ...]
    timeline: tuple[Wave, ...]
    problems: tuple[Problem, ...]
    matrix: Matrix | None
    drawing: Drawing | None
    table: Table
    csv: str | None = None
    """The name of the file beside the page that has every row; None where there is no such file."""
