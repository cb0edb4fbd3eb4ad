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
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observed
from fleet_repl.planning.ownership import cells_of
from fleet_repl.planning.plan import Action, Change, Resource, operation_of
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
        put = self.rules if self.writes_rules else None
        return put if put is not None else self.seen.replication

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

    @property
    def template_change(self) -> TemplateChange | None:
        match self.now, self.before:
            case TemplateState() as now, TemplateState() as before:
                return template_change(now, _settings(before))
            case _:
                return None


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
    readable = [document.before for document in documents if document.now is not None]
    templates = [change for document in documents if (change := document.template_change)]
    drafted = Draft(
        target=target,
        seen=seen,
        rules=next((before for before in readable if isinstance(before, Replication)), None),
        policy=next((before for before in readable if isinstance(before, Policy)), None),
        templates=tuple(map(as_change, templates)),
    )
    for document in documents:
        if (fault := _fault(document, seen, desired.signature)) is not None:
            drafted = drafted.refuse(document.resource, fault)
    moved = next((document.resource for document in documents if document.moved), None)
    for document in documents:
        if moved is not None and not force:
            fault = _changed_since(document.resource, moved, target, fingerprint)
            drafted = drafted.refuse(document.resource, fault)
    return drafted


def _documents(target: Target, seen: Observed, desired: Desired) -> Iterator[_Document]:
    """Yields the documents in the order of their writes. Deletions of templates come last, so that
    no repository is created without a template between two writes."""
    templates = sorted(target.templates, key=lambda at: (target.templates[at].before is None, at))
    written = [
        *((at, None, target.documents[at]) for at in Resource if at in target.documents),
        *((Resource.CREATION_TEMPLATE, at, target.templates[at]) for at in templates),
    ]
    owner, registry = desired.owner, target.registry
    additive = desired.is_additive(registry)
    for resource, prefix, rewritten in written:
        now = seen.content(resource, prefix)
        before = _before(resource, rewritten, owner, registry)
        if now is None:
            yield _Document(resource=resource, now=None, before=before, moved=False)
        elif not shows(now, before):
            contents = (content_of(resource, left, owner, registry) for left in rewritten.left)
            moved = not any(_is_as_left(now, left, to_the_letter=additive) for left in contents)
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


def _is_as_left(now: Content, left: Content, *, to_the_letter: bool) -> bool:
    """Whether what is in place is what the run left. Where others have rules too, also a rule that
    means nothing beside ours is not to be lost, so rules are compared `to_the_letter`."""
    match now, left:
        case Replication(), Replication() if to_the_letter:
            return cells_of(now.rules) == cells_of(left.rules) and now.shows(left)
        case _:
            return shows(now, left)


def _fault(document: _Document, seen: Observed, signature: Signature) -> Fault | None:
    """Why a document cannot be put back, with `force` or without."""
    match document.now, document.before:
        case None, Policy():
            return _POLICY_UNREAD
        case None, _:
            return seen.templates_error or _TEMPLATES_UNREAD
        case Replication() as now, Replication() as before:
            return _unknown_rules(now, "holds") or _unknown_rules(before, "held before the run")
    change = document.template_change
    return _template_fault(change, signature) if change is not None else None


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
