"""Targets: exactly what a run changed in each registry, and what to put back.

The run's report says what it wrote or, where the run died, its journal. A write that was sent and
of which nobody knows how it ended counts, as its document may be what is in place now.

Example: a run found a policy that grants A. It wrote A and B, and then B alone; of the second
write the answer was lost. So A is put back, and the run left A and B, or B.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from fleet_repl.ecr.policy import parse_policy
from fleet_repl.ecr.rules import parse_stored_rules
from fleet_repl.planning.change import Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.ownership import Cells, both, cells_of, common, taken_out
from fleet_repl.runs.history import JournalEntry, PastRun
from fleet_repl.runs.journal import journaled_writes
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.runs.overwritten import prefix_of
from fleet_repl.values.canonical_json import JsonObject, canonical_json, policy_meaning
from fleet_repl.values.names import AccountId, Registry

FOREIGN_RULES: Final = "foreign-rules"
"""The kind of an objection to a plan, or of its warning, where the plan removes links that the
record does not show to be the fleet's own."""

_Place: TypeAlias = tuple[Registry, Resource, str | None]
"""One document: a creation template goes by its prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """One document that a run has written."""

    before: JsonObject | None
    """The document before the run; None where there was none."""
    left: tuple[JsonObject | None, ...]
    """The content that the run left. Several documents where the outcome of a write is unknown: any
    of them may be in place."""
    met: JsonObject | None = None
    """The content that the run's last write found where others had changed what it had left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The documents that a run changed in one registry."""

    run_id: str
    """The run's id."""
    registry: Registry
    name: str
    documents: Mapping[Resource, Rewritten] = field(default_factory=dict)
    """Replication configuration and policy."""
    templates: Mapping[str, Rewritten] = field(default_factory=dict)
    """Creation templates by prefix."""
    lost: Cells = field(default_factory=dict)
    """Links in the rules before the run that are known to have been the fleet's own, whatever the
    record says of them now."""


class _Write(NamedTuple):
    place: _Place
    before: JsonObject | None
    after: JsonObject | None
    sure: bool
    """True if the write surely took place."""


def targets(past: PastRun) -> tuple[Target, ...]:
    """Returns the registries that a run changed or may have changed, by account and region."""
    names = {planned.registry: planned.name for planned in past.plan.registries}
    writes: dict[Registry, dict[_Place, list[_Write]]] = {}
    for write in _writes(past):
        writes.setdefault(write.place[0], {}).setdefault(write.place, []).append(write)
    return tuple(
        _target(past, registry, names.get(registry, ""), writes[registry].values())
        for registry in sorted(writes)
    )


def needed_observation(wanted: Iterable[Target], desired: Desired) -> frozenset[Registry]:
    """Returns the registries that a rollback has to observe beside its targets.

    They are the destinations of links that may come back, and every listed registry of the
    accounts whose grants go, as rules there may still use these grants.
    """
    wanted = tuple(wanted)
    ends: set[Registry] = set()
    accounts: set[AccountId] = set()
    for target in wanted:
        rules = target.documents.get(Resource.REPLICATION_CONFIGURATION)
        if rules is not None:
            ends |= parse_stored_rules(rules.before).links.keys()
        accounts |= _losing_accounts(target, desired)
    grantees = {
        registry for account in accounts for registry in desired.by_account.get(account, ())
    }
    needed = (ends & set(desired.registries)) | grantees
    return frozenset(needed - {target.registry for target in wanted})


def _losing_accounts(target: Target, desired: Desired) -> set[AccountId]:
    """Accounts that the policy grants less once it is put back."""
    policy = target.documents.get(Resource.REGISTRY_POLICY)
    if policy is None:
        return set()
    before = parse_policy(policy.before, desired.owner, target.registry).grants
    left = (parse_policy(document, desired.owner, target.registry) for document in policy.left)
    return {grant.source for there in left for grant in there.in_use - before}


def _writes(past: PastRun) -> Iterator[_Write]:
    """The writes that changed a document or may have changed it, in their order. Writes that failed
    for certain, were skipped or were not needed are left out."""
    journal = tuple(_journal_writes(past.journal))
    if past.report is None:
        yield from journal
        return
    # Only the journal tells which writes of a report have an unknown outcome.
    unknown = {(write.place, canonical_json(write.after)) for write in journal if not write.sure}
    for registry in past.report.registries:
        for change in registry.changes:
            place = (registry.registry, change.resource, prefix_of(change))
            before, after = change.before.document, change.after.document
            sure = change.outcome is Outcome.APPLIED
            if sure or change.in_doubt or (place, canonical_json(after)) in unknown:
                yield _Write(place, before, after, sure)


def _journal_writes(journal: Iterable[JournalEntry]) -> Iterator[_Write]:
    """The writes of a journal that were sent and have not failed for certain."""
    for write in journaled_writes(journal):
        sent, end = write.sent, write.ended
        sure = end is not None and end.outcome is Outcome.APPLIED
        if sent is not None and (end is None or sure or end.in_doubt):
            place = (sent.registry, sent.resource, sent.prefix)
            yield _Write(place, sent.before, sent.after, sure)


def _target(past: PastRun, registry: Registry, name: str, writes: Iterable[list[_Write]]) -> Target:
    rewritten = {made[0].place: _rewritten(made) for made in writes}
    documents = {place[1]: document for place, document in rewritten.items() if place[2] is None}
    rules = documents.get(Resource.REPLICATION_CONFIGURATION)
    return Target(
        run_id=past.meta.run_id,
        registry=registry,
        name=name,
        documents=documents,
        templates={at: document for (_, _, at), document in rewritten.items() if at is not None},
        lost=_lost(past, registry, rules) if rules is not None else {},
    )


def _rewritten(writes: list[_Write]) -> Rewritten:
    left: list[JsonObject | None] = [writes[0].before]
    met: JsonObject | None = None
    for write in writes:
        meaning = policy_meaning(write.before)
        if all(meaning != policy_meaning(document) for document in left):
            met = write.before
        left = [write.after] if write.sure else [*left, write.after]
    unique = {canonical_json(document): document for document in left}
    return Rewritten(before=writes[0].before, left=tuple(unique.values()), met=met)


def _lost(past: PastRun, registry: Registry, rules: Rewritten) -> Cells:
    """Returns the links that the plan took out as the fleet's own, and those on record when the run
    began, including links that a wider link has covered since.

    A plan without a note of foreign rules takes out only what is on record. That of an apply says
    nothing about links that a wider link covers from then on; that of a rollback does.
    """
    # The last write says what was meant, whether it took place or not.
    before, after = (parse_stored_rules(document) for document in (rules.before, rules.left[-1]))
    noted = {objection.kind for objection in past.plan.objections}
    noted |= {warning.kind for warning in past.plan.warnings}
    covered = past.plan.rolls_back is not None
    ours = {} if FOREIGN_RULES in noted else taken_out(before, after, covered=covered)
    recorded = past.before[registry].owned if registry in past.before else {}
    return both(ours, common(cells_of(before.rules), recorded))
