"""A library for the command line that does what a test says, and pseudo-terminals."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Final, TextIO

import anyio
from tests.support.changes import change_of
from tests.support.clock import NOON
from tests.support.plans import plan_of, report_of
from tests.support.registries import registry_of

from fleet_repl.aws import Endpoint
from fleet_repl.cli.library import Library
from fleet_repl.ecr.backfills import BackfillOutcome, BackfillState
from fleet_repl.engine.ports import EventSink
from fleet_repl.fleet.export import Target
from fleet_repl.fleet.fleet import Fleet, Interrupted
from fleet_repl.fleet.history import History
from fleet_repl.inventory import Inventory
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.change import Action, LinkEnd, Phase, Resource
from fleet_repl.planning.elsewhere import HeldResource
from fleet_repl.planning.explain import Explanation
from fleet_repl.planning.importing import Imported
from fleet_repl.planning.objections import outstanding
from fleet_repl.planning.plan import Plan, RegistryPlan, State
from fleet_repl.reports.export import Exported
from fleet_repl.runs.coverage import CoverageReport
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.doctor import BaseIdentity, CheckState, DoctorReport, StateExamination, StsUse
from fleet_repl.runs.events import BackfillsWanted, Event
from fleet_repl.runs.history import (
    Freeze,
    Holder,
    JournalEntry,
    Moment,
    PastRun,
    Purpose,
    RunMeta,
    RunSummary,
    UnreadableRun,
)
from fleet_repl.runs.outcomes import (
    BackfillMode,
    BackfillReport,
    Outcome,
    RegistryOutcome,
    Report,
    Statistics,
    Status,
)
from fleet_repl.runs.overwritten import RegistryBefore
from fleet_repl.runs.repair import Lacking
from fleet_repl.state.lock_rules import SeenLock
from fleet_repl.topology import Selection
from fleet_repl.values.errors import Fault, FleetError
from fleet_repl.values.images import ImageName
from fleet_repl.values.names import AccountId, Registry

PATIENCE: Final = 60.0
"""Seconds after which what a test waits for counts as missing: reached only by a failure."""
_END: Final = "\0"
"""Written after what a terminal was written, to know that all of it has come."""

INVENTORY = """\
version = 1
name = "demo"

[aws]
role = "fleet-replication"
regions = ["eu-west-1"]

[[accounts]]
id = "111111111111"
name = "build"
labels = { tier = "hub" }

[[accounts]]
id = "222222222222"
name = "spoke"
labels = { env = "prod" }

