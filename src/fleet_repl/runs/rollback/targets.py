"""Targets: exactly what a run changed in each registry, and what to put back.

Of a run that failed half-way, or died, only what it wrote or may have written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet_repl.ecr.policy import parse_policy
from fleet_repl.ecr.rules import NO_RULES, parse_document
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.ownership import Cells, both, cells_of
from fleet_repl.planning.plan import Plan, Resource
from fleet_repl.runs.history import PastRun
from fleet_repl.runs.rollback.written import Slot, Write, writes_of
from fleet_repl.values.canonical_json import JsonObject, canonical_json, policy_meaning
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import covers

FOREIGN_RULES: Final = "foreign-rules"
"""What a plan is objected to, or warned of, that takes away what the record does not show to be
the fleet's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """One document that a run has written."""

    before: JsonObject | None
    """As it was before the run; None where there was none."""
    left: tuple[JsonObject | None, ...]
    """As the run left it. More than one where a write is in doubt: each of them may be."""
    met: JsonObject | None = None
    """What the run's last write found, where others had changed meanwhile what it had left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a run changed in one registry."""

    run_id: str
    """That run's."""
    registry: Registry
    name: str
    documents: Mapping[Resource, Rewritten] = field(default_factory=dict)
    """Replication configuration and policy."""
    templates: Mapping[str, Rewritten] = field(default_factory=dict)
    """Creation templates by prefix."""
    lost: Cells = field(default_factory=dict)
    """Links in the rules before the run that are known to have been the fleet's own, whatever the
    record says of them now."""


def targets(past: PastRun) -> tuple[Target, ...]:
    """The registries that a run changed, or may have, in order of account and region."""
    names = {one.registry: one.name for one in past.plan.registries}
    found: dict[Registry, dict[Slot, Rewritten]] = {}
    for slot, writes in writes_of(past).items():
        found.setdefault(slot[0], {})[slot] = _rewritten(writes)
    return tuple(
        _target(past, registry, names.get(registry, ""), found[registry])
        for registry in sorted(found)
    )


def needed_observation(wanted: Iterable[Target], desired: Desired) -> frozenset[Registry]:
    """What has to be observed beside the targets themselves.

    The destinations of links that may come back, and every listed registry of the accounts whose
    grants go: rules there may still use them.
    """
    wanted = tuple(wanted)
    ends: set[Registry] = set()
    accounts: set[AccountId] = set()
    for one in wanted:
        rules = one.documents.get(Resource.REPLICATION_CONFIGURATION)
        if rules is not None:
            ends |= parse_document(rules.before or NO_RULES).outgoing.keys()
        accounts |= _losing(one, desired)
    grantees = {one for account in accounts for one in desired.by_account.get(account, ())}
    targeted = {one.registry for one in wanted}
    return frozenset((ends & set(desired.registries)) | grantees) - targeted


def _rewritten(writes: tuple[Write, ...]) -> Rewritten:
    left: list[JsonObject | None] = [writes[0].before]
    met: JsonObject | None = None
    for write in writes:
        if all(policy_meaning(write.before) != policy_meaning(one) for one in left):
            met = write.before
        left = [write.after] if write.sure else [*left, write.after]
    unique = {canonical_json(one): one for one in left}
    return Rewritten(before=writes[0].before, left=tuple(unique.values()), met=met)


def _target(
    past: PastRun, registry: Registry, name: str, found: Mapping[Slot, Rewritten]
) -> Target:
    documents = {slot[1]: one for slot, one in found.items() if slot[2] is None}
    rules = documents.get(Resource.REPLICATION_CONFIGURATION)
    return Target(
        run_id=past.meta.run_id,
        registry=registry,
        name=name,
        documents=documents,
        templates={slot[2]: one for slot, one in found.items() if slot[2] is not None},
        lost=_known(past, registry, rules) if rules is not None else {},
    )


def _known(past: PastRun, registry: Registry, rules: Rewritten) -> Cells:
    """What the plan gives away, and what was on record when the run began: also links that
    a wider one has covered since."""
    lost = _lost(rules, past.plan)
    if registry not in past.before:
        return lost
    listed = cells_of(parse_document(rules.before or NO_RULES).rules)
    recorded = {
        end: tuple(one for one in prefixes if one in listed.get(end, ()))
        for end, prefixes in past.before[registry].owned.items()
    }
    return both(lost, {end: prefixes for end, prefixes in recorded.items() if prefixes})


def _lost(rules: Rewritten, plan: Plan) -> Cells:
    """What the rules listed before, if it was on record, and list no more.

    A plan without a note of foreign rules takes away only what is on record. That of an apply
    says nothing about links that a wider one covers from then on; that of a rollback does.
    """
    kinds = {one.kind for one in plan.objections} | {one.kind for one in plan.warnings}
    if FOREIGN_RULES in kinds:
        return {}
    # The last write says what was meant, whether it came about or not.
    after = parse_document(rules.left[-1] or NO_RULES)
    listed = cells_of(after.rules)
    gone = {
        end: tuple(
            one
            for one in prefixes
            if one not in listed.get(end, ())
            and (plan.rolls_back is not None or not covers(after.outgoing.get(end, ()), one))
        )
        for end, prefixes in cells_of(parse_document(rules.before or NO_RULES).rules).items()
    }
    return {end: prefixes for end, prefixes in gone.items() if prefixes}


def _losing(one: Target, desired: Desired) -> set[AccountId]:
    """Accounts that the policy grants less once it is put back."""
    policy = one.documents.get(Resource.REGISTRY_POLICY)
    if policy is None:
        return set()
    before = parse_policy(policy.before, desired.owner, one.registry).grants
    left = (parse_policy(document, desired.owner, one.registry) for document in policy.left)
    return {grant.source for found in left for grant in found.in_use - before}
