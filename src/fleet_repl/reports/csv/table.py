"""A table as CSV by RFC 4180, that neither a spreadsheet nor a terminal takes for anything else.

A spreadsheet calculates a cell that begins like a formula, and names come from outside: such a cell
gets an apostrophe before it. Invisible characters, line breaks among them, are written as escapes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes
from fleet_repl.values.text import visible

Cell: TypeAlias = str | int | float | bool | None

_BATCH: Final = 256
"""The number of rows that are written at a time."""
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The first characters that make a spreadsheet calculate a cell, full-width ones among them."""


@dataclass(frozen=True, slots=True)
class Table:
    """The names of columns, and rows with a cell for each."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Cell, ...]]


def csv_lines(table: Table) -> Iterator[str]:
    """Yields a table in pieces of whole lines, which end as RFC 4180 says: with CR LF."""
    yield _written([table.columns])
    while batch := list(islice(table.rows, _BATCH)):
        yield _written(batch)


def prefix_cell(prefixes: Prefixes) -> str:
    """Returns `base/ golden/`, or `*` for every repository."""
    return "*" if prefixes == EVERY_REPOSITORY else " ".join(prefixes)


def one_line(remedy: str) -> str:
    """Returns a remedy, whose commands are on lines of their own, as one line."""
    return " ".join(remedy.splitlines())


def pairs(values: Mapping[str, object]) -> str:
    """Returns `env=prod tier=hub`."""
    return " ".join(f"{key}={value}" for key, value in values.items())


def _written(rows: Iterable[tuple[Cell, ...]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows(map(_cell, row) for row in rows)
    return file.getvalue()


def _cell(value: Cell) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            shown = visible(value)
            return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
        case _:
            return str(value)
