"""The table at the bottom of a page, with its filters. Pure.

A page has at most `MOST` rows, those that need a reader first, and at most `DIFF_LINES` lines of
differences, so that the page of a hundred thousand registries opens as fast as any other. What is
left out is said, and a CSV beside the page has it: see `page.cut_rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from fleet_repl.reports.html.marks import Tone
from fleet_repl.reports.html.model import Choice, DiffLine, Row, Table
from fleet_repl.topology import REST
from fleet_repl.values.text import counted

MOST: Final = 2_000
"""The most rows of a page."""
DIFF_LINES: Final = 24_000
"""The most lines of differences in a page."""
_MOST_OPTIONS: Final = 200
"""The most options of a filter; a text finds the others."""
_LEFT_OUT: Final = DiffLine(sign="…", text="left out of this page; the JSON document has it")
_WORST_FIRST: Final = (
    Tone.BAD,
    Tone.HELD,
    Tone.REMOVED,
    Tone.CHANGED,
    Tone.ADDED,
    Tone.IDLE,
    Tone.GOOD,
)

_T = TypeVar("_T")


def table_of(
    noun: str, items: Sequence[_T], tone: Callable[[_T], Tone], row: Callable[[_T], Row]
) -> Table:
    """Returns the table of `items`, those of the worst tone first and else in their order."""
    rank = {tone: place for place, tone in enumerate(_WORST_FIRST)}
    shown = sorted(items, key=lambda item: rank[tone(item)])[:MOST]
    rows = tuple(_within_budget(map(row, shown)))
    choices, picks = _choices(rows)
    plural = counted(2, noun).partition(" ")[2]
    return Table(
        title=f"{plural[0].upper()}{plural[1:]}",
        noun=noun,
        rows=rows,
        picks=picks,
        choices=choices,
        cut=_cut(plural, len(items), len(rows)),
        in_waves=any(row.wave not in (None, REST) for row in rows),
        labelled=any(row.labels for row in rows),
    )


def _cut(plural: str, total: int, shown: int) -> str | None:
    if total <= shown:
        return None
    return f"{shown:,} of {total:,} {plural} are listed, those with problems or changes first."


def _within_budget(rows: Iterable[Row]) -> Iterator[Row]:
    left = DIFF_LINES
    for row in rows:
        left -= sum(len(block.diff) for block in row.blocks)
        if left >= 0:
            yield row
        else:
            blocks = tuple(
                replace(block, diff=(_LEFT_OUT,)) if block.diff else block for block in row.blocks
            )
            yield replace(row, blocks=blocks)


def _choices(
    rows: Sequence[Row],
) -> tuple[tuple[Choice, ...], tuple[tuple[tuple[int, ...], ...], ...]]:
    """Returns the filters that divide the rows, and for each row the options that select it."""
    wanted: list[tuple[str, str, list[tuple[str, ...]]]] = [
        ("outcome", "Outcome", [row.outcomes for row in rows]),
        ("account", "Account", [(_account(row),) for row in rows]),
        ("region", "Region", [tuple(filter(None, row.region.split(", "))) for row in rows]),
        ("wave", "Wave", [() if row.wave is None else (row.wave,) for row in rows]),
        ("label", "Label", [row.labels for row in rows]),
    ]
    choices, columns = [], []
    for name, label, values in wanted:
        options = sorted({value for some in values for value in some})
        if name == "outcome":
            options = list(dict.fromkeys(value for some in values for value in some))
        if 1 < len(options) <= _MOST_OPTIONS:
            numbers = {option: number for number, option in enumerate(options)}
            choices.append(Choice(name=name, label=label, options=tuple(options)))
            columns.append([tuple(numbers[value] for value in some) for some in values])
    picks = tuple(zip(*columns, strict=True)) if columns else ((),) * len(rows)
    return tuple(choices), picks


def _account(row: Row) -> str:
    return row.account if row.name == row.account else f"{row.name} ({row.account})"
