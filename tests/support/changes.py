"""Changes and what became of them, for tests that have the documents as JSON."""

from __future__ import annotations

from typing import Any

from fleet_repl.ecr.content import Content
from fleet_repl.ecr.policy import Owner, PolicyDocument
from fleet_repl.ecr.rules import Replication
from fleet_repl.ecr.templates import TemplateState
from fleet_repl.planning.change import Change, Resource
from fleet_repl.planning.stored import read_content, stored_content
from fleet_repl.runs.outcomes import ChangeOutcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Registry


def content_of(
    resource: Resource,
    document: JsonObject | Content | None,
    reader: tuple[Owner, Registry] | None = None,
) -> Content:
    """What a document means; with a `reader`, policies are read as those of a fleet."""
    if isinstance(document, Replication | PolicyDocument | TemplateState):
        return document
    content = stored_content(resource, document)
    return content if reader is None else read_content(content, *reader)


def change_of(
    resource: Resource,
    before: JsonObject | Content | None,
    after: JsonObject | Content | None,
    *,
    reader: tuple[Owner, Registry] | None = None,
    **members: Any,
) -> Change:
    """A planned write with these documents."""
    return Change(
        resource=resource,
        before=content_of(resource, before, reader),
        after=content_of(resource, after, reader),
        **members,
    )


def ended_change(
    resource: Resource,
    before: JsonObject | Content | None,
    after: JsonObject | Content | None,
    **members: Any,
) -> ChangeOutcome:
    """What became of a write with these documents."""
    return ChangeOutcome(
        resource=resource,
        before=content_of(resource, before),
        after=content_of(resource, after),
        **members,
    )
