"""A finding: a problem that a reader has to know of, and how documents say one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fleet_repl.reports.documents.shared import (
    ErrorDocument,
    NamedPlaceDocument,
    ObjectionDocument,
    WarningDocument,
)

_RUN: Final = re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b")
_NUMBER: Final = re.compile(r"(?<![\w/-])\d[\d,.:]*")
_ACCOUNT: Final = re.compile(r"\d{12}")


class Level(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem, and what tells it from others."""

    rule: str
    level: Level
    message: str
    remedy: str | None = None
    subject: str | None = None
    """What it is about, such as `111111111111/eu-west-1`; None for the fleet as a whole."""
    same: str = ""
    """What tells the finding from others of its rule and subject, and is the same in every run."""
    file: str | None = None
    """The file that it is in; None for the inventory of the document."""
    line: int | None = None


def notes(items: Iterable[ObjectionDocument | WarningDocument], level: Level) -> Iterator[Finding]:
    """Yields a finding for each objection or warning."""
    for note in items:
        yield Finding(rule=note.kind, level=level, message=note.message, same=lasting(note.message))


def lasting(message: str) -> str:
    """Returns a message without what differs from run to run: counts, times and ids of runs.
    `3 of 1,200 links` as `N of N links`; account ids stay."""
    without_runs = _RUN.sub("RUN", message)
    return _NUMBER.sub(
        lambda number: number[0] if _ACCOUNT.fullmatch(number[0].rstrip(".,:")) else "N",
        without_runs,
    )


def failed(place: NamedPlaceDocument, error: ErrorDocument, level: Level) -> Finding:
    """Returns the finding of a registry whose call failed."""
    code = f" ({error.code})" if error.code else ""
    request = f" [request {error.request_id}]" if error.request_id else ""
    return Finding(
        rule=error.kind.value,
        level=level,
        message=f"{named_place(place)}: {error.operation}: {error.message}{code}{request}",
        remedy=error.hint,
        subject=str(place.registry),
        same=error.operation,
    )


def named_place(place: NamedPlaceDocument) -> str:
    """Returns `111111111111/eu-west-1 (build)`, without a name that only repeats the account."""
    name = "" if place.name in ("", place.account) else f" ({place.name})"
    return f"{place.registry}{name}"