[[routes]]
name = "golden"
from = { labels = { tier = "hub" } }
to = { labels = { env = "prod" } }
prefixes = ["base/"]
"""
BUILD, SPOKE = registry_of("1"), registry_of("2")
REFERENCE = InventoryRef(path="demo.toml", digest="sha256:" + "0" * 64)

CHANGE = change_of(
    resource=Resource.REPLICATION_CONFIGURATION,
    action=Action.UPDATE,
    phase=Phase.RULES,
    before={"rules": []},
    after={"rules": [{}]},
    links_added=(LinkEnd(registry=SPOKE, prefixes=("base/",), routes=("golden",)),),
)
PLAN = plan_of(
    RegistryPlan(registry=BUILD, name="build", state=State.CHANGED, changes=(CHANGE,)),
    RegistryPlan(registry=SPOKE, name="spoke", state=State.UNCHANGED),
    digest="sha256:" + "1" * 64,
    fleet="demo",
    inventory=REFERENCE,
)


def _report(status: Status, build: Outcome, because: str | None = None) -> Report:
    return report_of(
        PLAN,
        RegistryOutcome(registry=BUILD, name="build", outcome=build, because=because),
        RegistryOutcome(registry=SPOKE, name="spoke", outcome=Outcome.UNCHANGED),
        status=status,
        finished_at=NOON + timedelta(seconds=2),
    )


REPORT = _report(Status.OK, Outcome.APPLIED)
BACKFILLS = BackfillReport(
    run_id="run",
    status=Status.OK,
    started_at=NOON,
    finished_at=NOON + timedelta(seconds=2),
    fleet="demo",
    inventory=REFERENCE,
    route=None,
    mode=BackfillMode.START,
    backfills=(
        BackfillOutcome(
            source=BUILD,
            source_name="build",
            destination=SPOKE,
            destination_name="spoke",
            state=BackfillState.NONE,
        ),
    ),
)
DELIVERED = DeliveryReport(
    run_id="run",
    started_at=NOON,
    finished_at=NOON + timedelta(seconds=2),
    fleet="demo",
    inventory=REFERENCE,
    count=10,
    age=timedelta(days=7),
    sources=1,
    sampled=0,
    links=(),
)

COVERED = CoverageReport(
    run_id="run",
    started_at=NOON,
    finished_at=NOON + timedelta(seconds=2),
    fleet="demo",
    inventory=REFERENCE,
    with_images=False,
    routes=(),
    links=(),
    unrouted=(),
)


EXAMINED = DoctorReport(
    fleet="demo",
    started_at=NOON,
    finished_at=NOON + timedelta(seconds=2),
    base=BaseIdentity(
        arn="arn:aws:iam::999999999999:user/ops",
        account=AccountId("999999999999"),
        seconds_left=None,
        clock_ahead=None,
    ),
    session_seconds=3_600,
    sts=StsUse(accounts=2, rate=400, measured=2),
    state=StateExamination(location=".fleet-repl", readable=CheckState.OK),
    problems=(),
    notes=(),
    registries={BUILD: {"role": CheckState.OK}},
    names={BUILD.account: "build"},
)
IMPORTED = Imported(text="version = 1\n", links=3, routes=2)
RUN = "20261123T110000Z-ab12cd"
META = RunMeta(
    run_id=RUN,
    fleet="demo",
    purpose=Purpose.APPLY,
    holder=Holder(run_id=RUN, purpose=Purpose.APPLY, user="anna", host="ci-1", pid=42, process="p"),
    started_at=NOON - timedelta(hours=1),
    inventory=InventoryRef(path="../demo.toml", digest=REFERENCE.digest),
    plan_digest=PLAN.digest,
    changes=1,
)
PAST_REPORT = replace(REPORT, run_id=RUN)
PAST = PastRun(
    meta=META,
    plan=PLAN,
    before={BUILD: RegistryBefore(documents={Resource.REPLICATION_CONFIGURATION: None})},
    journal=(
        JournalEntry(
            moment=Moment.SENDING,
            at=NOON,
            registry=BUILD,
            resource=Resource.REPLICATION_CONFIGURATION,
            action=Action.UPDATE,
            phase=Phase.RULES,
            wave="rest",
            before={"rules": []},
            after={"rules": [{}]},
        ),
    ),
    report=PAST_REPORT,
)


EVERYTHING = Selection()
NOTHING: Mapping[Registry, Fault] = {}


async def _nothing() -> None:
    """What happens meanwhile, unless a test says otherwise."""


@dataclass
class FakeFleet(Fleet):
    """Gives the answers it was given, and remembers what it was asked."""

    made: Plan = PLAN
    report: Report = REPORT
    backfills: BackfillReport = BACKFILLS
    imported: Imported = IMPORTED
    planning: Callable[[], Awaitable[None]] = _nothing
    applying: Callable[[], Awaitable[None]] = _nothing
    asked: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()
    beside: Path | None = None
    told: tuple[Event, ...] = ()
    """The events of a wait."""
    selected: Selection = EVERYTHING
    on_event: EventSink | None = None
    stopped: anyio.Event | None = None

    run_id = "run"
    holds_lock = False

    async def plan(
        self,
        *,
        selection: Selection = EVERYTHING,
        allow: Collection[str] = (),
        over: float = 0.0,
        spare: Mapping[Registry, Fault] = NOTHING,
        exclude_objected: bool = False,
        beside: Path | None = None,
        force: bool = False,
        held: Collection[HeldResource] = (),
    ) -> Plan:
        self.asked.append("plan --force" if force else "plan")
        self.selected, self.allowed, self.beside = selection, tuple(allow), beside
        await self.planning()
        if self.is_stopped:
            raise Interrupted("stopped before there was a plan")
        return self.made

    async def plan_rollback(self, run_id: str, *, force: bool = False) -> Plan:
        self.asked.append(f"plan_rollback {run_id}{' --force' if force else ''}")
        await self.planning()
        if self.is_stopped:
            raise Interrupted("stopped before there was a plan")
        return replace(self.made, rolls_back=run_id)

    async def apply(
        self,
        plan: Plan,
        *,
        force: bool = False,
        allow: Collection[str] = (),
        wave: str | None = None,
        on_event: EventSink | None = None,
    ) -> Report:
        flags = [
            *(["--force"] if force else []),
            *(f"--allow {item}" for item in allow),
            *([f"--wave {wave}"] if wave is not None else []),
        ]
        self.asked.append(" ".join(["apply", *flags]))
        await self.applying()
        if self.is_stopped:
            return _report(Status.INTERRUPTED, Outcome.CANCELLED, "interrupted")
        if outstanding(plan.objections, force=force, allow=allow):
            return self.refuse(plan, "the plan was refused")
        return self.report

    async def backfill(
        self,
        *,
        selection: Selection = EVERYTHING,
        route: str | None = None,
        wait: bool = False,
        again: bool = False,
        on_event: EventSink | None = None,
    ) -> BackfillReport:
        flags = "".join(
            f" {flag}" for flag, given in (("--wait", wait), ("--force", again)) if given
        )
        self.asked.append(f"backfill{flags}")
        self.selected = selection
        if on_event is not None:
            on_event(BackfillsWanted(backfills=len(self.backfills.backfills)))
        await self.applying()
        status = Status.INTERRUPTED if self.is_stopped else self.backfills.status
        return replace(self.backfills, status=status, route=route)

    async def backfill_status(
        self, *, selection: Selection = EVERYTHING, route: str | None = None
    ) -> BackfillReport:
        self.asked.append("backfill --status")
        await self.planning()
        return replace(self.backfills, mode=BackfillMode.STATUS, route=route)

    async def repair(
        self,
        document: str | Path | DeliveryReport | CoverageReport | Lacking,
        *,
        wait: bool = False,
        reput: bool = False,
        dry_run: bool = False,
        max_age: timedelta = timedelta(hours=24),
        on_event: EventSink | None = None,
    ) -> BackfillReport:
        flags = {" --wait": wait, " --reput": reput, " --dry-run": dry_run}
        self.asked.append("repair" + "".join(flag for flag, given in flags.items() if given))
        await self.applying()
        status = Status.INTERRUPTED if self.is_stopped else self.backfills.status
        mode = BackfillMode.STATUS if dry_run else BackfillMode.REPAIR
        return replace(self.backfills, status=status, mode=mode)

    async def export(
        self,
        target: Target = "terraform",
        *,
        selection: Selection = EVERYTHING,
        earlier: Collection[Registry] = (),
    ) -> Exported:
        self.asked.append(f"export {target}")
        self.selected = selection
        await self.planning()
        return Exported(files={"made.tf": "# nothing is in place\n"})

    async def import_inventory(self, *, held: Collection[HeldResource] = ()) -> Imported:
        self.asked.append("import")
        await self.planning()
        if self.is_stopped:
            raise FleetError("stopped before everything was read")
        return self.imported

    def refuse(self, plan: Plan, because: str, *, on_event: EventSink | None = None) -> Report:
        self.asked.append("refuse")
        refused = _report(Status.REFUSED, Outcome.SKIPPED, because)
        return replace(refused, objections=plan.objections)

    def interrupted(
        self, *, selection: Selection = EVERYTHING, rolls_back: str | None = None
    ) -> Report:
        self.asked.append(f"interrupted {rolls_back}" if rolls_back else "interrupted")
        report = _report(Status.INTERRUPTED, Outcome.CANCELLED, "before there was a plan")
        return replace(report, plan_digest=None)

    async def verify(
        self,
        *,
        selection: Selection = EVERYTHING,
        count: int = 10,
        age: timedelta = timedelta(days=7),
        on_event: EventSink | None = None,
    ) -> DeliveryReport:
        self.asked.append(f"verify {count} {age}")
        self.selected = selection
        await self.planning()
        return replace(DELIVERED, interrupted=self.is_stopped, count=count, age=age)

    async def coverage(
        self,
        *,
        selection: Selection = EVERYTHING,
        images: bool = False,
        in_use: Collection[str] = (),
        kube_contexts: Sequence[str] = (),
    ) -> CoverageReport:
        flags = [*["images"] * images, *in_use, *kube_contexts]
        self.asked.append(" ".join(["coverage", *flags]))
        self.selected = selection
        await self.planning()
        return replace(COVERED, interrupted=self.is_stopped, with_images=images)

    async def doctor(
        self, *, selection: Selection = EVERYTHING, deliveries: str | None = None
    ) -> DoctorReport:
        self.asked.append("doctor")
        self.selected = selection
        await self.planning()
        return replace(EXAMINED, interrupted=self.is_stopped)

    async def explain(
        self, what: str, *, source: str | None = None, destination: str | None = None
    ) -> Explanation:
        self.asked.append(f"explain {what}")
        await self.planning()
        return self._explanation(what)

    async def wait(
        self,
        what: str,
        *,
        source: str | None = None,
        destinations: Collection[str] = (),
        within: timedelta = timedelta(minutes=10),
        on_event: EventSink | None = None,
    ) -> Explanation:
        self.asked.append(f"wait {what} {within}")
        for event in self.told:
            assert on_event is not None
            on_event(event)
        await self.planning()
        return self._explanation(what)

    def _explanation(self, what: str) -> Explanation:
        return Explanation(
            image=ImageName.parse(what),
            fleet="demo",
            names={},
            live=True,
            carried=(),
            not_carried=(),
            interrupted=self.is_stopped,
        )

    async def read_note(self, name: str) -> bytes | None:
        return None

    async def write_note(self, name: str, content: bytes) -> None:
        """A watch's memory, which these tests have no use for."""

    def statistics(self) -> Statistics:
        return Statistics(calls={})

    def stop(self) -> None:
        self.asked.append("stop")
        assert self.stopped is not None
        self.stopped.set()

    @property
    def is_stopped(self) -> bool:
        return self.stopped is not None and self.stopped.is_set()

    async def until_stopped(self, number: signal.Signals | None = signal.SIGINT) -> None:
        """Send this process a signal, a Ctrl-C by default, and wait until the run is stopped."""
        assert self.stopped is not None
        if number is not None:
            os.kill(os.getpid(), number)
        with anyio.fail_after(PATIENCE):
            await self.stopped.wait()


