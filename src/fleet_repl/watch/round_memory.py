"""The memory of a watch within a round: read from the state, brought up to date, written back."""

from __future__ import annotations

from dataclasses import replace

from fleet_repl.reports.log_entry import Log, LogEntry, place_fields
from fleet_repl.values.errors import StateError
from fleet_repl.values.text import first_line
from fleet_repl.watch.fleets import WatchedFleet
from fleet_repl.watch.memory import Memory, memory_document, parse_memory
from fleet_repl.watch.round import Round, Verdict, sights
from fleet_repl.watch.suppression import CORRECTIONS, WINDOW, Suppression, after_round, only


async def recall(fleet: WatchedFleet, note: str, memory: Memory, log: Log) -> Memory:
    """The memory in the state, under the name `note`.

    `memory` itself where the state has none, has an older one, or a document that is damaged,
    which is logged. Raises StateError where the state cannot be read.
    """
    content = await fleet.read_note(note)
    if content is None or not memory.kept:
        return memory
    try:
        return parse_memory(content)
    except StateError as error:
        message = f"what watches remembered cannot be used, and is begun anew: {note}: {error}"
        log(LogEntry(level="warning", event="memory-damaged", message=message))
        return memory


async def keep(fleet: WatchedFleet, note: str, memory: Memory, log: Log) -> Memory:
    """Write the memory to the state; returns it with `kept` as it went. A failure is logged."""
    try:
        await fleet.write_note(note, memory_document(memory))
    except StateError as error:
        message = f"the watch could not put on record what it remembers: {first_line(str(error))}"
        log(LogEntry(level="warning", event="memory-unwritable", message=message))
        return replace(memory, kept=False)
    return replace(memory, kept=True)


def updated(round_: Round, before: Memory, *, whole: bool) -> Memory:
    """The memory after a round; `whole`: the round has looked at every registry."""
    plan = round_.plan
    if plan is None:
        return before
    suppression = after_round(before.suppression, sights(plan, round_.report), round_.finished_at)
    if whole:
        suppression = only(suppression, {planned.registry for planned in plan.registries})
    since = before.drift_since
    if round_.differing:
        since = since or round_.started_at
    elif whole and round_.verdict is not Verdict.INTERRUPTED:
        since = None
    return replace(before, suppression=suppression, drift_since=since)


def log_suppression(before: Suppression, after: Suppression, log: Log) -> None:
    """Log which registries are left alone from now on, and which no longer are."""
    old, new = before.left_alone, after.left_alone
    for registry in sorted(new.keys() - old.keys()):
        message = (
            f"{registry} is left alone from now on: corrected {CORRECTIONS} times within "
            f"{WINDOW} rounds, so someone else is writing too"
        )
        fields = place_fields(registry)
        log(LogEntry(level="warning", event="left-alone", message=message, fields=fields))
    for registry in sorted(old.keys() - new.keys()):
        message = f"{registry} is no longer left alone"
        log(LogEntry(event="left-alone-no-more", message=message, fields=place_fields(registry)))
