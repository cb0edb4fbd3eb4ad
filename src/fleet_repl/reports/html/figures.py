"""The figures of a page as frozen values: its timeline, its matrix and its drawing."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_repl.reports.html.marks import Mark, Tone


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