@dataclass
class FakeHistory(History):
    """Remembers what a test says."""

    location: str = ".fleet-repl"
    past: tuple[PastRun, ...] = (PAST,)
    listed: tuple[RunSummary, ...] = ()
    unreadable: tuple[UnreadableRun, ...] = ()
    freezes: dict[str, Freeze] = field(default_factory=dict)
    locks: dict[str, SeenLock] = field(default_factory=dict)
    others: str | None = None
    """Where runs of other endpoints are."""
    holder: Holder | None = None
    """Of each fleet's lock."""
    asked: list[str] = field(default_factory=list)

    async def fleets(self) -> tuple[str, ...]:
        return tuple(sorted({item.meta.fleet for item in self.listed}))

    async def runs(self, fleet: str | None = None) -> tuple[RunSummary, ...]:
        self.asked.append(f"runs {fleet}")
        return tuple(item for item in self.listed if fleet in {None, item.meta.fleet})

    async def listing(
        self, fleet: str | None = None
    ) -> tuple[tuple[RunSummary, ...], tuple[UnreadableRun, ...]]:
        return await self.runs(fleet), self.unreadable

    async def run(self, run_id: str, fleet: str | None = None) -> PastRun:
        self.asked.append(f"run {run_id} {fleet}")
        for run in self.past:
            if run_id in {"last", run.meta.run_id} and fleet in {None, run.meta.fleet}:
                return run
        raise FleetError(f"no run {run_id} is remembered in {self.location}")

    async def last_to_roll_back(
        self, fleet: str | None = None
    ) -> tuple[PastRun, tuple[RunSummary, ...]]:
        return await self.run("last", fleet), self.listed

    async def elsewhere(self, fleet: str | None = None) -> str | None:
        return self.others

    async def at_work(self, fleet: str) -> Holder | None:
        return self.holder

    async def lock(self, fleet: str) -> SeenLock | None:
        return self.locks.get(fleet)

    async def unlock(self, seen: SeenLock) -> bool:
        self.asked.append(f"unlock {seen.document.fleet}")
        return self.locks.pop(seen.document.fleet, None) == seen

    async def frozen(self, fleet: str) -> Freeze | None:
        return self.freezes.get(fleet)

    async def freeze(self, fleet: str, *, who: str, why: str) -> Freeze:
        self.freezes[fleet] = Freeze(who=who, why=why, since=NOON)
        return self.freezes[fleet]

    async def unfreeze(self, fleet: str) -> Freeze | None:
        return self.freezes.pop(fleet, None)


