"""A witness of everything that is written: held against the journal, the grants, and strangers.

It looks after every write that AWS takes, so what it finds was so at no instant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from unittest import mock

from tests.support.survival import Scene

from fleet_repl import Report, open_history
from fleet_repl.runs.history import JournalEntry, Moment, PastRun
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.sandbox.policy import Access, allows
from fleet_repl.values.names import AccountId, Partition, Region, Registry, repositories_arn

RULES, POLICY, TEMPLATE = "replication-configuration", "registry-policy", "creation-template"
WRITES = {
    "PutReplicationConfiguration": RULES,
    "PutRegistryPolicy": POLICY,
    "DeleteRegistryPolicy": POLICY,
    "CreateRepositoryCreationTemplate": TEMPLATE,
    "UpdateRepositoryCreationTemplate": TEMPLATE,
    "DeleteRepositoryCreationTemplate": TEMPLATE,
}
PUBLIC = re.compile(
    r"(applied|lock|runs|traces)\.json|runs/[0-9TZ]+-[0-9a-f]{6}/"
    r"(run\.json|plan\.json|before\.json|journal\.jsonl|report\.json|ended\.json)"
)
HIDDEN = re.compile(r"\.[a-z]+\.json(\.guard|\.[a-z0-9_]{8})")

Key: TypeAlias = tuple[str, str, str, str, str | None]
"""A write as the journal tells of it: registry, resource, wave, phase, a template's prefix."""


@dataclass(frozen=True)
class Taken:
    """A write that AWS took."""

    run_id: str
    key: Key
    after: Any
    """As it was announced, which is what was written."""


