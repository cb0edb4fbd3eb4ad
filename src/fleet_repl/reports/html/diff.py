"""The difference between two AWS documents, line by line. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Final

from fleet_repl.reports.html.model import DiffLine
from fleet_repl.values.canonical_json import JsonObject

CONTEXT: Final = 2
"""The equal lines that are shown around a difference."""
LONGEST: Final = 160
"""The most lines of a difference."""
_COMPARED: Final = 1_200
"""The most lines that are compared pair by pair, which takes the square of their number."""


def diff_lines(before: JsonObject | None, after: JsonObject | None) -> tuple[DiffLine, ...]:
    """Returns the lines of `after` with `+`, those of `before` that are gone with `-`, and a few
    equal lines around them; at most `LONGEST`, and then a line that says how many are left out."""
    lines = tuple(_lines(_text(before), _text(after)))
    if len(lines) <= LONGEST:
        return lines
    rest = f"{len(lines) - LONGEST:,} more lines; the JSON document has them"
    return (*lines[:LONGEST], DiffLine(sign="…", text=rest))


def _text(document: JsonObject | None) -> list[str]:
    if document is None:
        return []
    return json.dumps(document, indent=2, ensure_ascii=False).splitlines()


def _lines(before: list[str], after: list[str]) -> Iterator[DiffLine]:
    head = _alike(before, after)
    most = min(len(before), len(after)) - head
    tail = min(most, _alike(before[::-1], after[::-1]))
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    yield from _equal(before[:head], first=True)
    if len(old) + len(new) > _COMPARED:
        yield from _signed("-", old)
        yield from _signed("+", new)
    else:
        matcher = SequenceMatcher(a=old, b=new, autojunk=False)
        for tag, at, to, new_at, new_to in matcher.get_opcodes():
            if tag == "equal":
                yield from _equal(old[at:to])
            else:
                yield from _signed("-", old[at:to])
                yield from _signed("+", new[new_at:new_to])
    yield from _equal(before[len(before) - tail :], last=True)


def _alike(these: list[str], those: list[str]) -> int:
    """Returns the number of lines that both begin with."""
    pairs = zip(these, those, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _signed(sign: str, lines: list[str]) -> Iterator[DiffLine]:
    return (DiffLine(sign=sign, text=line) for line in lines)


def _equal(lines: list[str], *, first: bool = False, last: bool = False) -> Iterator[DiffLine]:
    """Yields the beginning and the end of equal lines, and the number of those between them; of
    the first lines of a document only the end, and of the last ones only the beginning."""
    head, tail = 0 if first else CONTEXT, 0 if last else CONTEXT
    gap = len(lines) - head - tail
    if gap <= 1:
        yield from _signed(" ", lines)
        return
    yield from _signed(" ", lines[:head])
    yield DiffLine(sign="…", text=f"{gap:,} equal lines")
    yield from _signed(" ", lines[len(lines) - tail :])
