"""A fleet in memory whose plans are carried out write by write, and runs of it to take back."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from tests.support.clock import NOON
from tests.support.desired import desired_of
from tests.support.links import make_link, rules_for

from fleet_repl.ecr.policy import REPLICATE_IMAGE, Owner, compose, parse_policy
from fleet_repl.ecr.policy.evaluate import Permissions
from fleet_repl.ecr.rules import Outgoing, document_of, parse_document
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.change import Change, Phase, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.planning.ownership import Applied, Record
from fleet_repl.planning.plan import Objection, Plan, RegistryPlan, Warning
from fleet_repl.planning.planner import Planned, plan_registries
from fleet_repl.planning.registry_plan import summarize
from fleet_repl.runs.history import Holder, JournalEntry, Moment, PastRun, Purpose, RunMeta
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.runs.record import claim
from fleet_repl.runs.rollback import needed_observation, plan_rollback, targets
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Partition, Region, Registry
from fleet_repl.values.prefixes import Prefixes

OWNER = Owner(fleet="prod", partition=Partition.AWS)
REGISTRIES = tuple(
    Registry(AccountId(digit * 12), Region(region))
    for digit in "1234"
    for region in ("eu-west-1", "us-east-1")
)
THEIRS: JsonObject = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::888888888888:root"},
    "Action": "ecr:BatchImportUpstreamImage",
    "Resource": "*",
}
DENIED = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no")
EMPTY: JsonObject = {"rules": []}


@dataclass
class Aws:
    """Registries in memory: their documents, and which of them do not answer."""

    rules: dict[Registry, JsonObject] = field(default_factory=dict)
    policies: dict[Registry, JsonObject | None] = field(default_factory=dict)
    templates: dict[Registry, tuple[JsonObject, ...] | None] = field(default_factory=dict)
    silent: frozenset[Registry] = frozenset()

    def copy(self) -> Aws:
        return Aws(dict(self.rules), dict(self.policies), dict(self.templates), self.silent)

    def observe(self, registries: Iterable[Registry] = REGISTRIES) -> Observation:
        return {registry: self._see(registry) for registry in registries}

    def _see(self, registry: Registry) -> Observed | Unreadable:
        if registry in self.silent:
            return Unreadable(error=DENIED)
        return Observed(
            replication=parse_document(self.rules.get(registry, EMPTY)),
            policy=parse_policy(self.policies.get(registry), OWNER, registry),
            templates=self.templates.get(registry, ()),
        )

    def links(self, source: Registry) -> Outgoing:
        return parse_document(self.rules.get(source, EMPTY)).outgoing

    def lets_in(self, source: Registry, destination: Registry, prefix: str) -> bool:
        """Whether an image under `prefix` would be let in, judged by the whole policy."""
        policy = parse_policy(self.policies.get(destination), OWNER, destination)
        there = Permissions(
            registry=destination,
            partition=Partition.AWS,
            grants=policy.grants,
            statements=policy.foreign,
        )
        return there.lacks(source.account, prefix, [REPLICATE_IMAGE]) is None

    def crossing(self) -> set[tuple[Registry, Registry, str]]:
        """Every link in place between two accounts."""
        return {
            (source, end, prefix)
            for source in REGISTRIES
            for end, prefixes in self.links(source).items()
            for prefix in prefixes
            if source.account != end.account
        }

    def write(self, registry: Registry, change: Change) -> None:
        """Overwrite a document, which has to be as the change expects it."""
        if change.resource is Resource.REPLICATION_CONFIGURATION:
            there = parse_document(self.rules.get(registry, EMPTY))
            assert there.same_as(parse_document(change.before.document or EMPTY))
            assert change.after.document is not None
            self.rules[registry] = json.loads(json.dumps(change.after.document))
        else:
            now = parse_policy(self.policies.get(registry), OWNER, registry)
            assert now.same_as(parse_policy(change.before.document, OWNER, registry))
            self.policies[registry] = json.loads(json.dumps(change.after.document))

    def means_the_same(self, other: Aws, registry: Registry) -> bool:
        """Whether both documents of a registry mean what they do elsewhere."""
        rules = [parse_document(item.rules.get(registry, EMPTY)) for item in (self, other)]
        policies = [
            parse_policy(item.policies.get(registry), OWNER, registry) for item in (self, other)
        ]
        return rules[0].same_as(rules[1]) and policies[0].same_as(policies[1])


Writes = list[tuple[Registry, Change]]


def writes_of(plans: Iterable[RegistryPlan]) -> Writes:
    """All writes of a plan in the order in which they are carried out."""
    plans = tuple(plans)
    return [
        (plan.registry, change)
        for phase in Phase
        for plan in plans
        for change in plan.changes
        if change.phase is phase and change.resource not in plan.refused
    ]


@dataclass
class Fleet:
    """One inventory over the registries, what it remembers, and how its runs become past."""

    aws: Aws
    record: Record = field(default_factory=dict)
    additive: bool = False
    runs: int = 0
    wanted: Desired = field(init=False)
    plans: tuple[RegistryPlan, ...] = field(init=False)
    past: PastRun = field(init=False)
    """What a test wants, has planned, and has carried out."""

    def desired(self, pairs: Mapping[tuple[Registry, Registry], Prefixes]) -> Desired:
        links = [
            make_link(source=source, destination=end, prefixes=prefixes, routes=("route",))
            for (source, end), prefixes in pairs.items()
        ]
        accounts = [registry.account for registry in REGISTRIES] if self.additive else []
        return desired_of(links, REGISTRIES, additive=accounts)

    def plan(self, desired: Desired) -> tuple[RegistryPlan, ...]:
        return plan_registries(
            desired, self.aws.observe(), REGISTRIES, record=self.record
        ).registries

    def carry_out(
        self,
        registries: tuple[RegistryPlan, ...],
        *,
        most: int | None = None,
        check: Callable[[], None] = lambda: None,
        warnings: tuple[Warning, ...] = (),
        objections: tuple[Objection, ...] = (),
        rolls_back: str | None = None,
        last: str = "told",
    ) -> PastRun:
        """Write a plan, or the first `most` of its writes, and then die; the run as it is
        remembered. Of the last write nobody knows how it ended, unless it was `told`: it was
        "made", or "lost" on the way."""
        self.runs += 1
        run_id = f"20261123T1200{self.runs:02}Z-abcdef"
        plan = plan_of(registries, warnings, objections, rolls_back)
        self.record = claim(self.record, plan, {})
        writes = writes_of(registries)[:most]
        for registry, change in writes[:-1] if last == "lost" else writes:
            self.aws.write(registry, change)
            check()
        return past_of(run_id, plan, writes, doubtful=None if last == "told" else len(writes) - 1)

    def conclude(self, registries: Iterable[RegistryPlan]) -> None:
        """Have the record say what a run that came to its end has made."""
        ended = {registry.registry: registry.owned for registry in registries}
        record = {**self.record, **ended}
        self.record = {registry: applied for registry, applied in record.items() if applied.links}

    def take_back(
        self, past: PastRun, desired: Desired, *, force: bool = False, **others: Any
    ) -> Planned:
        """Plan to roll a run back, having read no more than has to be read."""
        wanted = targets(past)
        scope = {entry.registry for entry in wanted} | needed_observation(wanted, desired)
        observation = self.aws.observe(scope)
        planned: Planned = plan_rollback(
            wanted, observation, desired, self.record, others.get("fingerprints", {}), force=force
        )
        return planned


def plan_of(
    registries: tuple[RegistryPlan, ...],
    warnings: tuple[Warning, ...] = (),
    objections: tuple[Objection, ...] = (),
    rolls_back: str | None = None,
) -> Plan:
    return Plan(
        digest="sha256:0",
        created_at=NOON,
        fleet="prod",
        inventory=InventoryRef(path="fleet.toml", digest="sha256:1"),
        summary=summarize(registries),
        registries=registries,
        warnings=warnings,
        objections=objections,
        rolls_back=rolls_back,
    )


def meta_of(run_id: str, rolls_back: str | None = None, digest: str = "sha256:1") -> RunMeta:
    purpose = Purpose.APPLY if rolls_back is None else Purpose.ROLLBACK
    return RunMeta(
        run_id=run_id,
        fleet="prod",
        purpose=purpose,
        holder=Holder(run_id=run_id, purpose=purpose, user="ann", host="here", pid=1, process="1"),
        started_at=NOON,
        inventory=InventoryRef(path="fleet.toml", digest=digest),
        plan_digest="sha256:0",
        rolls_back=rolls_back,
    )


def lines(
    registry: Registry, change: Change, at: datetime, outcome: Outcome | None, *, in_doubt: bool
) -> list[JournalEntry]:
    """The journal's lines about one write; without an outcome only the first."""
    template = change.after.document or change.before.document or {}
    is_template = change.resource is Resource.CREATION_TEMPLATE
    sending = JournalEntry(
        moment=Moment.SENDING,
        at=at,
        registry=registry,
        resource=change.resource,
        action=change.action,
        phase=change.phase,
        wave=change.wave,
        prefix=str(template["prefix"]) if is_template else None,
        before=change.before.document,
        after=change.after.document,
    )
    ended = replace(
        sending, moment=Moment.ENDED, before=None, after=None, outcome=outcome, in_doubt=in_doubt
    )
    return [sending] if outcome is None else [sending, ended]


