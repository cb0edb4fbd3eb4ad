"""Event sinks that a run can rely on."""

from __future__ import annotations

import logging

from fleet_repl.engine.ports import EventSink
from fleet_repl.runs.events import Event

_LOG = logging.getLogger("fleet_repl")


def ignored(event: Event) -> None:
    """Where events go that nobody asked for."""


def guarded(sink: EventSink) -> EventSink:
    """The sink, as long as it works. One that raises is told once and gets nothing more: a
    listener must not end a run that is writing."""
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
    """Every event to both."""
    if second is None:
        return first
    other = guarded(second)

    def pass_on(event: Event) -> None:
        first(event)
        other(event)

    return pass_on
