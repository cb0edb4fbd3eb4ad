"""The handler for AWS Lambda: an event comes in, a round is done, its document goes out.

Nothing is kept between invocations but what is imported: the fleet's memory is its state, and
the inventory is read anew. It raises only where no round could be done at all.
"""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

import anyio

from fleet_repl.aws.assume_role import session_name
from fleet_repl.engine.ports import EventSink
from fleet_repl.fleet.connect import connect
from fleet_repl.fleet.fleet import EVERYTHING
from fleet_repl.fleet.load import load_inventory
from fleet_repl.inventory import Inventory, located
from fleet_repl.reports.log_entries import Log, LogEntry, entry_of, json_line
from fleet_repl.runs.events import CallRetried, Event, RegistryRead, WaveFinished, WriteSettled
from fleet_repl.runs.history import Purpose
from fleet_repl.topology import Selection, registries
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import SYSTEM, Clock
from fleet_repl.values.errors import FleetError
from fleet_repl.watch import (
    News,
    Notifier,
    Round,
    RoundContext,
    RoundOptions,
    Verdict,
    WatchedFleet,
    headline,
    round_document,
    round_entry,
    run_round,
)
from fleet_repl.watch.eventbridge import Everything, Ignored, Written, target_of
from fleet_repl.watch.lambda_settings import FIX, STATE, SettingError, Settings, read_settings

_RESERVE: Final = 15.0
"""Seconds before the function's end at which a round starts nothing more: what is in flight is
finished and read back, and what became of it put on record."""
_MARGIN: Final = 5.0
"""Seconds before that end at which a call that fails is not tried again, either."""
_RUN_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}\Z")


class Context(Protocol):
    """What Lambda says of an invocation."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


class RoundError(RuntimeError):
    """No round could be done: its text says what is wrong with the function's configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The time that a round has, in seconds from now."""

    stops: float
    """Nothing is started any more."""
    ends: float
    """Nothing is tried again any more."""

    @classmethod
    def within(cls, milliseconds: int) -> Allowance:
        """Of an invocation that has so long left. A short one is left a third of it to end."""
        left = max(milliseconds, 0) / 1000
        reserve = min(_RESERVE, left / 3)
        return cls(stops=left - reserve, ends=left - reserve * _MARGIN / _RESERVE)


def handler(event: object, context: Context) -> JsonObject:
    """Do the round that an event asks for.

    Settings are FLEET_REPL_INVENTORY, FLEET_REPL_STATE, FLEET_REPL_FIX and FLEET_REPL_NOTIFY in
    the environment. Gives the document `fleet-repl/round/1` with `ignored` false; or `ignored`
    true and `because`, where nothing was to be done. Raises RoundError.
    """
    try:
        return anyio.run(_invoke, event, context, os.environ)
    except FleetError as error:
        raise RoundError(str(error)) from None


async def _invoke(event: object, context: Context, environ: Mapping[str, str]) -> JsonObject:
    allowance = Allowance.within(context.get_remaining_time_in_millis())
    log = stdout_log(context)
    settings = read_settings(environ)
    target = target_of(event)
    if isinstance(target, Ignored):
        return _ignored(target, log)
    inventory = _inventory(settings, environ, allowance)
    selection = EVERYTHING if isinstance(target, Everything) else _narrowed(target, inventory)
    if isinstance(selection, Ignored):
        return _ignored(selection, log)
    round_ = await _round(inventory, selection, settings, allowance, log)
    log(round_entry(round_))
    if round_.verdict is Verdict.BROKEN:
        raise FleetError(round_.error or headline(round_))
    return {"ignored": False, "because": None, **round_document(round_)}


def _ignored(ignored: Ignored, log: Log) -> JsonObject:
    log(LogEntry(event="ignored", message=f"the event is ignored: {ignored.because}"))
    return {"ignored": True, "because": ignored.because}


