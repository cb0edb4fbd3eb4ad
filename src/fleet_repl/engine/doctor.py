"""Examine the accounts of a fleet: make the reads that they need, and ask IAM about the writes.

Nothing is written. What answers mean is decided in `runs.doctor`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from fleet_repl.engine.answers import answer_of
from fleet_repl.engine.observe import POLICY_SCOPE
from fleet_repl.engine.ports import EventSink, PermissionReader
from fleet_repl.engine.shards import Reader, Shard, ShardContext, ShardReaders, shards_of
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.workers import work_through
from fleet_repl.runs.doctor import (
    DESCRIBE,
    POLICY,
    REPOSITORIES,
    SETTING,
    AccountExamination,
    Checks,
    Needs,
    Question,
    is_reached,
    permissions_of,
    stops,
)
from fleet_repl.runs.events import ReadStarted, RegistryRead
from fleet_repl.values.errors import CallError, Fault, unforeseen
from fleet_repl.values.names import AccountId, Region, Registry

_Reads: TypeAlias = dict[str, Fault | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorContext:
    """Everything that an examination needs besides the registries."""

    reader: Reader
    permissions: PermissionReader
    needs: Needs
    questions: Mapping[AccountId, tuple[Question, ...]]
    concurrency: int
    stop: Stop
    on_event: EventSink
    workers: ShardReaders | None = None
    """Other processes that examine; None: this process does it itself."""


async def examine(
    registries: Collection[Registry], how: DoctorContext
) -> Mapping[AccountId, AccountExamination]:
    """Examine every account, its registries one after the other; returns the answers of each.

    An account whose fresh role or session AWS has refused is asked once more after all others, as
    when a fleet is observed. After a deadline, every registry not yet read gets a timeout fault.
    After an interruption, accounts are missing from the result.
    """
    rounds = _Rounds(registries, how)
    with how.stop.abandonable():
        if how.workers is None:
            for look in (rounds.first, rounds.last):
                accounts = tuple(sorted(rounds.waiting))
                await work_through(accounts, look, concurrency=how.concurrency, stop=how.stop)
        else:
            await _examine_in_shards(registries, how, how.workers, rounds)
    return rounds.results()


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorShard:
    """Registries that one worker examines, and their accounts."""

    registries: tuple[Registry, ...]
    needs: Needs
    questions: Mapping[AccountId, tuple[Question, ...]]

    async def read(self, context: ShardContext) -> Mapping[AccountId, AccountExamination]:
        how = DoctorContext(
            reader=context.reader,
            permissions=context.permissions,
            needs=self.needs,
            questions=self.questions,
            concurrency=context.concurrency,
            stop=context.stop,
            on_event=context.on_event,
        )
        return await examine(self.registries, how)


async def _examine_in_shards(
    registries: Collection[Registry], how: DoctorContext, workers: ShardReaders, rounds: _Rounds
) -> None:
    shards = [
        DoctorShard(
            registries=part,
            needs=how.needs,
            questions={
                registry.account: how.questions.get(registry.account, ()) for registry in part
            },
        )
        for part in shards_of(registries, workers.width)
    ]

    async def take(
        shard: Shard[Mapping[AccountId, AccountExamination]],
        answer: Mapping[AccountId, AccountExamination] | Fault,
    ) -> None:
        rounds.take(shard.registries, answer)

    await workers.read(shards, take, how.stop, how.on_event)


class _Rounds:
    def __init__(self, registries: Collection[Registry], how: DoctorContext) -> None:
        self._how = how
        self._reads: dict[AccountId, dict[Region, _Reads]] = defaultdict(dict)
        self._examined: dict[AccountId, AccountExamination] = {}
        self.waiting: dict[AccountId, list[Registry]] = defaultdict(list)
        """The registries that are yet to be read, by account."""
        for registry in sorted(registries):
            self.waiting[registry.account].append(registry)

    async def first(self, account: AccountId) -> None:
        registries, passing = self.waiting[account], []
        for registry in registries:
            self._how.on_event(ReadStarted(registry=registry))
            if await self._look(registry):
                passing.append(registry)
            else:
                self._announce(registry)
        self.waiting[account] = passing
        if not passing:
            await self._conclude(account)

    async def last(self, account: AccountId) -> None:
        for registry in self.waiting[account]:
            await self._look(registry)
            self._announce(registry)
        await self._conclude(account)

    def take(
        self,
        registries: Collection[Registry],
        answer: Mapping[AccountId, AccountExamination] | Fault,
    ) -> None:
        """Take what a worker has found out, or why it could not."""
        if isinstance(answer, Fault):
            for registry in registries:
                self._reads[registry.account][registry.region] = {DESCRIBE: answer}
            answer = {
                account: AccountExamination(reads=self._reads[account])
                for account in {registry.account for registry in registries}
            }
        self._examined |= answer
        for account in answer:
            self.waiting.pop(account, None)

    def results(self) -> Mapping[AccountId, AccountExamination]:
        """The examinations; with faults for what a deadline left undone."""
        stop = self._how.stop
        if not stop.interrupted:
            late = stop.timeout("DescribeRegistry")
            for account, registries in self.waiting.items():
                reads = self._reads[account]
                for registry in registries:
                    reads.setdefault(registry.region, {DESCRIBE: late})
                self._examined.setdefault(account, AccountExamination(reads=reads))
        return self._examined

    async def _look(self, registry: Registry) -> bool:
        """Read a registry; returns whether that failed in a way that may pass by itself."""
        reads: _Reads = {}
        self._reads[registry.account][registry.region] = reads
        for action in self._how.needs.reads_of(registry):
            try:
                if await _is_answered(action, registry, self._how.reader):
                    reads[action] = None
            except CallError as error:
                reads[action] = error.fault
                if error.transient or stops(error.fault):
                    return error.transient
            except Exception as error:  # noqa: BLE001 - a registry's failure is a value
                reads[action] = unforeseen(action.partition(":")[2], error)
        return False

    async def _conclude(self, account: AccountId) -> None:
        """Ask IAM what the account's identity may write, if it was reached."""
        self.waiting.pop(account)
        examination = AccountExamination(reads=self._reads[account])
        questions = self._how.questions.get(account, ()) if is_reached(examination) else ()

        async def ask() -> Checks:
            simulate = self._how.permissions.simulate
            answers = [await simulate(account, question) for question in questions]
            return permissions_of(questions, answers)

        permissions = await answer_of("SimulatePrincipalPolicy", ask())
        if isinstance(permissions, Fault):
            examination = replace(examination, unasked=permissions)
        else:
            examination = replace(examination, permissions=permissions)
        self._examined[account] = examination

    def _announce(self, registry: Registry) -> None:
        faults = self._reads[registry.account][registry.region].values()
        error = next((fault for fault in faults if fault is not None), None)
        self._how.on_event(RegistryRead(registry=registry, error=error))


async def _is_answered(action: str, registry: Registry, reader: Reader) -> bool:
    """Make the read of an action; returns whether that told anything. Raises CallError."""
    if action == DESCRIBE:
        await reader.describe(registry)
    elif action == POLICY:
        await reader.read_policy(registry)
    elif action == SETTING:
        return await reader.account_setting(registry, POLICY_SCOPE) is not None
    elif action == REPOSITORIES:
        await reader.describe_repositories(registry)
    else:
        await reader.read_templates(registry)
    return True
