"""Event sinks whose failures do not end a run."""

from __future__ import annotations

import logging

from fleet_repl.engine.ports import EventSink
from fleet_repl.runs.events import Event

_LOG = logging.getLogger("fleet_repl")


def ignored(event: Event) -> None:
    """Drops an event."""


def guarded(sink: EventSink) -> EventSink:
    """Returns a sink that stops passing events on once `sink` raises, which is logged once.

    A listener must not end a run that is writing.
    """
    broken = False

    def pass_on(event: Event) -> None:
        nonlocal broken
        if broken:
            return
        try:
            sink(event)
        except Exception:  # noqa: BLE001 - whatever a listener raises, the run goes on
            broken = True
            _LOG.exception("an event sink failed; it gets no more events")

    return pass_on


def both(first: EventSink, second: EventSink | None) -> EventSink:
    """Returns a sink that sends every event to both, and survives failures of `second`."""
    if second is None:
        return first
    other = guarded(second)

    def pass_on(event: Event) -> None:
        first(event)
        other(event)

    return pass_on
