"""The handler for AWS Lambda: an event comes in, a round is done, its document is returned. Of
replication events, deliveries are counted instead.

An invocation keeps nothing for the next invocation but imported modules: the memory is in the
fleet's state, and the inventory is read anew. It raises only where no round could be done at all.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

import anyio

from fleet_repl.engine.ports import EventSink
from fleet_repl.fleet.connect import connect
from fleet_repl.fleet.load import load_inventory
from fleet_repl.fleet.tracing import traced
from fleet_repl.inventory import Inventory, located
from fleet_repl.planning.attribution import NO_CALLS, KnownCalls
from fleet_repl.reports.log_entries import entry_of
from fleet_repl.reports.log_entry import Log, LogEntry, json_line
from fleet_repl.runs.events import CallRetried, Event, RegistryRead, WaveFinished, WriteSettled
from fleet_repl.runs.history import Purpose
from fleet_repl.topology import Selection
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import SYSTEM, Clock
from fleet_repl.values.errors import FleetError
from fleet_repl.values.text import counted
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
from fleet_repl.watch.embedded_metrics import embedded_metrics
from fleet_repl.watch.event_scope import scope_of
from fleet_repl.watch.eventbridge import (
    AccountChange,
    Ignored,
    RegistryWrite,
    Target,
    target_of,
)
from fleet_repl.watch.lambda_deliveries import DeliveryInvocation, reported_deliveries
from fleet_repl.watch.lambda_settings import FIX, STATE, SettingError, Settings, read_settings

_RESERVE: Final = 15.0
"""Seconds before the function's end at which a round starts no more writes: those in flight are
finished, read back and put on record."""
_MARGIN: Final = 5.0
"""Seconds before the function's end at which a failed call is no longer retried."""


class Context(Protocol):
    """The part of Lambda's context object that the handler reads."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


class RoundError(RuntimeError):
    """No round could be done; the text says what is wrong, mostly in the function's settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The time that a round has, in seconds from the start of the invocation."""

    stops: float
    """From then on no write is started."""
    ends: float
    """From then on no call is retried."""

    @classmethod
    def within(cls, milliseconds: int) -> Allowance:
        """The allowance of an invocation that may take so long. A short invocation keeps a third
        of its time for ending."""
        seconds = max(milliseconds, 0) / 1000
        reserve = min(_RESERVE, seconds / 3)
        return cls(stops=seconds - reserve, ends=seconds - reserve * _MARGIN / _RESERVE)


def handler(event: object, context: Context) -> JsonObject:
    """Do the round that an event asks for, or count the deliveries that it reports.

    The settings are FLEET_REPL_INVENTORY, FLEET_REPL_STATE, FLEET_REPL_FIX, FLEET_REPL_NOTIFY and
    FLEET_REPL_METRICS in the environment. Returns the document `fleet-repl/round/1` with `ignored`
    false; or, for an event that asks for nothing, `ignored` true and `because`. For records of an
    SQS queue it also has `batchItemFailures`. Raises RoundError.
    """
    try:
        return anyio.run(_invoke, event, context, os.environ)
    except FleetError as error:
        raise RoundError(str(error)) from None


async def _invoke(event: object, context: Context, environ: Mapping[str, str]) -> JsonObject:
    allowance = Allowance.within(context.get_remaining_time_in_millis())
    log = stdout_log(context)
    settings = read_settings(environ)
    reported = reported_deliveries(event)
    if reported is not None:
        inventory = _within(_inventory(settings, environ), allowance)
        invocation = DeliveryInvocation(
            settings=settings,
            ends=SYSTEM.monotonic() + allowance.ends,
            log=log,
            on_event=event_sink(log),
            write_line=_write_line,
        )
        return await invocation.answer(reported, inventory)
    target = target_of(event)
    if isinstance(target, Ignored):
        return _ignored(target, log)
    inventory = _within(_inventory(settings, environ), allowance)
    inventory, scope = await scope_of(
        target, inventory, state=settings.state, on_event=event_sink(log)
    )
    if isinstance(scope, Ignored):
        return _ignored(scope, log)
    if isinstance(target, AccountChange):
        log(_about_account(target, scope))
    # A discovery has taken a part of the time.
    allowance = Allowance.within(context.get_remaining_time_in_millis())
    inventory = _within(inventory, allowance)
    known = _known_calls(target)
    round_ = await _round(inventory, scope, settings, allowance, log, known_calls=known)
    log(round_entry(round_))
    if settings.metrics:
        _write_line(json.dumps(embedded_metrics(round_)))
    if round_.verdict is Verdict.BROKEN:
        raise FleetError(round_.error or headline(round_))
    return {"ignored": False, "because": None, **round_document(round_)}


