"""Rollback marks: versions of the inventory that were rolled back and are not applied again.

`runs.rollback` decides which versions a rollback marks. A mark is removed when its version is
applied by force, or when the rollback itself is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from fleet_repl.reports.documents.member_types import Instant
from fleet_repl.reports.documents.reader import Document, MalformedError, read, read_items
from fleet_repl.reports.documents.shared import moment
from fleet_repl.reports.documents.writer import line
from fleet_repl.runs.history import RolledBack
from fleet_repl.state.revise import FleetDocument
from fleet_repl.values.errors import UnreadableStateError
from fleet_repl.values.text import timestamp

ROLLED_BACK_SCHEMA: Final = "fleet-repl/rolled-back/1"

Marks: TypeAlias = tuple[RolledBack, ...]


class MarkDocument(Document, frozen=True):
    """A version of the inventory whose run was rolled back."""

    inventory: str
    run: str
    by: str
    at: Instant

    @classmethod
    def of(cls, mark: RolledBack) -> MarkDocument:
        return cls(mark.inventory, mark.run_id, mark.by, timestamp(mark.at))

    def mark(self) -> RolledBack:
        at = moment(self.at, "at")
        return RolledBack(inventory=self.inventory, run_id=self.run, by=self.by, at=at)


class MarksDocument(Document, frozen=True, tag_field="schema", tag=ROLLED_BACK_SCHEMA):
    """The marks of a fleet, the oldest first."""

    marks: tuple[MarkDocument, ...]


def lifted(marks: Iterable[RolledBack], inventory: str) -> Marks:
    """Returns the marks without those of a version of the inventory."""
    return tuple(mark for mark in marks if mark.inventory != inventory)


def reset(marks: Iterable[RolledBack], before: Marks, *, by: str) -> Marks:
    """Returns the marks without the effect of the run `by`: its own marks are removed, and those of
    `before` that it lifted or replaced are back. Marks of later runs stay."""
    others = tuple(mark for mark in marks if mark.by != by)
    marked = {mark.inventory for mark in others}
    return (*(mark for mark in before if mark.inventory not in marked), *others)


def marks_content(marks: Marks) -> bytes:
    """The document `fleet-repl/rolled-back/1`."""
    return line(MarksDocument(tuple(map(MarkDocument.of, marks))))


def parse_marks(content: bytes, where: str) -> Marks:
    """The marks in a document. Raises UnreadableStateError, naming it as `where`."""
    try:
        return read_items("marks", read(content, MarksDocument).marks, MarkDocument.mark)
    except MalformedError as malformed:
        raise UnreadableStateError(
            f"what was rolled back cannot be read: {where}: {malformed}\n"
            "    move it away to go on without it: what was rolled back may then be applied again"
        ) from None


_MARKS: Final[FleetDocument[Marks]] = FleetDocument(
    file="rolled-back.json", parse=parse_marks, content=marks_content, empty=()
)
read_marks = _MARKS.read
revise_marks = _MARKS.revise
