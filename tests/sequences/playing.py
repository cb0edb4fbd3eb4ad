"""A sequence played: both fleets by library calls, against one sandbox over HTTP.

Everything that happens is put down, each write at the moment at which AWS takes it. A kill is a
run that from one moment on reaches neither AWS nor its state, and whose process counts as gone.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from itertools import count, product
from pathlib import Path
from typing import Any
from unittest import mock

import anyio
from tests.sequences import strangers
from tests.sequences.generation import (
    ACCOUNTS,
    FLEETS,
    LETTERS,
    REPOSITORIES,
    Edit,
    FleetText,
    Frozen,
    Moment,
    Rewritten,
    Run,
    Step,
    Story,
    Together,
    Trouble,
)
from tests.sequences.texts import inventory_text, registry, wanted
from tests.sequences.trace import (
    POLICY,
    RULES,
    TEMPLATE,
    Began,
    Change,
    Crashed,
    Edited,
    Ended,
    Finished,
    Happening,
    Hop,
    Read,
    Rested,
    Wrote,
    links,
    meaning,
)
from tests.support.clock import VirtualClock

from fleet_repl import (
    Fleet,
    FleetError,
    History,
    Inventory,
    Report,
    Selection,
    connect,
    load_inventory,
    load_plan,
    open_history,
    to_json,
)
from fleet_repl.aws import Endpoint
from fleet_repl.fleet import access
from fleet_repl.runs.history import Purpose
from fleet_repl.sandbox import (
    AccountScenario,
    FaultRule,
    Mishap,
    Scenario,
    World,
    ecr as sandbox_ecr,
    gateway as sandbox_gateway,
    serve,
    world_of,
)
from fleet_repl.sandbox.aws_errors import AwsError, Common, Service, common
from fleet_repl.sandbox.faults import Faults
from fleet_repl.sandbox.policy import Access, allows
from fleet_repl.state import FolderStore, process as processes
from fleet_repl.values.names import AccountId, Partition, Registry, Secret, repositories_arn
from fleet_repl.watch import RoundContext, RoundOptions, run_round

_RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}\Z")
_WRITES = {
    "PutReplicationConfiguration": RULES,
    "PutRegistryPolicy": POLICY,
    "DeleteRegistryPolicy": POLICY,
    "CreateRepositoryCreationTemplate": TEMPLATE,
    "UpdateRepositoryCreationTemplate": TEMPLATE,
    "DeleteRepositoryCreationTemplate": TEMPLATE,
}
_NO_POLICY = "RegistryPolicyNotFoundException"
_CALL_SECONDS = 0.02
_CONTROL: ContextVar[Control | None] = ContextVar("control", default=None)
"""Of the run that works on a state."""


class KilledError(Exception):
    """What a run that has been killed gets from everything outside of it."""


@dataclass(kw_only=True)
class Control:
    """One run's strings, by which it is stopped, killed and disturbed."""

    run: Run
    pid: int
    scope: anyio.CancelScope
    fleet: Fleet | None = None
    undoes: str | None = None
    """The run that it takes back."""
    shown: tuple[int, str] | None = None
    """The document that it was shown last."""
    run_id: str = ""
    dead: bool = False
    passed: Counter[str] = field(default_factory=Counter)

    def reach(self, kind: str) -> Moment:
        """The moment that the run has come to."""
        self.passed[kind] += 1
        return Moment(kind=kind, nth=self.passed[kind])

    def kill(self) -> None:
        """Let it reach nothing any more."""
        self.dead = True
        self.scope.cancel()