def _ignored(ignored: Ignored, log: Log) -> JsonObject:
    log(LogEntry(event="ignored", message=f"the event is ignored: {ignored.because}"))
    return {"ignored": True, "because": ignored.because}


def _known_calls(target: Target) -> KnownCalls:
    """The write in the event: CloudTrail need not be asked about it, and has it later."""
    if isinstance(target, RegistryWrite) and target.call is not None:
        return {target.registry: (target.call,)}
    return NO_CALLS


def _about_account(change: AccountChange, scope: Selection) -> LogEntry:
    accounts = counted(len(scope.accounts), "account")
    message = f"{change.event} of account {change.account}: a round over {accounts}"
    fields = {"account": change.account, "aws_event": change.event}
    return LogEntry(event="account-changed", message=message, fields=fields)


def _inventory(settings: Settings, environ: Mapping[str, str]) -> Inventory:
    """The inventory of the function. Raises FleetError."""
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
    return inventory


def _within(inventory: Inventory, allowance: Allowance) -> Inventory:
    """The inventory with a deadline within the invocation."""
    deadline = min(inventory.apply.deadline, allowance.ends)
    return replace(inventory, apply=replace(inventory.apply, deadline=deadline))


async def _round(
    inventory: Inventory,
    selection: Selection,
    settings: Settings,
    allowance: Allowance,
    log: Log,
    clock: Clock = SYSTEM,
    *,
    known_calls: KnownCalls = NO_CALLS,
) -> Round:
    """Do one round, and stop it while there is time left to end it."""
    stop, began = anyio.Event(), clock.monotonic()
    webhook = settings.notify
    notifier = Notifier(webhook, log=log, clock=clock, uniform=random.uniform) if webhook else None

    def untraced(message: str) -> None:
        log(LogEntry(level="warning", event="trace-incomplete", message=message))

    @asynccontextmanager
    async def connected(inventory: Inventory) -> AsyncIterator[WatchedFleet]:
        async with (
            traced(event_sink(log), on_problem=untraced) as on_event,
            connect(
                inventory,
                state=settings.state,
                on_event=on_event,
                purpose=Purpose.WATCH if settings.fix else None,
                known_calls=known_calls,
            ) as fleet,
        ):
            yield fleet

    async def publish(round_: Round, why: News) -> bool:
        if notifier is None:
            # Not notified of, so that a round with a webhook notifies of it later.
            return False
        seconds = began + allowance.ends - clock.monotonic()
        with anyio.move_on_after(max(seconds, 0)):
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
    """A log on stdout, which Lambda keeps as the function's log.

    `request_id` in each entry is the id of the invocation, as in Lambda's own lines; the request
    id of a failed call to AWS becomes `aws_request_id`.
    """
    common: JsonObject = {"request_id": context.aws_request_id}

    def log(entry: LogEntry) -> None:
        fields = dict(entry.fields)
        if "request_id" in fields:
            fields["aws_request_id"] = fields.pop("request_id")
        _write_line(json_line(replace(entry, fields=fields), SYSTEM.now(), common))

    return log


def _write_line(line: str) -> None:
    # A round does not depend on its log.
    with suppress(OSError, ValueError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def event_sink(log: Log) -> EventSink:
    """A sink that logs the few kinds of events worth a line in a log that costs money."""

    def listen(event: Event) -> None:
        entry = entry_of(event)
        match event:
            case WaveFinished(because=str()) if entry is not None:
                # Nobody watches a function, and the error level can set off an alarm: later waves
                # are skipped.
                log(replace(entry, level="error"))
            case RegistryRead() | WriteSettled() | CallRetried() if entry is not None:
                log(entry)
            case _:
                pass

    return listen
