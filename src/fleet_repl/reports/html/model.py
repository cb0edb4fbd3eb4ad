"""The content of an HTML page as frozen values, which the template only places."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Tone(StrEnum):
    """The meaning of a colour. Every use of it has a word or a symbol beside it."""

    GOOD = "good"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    HELD = "held"
    BAD = "bad"
    IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A state as a word, a symbol that is legible without colour, and a colour."""

    word: str
    symbol: str
    tone: Tone


FAILED: Final = Mark(word="failed", symbol="✕", tone=Tone.BAD)
HELD: Final = Mark(word="held", symbol="‖", tone=Tone.HELD)
REMOVED: Final = Mark(word="removed", symbol="\N{MINUS SIGN}", tone=Tone.REMOVED)
DELETES: Final = Mark(word="delete replication", symbol="D", tone=Tone.CHANGED)
NOT_WRITTEN: Final = Mark(word="not written", symbol="○", tone=Tone.IDLE)
ADDED: Final = Mark(word="added", symbol="+", tone=Tone.ADDED)
IN_PLACE: Final = Mark(word="in place", symbol="●", tone=Tone.GOOD)
LINK_MARKS: Final = (FAILED, HELD, REMOVED, DELETES, NOT_WRITTEN, ADDED, IN_PLACE)
"""The states of a link of a plan or a run; a cell with several shows the first of these."""


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
class Segment:
    """A part of a bar, whose whole width is 1,000."""

    word: str
    number: int
    tone: Tone
    start: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The writes of one phase of a wave."""

    name: str
    total: int
    segments: tuple[Segment, ...]

    @property
    def words(self) -> str:
        """The numbers of the bar: `3 applied, 1 failed`."""
        return ", ".join(f"{segment.number:,} {segment.word}" for segment in self.segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """A wave of the timeline, with its phases in their order."""

    name: str
    summary: str
    because: str | None
    steps: tuple[Step, ...]


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
class Heading:
    """A header of an axis of the matrix."""

    group: str
    """The region, and a label where the document has one that divides the fleet."""
    name: str
    detail: str
    place: int = 0
    """Its place in the group, before the names are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    mark: Mark
    number: int
    """How many links are in the state of the mark."""
    lines: tuple[str, ...]
    """Its ends and their links, for whoever points at it or hears it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    heading: Heading
    first: bool
    """Whether the row is the first of its group."""
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The fleet as a table of sources against destinations, or of registries against checks."""

    title: str
    caption: str
    across: str
    """The kind of the columns, such as `destination`."""
    down: str
    groups: tuple[tuple[str, int], ...]
    """The groups of columns, each with its number of columns."""
    columns: tuple[Heading, ...]
    rows: tuple[MatrixRow, ...]
    legend: tuple[tuple[Mark, int], ...]
    """The marks that are used, each with its number of links."""
    notes: tuple[str, ...]

    @property
    def grouped(self) -> bool:
        """Returns whether any group has several columns, so that a line of groups says more."""
        return any(group and span > 1 for group, span in self.groups)

    @property
    def counted(self) -> bool:
        """Returns whether cells stand for several links, so that they show numbers."""
        return any(cell and cell.number > 1 for row in self.rows for cell in row.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A registry of the drawing; `x` and `y` are its upper left corner."""

    x: int
    y: int
    name: str
    detail: str
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A link of the drawing."""

    path: str
    """The `d` attribute of an SVG path."""
    mark: Mark
    backwards: bool
    """Whether the arrowhead is at the start of the path."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    text: str
    """What it shows, for readers who do not see it."""


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
    notes: tuple[str, ...]
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
