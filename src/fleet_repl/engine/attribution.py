"""Asks CloudTrail who has changed registries. A registry of which that is not known is a value.

What to look up and what the records mean is decided in `runs.cloudtrail`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import anyio

from fleet_repl.engine.answers import answer_of
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.workers import work_through
from fleet_repl.planning.attribution import Attribution, RecordedCall
from fleet_repl.runs.cloudtrail import Lookup, last_call, newest_by_resource
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry

OPERATION: Final = "LookupEvents"
_PATIENCE: Final = 30.0
"""Seconds, in real time, that a run waits for CloudTrail: others may use up its quota."""


class TrailReader(Protocol):
    """CloudTrail's event history."""

    async def recorded_calls(
        self, registry: Registry, operation: str, since: datetime
    ) -> Sequence[JsonObject]:
        """Returns the records of one API call from a time on, newest first: one page. Raises
        CallError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideChange:
    """A registry that others have changed."""

    since: datetime
    """The time of the run that wrote the registry last."""
    lookups: tuple[Lookup, ...]
    known: tuple[RecordedCall, ...] = ()
    """Calls that whoever asks for the plan knows of already; they are not looked up."""
    is_own: Callable[[RecordedCall], bool]
    """Whether a call was made by a run of this fleet."""

    def known_of(self, operation: str) -> tuple[RecordedCall, ...]:
        """Returns the calls of one name that are known already, without those before `since`."""
        return tuple(
            call for call in self.known if call.operation == operation and call.at >= self.since
        )


async def attribute(
    changes: Mapping[Registry, OutsideChange], trail: TrailReader, *, concurrency: int, stop: Stop
) -> Mapping[Registry, Attribution | Fault]:
    """Returns for each registry who has changed it, or the fault of the lookup."""
    answers: dict[Registry, Attribution | Fault] = {}

    async def look_up(registry: Registry) -> None:
        attributed = _attributed(registry, changes[registry], trail)
        answers[registry] = await answer_of(OPERATION, attributed)

    with stop.abandonable(), anyio.move_on_after(_PATIENCE):
        await work_through(sorted(changes), look_up, concurrency=concurrency, stop=stop)
    because = stop.because if stop.requested else f"no answer within {_PATIENCE:g} s"
    late = Fault(kind=FaultKind.TIMEOUT, operation=OPERATION, message=because)
    return {registry: answers.get(registry, late) for registry in changes}


async def _attributed(registry: Registry, change: OutsideChange, trail: TrailReader) -> Attribution:
    """Looks up the calls that nobody knows of yet, one after the other: CloudTrail takes two
    lookups per second from an account and region."""
    calls: list[tuple[Lookup, RecordedCall]] = []
    for lookup in change.lookups:
        if lookup.prefix is None and (known := change.known_of(lookup.operation)):
            calls += ((lookup, call) for call in known)
            continue
        records = await trail.recorded_calls(registry, lookup.operation, change.since)
        call = last_call(records, lookup, change.is_own)
        if call is not None:
            calls.append((lookup, call))
    return Attribution(calls=newest_by_resource(calls))
