"""The registries that the page of a watch names, with the reasons. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fleet_repl.planning.attribution import Mover
from fleet_repl.planning.plan import State
from fleet_repl.reports.documents.round import MovedDocument, RegistryDocument, RoundDocument
from fleet_repl.reports.documents.shared import ErrorDocument, given
from fleet_repl.reports.html.marks import FAILED, HELD, Mark, Tone
from fleet_repl.reports.html.watch_model import RegistryRow
from fleet_repl.runs.drift import call_sentences
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.errors import FaultKind
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted
from fleet_repl.watch.suppression import suppressed

_DIFFERS: Final = Mark(word="differs", symbol="≠", tone=Tone.CHANGED)
_CORRECTED: Final = Mark(word="corrected", symbol="✓", tone=Tone.ADDED)
_UNREADABLE: Final = Mark(word="unreadable", symbol="?", tone=Tone.BAD)
_JOINING: Final = Mark(word="joining", symbol="○", tone=Tone.IDLE)
_EXCLUDED: Final = Mark(word="excluded", symbol="‖", tone=Tone.HELD)
_FLAPS: Final = Mark(word="flaps", symbol="~", tone=Tone.HELD)


def registry_rows(document: RoundDocument) -> tuple[RegistryRow, ...]:
    """Returns the registries that differ, failed, are joining, excluded or left alone, or have
    links held: as far as the round's document lists them, in their order."""
    known = {entry.registry: entry for entry in document.registries}
    excluded = {
        entry.registry: tuple(f"{against.kind}: {against.message}" for against in entry.objections)
        for entry in given(document.excluded) or ()
    }
    flapping = {place.registry for place in document.left_alone}
    return tuple(
        _row(registry, known.get(registry), excluded.get(registry, ()), flaps=registry in flapping)
        for registry in sorted(known.keys() | excluded.keys() | flapping)
    )


def more_registries(document: RoundDocument) -> tuple[str, ...]:
    """Returns how many registries of each list the document leaves out."""
    numbers = {
        "that differ, failed, are joining or have links held": document.more_registries,
        "that are excluded": given(document.more_excluded) or 0,
        "that flap": document.more_left_alone,
    }
    return tuple(f"and {number:,} more {which}" for which, number in numbers.items() if number)


def _row(
    registry: Registry, entry: RegistryDocument | None, objections: tuple[str, ...], *, flaps: bool
) -> RegistryRow:
    marks = [*([_FLAPS] if flaps else []), *([_EXCLUDED] if objections else [])]
    reasons = [*objections]
    if flaps:
        fault = suppressed([registry])[registry]
        reasons = [fault.message, fault.hint or "", *objections]
    if entry is not None:
        marks += _marks(entry)
        reasons += _reasons(entry)
    return RegistryRow(
        account=registry.account,
        region=registry.region,
        name=entry.name if entry else registry.account,
        marks=tuple(marks),
        reasons=tuple(reasons),
    )


def _marks(entry: RegistryDocument) -> Iterator[Mark]:
    if entry.state is State.UNREADABLE:
        # Of a registry that cannot be read, the reason is one why that is no failure.
        yield _JOINING if entry.because else _UNREADABLE
    elif entry.outcome is Outcome.APPLIED:
        yield _CORRECTED
    elif entry.outcome is Outcome.FAILED and not entry.left_alone:
        yield FAILED
    elif entry.state is State.CHANGED and entry.outcome is not Outcome.UNCHANGED:
        yield _DIFFERS
    if entry.held:
        yield HELD


def _reasons(entry: RegistryDocument) -> Iterator[str]:
    error = entry.error
    # Of a registry that is left alone, a conflict only says so once more.
    if error is not None and not (entry.left_alone and error.kind is FaultKind.CONFLICT):
        yield _error(error)
        yield from [] if error.hint is None else [error.hint]
    if entry.because is not None:
        yield entry.because
    if entry.moved is not None:
        yield _moved(entry.moved)
        yield from call_sentences(entry.moved.attribution)
    if entry.held:
        yield f"{counted(entry.held, 'link')} out of it held"


def _error(error: ErrorDocument) -> str:
    code = f" ({error.code})" if error.code else ""
    request = f", request id {error.request_id}" if error.request_id else ""
    return f"{error.operation}: {error.message}{code}{request}"


def _moved(moved: MovedDocument) -> str:
    run = f"run {moved.run_id}" + (f" at {moved.at}" if moved.at else "")
    match moved.by:
        case Mover.FLEET:
            return f"somebody has changed it since {run} wrote it"
        case Mover.INVENTORY if moved.by_repositories is True:
            return f"its routes need other prefixes: repositories have changed since {run} wrote it"
        case Mover.INVENTORY:
            return f"the inventory has changed since {run} wrote it"
        case Mover.UNKNOWN:
            return "no run has written it"