@dataclass(kw_only=True)
class Player:
    """A world in which a sequence is played, and all that has happened in it."""

    story: Story
    folder: Path
    world: World
    clock: VirtualClock
    endpoint: Endpoint
    texts: dict[str, FleetText]
    trace: list[Happening] = field(default_factory=list)
    controls: dict[str, Control] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    died: list[tuple[str, str]] = field(default_factory=list)
    pids: Iterator[int] = field(default_factory=lambda: count(10_000_000))
    kept: dict[str, Path] = field(default_factory=dict)
    alone: bool = True

    def state(self, fleet: str) -> Path:
        """Where a fleet remembers."""
        return self.folder / ("state" if self.story.one_state else f"state-{fleet}")

    def memory(self, fleet: str) -> Path:
        """Where its documents are: what is remembered of another AWS is kept apart."""
        host = self.endpoint.url.removeprefix("http://").replace(":", "_")
        return self.state(fleet) / ".worlds" / host / fleet

    def history(self, fleet: str) -> AbstractAsyncContextManager[History]:
        """What is remembered of the fleet's runs."""
        return open_history(self.state(fleet), endpoint=self.endpoint, clock=self.clock)

    def inventory(self, fleet: str) -> Inventory:
        """A fleet's inventory as it is now."""
        path = self.folder / fleet / "fleet.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(inventory_text(self.texts[fleet]))
        return load_inventory(path, environ={})

    async def play(self) -> None:
        """All steps, and what has to come of them in the end."""
        with ExitStack() as stack:
            self._watch(stack)
            for step in self.story.steps:
                await self._step(step)
                self.clock.seconds += 60
                for fleet in FLEETS:
                    self.trace.append(self._rested(fleet))
            await self._finish()

    def _watch(self, stack: ExitStack) -> None:
        """See every call and every work on a state meanwhile."""
        call_ecr, work = sandbox_ecr.call_ecr, FolderStore._do
        this_process, start_of = processes.this_process, processes.start_of

        def called(world: World, caller: Any, region: Any, operation: str, body: Any) -> Any:
            return self._called(call_ecr, world, caller, region, operation, body)

        async def worked(store: FolderStore, *args: Any, **how: Any) -> Any:
            return await self._worked(lambda: work(store, *args, **how))

        def whoami() -> processes.Process:
            control, me = _CONTROL.get(), this_process()
            if control is None:
                return me
            process_mark = me.process.rpartition("/")[0]
            return replace(me, pid=control.pid, process=f"{process_mark}/start-{control.pid}")

        def started(pid: int, *args: Any) -> str | None:
            if pid in self.gone:
                return None
            return f"start-{pid}" if pid >= 10_000_000 else start_of(pid, *args)

        stack.enter_context(mock.patch.object(sandbox_gateway, "call_ecr", called))
        stack.enter_context(mock.patch.object(FolderStore, "_do", worked))
        stack.enter_context(mock.patch.object(access, "this_process", whoami))
        stack.enter_context(mock.patch.object(processes, "start_of", started))

    def _called(
        self,
        carry_out: Callable[..., Any],
        world: World,
        caller: Any,
        region: Any,
        operation: str,
        body: Any,
    ) -> Any:
        self.clock.seconds += _CALL_SECONDS
        match_ = _RUN_ID.search(caller.arn)
        control = self.controls.get(match_[0]) if match_ is not None else None
        if control is None or control.dead:
            raise common(Service.ECR, Common.FAILED)
        place, resource = int(caller.account), _WRITES.get(operation)
        killed = self._disturb(control, "call", (place, resource))
        if killed and not control.run.trouble.carried_out:
            raise common(Service.ECR, Common.FAILED)
        before, let_in = self._document(place, resource), self._ungranted()
        try:
            answer = carry_out(world, caller, region, operation, body)
        except AwsError as error:
            if operation == "GetRegistryPolicy" and error.code == _NO_POLICY:
                self._saw(control, place, POLICY, None)
            raise
        if operation == "DescribeRegistry":
            self._saw(control, place, RULES, answer["replicationConfiguration"])
        elif operation == "GetRegistryPolicy":
            self._saw(control, place, POLICY, json.loads(answer["policyText"]))
        elif resource is not None:
            after = self._document(place, resource)
            self.trace.append(
                Wrote(
                    run=control.run_id,
                    fleet=control.run.fleet,
                    place=place,
                    resource=resource,
                    before=before,
                    after=after,
                    announced=self._is_announced(control, place, resource, after),
                    ungranted_before=let_in,
                    ungranted_after=self._ungranted(),
                )
            )
        return answer

    def _saw(self, control: Control, place: int, resource: str, seen: Any) -> None:
        control.shown = (place, resource)
        self.trace.append(Read(run=control.run_id, place=place, resource=resource, seen=seen))

    async def _worked(self, work: Callable[[], Any]) -> Any:
        control = _CONTROL.get()
        if control is None:
            return await work()
        if control.dead:
            raise KilledError
        killed = self._disturb(control, "state", None)
        await self._overtake(control)
        if killed and not control.run.trouble.carried_out:
            raise KilledError
        if control.run.trouble.state_ms:
            await anyio.sleep(control.run.trouble.state_ms / 1000)
        done = await work()
        if control.dead:
            raise KilledError
        return done

    async def _overtake(self, control: Control) -> None:
        """Let another run of the fleet come before this one, if it is time for that."""
        overtaken = control.run.trouble.overtaken
        if overtaken is None or control.passed["state"] != overtaken[0] or control.dead:
            return
        _, text, run = overtaken
        self.texts[text.name] = text
        await self._run(run)

    def _disturb(self, control: Control, kind: str, writing: tuple[int, str | None] | None) -> bool:
        """Do what is to be done at this moment of a run; whether it is killed at it."""
        now, trouble = control.reach(kind), control.run.trouble
        for moment, edit in trouble.edits:
            if moment == now:
                self._edit(edit, control, writing)
        if trouble.stopped == now and control.fleet is not None:
            control.fleet.stop()
        if trouble.killed == now:
            control.kill()
        return control.dead

    def _edit(
        self,
        edit: Edit,
        control: Control | None = None,
        writing: tuple[int, str | None] | None = None,
    ) -> None:
        if edit.kind == "last-read":
            if control is None or control.shown is None:
                return
            edit = strangers.aimed(edit, *control.shown)
        resource = strangers.resource_of(edit)
        before = self._document(edit.account, resource)
        strangers.make(edit, self.world)
        there = writing == (edit.account, resource)
        self.trace.append(
            Edited(
                place=edit.account,
                resource=resource,
                before=before,
                after=self._document(edit.account, resource),
                at_write_of=control.run_id if control is not None and there else None,
            )
        )

    async def _step(self, step: Step) -> None:
        match step:
            case Run():
                await self._runs((step,))
            case Together(runs=runs):
                await self._runs(runs)
            case Rewritten(text=text):
                self.texts[text.name] = text
            case Frozen(fleet=fleet, frozen=frozen):
                await self._freeze(fleet, frozen=frozen)
            case Edit():
                self._edit(step)

    async def _freeze(self, fleet: str, *, frozen: bool) -> None:
        async with self.history(fleet) as history:
            if frozen:
                await history.freeze(fleet, who="sam", why="because")
            else:
                await history.unfreeze(fleet)

    async def _runs(self, runs: tuple[Run, ...]) -> None:
        self.alone = len(runs) == 1
        with self._troubled(runs[0].trouble):
            async with anyio.create_task_group() as group:
                for run in runs:
                    group.start_soon(self._run, run)

    @contextmanager
    def _troubled(self, trouble: Trouble) -> Iterator[None]:
        """AWS as it is while runs go on."""
        world, quiet = self.world, self.world.scenario
        rules = tuple(FaultRule(kind=Mishap(kind), rate=rate) for kind, rate in trouble.faults)
        world.faults = Faults(Scenario(seed=trouble.seed, faults=rules))
        world.scenario = quiet.model_copy(update={"lag_ms": trouble.lag_ms})
        for number, call in trouble.denied:
            denied = AccountScenario(
                id=f"{number:012d}", denied=not call, denied_actions=(call,) if call else ()
            )
            world.directory._peculiar[AccountId(denied.id)] = denied
        try:
            yield
        finally:
            world.faults, world.scenario = Faults(quiet), quiet
            world.directory._peculiar.clear()

    async def _run(self, run: Run) -> None:
        with anyio.CancelScope() as scope:
            control = Control(run=run, pid=next(self.pids), scope=scope)
            token = _CONTROL.set(control)
            try:
                await self._done(control)
            except Exception as error:  # noqa: BLE001 - a run that is killed may raise anything
                if not control.dead and not _is_foreseen(error):
                    text = f"{type(error).__name__}: {error}"
                    self.trace.append(Crashed(run=control.run_id, error=text))
            finally:
                _CONTROL.reset(token)
        if control.dead:
            self.died.append((run.fleet, control.run_id))
        self.gone.add(control.pid)

    async def _done(self, control: Control) -> None:
        """The run, whatever it is, to its end."""
        run = control.run
        match run.kind:
            case "watch":
                around = RoundContext(
                    connect=lambda inventory: self._connected(control, inventory, Purpose.WATCH),
                    log=lambda _: None,
                    clock=self.clock,
                )
                asked = RoundOptions(fix=True, selection=_selection(run), watched=_selection(run))
                round_, _ = await run_round(asked, self.inventory(run.fleet), around)
                self._ended(control, round_.report)
            case "rollback":
                await self._roll_back(control)
            case "keep":
                async with self._connected(control, self.inventory(run.fleet)) as fleet:
                    path = self.folder / run.fleet / f"{control.run_id}.json"
                    path.write_text(to_json(await fleet.plan(selection=_selection(run))))
                    self.kept[run.fleet] = path
            case "kept":
                if run.fleet in self.kept:
                    await self._apply(control, load_plan(self.kept[run.fleet]))
            case _:
                await self._apply(control)

    async def _apply(self, control: Control, plan: Any = None) -> None:
        run, text = control.run, self.texts[control.run.fleet]
        locked = plan is None
        inventory = self.inventory(run.fleet)
        async with self._connected(control, inventory, locked=locked) as fleet:
            plan = plan or await fleet.plan(selection=_selection(run))
            wave = "w0" if run.wave and text.waves else None
            self._ended(control, await fleet.apply(plan, force=run.force, wave=wave))

    async def _roll_back(self, control: Control) -> None:
        run = control.run
        async with self.history(run.fleet) as history:
            past = await history.runs(run.fleet)
        if run.which >= len(past):
            return
        control.undoes = run_id = past[run.which].meta.run_id
        inventory = self.inventory(run.fleet)
        async with self._connected(control, inventory, Purpose.ROLLBACK, locked=True) as fleet:
            plan = await fleet.plan_rollback(run_id, force=run.force)
            self._ended(control, await fleet.apply(plan, force=run.force))

    @asynccontextmanager
    async def _connected(
        self,
        control: Control,
        inventory: Inventory,
        purpose: Purpose = Purpose.APPLY,
        *,
        locked: bool = False,
    ) -> AsyncIterator[Fleet]:
        run, self.clock.seconds = control.run, self.clock.seconds + 1
        async with AsyncExitStack() as stack:
            fleet = await stack.enter_async_context(
                connect(
                    inventory,
                    endpoint=self.endpoint,
                    state=self.state(run.fleet),
                    clock=self.clock,
                    purpose=purpose,
                    locked=locked,
                )
            )
            control.fleet, control.run_id = fleet, fleet.run_id
            self.controls[fleet.run_id] = control
            text = self.texts[run.fleet]
            steady = run.trouble.lag_ms == 0 and self.alone
            ends = run.wave and bool(text.waves) and run.kind in ("apply", "kept")
            self.trace.append(
                Began(
                    run=fleet.run_id,
                    fleet=run.fleet,
                    forced=run.force,
                    careful=steady and text.concurrency == 1,
                    undoes=control.undoes,
                    wanted=None if run.kind == "rollback" else wanted(text),
                    wary=self.world.scenario.lag_ms == 0,
                    until=frozenset(text.waves[0]) if ends else None,
                    retired=text.retired,
                )
            )
            yield fleet

    def _ended(self, control: Control, report: Report | None) -> None:
        if report is not None and not control.dead:
            self.trace.append(Ended(run=control.run_id, changes=_changes(report)))

    async def _finish(self) -> None:
        """Let all be well, and see whether the fleets get there."""
        self.clock.seconds += 3600
        for fleet in FLEETS:
            await self._freeze(fleet, frozen=False)
        statuses: dict[str, list[str]] = {fleet: [] for fleet in FLEETS}
        late: Counter[str] = Counter()
        for turn in range(3):
            for fleet in FLEETS:
                before = len(self.world.writes)
                statuses[fleet].append(await self._brought_to_rest(fleet, force=turn == 0))
                late[fleet] = len(self.world.writes) - before
        for fleet in FLEETS:
            self.trace.append(await self._finished(fleet, tuple(statuses[fleet]), late[fleet]))

    async def _brought_to_rest(self, fleet: str, *, force: bool) -> str:
        """The status of an apply in which nothing goes wrong."""
        before = len(self.trace)
        await self._runs((Run(fleet=fleet, kind="apply", force=force),))
        ended = [item for item in self.trace[before:] if isinstance(item, Ended)]
        if not ended:
            return "no report"
        bad = {change.outcome for change in ended[-1].changes} - {"applied", "unchanged"}
        return "ok" if not bad else " and ".join(sorted(bad))

    async def _finished(self, fleet: str, statuses: tuple[str, ...], late: int) -> Finished:
        unfinished = []
        async with self.history(fleet) as history:
            for summary in await history.runs(fleet):
                past = await history.run(summary.meta.run_id, fleet)
                if past.report is None:
                    unfinished.append(summary.meta.run_id)
                elif (fleet, summary.meta.run_id) in self.died:
                    changes = _changes(past.report)
                    ended = Ended(run=summary.meta.run_id, changes=changes, died=True)
                    self.trace.append(ended)
            locked = await history.at_work(fleet) is not None
        text = self.texts[fleet]
        return Finished(
            fleet=fleet,
            statuses=statuses,
            late_writes=late,
            wanted=wanted(text),
            in_place=frozenset(hop for hop in self._hops(fleet) if hop[0] in text.accounts),
            ungranted=frozenset(item for item in self._ungranted() if _is_of(item, fleet)),
            unfinished=tuple(unfinished),
            locked=locked,
        )

    def _rested(self, fleet: str) -> Rested:
        path = self.memory(fleet) / "applied.json"
        content = json.loads(path.read_bytes()) if path.exists() else {"registries": {}}
        recorded = frozenset(
            (int(source.partition("/")[0]), int(end.partition("/")[0]), prefix)
            for source, entry in content["registries"].items()
            for end, prefixes in entry["links"].items()
            for prefix in prefixes or [""]
        )
        return Rested(fleet=fleet, recorded=recorded)

    def _hops(self, fleet: str) -> Iterator[Hop]:
        """Links in place that are of the kind that a fleet makes."""
        for source in ACCOUNTS:
            for (end, prefix), _ in links(self.world.replication(registry(source))):
                if prefix.startswith(LETTERS[fleet]):
                    yield source, end, prefix

    def _ungranted(self) -> frozenset[Hop]:
        return frozenset(
            hop for fleet in FLEETS for hop in self._hops(fleet) if not self._let_in(hop)
        )

    def _let_in(self, hop: Hop) -> bool:
        source, end, prefix = hop
        return all(
            allows(
                self.world.policy(registry(end)),
                Access(
                    partition=Partition.AWS,
                    account=registry(source).account,
                    action=action,
                    resource=f"{repositories_arn(Partition.AWS, registry(end))}{prefix}image",
                ),
            )
            for action in ("ecr:ReplicateImage", "ecr:CreateRepository")
        )

    def _document(self, place: int, resource: str | None) -> Any:
        there = registry(place)
        if resource == RULES:
            return self.world.replication(there)
        if resource == POLICY:
            return self.world.policy(there)
        if resource == TEMPLATE:
            return {str(template["prefix"]): template for template in self.world.templates(there)}
        return None

    def _is_announced(self, control: Control, place: int, resource: str, after: Any) -> bool:
        """Whether the journal has an open announcement of just this document."""
        journal = self.memory(control.run.fleet) / "runs" / control.run_id / "journal.jsonl"
        text = journal.read_bytes() if journal.exists() else b""
        return any(
            line["moment"] == "sending"
            and line["registry"] == str(registry(place))
            and line["resource"] == resource
            and (
                resource == TEMPLATE or meaning(line["after"], resource) == meaning(after, resource)
            )
            for line in map(json.loads, text.split(b"\n")[1:-1])
        )