def past_of(run_id: str, plan: Plan, writes: Writes, *, doubtful: int | None = None) -> PastRun:
    """A run that has died, with nothing but its journal."""
    journal: list[JournalEntry] = []
    for number, (registry, change) in enumerate(writes):
        outcome = None if number == doubtful else Outcome.APPLIED
        at = NOON + timedelta(seconds=number)
        journal += lines(registry, change, at, outcome, in_doubt=False)
    return PastRun(
        meta=meta_of(run_id, plan.rolls_back),
        plan=plan,
        before={},
        journal=tuple(journal),
        report=None,
    )


@dataclass(frozen=True)
class Simulation:
    """What tests of this directory take from here."""

    registries: tuple[Registry, ...] = REGISTRIES
    owner: Owner = OWNER
    theirs: JsonObject = field(default_factory=lambda: THEIRS)
    noon: datetime = NOON
    past_of: ClassVar[Any] = staticmethod(past_of)
    plan_of: ClassVar[Any] = staticmethod(plan_of)
    meta_of: ClassVar[Any] = staticmethod(meta_of)
    lines: ClassVar[Any] = staticmethod(lines)
    writes_of: ClassVar[Any] = staticmethod(writes_of)

    def fleet(self, *, additive: bool = False, strangers: Collection[Registry] = ()) -> Fleet:
        """A fleet whose registries have foreign statements, and of `strangers` a foreign rule."""
        aws = Aws()
        for number, registry in enumerate(REGISTRIES):
            document: JsonObject = {"Version": "2012-10-17", "Statement": [THEIRS]}
            aws.policies[registry] = document if number % 2 else None
        for registry in strangers if additive else ():
            aws.rules[registry] = {"rules": [foreign_rule(registry)]}
        return Fleet(aws=aws, additive=additive)

    def applied(self, pairs: Any, **options: Any) -> Fleet:
        """The same once `pairs` were applied."""
        fleet = self.fleet(**options)
        plans = fleet.plan(fleet.desired(pairs))
        fleet.carry_out(plans)
        fleet.conclude(plans)
        return fleet

    def untidy(self, links: Any, grants: Any) -> Fleet:
        """A fleet in any state: some of its links on record, grants that nobody needs, and links
        that nobody lets in. `links`: whether each is on record, by source and destination."""
        fleet = self.fleet()
        record: dict[Registry, Applied] = {}
        for source in REGISTRIES:
            ends = {end: listed for (start, end), listed in links.items() if start == source}
            outgoing = {end: prefixes for end, (prefixes, _) in ends.items()}
            own = {end: prefixes for end, (prefixes, known) in ends.items() if known}
            fleet.aws.rules[source] = document_of(rules_for(outgoing))
            record[source] = Applied(links=own)
        for registry, listed in grants.items():
            policy = parse_policy(fleet.aws.policies[registry], OWNER, registry)
            fleet.aws.policies[registry] = compose(policy, listed, OWNER, registry).document
        fleet.record = record
        return fleet

    @staticmethod
    def let_in(aws: Aws, links: Iterable[tuple[Registry, Registry, str]]) -> bool:
        return all(aws.lets_in(*link) for link in links)


def foreign_rule(at: Registry) -> JsonObject:
    other = next(
        registry for registry in REGISTRIES if registry.account == at.account and registry != at
    )
    return {
        "destinations": [{"region": other.region, "registryId": other.account}],
        "repositoryFilters": [{"filter": "legacy/", "filterType": "PREFIX_MATCH"}],
    }
