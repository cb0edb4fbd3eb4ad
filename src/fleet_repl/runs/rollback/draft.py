"""Drafts: what it takes to put one registry back, by itself.

Judged by the registry alone: whether it is still as the run left it, and whether this version
understands what it would overwrite. What its neighbours need is for `consequences`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Final

from fleet_repl.ecr.policy import Owner, Policy, compose, parse_policy
from fleet_repl.ecr.rules import NO_RULES, Replication, parse_document
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observed
from fleet_repl.planning.ownership import cells_of
from fleet_repl.planning.plan import Change, Resource
from fleet_repl.runs.history import Trace
from fleet_repl.runs.rollback.targets import Rewritten, Target
from fleet_repl.runs.rollback.templates import TemplateDraft, template_drafts
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry

OPERATIONS: Final = {
    Resource.REPLICATION_CONFIGURATION: "PutReplicationConfiguration",
    Resource.REGISTRY_POLICY: "PutRegistryPolicy",
    Resource.CREATION_TEMPLATE: "UpdateRepositoryCreationTemplate",
}
_WORDS: Final = {
    Resource.REPLICATION_CONFIGURATION: "replication configuration",
    Resource.REGISTRY_POLICY: "registry policy",
    Resource.CREATION_TEMPLATE: "creation templates",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One registry, and what is to be put back in it."""

    target: Target
    seen: Observed
    rules: Replication | None = None
    """None where they are as they were, or the run did not write them."""
    policy: Policy | None = None
    """The same; one without a document is taken away."""
    templates: tuple[Change, ...] = ()
    refused: Mapping[Resource, Fault] = field(default_factory=dict)

    @property
    def registry(self) -> Registry:
        return self.target.registry

    @property
    def writes_rules(self) -> bool:
        return self.rules is not None and Resource.REPLICATION_CONFIGURATION not in self.refused

    @property
    def writes_policy(self) -> bool:
        return self.policy is not None and Resource.REGISTRY_POLICY not in self.refused

    @property
    def rules_then(self) -> Replication:
        """The rules once the rollback is done."""
        put = self.rules if self.writes_rules else None
        return put if put is not None else self.seen.replication

    @property
    def policy_then(self) -> Policy | None:
        """The policy once the rollback is done."""
        return self.policy if self.writes_policy else self.seen.policy

    def refuse(self, resource: Resource, fault: Fault) -> Draft:
        """The same without this write. The first reason is told."""
        return replace(self, refused={resource: fault, **self.refused})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What is to be put back of one kind of document."""

    resource: Resource
    moved: bool
    """Whether it is not as the run left it."""
    fault: Fault | None = None
    """Why it cannot be put back, whoever insists."""


def draft(
    target: Target, seen: Observed, desired: Desired, trace: Trace | None, *, force: bool
) -> Draft:
    """What differs from how it was before the run. A registry that was changed since is refused
    as a whole, unless `force`."""
    rules, rules_part = _rules(target, seen, desired)
    policy, policy_part = _policy(target, seen, desired)
    templates = template_drafts(target.templates, seen, desired.signature)
    parts = [one for one in (rules_part, policy_part, _templates(templates)) if one is not None]
    found = Draft(
        target=target,
        seen=seen,
        rules=rules,
        policy=policy,
        templates=tuple(one.change for one in templates if one.change is not None),
    )
    for resource, fault in _refusals(parts, target, trace, force=force):
        found = found.refuse(resource, fault)
    return found


def _rules(
    target: Target, seen: Observed, desired: Desired
) -> tuple[Replication | None, _Part | None]:
    resource = Resource.REPLICATION_CONFIGURATION
    rewritten = target.documents.get(resource)
    if rewritten is None:
        return None, None
    # Rules are written on top of what others have made only where ours are as they were.
    now, before = seen.replication, parse_document(rewritten.met or rewritten.before or NO_RULES)
    if now.shows(before):
        return None, None
    additive = desired.is_additive(target.registry)
    left = (parse_document(one or NO_RULES) for one in rewritten.left)
    part = _Part(
        resource=resource,
        moved=not any(_as_left(now, one, to_the_letter=additive) for one in left),
        fault=_unknown(now, "holds") or _unknown(before, "held before the run"),
    )
    return before, part


def _as_left(now: Replication, left: Replication, *, to_the_letter: bool) -> bool:
    """Where others have rules too, one that means nothing beside ours is not to be lost."""
    listed = not to_the_letter or cells_of(now.rules) == cells_of(left.rules)
    return listed and now.shows(left)


def _unknown(rules: Replication, when: str) -> Fault | None:
    if not rules.unknown:
        return None
    return Fault(
        kind=FaultKind.UNKNOWN_FIELDS,
        operation="DescribeRegistry",
        message=f"the replication configuration {when} fields that this version does not know: "
        f"{', '.join(rules.unknown)}",
        hint="use a version that knows them",
    )


def _policy(target: Target, seen: Observed, desired: Desired) -> tuple[Policy | None, _Part | None]:
    resource = Resource.REGISTRY_POLICY
    rewritten = target.documents.get(resource)
    if rewritten is None:
        return None, None
    if seen.policy is None:
        fault = Fault(
            kind=FaultKind.INVALID,
            operation="GetRegistryPolicy",
            message='the inventory says grants = "off", so the registry policy was not read and '
            "cannot be put back",
            hint='set grants = "managed" for the rollback',
        )
        return None, _Part(resource=resource, moved=False, fault=fault)
    before = _policy_before(rewritten, desired.owner, target.registry)
    if seen.policy.shows(before):
        return None, None
    left = (parse_policy(one, desired.owner, target.registry) for one in rewritten.left)
    return before, _Part(resource=resource, moved=not any(seen.policy.shows(one) for one in left))


def _policy_before(rewritten: Rewritten, owner: Owner, registry: Registry) -> Policy:
    """Our part as it was before the run, beside what others had made of theirs meanwhile."""
    before = parse_policy(rewritten.before, owner, registry)
    if rewritten.met is None or before.is_untidy:
        return before
    theirs = parse_policy(rewritten.met, owner, registry)
    return parse_policy(compose(theirs, before.grants, owner, registry), owner, registry)


def _templates(drafts: tuple[TemplateDraft, ...]) -> _Part | None:
    if not drafts:
        return None
    return _Part(
        resource=Resource.CREATION_TEMPLATE,
        moved=any(one.moved for one in drafts),
        fault=next((one.fault for one in drafts if one.fault is not None), None),
    )


def _refusals(
    parts: list[_Part], target: Target, trace: Trace | None, *, force: bool
) -> Iterator[tuple[Resource, Fault]]:
    moved = [one.resource for one in parts if one.moved]
    for one in parts:
        if one.fault is not None:
            yield one.resource, one.fault
        elif moved and not force:
            yield one.resource, _changed_since(one.resource, moved[0], target, trace)


def _changed_since(
    resource: Resource, moved: Resource, target: Target, trace: Trace | None
) -> Fault:
    since = f"since run {target.run_id}, which is to be rolled back"
    if trace is not None and trace.run_id > target.run_id:
        who = f"by run {trace.run_id} on {trace.at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC"
        hint = f"roll back run {trace.run_id} first, or overwrite what it made with --force"
    else:
        who, hint = "by someone else", "see what is there and whose it is; --force overwrites it"
    verb = "were" if moved is Resource.CREATION_TEMPLATE else "was"
    return Fault(
        kind=FaultKind.CONFLICT,
        operation=OPERATIONS[resource],
        message=f"its {_WORDS[moved]} {verb} changed {who}, {since}; the registry is left as it is",
        hint=hint,
    )
