"""`fleet-repl watch`: look for drift on a schedule, and correct it if that is wanted."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, NamedTuple

import anyio
import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import QUEUE_URL, STANDARD_INPUT, InventoryPath, duration, queue_address
from fleet_repl.cli.fleet_run import placed, wave_names
from fleet_repl.cli.interrupts import ENDED, Interrupts, interruptible
from fleet_repl.cli.output import check_outputs, hand_over
from fleet_repl.cli.run_options import SandboxOptions, ScopeOptions
from fleet_repl.reports.formats import Kind, ReportFormat
from fleet_repl.runs.history import Purpose
from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.errors import FleetError, RefusedError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.garbage import collect_seldom
from fleet_repl.values.queues import QueueAddress

if TYPE_CHECKING:
    from fleet_repl.aws import Endpoint
    from fleet_repl.fleet.fleet import Fleet
    from fleet_repl.inventory import Inventory
    from fleet_repl.watch import Round, WatchOptions

SHORTEST_INTERVAL: Final = timedelta(seconds=10)
"""Between two rounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatOptions(ScopeOptions):
    """Flags of a command that looks at a fleet again and again."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.PLAN, Kind.REPORT)

    inventory: InventoryPath
    every: Annotated[
        timedelta | None,
        typer.Option(
            metavar="TIME",
            parser=duration,
            help="From the start of a round to that of the next, such as 15m; 10s at the least.",
            show_default=False,
        ),
    ] = None
    once: Annotated[bool, typer.Option("--once", help="One round, for cron and CronJobs.")] = False

    def check(self) -> None:
        SandboxOptions.check(self)
        if self.inventory == STANDARD_INPUT:
            raise typer.BadParameter(
                "a watch reads its inventory again and again, and standard input can be read only "
                "once: name a file"
            )
        if self.once:
            return
        if self.every is None:
            raise typer.BadParameter("say how often with --every TIME, or --once")
        if self.every < SHORTEST_INTERVAL:
            raise typer.BadParameter("--every takes 10s at the least")
        if self.report or self.format is not ReportFormat.TEXT:
            raise typer.BadParameter("--report and --format are about one round: they need --once")


def watch(
    call: Call[RepeatOptions],
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Correct what differs, as apply would unattended.")
    ] = False,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Serve a page for people, /healthz, /readyz and /metrics there.",
            show_default=False,
        ),
    ] = None,
    notify: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="FLEET_REPL_NOTIFY",
            help="Post a JSON summary of drift, corrections and failures there.",
            show_default=False,
        ),
    ] = None,
    deliveries: Annotated[
        str | None,
        typer.Option(
            metavar=QUEUE_URL,
            help="Count the deliveries that ECR reports in this SQS queue.",
            show_default=False,
        ),
    ] = None,
    verify_every: Annotated[
        int | None,
        typer.Option(
            "--verify-every",
            metavar="N",
            min=0,
            help="With --deliveries: look at recent images after every N rounds; 0: never.",
            show_default="10",
        ),
    ] = None,
) -> ExitCode:
    """The first round is at once, the next one a --every after its start. Each reads the inventory
    anew, and goes on with the last good one where that is broken. Corrections keep to the
    waves and thresholds of the inventory: a watch takes no --force. A registry that others keep
    changing is left alone. A first Ctrl-C or SIGTERM lets writes in flight finish.

    Example: fleet-repl watch inventories/prod.toml --every 15m --fix --listen 127.0.0.1:9464
    """
    from fleet_repl.watch import WatchOptions, parse_address, parse_webhook  # noqa: PLC0415

    options = call.options
    _check("--listen", parse_address, listen)
    _check("--notify", parse_webhook, notify)
    queue = queue_address(deliveries)
    if verify_every is not None and deliveries is None:
        raise typer.BadParameter("--verify-every goes with --deliveries")
    if deliveries is not None and options.once:
        raise typer.BadParameter("--deliveries needs a watch that goes on, without --once")
    watch_options = WatchOptions(
        every=900.0 if options.every is None else options.every.total_seconds(),
        fix=fix,
        once=options.once,
        selection=options.selection,
        listen=listen,
        notify=notify,
    )
    reported = _Reported(queue, 10 if verify_every is None else verify_every)
    work = partial(_watch, call, watch_options, reported)
    code = anyio.run(partial(interruptible, ended_note=ENDED), call.log, work)
    return ExitCode.INTERRUPTED if code is None else code


def _check(flag: str, parse: Callable[[str], object], text: str | None) -> None:
    """Raises typer.BadParameter for a text that cannot be parsed."""
    if text is not None:
        try:
            parse(text)
        except FleetError as error:
            raise typer.BadParameter(f"{flag}: {error}") from error


class _Reported(NamedTuple):
    """Where deliveries are reported, and how often a sample is looked at."""

    queue: QueueAddress | None
    verify_every: int


async def _watch(
    call: Call[RepeatOptions],
    watch_options: WatchOptions,
    reported: _Reported,
    interrupts: Interrupts,
) -> ExitCode:
    from fleet_repl import watch as watch_room  # noqa: PLC0415 - help needs no watch

    backend, options = call.backend, call.options
    simulated = options.simulated is not None
    load = partial(call.load_inventory, options.inventory, secrets_required=not simulated)
    stop, rounds = anyio.Event(), list["Round"]()
    inventory = load()
    check_outputs(call, inventory)
    readers = options.readers
    async with (
        placed(backend, options, inventory, options.state) as (endpoint, state),
        backend.readers(workers=readers.workers, cluster=readers.cluster) as executor,
    ):

        @asynccontextmanager
        async def connect(inventory: Inventory) -> AsyncIterator[Fleet]:
            log = call.log.event
            whole = await backend.discover(
                inventory, endpoint=endpoint, state=state, on_event=log, cached=options.cached
            )
            purpose = Purpose.WATCH if watch_options.fix else None
            async with (
                backend.traced(log, call.log.write_warning) as on_event,
                backend.connect(
                    whole,
                    endpoint=endpoint,
                    state=state,
                    on_event=on_event,
                    purpose=purpose,
                    executor=executor,
                ) as fleet,
            ):
                yield fleet

        collect_seldom()
        queue = reported.queue
        deliveries = (
            None
            if queue is None
            else watch_room.DeliverySource(
                open_queue=lambda: backend.open_queue(
                    inventory, queue, endpoint=endpoint, on_event=call.log.event
                ),
                connect=partial(_connect_to_read, call, endpoint, state),
                verify_every=reported.verify_every,
            )
        )
        with interrupts.stopping(stop.set):
            code = await watch_room.watch(
                watch_options,
                load=load,
                connect=connect,
                log=call.log.line,
                stop=stop,
                clock=SYSTEM,
                uniform=random.uniform,
                # Of an endless watch the log is all there is; a single round has a result.
                on_round=rounds.append if watch_options.once else lambda _: None,
                deliveries=deliveries,
            )
        interrupts.finish()
    for round_ in rounds:
        code = _hand_over(call, round_, code)
    return code


@asynccontextmanager
async def _connect_to_read(
    call: Call[RepeatOptions],
    endpoint: Endpoint | None,
    state: str | None,
    inventory: Inventory,
) -> AsyncIterator[Fleet]:
    """Connect read-only, by the accounts that were discovered last; discover where none were."""
    backend, log = call.backend, call.log.event
    discover = partial(backend.discover, inventory, endpoint=endpoint, state=state, on_event=log)
    try:
        whole = await discover(cached=True)
    except RefusedError:
        whole = await discover(cached=False)
    async with backend.connect(whole, endpoint=endpoint, state=state, on_event=log) as fleet:
        yield fleet


def _hand_over(call: Call[RepeatOptions], round_: Round, code: ExitCode) -> ExitCode:
    """Hand over the result of a single round: its report if it wrote, else its plan if any."""
    subject = round_.report or round_.plan
    if subject is None:
        return code
    inventory = round_.inventory
    # Labels and routes cannot be shown of accounts that only the round itself knew.
    known = None if inventory.needs_discovery else inventory
    return hand_over(call, subject, code, waves=wave_names(inventory), inventory=known)