def _inventory(settings: Settings, environ: Mapping[str, str], allowance: Allowance) -> Inventory:
    """The inventory, its deadline within the invocation. Raises FleetError."""
    try:
        inventory = load_inventory(settings.inventory, environ=environ)
    except OSError as error:
        message = f"the inventory {settings.inventory} cannot be read: {error.strerror}"
        raise SettingError(message) from None
    state = inventory.state if settings.state is None else located(settings.state)
    if settings.fix and state.folder is not None:
        raise SettingError(
            f"{FIX}=1 needs a state that lasts, and nothing that a function writes into a folder "
            f"does: set {STATE} to s3://bucket/prefix"
        )
    deadline = min(inventory.apply.deadline, allowance.ends)
    return replace(inventory, apply=replace(inventory.apply, deadline=deadline))


def _narrowed(written: Written, inventory: Inventory) -> Selection | Ignored:
    """The registry that was written, unless it is no business of this fleet's."""
    registry = written.registry
    if registry not in registries(inventory):
        return Ignored(because=f"{registry} is no registry of the fleet {inventory.name}")
    if written.session is not None and _is_ours(written.session, inventory.name):
        return Ignored(because=f"the fleet {inventory.name} wrote {registry} itself")
    return Selection(accounts=(registry.account,), regions=(registry.region,))


def _is_ours(session: str, fleet: str) -> bool:
    """Whether a role session is one that a run of the fleet gives a name to.

    Another fleet's is not: what it writes may be no longer what this one wants.
    """
    run_id = _RUN_ID.search(session)
    return run_id is not None and session == session_name(fleet, run_id[0])


async def _round(
    inventory: Inventory,
    selection: Selection,
    settings: Settings,
    allowance: Allowance,
    log: Log,
    clock: Clock = SYSTEM,
) -> Round:
    """One round, which is told to stop while there is time left to end it."""
    stop, began = anyio.Event(), clock.monotonic()
    webhook = settings.notify
    notifier = Notifier(webhook, log=log, clock=clock, uniform=random.uniform) if webhook else None

    def connected(inventory: Inventory) -> AbstractAsyncContextManager[WatchedFleet]:
        return connect(
            inventory,
            state=settings.state,
            on_event=event_sink(log),
            purpose=Purpose.WATCH,
        )

    async def publish(round_: Round, why: News) -> bool:
        if notifier is None:
            # Somebody may want to know later.
            return False
        left = began + allowance.ends - clock.monotonic()
        with anyio.move_on_after(max(left, 0)):
            return await notifier.post(round_document(round_, why))
        return False

    async def stop_in_time() -> None:
        await clock.sleep(allowance.stops)
        stop.set()

    options = RoundOptions(fix=settings.fix, selection=selection)
    round_context = RoundContext(
        connect=connected, log=log, clock=clock, stop=stop, publish=publish
    )
    async with anyio.create_task_group() as group:
        group.start_soon(stop_in_time)
        round_, _ = await run_round(options, inventory, round_context)
        group.cancel_scope.cancel()
    return round_


def stdout_log(context: Context) -> Log:
    """Writes entries to stdout, which Lambda keeps as the function's log.

    Each has the id that Lambda's own lines have as `request_id`, so that of a failed call to AWS
    is its `aws_request_id`.
    """
    common: JsonObject = {"request_id": context.aws_request_id}

    def log(entry: LogEntry) -> None:
        fields = dict(entry.fields)
        if "request_id" in fields:
            fields["aws_request_id"] = fields.pop("request_id")
        # A round does not depend on its log.
        with suppress(OSError, ValueError):
            sys.stdout.write(f"{json_line(replace(entry, fields=fields), SYSTEM.now(), common)}\n")
            sys.stdout.flush()

    return log


def event_sink(log: Log) -> EventSink:
    """Logs what is worth a line in a log that is kept and paid for."""

    def listen(event: Event) -> None:
        entry = entry_of(event)
        match event:
            case WaveFinished(because=str()) if entry is not None:
                # Nobody looks on: that later waves are skipped may set off an alarm.
                log(replace(entry, level="error"))
            case RegistryRead() | WriteSettled() | CallRetried() if entry is not None:
                log(entry)
            case _:
                pass

    return listen