@dataclass
class FakeBackend(Library):
    """The library, but for the connection."""

    fleet: FakeFleet
    memory: FakeHistory = field(default_factory=FakeHistory)
    places: list[object] = field(default_factory=list)
    """Where what is remembered was looked for."""
    purposes: list[Purpose | None] = field(default_factory=list)
    connecting: Callable[[], Awaitable[None]] = _nothing
    closing: Callable[[], Awaitable[None]] = _nothing
    endpoints: list[Endpoint | None] = field(default_factory=list)
    states: list[str | None] = field(default_factory=list)
    given_states: list[str | None] = field(default_factory=list)
    """The states that commands to paste have to name."""
    executors: list[Executor | None] = field(default_factory=list)

    @asynccontextmanager
    async def connect(
        self,
        inventory: Inventory,
        *,
        endpoint: Endpoint | None,
        state: str | None,
        on_event: EventSink,
        purpose: Purpose | None = None,
        locked: bool = False,
        executor: Executor | None = None,
    ) -> AsyncIterator[FakeFleet]:
        assert not (locked and purpose is None)
        self.executors.append(executor)
        self.purposes.append(purpose)
        self.endpoints.append(endpoint)
        self.states.append(state)
        self.given_states.append(inventory.given_state)
        await self.connecting()
        self.fleet.on_event = on_event
        self.fleet.stopped = anyio.Event()
        yield self.fleet
        await self.closing()

    @asynccontextmanager
    async def history(
        self, place: Inventory | Path, *, state: str | None
    ) -> AsyncIterator[FakeHistory]:
        self.places.append(state or (place.path if isinstance(place, Inventory) else place))
        yield self.memory

    def person(self) -> str:
        return "anna@ci-1"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ended]


