"""The fleet as a matrix of sources against destinations, or of registries against checks. Pure.

An axis of more than `MOST` registries has a place for each region, or for each value of a label in
a region, so that a matrix of any fleet fits a page.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from fleet_repl.reports.html.figures import Cell, Heading, Matrix, MatrixRow
from fleet_repl.reports.html.labels import Labels
from fleet_repl.reports.html.links import LinkView
from fleet_repl.reports.html.marks import Mark
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import and_more, counted

MOST: Final = 40
"""The most places of an axis that has one for each registry."""
_LINES: Final = 6
"""The most links that a cell names; one with more begins with their numbers by state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A state between a place of each axis."""

    down: Heading
    across: Heading
    mark: Mark
    text: str


def link_matrix(
    links: Sequence[LinkView],
    marks: Sequence[Mark],
    names: Mapping[AccountId, str],
    labels: Labels,
    notes: tuple[str, ...] = (),
) -> Matrix | None:
    """Returns the matrix of links; None where there are none. `marks`: the worst first."""
    sources = _places({link.source for link in links}, names, labels)
    destinations = _places({link.destination for link in links}, names, labels)
    entries = [
        Entry(
            down=sources[link.source],
            across=destinations[link.destination],
            mark=link.mark,
            text=_text(link, names),
        )
        for link in links
    ]
    title = "The fleet, sources against destinations"
    return matrix_of(entries, marks, (title, "source", "destination", "link"), notes)


def _text(link: LinkView, names: Mapping[AccountId, str]) -> str:
    ends = " → ".join(
        f"{names.get(end.account, end.account)} {end.region}"
        for end in (link.source, link.destination)
    )
    return f"{ends}: {link.mark.word}; {link.text}"


def _places(
    registries: Collection[Registry], names: Mapping[AccountId, str], labels: Labels
) -> Mapping[Registry, Heading]:
    """Returns the place of each registry on an axis; many share one where there are too many."""
    groups = {registry: labels.group(registry) for registry in registries}
    if len(registries) <= MOST:
        return {
            registry: Heading(
                group=groups[registry],
                name=names.get(registry.account, registry.account),
                detail=registry.account,
            )
            for registry in registries
        }
    if len(set(groups.values())) > MOST:
        groups = {registry: registry.region for registry in registries}
    sizes = Counter(groups.values())
    return {
        registry: Heading(group=group, name=counted(sizes[group], "registry"), detail="")
        for registry, group in groups.items()
    }


def matrix_of(
    entries: Iterable[Entry],
    marks: Sequence[Mark],
    words: tuple[str, str, str, str],
    notes: tuple[str, ...] = (),
) -> Matrix | None:
    """Returns a matrix; None without any entry.

    `words`: its title, and the nouns of a row, of a column and of an entry.
    """
    cells: defaultdict[tuple[Heading, Heading], list[Entry]] = defaultdict(list)
    for entry in entries:
        cells[entry.down, entry.across].append(entry)
    if not cells:
        return None
    title, down, across, noun = words
    rows = sorted({row for row, _ in cells}, key=_order)
    columns = sorted({column for _, column in cells}, key=_order)
    totals = Counter(entry.mark for some in cells.values() for entry in some)
    sizes = f"{counted(len(rows), down)} by {counted(len(columns), across)}"
    return Matrix(
        title=title,
        caption=f"{sizes}, {counted(sum(totals.values()), noun)}",
        across=across,
        down=down,
        groups=tuple((group, len(list(some))) for group, some in groupby(columns, _group)),
        columns=tuple(columns),
        rows=tuple(
            MatrixRow(
                heading=row,
                first=nth == 0 or rows[nth - 1].group != row.group,
                cells=tuple(_cell(cells.get((row, column), []), marks) for column in columns),
            )
            for nth, row in enumerate(rows)
        ),
        legend=tuple((mark, totals[mark]) for mark in marks if totals[mark]),
        notes=notes,
    )


def _cell(entries: Sequence[Entry], marks: Sequence[Mark]) -> Cell | None:
    if not entries:
        return None
    rank = {mark: place for place, mark in enumerate(marks)}
    ordered = sorted(entries, key=lambda entry: (rank[entry.mark], entry.text))
    worst = ordered[0].mark
    numbers = Counter(entry.mark for entry in ordered)
    lines = tuple(entry.text for entry in ordered[:_LINES])
    if len(ordered) > _LINES:
        sums = ", ".join(f"{number:,} {mark.word}" for mark, number in numbers.items())
        lines = (sums, *lines, and_more(len(ordered) - _LINES).strip())
    return Cell(mark=worst, number=numbers[worst], lines=lines)


def _group(heading: Heading) -> str:
    return heading.group


def _order(heading: Heading) -> tuple[str, int, str, str]:
    return heading.group, heading.place, heading.name, heading.detail
