"""The changes that make the templates of a registry what is wanted.

Only templates of ours are changed. A template of others is a conflict only where it differs from
a wanted template of the same prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal

from fleet_repl.ecr.templates.documents import Signature
from fleet_repl.ecr.templates.state import (
    TemplateState,
    differences,
    parse_template,
    plain_prefix,
    template_at,
)
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind

UPDATE: Final = "UpdateRepositoryCreationTemplate"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateChange:
    action: Literal["create", "update", "delete"]
    prefix: str
    """The template's prefix as ECR has it, or as it is created."""
    before: TemplateState
    """The template as it was read."""
    after: TemplateState
    """The whole template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedChange:
    """A change that would overwrite members that are not known here."""

    change: TemplateChange
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatePlan:
    """The changes that a registry's templates need, and the obstacles to them."""

    changes: tuple[TemplateChange, ...] = ()
    """By prefix. Deletions come last, so that no repository is created between two templates."""
    refused: tuple[RefusedChange, ...] = ()
    conflicts: tuple[Fault, ...] = ()
    """Templates of others for prefixes that are wanted; they are left as they are."""


def plan_templates(
    wanted: Sequence[JsonObject], present: Iterable[JsonObject], signature: Signature
) -> TemplatePlan:
    """Compare `template_documents` with what DescribeRepositoryCreationTemplates answered."""
    there = tuple(present)
    conflicts: list[Fault] = []
    writes = _writes(wanted, there, signature, conflicts)
    checked = [
        (change, template_fault(change))
        for change in chain(writes, _removals(wanted, there, signature))
    ]
    return TemplatePlan(
        changes=tuple(change for change, fault in checked if fault is None),
        refused=tuple(
            RefusedChange(change=change, fault=fault)
            for change, fault in checked
            if fault is not None
        ),
        conflicts=tuple(conflicts),
    )


def _writes(
    wanted: Sequence[JsonObject],
    present: Sequence[JsonObject],
    signature: Signature,
    conflicts: list[Fault],
) -> Iterator[TemplateChange]:
    for document in wanted:
        raw = template_at(present, plain_prefix(document))
        before = parse_template(raw)
        differing = differences(before, parse_template(document))
        if raw is None or (signature.is_on(raw) and differing):
            yield template_change(before, document)
        elif not signature.is_on(raw) and set(differing) - {"description"}:
            conflicts.append(_conflict(document, differing))


def _removals(
    wanted: Iterable[JsonObject], present: Iterable[JsonObject], signature: Signature
) -> Iterator[TemplateChange]:
    prefixes = set(map(plain_prefix, wanted))
    for raw in sorted(present, key=plain_prefix):
        if signature.is_on(raw) and plain_prefix(raw) not in prefixes:
            yield template_change(parse_template(raw), None)


def template_change(before: TemplateState, wanted: JsonObject | None) -> TemplateChange:
    """The write that puts a document in the place of the template that was read."""
    replaced = before.document
    if replaced is not None and wanted is not None:
        # The prefix keeps its spelling: it says which template is meant.
        wanted = {**wanted, "prefix": replaced["prefix"]}
    return TemplateChange(
        action="create" if replaced is None else "delete" if wanted is None else "update",
        prefix=str((replaced or wanted or {}).get("prefix", "")),
        before=before,
        after=parse_template(wanted),
    )


def template_fault(change: TemplateChange) -> Fault | None:
    """Returns the fault that forbids a change (members that are not known here), or None."""
    unknown = dict.fromkeys((*change.before.unknown, *change.after.unknown))
    if not unknown:
        return None
    return Fault(
        kind=FaultKind.UNKNOWN_FIELDS,
        operation=f"{change.action.capitalize()}RepositoryCreationTemplate",
        message=f"the creation template for {change.prefix or 'no prefix'} has fields that are "
        f"not known here, and is left as it is: {', '.join(unknown)}",
        hint="use a version that knows them, or overwrite them with --allow unknown-fields",
    )


def _conflict(wanted: JsonObject, differing: Sequence[str]) -> Fault:
    members = ", ".join(member for member in differing if member != "description")
    return Fault(
        kind=FaultKind.CONFLICT,
        operation=UPDATE,
        message=f"there is a creation template for {wanted['prefix']} that this fleet did not "
        f"make, and it differs in {members}; it is left as it is",
        hint=f'delete it, or hand it over by giving it the description "{wanted["description"]}", '
        "or do not select this registry",
    )
