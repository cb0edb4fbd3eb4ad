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

from fleet_repl.ecr.content import Content, shows
from fleet_repl.ecr.policy import Owner, Policy, compose, parse_policy
from fleet_repl.ecr.rules import NO_RULES, Replication
from fleet_repl.ecr.templates import (
    Signature,
    TemplateChange,
    TemplateState,
    template_change,
    template_fault,
)
from fleet_repl.planning.change import Action, Change, Resource, operation_of
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observed
from fleet_repl.planning.ownership import Applied, Cells, Record, both, cells_of, common
from fleet_repl.planning.stored import content_of
from fleet_repl.planning.template_changes import as_change
from fleet_repl.runs.history import Fingerprint
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
    """The documents to put back in one registry."""

    target: Target
    seen: Observed
    rules: Replication | None = None
    """None where the rules are as they were before the run, or the run did not write them."""
    policy: Policy | None = None
    """None in the same cases. A policy without a document means that the policy is deleted."""
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
        return self.rules if self.rules is not None and self.writes_rules else self.seen.replication

    def owned_links(self, record: Record) -> Cells:
        """Returns the cells of the rules to put back that are the fleet's own.

        They are on record, or are known to have been the fleet's own when the run took them out.
        Any other cell may be somebody else's.
        """
        recorded = record.get(self.registry, Applied()).links
        if self.rules is None:
            return recorded
        return common(cells_of(self.rules.rules), both(recorded, self.target.lost))

    def refuse(self, resource: Resource, fault: Fault) -> Draft:
        """Returns the draft without the writes of a resource. The first reason for it stays."""
        return replace(self, refused={resource: fault, **self.refused})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """One document that the run has written, and that is not as it was before the run."""

    resource: Resource
    now: Content | None
    """None where the document was not read."""
    before: Content
    """The document to put back."""
    moved: bool
    """Whether the document is not as the run left it."""


def draft_of(
    target: Target,
    seen: Observed,
    desired: Desired,
    fingerprint: Fingerprint | None,
    *,
    force: bool,
) -> Draft:
    """Returns what differs from how it was before the run. A registry that was changed since is
    refused as a whole, unless `force`. What this version cannot put back is refused anyway."""
    documents = tuple(_documents(target, seen, desired))
    draft = Draft(target=target, seen=seen)
    for document in documents:
        draft = _with(draft, document, desired.signature)
    moved = next((document.resource for document in documents if document.moved), None)
    if moved is None or force:
        return draft
    for document in documents:
        fault = _changed_since(document.resource, moved, target, fingerprint)
        draft = draft.refuse(document.resource, fault)
    return draft


def _with(draft: Draft, document: _Document, signature: Signature) -> Draft:
    """Adds a document to a draft, and refuses what cannot be put back even with `force`."""
    fault: Fault | None = None
    match document.now, document.before:
        case None, Policy():
            fault = _POLICY_UNREAD
        case None, _:
            fault = draft.seen.templates_error or _TEMPLATES_UNREAD
        case Replication() as now, Replication() as before:
            draft = replace(draft, rules=before)
            fault = _unknown_rules(now, "holds") or _unknown_rules(before, "held before the run")
        case Policy(), Policy() as before:
            draft = replace(draft, policy=before)
        case TemplateState() as now, TemplateState() as before:
            change = template_change(now, _settings(before))
            draft = replace(draft, templates=(*draft.templates, as_change(change)))
            fault = _template_fault(change, signature)
    return draft if fault is None else draft.refuse(document.resource, fault)


def _documents(target: Target, seen: Observed, desired: Desired) -> Iterator[_Document]:
    """Yields the documents in the order of their writes. Deletions of templates come last, so that
    no repository is created without a template between two writes."""
    owner, registry = desired.owner, target.registry
    templates = sorted(target.templates, key=lambda at: (target.templates[at].before is None, at))
    for resource, prefix, rewritten in (
        *((at, None, target.documents[at]) for at in Resource if at in target.documents),
        *((Resource.CREATION_TEMPLATE, at, target.templates[at]) for at in templates),
    ):
        now = seen.content(resource, prefix)
        before = _before(resource, rewritten, owner, registry)
        if now is None or not shows(now, before):
            contents = (content_of(resource, left, owner, registry) for left in rewritten.left)
            additive = desired.is_additive(registry)
            moved = now is not None and not any(
                _is_as_left(now, left, additive=additive) for left in contents
            )
            yield _Document(resource=resource, now=now, before=before, moved=moved)


def _before(resource: Resource, rewritten: Rewritten, owner: Owner, registry: Registry) -> Content:
    """The document before the run and, where others had changed theirs between two of its writes,
    our part of the document beside what they had made of it."""
    document, met = rewritten.before, rewritten.met
    if resource is Resource.REPLICATION_CONFIGURATION:
        # Rules are written on top of what others have made only where ours are as they were.
        document = met or document or NO_RULES
    before = content_of(resource, document, owner, registry)
    if not isinstance(before, Policy) or met is None or before.is_untidy:
        return before
    return compose(parse_policy(met, owner, registry), before.grants, owner, registry)


def _is_as_left(now: Content, left: Content, *, additive: bool) -> bool:
    """Returns whether what is in place is what the run left. In a registry where others have rules
    too, rules are compared to the letter: a rule that means nothing beside ours is not to be
    lost."""
    if additive and isinstance(now, Replication) and isinstance(left, Replication):
        return cells_of(now.rules) == cells_of(left.rules) and now.shows(left)
    return shows(now, left)


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


def _settings(template: TemplateState) -> JsonObject | None:
    """A template without the members that are not set: a read shows empty lists and texts."""
    if template.document is None:
        return None
    return {
        key: value for key, value in template.document.items() if value or key in template.unknown
    }


def _template_fault(change: TemplateChange, signature: Signature) -> Fault | None:
    """A template that does not carry the fleet's signature now is never changed or removed."""
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


def _changed_since(
    resource: Resource, moved: Resource, target: Target, fingerprint: Fingerprint | None
) -> Fault:
    who, hint = "by someone else", "see what is there and whose it is; --force overwrites it"
    if fingerprint is not None and fingerprint.run_id > target.run_id:
        who = f"by run {fingerprint.run_id} on {day_and_time(fingerprint.at)}"
        hint = f"roll back run {fingerprint.run_id} first, or overwrite what it made with --force"
    return Fault(
        kind=FaultKind.CONFLICT,
        operation=operation_of(resource, Action.UPDATE),
        message=f"its {_WORDS[moved]} changed {who}, since run {target.run_id}, which is to be "
        "rolled back; the registry is left as it is",
        hint=hint,
    )