@dataclass
class Terminal:
    """The master's side of a pseudo-terminal, and the process's."""

    master: int
    stdin: TextIO
    stdout: TextIO

    def type(self, text: str) -> None:
        os.write(self.master, text.encode(errors="surrogateescape"))

    def screen(self) -> str:
        """What was written so far."""
        # The system passes on what is written in order, but whenever it gets to it.
        self.stdout.write(_END)
        self.stdout.flush()
        shown = b""
        while not shown.endswith(_END.encode()):
            assert select.select([self.master], [], [], PATIENCE)[0], shown
            shown += os.read(self.master, 65_536)
        return shown.decode(errors="replace").removesuffix(_END).replace("\r\n", "\n")


@dataclass
class Session:
    """A program at a terminal of its own."""

    pid: int
    master: int
    seen: str = ""

    def expect(self, text: str) -> None:
        """Read until `text` was shown."""
        until = time.monotonic() + PATIENCE
        while text not in self.seen and time.monotonic() < until and self._read():
            pass
        assert text in self.seen, self.seen

    def send(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self) -> int:
        """Read the rest; the exit code."""
        while self._read():
            pass
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        if not select.select([self.master], [], [], PATIENCE)[0]:
            return False
        try:
            shown = os.read(self.master, 65_536)
        except OSError:
            # Linux tells the end of a terminal's last program as an input/output error.
            return False
        self.seen += shown.decode(errors="replace").replace("\r\n", "\n")
        return bool(shown)