@dataclass
class Witness:
    """Sees every write to a scene; what was wrong with any is in `problems`."""

    scene: Scene
    problems: list[str] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    on_write: list[Callable[[], object]] = field(default_factory=list)
    _announced: dict[tuple[Registry, str], tuple[str, list[Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._theirs = {registry: self._foreign(registry) for registry in self.scene.registries}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """See everything meanwhile."""
        world = self.scene.world
        self.scene.calls.listeners.append(self._arrived)

        def noted(write: Callable[..., None], resource: str) -> Callable[..., None]:
            def wrapped(registry: Registry, *args: Any, **how: Any) -> None:
                write(registry, *args, **how)
                self._written(registry, resource)

            return wrapped

        with (
            mock.patch.object(world, "write_replication", noted(world.write_replication, RULES)),
            mock.patch.object(world, "write_policy", noted(world.write_policy, POLICY)),
            mock.patch.object(world, "write_templates", noted(world.write_templates, TEMPLATE)),
        ):
            yield

    def _arrived(self, account: AccountId, region: Region, operation: str) -> None:
        """A write is about to be carried out: by now it is in the journal of whoever holds the
        lock, and what a rollback needs is there as well."""
        resource = WRITES.get(operation)
        if resource is None:
            return
        registry = Registry(account, region)
        holder = json.loads((self.scene.state / "prod/lock.json").read_bytes())["holder"]
        if holder is None:
            self.problems.append(f"{operation} of {registry} while nobody holds the lock")
            return
        run = self.scene.state / "prod/runs" / holder["run_id"]
        missing = [
            text for text in ("plan", "before", "run") if not (run / f"{text}.json").exists()
        ]
        self.problems += [f"{operation} of {registry} without {item}.json" for item in missing]
        announced = [
            line
            for key, line in _open(run / "journal.jsonl").items()
            if key[:2] == (str(registry), resource)
        ]
        if not announced:
            self.problems.append(f"{operation} of {registry} was not announced")
        self._announced[registry, resource] = (holder["run_id"], announced)

    def _written(self, registry: Registry, resource: str) -> None:
        run_id, announced = self._announced.get((registry, resource), ("", []))
        matching = [line for line in announced if self._in_place(registry, resource, line["after"])]
        if len(matching) != 1:
            self.problems.append(f"{resource} of {registry} is not what was announced")
        else:
            taken = Taken(run_id, _key(matching[0]), matching[0]["after"])
            if any(earlier.run_id == run_id and earlier.key == taken.key for earlier in self.taken):
                self.problems.append(f"{resource} of {registry} was written twice")
            self.taken.append(taken)
        self.problems += [
            f"after {resource} of {registry}: {wrong}" for wrong in self._wrongs(registry)
        ]
        for tell in self.on_write:
            tell()

    def _wrongs(self, at: Registry) -> Iterator[str]:
        """What is not as it must be at every instant, after a write to a registry."""
        if self._foreign(at) != self._theirs[at]:
            yield f"what is others' in {at} has changed"
        for source in self.scene.registries:
            for end, prefix in self._links(source):
                if at in (source, end) and not self._let_in(source, end, prefix):
                    yield f"{source} replicates {prefix} to {end} without a grant"

    def agree(self, past: PastRun) -> None:
        """The journal of a run that is over says neither more nor less than what happened."""
        taken = {item.key: item.after for item in self.taken if item.run_id == past.meta.run_id}
        sent = {_key_of(entry): entry for entry in past.journal if entry.moment is Moment.SENDING}
        assert taken.keys() <= sent.keys()
        for key, after in taken.items():
            assert after == sent[key].after
        for entry in past.journal:
            if entry.moment is Moment.ENDED:
                match entry.outcome:
                    case Outcome.APPLIED:
                        assert _key_of(entry) in taken
                    case _ if not entry.in_doubt:
                        assert _key_of(entry) not in taken
        last = {(*key[:2], key[4]): (key, after) for key, after in taken.items()}
        for (name, resource, _), (_, after) in last.items():
            account, _, region = name.partition("/")
            there = Registry(AccountId(account), Region(region))
            assert self._in_place(there, resource, after)

    async def concluded(self, died: PastRun) -> None:
        """What the next run says of one that died is what has happened, registry by registry."""
        async with open_history(self.scene.state) as history:
            past = await history.run(died.meta.run_id)
        report = past.report
        assert report is not None
        assert [registry.registry for registry in report.registries] == list(self.scene.registries)
        said = [
            (str(registry.registry), change.resource.value, change.after.document)
            for registry in report.registries
            for change in registry.changes
            if change.outcome is Outcome.APPLIED
        ]
        mine = [item for item in self.taken if item.run_id == past.meta.run_id]
        happened = [(*item.key[:2], item.after) for item in mine]
        assert _sorted(said) == _sorted(happened)
        assert not any(
            change.in_doubt for registry in report.registries for change in registry.changes
        )

    def _in_place(self, registry: Registry, resource: str, after: Any) -> bool:
        world = self.scene.world
        if resource == RULES:
            return bool(world.replication(registry) == after)
        if resource == POLICY:
            return bool(world.policy(registry) == after)
        templates = world.registries[registry].templates.latest
        if after is None:
            return True
        template = templates.get(after["prefix"].rstrip("/"), {})
        return all(template.get(name) == value for name, value in after.items() if name != "prefix")

    def _links(self, registry: Registry) -> Iterator[tuple[Registry, str]]:
        """Our links out of a registry that need a grant of ours."""
        configuration: Any = self.scene.world.replication(registry)
        for rule in configuration["rules"]:
            for end in rule["destinations"]:
                if end["registryId"] == registry.account or end["registryId"].startswith("9"):
                    continue
                for filter_ in rule["repositoryFilters"]:
                    account, region = AccountId(end["registryId"]), Region(end["region"])
                    yield Registry(account, region), filter_["filter"]

    def _let_in(self, source: Registry, end: Registry, prefix: str) -> bool:
        return all(
            allows(
                self.scene.world.policy(end),
                Access(
                    partition=Partition.AWS,
                    account=source.account,
                    action=action,
                    resource=f"{repositories_arn(Partition.AWS, end)}{prefix}image",
                ),
            )
            for action in ("ecr:ReplicateImage", "ecr:CreateRepository")
        )

    def _foreign(self, registry: Registry) -> Any:
        world = self.scene.world
        configuration: Any = world.replication(registry)
        policy: Any = world.policy(registry) or {"Statement": []}
        return (
            [rule for rule in configuration["rules"] if "theirs/" in json.dumps(rule)],
            [held for held in policy["Statement"] if held.get("Sid") == "Theirs"],
            world.registries[registry].templates.latest.get("theirs"),
        )


@dataclass
class Aftermath:
    """What is looked at once a run is over, however it ended."""

    scene: Scene
    witness: Witness

    async def runs(self) -> list[PastRun]:
        """All that is remembered."""
        async with open_history(self.scene.state) as history:
            return [await history.run(run.meta.run_id) for run in await history.runs()]

    async def died(self, pid: int) -> PastRun | None:
        """The run of that process, if it is remembered and has not ended."""
        async with open_history(self.scene.state) as history:
            for run in await history.runs():
                if run.meta.holder.pid == pid and run.status is None:
                    return await history.run(run.meta.run_id)
        return None

    async def converges(self, final: Any, *, died: PastRun | None) -> Report:
        """The next run takes over at once, says what the dead one did, and makes it all good."""
        report: Report = await self.scene.applied()
        assert report.status == "ok"
        self.says_what_died(report.warnings, died)
        assert self.scene.meaning() == final
        return report

    def says_what_died(self, warnings: Iterable[Any], died: PastRun | None) -> None:
        said = [warning.message for warning in warnings if warning.kind == "unfinished-run"]
        if died is None:
            assert said == []
        else:
            (message,) = said
            assert message.startswith(f"{died.meta.holder} ended ")

    async def is_at_rest(self) -> None:
        """One more run writes nothing and has nothing to tell; every run is told of in full."""
        writes = len(self.scene.world.writes)
        report = await self.scene.applied()
        assert report.status == "ok"
        assert report.count(Outcome.UNCHANGED) == len(report.registries)
        assert "unfinished-run" not in {warning.kind for warning in report.warnings}
        assert len(self.scene.world.writes) == writes
        assert self.witness.problems == []
        for past in await self.runs():
            assert past.report is not None
        self._is_tidy()

    def _is_tidy(self) -> None:
        """Nothing lies about but what is known, and nobody else may read it."""
        place: Path = self.scene.state / "prod"
        for path in place.rglob("*"):
            if path.is_dir():
                assert path.stat().st_mode & 0o777 == 0o700
                continue
            pattern = HIDDEN if path.name.startswith(".") else PUBLIC
            name = path.name if pattern is HIDDEN else path.relative_to(place).as_posix()
            assert pattern.fullmatch(name), name
            assert path.stat().st_mode & 0o777 == 0o600


def _open(journal: Path) -> dict[Key, Any]:
    """Writes that a journal announces and does not settle. Half a line says nothing."""
    by_key: dict[Key, Any] = {}
    lines = journal.read_bytes().split(b"\n")[1:-1] if journal.exists() else []
    for line in map(json.loads, lines):
        if line["moment"] == "sending":
            by_key[_key(line)] = line
        else:
            by_key.pop(_key(line), None)
    return by_key


def _key(line: Any) -> Key:
    return (line["registry"], line["resource"], line["wave"], line["phase"], line.get("prefix"))


def _key_of(entry: JournalEntry) -> Key:
    resource = entry.resource.value
    return (str(entry.registry), resource, entry.wave, entry.phase.value, entry.prefix)


def _sorted(items: Iterable[Any]) -> list[str]:
    return sorted(json.dumps(item, sort_keys=True) for item in items)
