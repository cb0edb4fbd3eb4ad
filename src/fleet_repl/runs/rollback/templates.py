"""Creation templates put back: what a run made of them, as changes the other way round.

The law of templates holds here too, whoever insists: what does not carry the fleet's mark now is
never changed or removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fleet_repl.ecr.templates import Signature, TemplateState, parse_template, template_at
from fleet_repl.planning.observed import Observed
from fleet_repl.planning.plan import Action, Change, Phase, Resource
from fleet_repl.planning.revocations import action_of
from fleet_repl.runs.rollback.targets import Rewritten
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDraft:
    """One template that differs from how it was before the run."""

    change: Change | None = None
    """None where nothing is known of what is there now."""
    moved: bool = False
    """Whether it is not as the run left it."""
    fault: Fault | None = None
    """Why it cannot be put back, whoever insists."""


def template_drafts(
    wanted: Mapping[str, Rewritten], seen: Observed, signature: Signature
) -> tuple[TemplateDraft, ...]:
    """By prefix, deletions last, so that no repository is created without a template between."""
    if not wanted:
        return ()
    if seen.templates is None:
        return (TemplateDraft(fault=seen.templates_error or _UNREAD),)
    drafts = [
        _draft(parse_template(template_at(seen.templates, prefix)), rewritten, signature)
        for prefix, rewritten in sorted(wanted.items())
    ]
    found = [one for one in drafts if one is not None]
    return tuple(sorted(found, key=_is_deletion))


_UNREAD = Fault(
    kind=FaultKind.INVALID,
    operation="DescribeRepositoryCreationTemplates",
    message="its creation templates were not read",
)


def _draft(now: TemplateState, rewritten: Rewritten, signature: Signature) -> TemplateDraft | None:
    before = parse_template(rewritten.before)
    if now.shows(before):
        return None
    return TemplateDraft(
        change=_change(now.document, before.document),
        moved=not any(now.shows(parse_template(one)) for one in rewritten.left),
        fault=_fault(now, before, signature),
    )


def _change(now: JsonObject | None, before: JsonObject | None) -> Change:
    after: JsonObject | None = None
    if before is not None:
        # Empty lists and texts are what a read tells of members that are not set.
        after = {key: value for key, value in before.items() if value}
    if after is not None and now is not None:
        # The prefix keeps its spelling: it says which template is meant.
        after = {**after, "prefix": now["prefix"]}
    return Change(
        resource=Resource.CREATION_TEMPLATE,
        action=action_of(now, after),
        phase=Phase.TEMPLATES,
        before=now,
        after=after,
    )


def _fault(now: TemplateState, before: TemplateState, signature: Signature) -> Fault | None:
    operation = "DeleteRepositoryCreationTemplate"
    if before.document is not None:
        operation = "UpdateRepositoryCreationTemplate"
    named = (now.document or before.document or {}).get("prefix") or "no prefix"
    unknown = (*now.unknown, *before.unknown)
    if unknown:
        return Fault(
            kind=FaultKind.UNKNOWN_FIELDS,
            operation=operation,
            message=f"the creation template for {named} has fields that are not known here, and "
            f"is left as it is: {', '.join(dict.fromkeys(unknown))}",
            hint="use a version that knows them",
        )
    if now.document is not None and not signature.is_on(now.document):
        return Fault(
            kind=FaultKind.CONFLICT,
            operation=operation,
            message=f"the creation template for {named} does not carry this fleet's mark any "
            "more, so it is somebody else's, and is left as it is",
            hint="delete it by hand if it is to go",
        )
    return None


def _is_deletion(one: TemplateDraft) -> bool:
    return one.change is not None and one.change.action is Action.DELETE
