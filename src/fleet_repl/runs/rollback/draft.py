"""Drafts: what it takes to put one registry back, judged by this registry alone.

A draft says whether the registry is still as the run left it, and whether this version understands
what it would overwrite. What the neighbours of the registry need is for `refusals` to say.

Example: a run replaced rules X by Y. Where Y is in place, X is put back. Where X is in place,
nothing is to be done. Where Z is in place, somebody has changed the registry since, and X is shown
and refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from fleet_repl.ecr.policy import Owner, Policy, compose, parse_policy
from fleet_repl.ecr.rules import NO_RULES, Replication, parse_document
from fleet_repl.ecr.templates import (
    Signature,
    TemplateChange,
    TemplateState,
    parse_template,
    template_at,
    template_change,
    template_fault,
)
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observed
from fleet_repl.planning.ownership import cells_of
from fleet_repl.planning.plan import Action, Change, Resource, operation_of
from fleet_repl.planning.template_changes import as_change
from fleet_repl.runs.history import Trace
from fleet_repl.runs.rollback.targets import Rewritten, Target
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry
from fleet_repl.values.text import day_and_time

_WORDS: Final = {
    Resource.REPLICATION_CONFIGURATION: "replication configuration was",
    Resource.REGISTRY_POLICY: "registry policy was",
    Resource.CREATION_TEMPLATE: "creation templates were",
}
_POLICY_UNREAD: Final = Fault(
    kind=FaultKind.INVALID,
    operation="GetRegistryPolicy",
    message='the inventory says grants = "off", so the registry policy was not read and '
    "cannot be put back",
    hint='set grants = "managed" for the rollback',
)
_TEMPLATES_UNREAD: Final = Fault(
    kind=FaultKind.INVALID,
    operation="DescribeRepositoryCreationTemplates",
    message="its creation templates were not read",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One registry, and what is to be put back in it."""

    target: Target
    seen: Observed
    rules: Replication | None = None
    """None where they are as they were, or the run did not write them."""
    policy: Policy | None = None
    """The same; a policy without a document is taken away."""
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

    def refuse(self, resource: Resource, fault: Fault) -> Draft:
        """The same draft without this write. The first reason stays."""
        return replace(self, refused={resource: fault, **self.refused})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What is to be put back of one kind of document."""

    resource: Resource
    moved: bool = False
    """Whether the document is not as the run left it."""
    fault: Fault | None = None
    """Why the document cannot be put back, with `force` or without."""


def draft_of(
    target: Target, seen: Observed, desired: Desired, trace: Trace | None, *, force: bool
) -> Draft:
    """What differs from how it was before the run. A registry that was changed since is refused
    as a whole, unless `force`."""
    rules, rules_part = _rules(target, seen, desired)
    policy, policy_part = _policy(target, seen, desired)
    templates, templates_part = _templates(target, seen, desired.signature)
    parts = [part for part in (rules_part, policy_part, templates_part) if part is not None]
    drafted = Draft(target=target, seen=seen, rules=rules, policy=policy, templates=templates)
    for resource, fault in _refusals(parts, target, trace, force=force):
        drafted = drafted.refuse(resource, fault)
    return drafted


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
    left = (parse_document(document or NO_RULES) for document in rewritten.left)
    moved = not any(_as_left(now, rules, to_the_letter=additive) for rules in left)
    fault = _unknown_rules(now, "holds") or _unknown_rules(before, "held before the run")
    return before, _Part(resource=resource, moved=moved, fault=fault)


def _as_left(now: Replication, left: Replication, *, to_the_letter: bool) -> bool:
    """Where others have rules too, a rule that means nothing beside ours is not to be lost."""
    listed = not to_the_letter or cells_of(now.rules) == cells_of(left.rules)
    return listed and now.shows(left)


def _unknown_rules(rules: Replication, when: str) -> Fault | None:
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
    now = seen.policy
    if now is None:
        return None, _Part(resource=resource, fault=_POLICY_UNREAD)
    before = _policy_before(rewritten, desired.owner, target.registry)
    if now.shows(before):
        return None, None
    left = (parse_policy(document, desired.owner, target.registry) for document in rewritten.left)
    return before, _Part(resource=resource, moved=not any(map(now.shows, left)))


def _policy_before(rewritten: Rewritten, owner: Owner, registry: Registry) -> Policy:
    """Our part as it was before the run, beside what others had made of theirs meanwhile."""
    before = parse_policy(rewritten.before, owner, registry)
    if rewritten.met is None or before.is_untidy:
        return before
    theirs = parse_policy(rewritten.met, owner, registry)
    return compose(theirs, before.grants, owner, registry)


def _templates(
    target: Target, seen: Observed, signature: Signature
) -> tuple[tuple[Change, ...], _Part | None]:
    """The templates by prefix, deletions last, so that no repository is created without a template
    between."""
    resource = Resource.CREATION_TEMPLATE
    if not target.templates:
        return (), None
    if seen.templates is None:
        return (), _Part(resource=resource, fault=seen.templates_error or _TEMPLATES_UNREAD)
    moved = False
    changes: list[TemplateChange] = []
    for prefix, rewritten in sorted(target.templates.items()):
        now = parse_template(template_at(seen.templates, prefix))
        before = parse_template(rewritten.before)
        if not now.shows(before):
            changes.append(template_change(now, _settings(before)))
            moved |= not any(now.shows(parse_template(left)) for left in rewritten.left)
    if not changes:
        return (), None
    changes.sort(key=lambda change: change.action == "delete")
    faults = (_template_fault(change, signature) for change in changes)
    fault = next((fault for fault in faults if fault is not None), None)
    return tuple(map(as_change, changes)), _Part(resource=resource, moved=moved, fault=fault)


def _settings(template: TemplateState) -> JsonObject | None:
    """A template without the members that are not set: a read shows empty lists and texts."""
    if template.document is None:
        return None
    return {
        key: value for key, value in template.document.items() if value or key in template.unknown
    }


def _template_fault(change: TemplateChange, signature: Signature) -> Fault | None:
    """A template that does not carry the fleet's mark now is never changed or removed."""
    unknown, now = template_fault(change), change.before.document
    if unknown is not None:
        return replace(unknown, hint="use a version that knows them")
    if now is not None and not signature.is_on(now):
        return Fault(
            kind=FaultKind.CONFLICT,
            operation=operation_of(Resource.CREATION_TEMPLATE, Action(change.action)),
            message=f"the creation template for {change.prefix or 'no prefix'} does not carry "
            "this fleet's mark any more, so it is somebody else's, and is left as it is",
            hint="delete it by hand if it is to go",
        )
    return None


def _refusals(
    parts: list[_Part], target: Target, trace: Trace | None, *, force: bool
) -> Iterator[tuple[Resource, Fault]]:
    moved = [part.resource for part in parts if part.moved]
    for part in parts:
        if part.fault is not None:
            yield part.resource, part.fault
        elif moved and not force:
            yield part.resource, _changed_since(part.resource, moved[0], target, trace)


def _changed_since(
    resource: Resource, moved: Resource, target: Target, trace: Trace | None
) -> Fault:
    who, hint = "by someone else", "see what is there and whose it is; --force overwrites it"
    if trace is not None and trace.run_id > target.run_id:
        who = f"by run {trace.run_id} on {day_and_time(trace.at)}"
        hint = f"roll back run {trace.run_id} first, or overwrite what it made with --force"
    return Fault(
        kind=FaultKind.CONFLICT,
        operation=operation_of(resource, Action.UPDATE),
        message=f"its {_WORDS[moved]} changed {who}, since run {target.run_id}, which is to be "
        "rolled back; the registry is left as it is",
        hint=hint,
    )