async def play(story: Story) -> list[Happening]:
    """Everything that happens in a sequence."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        clock = VirtualClock()
        everybody = FleetText(name="everybody", accounts=ACCOUNTS, sources=ACCOUNTS)
        path = root / "everybody.toml"
        path.write_text(inventory_text(everybody))
        world = world_of(load_inventory(path, environ={}), scenario=Scenario(), clock=clock)
        for number, name in product(ACCOUNTS, REPOSITORIES):
            world.have_repository(registry(number), name)
        async with serve(world) as server:
            player = Player(
                story=story,
                folder=root,
                world=world,
                clock=clock,
                endpoint=Endpoint(
                    url=server.url,
                    access_key_id=server.access_key_id,
                    secret_access_key=Secret(server.secret_access_key),
                    region=server.region,
                ),
                texts={fleet.name: fleet for fleet in story.fleets},
            )
            await player.play()
            return player.trace


def _selection(run: Run) -> Selection:
    return Selection(accounts=tuple(f"{account:012d}" for account in run.accounts))


def _changes(report: Report) -> tuple[Change, ...]:
    return tuple(
        Change(
            place=_place(registry.registry),
            resource=change.resource.value,
            outcome=change.outcome.value,
            after=change.after.document,
            in_doubt=change.in_doubt,
        )
        for registry in report.registries
        for change in registry.changes
    )


def _place(registry: Registry) -> int:
    return int(registry.account)


def _is_of(hop: Hop, fleet: str) -> bool:
    return hop[2].startswith(LETTERS[fleet])


def _is_foreseen(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_foreseen, error.exceptions))
    return isinstance(error, FleetError)
