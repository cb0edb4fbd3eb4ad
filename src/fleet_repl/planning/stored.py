"""The writes of plans, journals and reports out of a file: what their documents mean.

A file does not say whose statements of a policy count as ours: names that the fleet had before
are in the inventory. So its policies are read once that is known, before anything is written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from fleet_repl.ecr.content import Content
from fleet_repl.ecr.policy import Owner, Policy, PolicyDocument, parse_policy
from fleet_repl.ecr.rules import parse_stored_rules
from fleet_repl.ecr.templates import parse_stored_template
from fleet_repl.planning.change import Resource
from fleet_repl.planning.plan import Plan, RegistryPlan
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Registry


def stored_content(resource: Resource, document: JsonObject | None) -> Content:
    """A document out of a file, read as far as the file tells. Its document stays as it is."""
    match resource:
        case Resource.REPLICATION_CONFIGURATION:
            return parse_stored_rules(document)
        case Resource.REGISTRY_POLICY:
            return PolicyDocument(document=document)
        case Resource.CREATION_TEMPLATE:
            return parse_stored_template(document)
        case _:
            assert_never(resource)


def with_policies_read(plan: Plan, owner: Owner) -> Plan:
    """Returns the plan with its unread policies read; a plan made here has none."""
    if not any(_is_unread(change.after) for _, change in plan.changes):
        return plan
    return replace(
        plan, registries=tuple(_with_policies_read(planned, owner) for planned in plan.registries)
    )


def content_of(
    resource: Resource, document: JsonObject | None, owner: Owner, registry: Registry
) -> Content:
    """Returns a document out of a file, with a policy read as a policy of this fleet."""
    return read_content(stored_content(resource, document), owner, registry)


def read_content(content: Content, owner: Owner, registry: Registry) -> Content:
    """Returns the content with a policy read as a policy of this fleet."""
    if not _is_unread(content):
        return content
    return parse_policy(content.document, owner, registry)


def _with_policies_read(planned: RegistryPlan, owner: Owner) -> RegistryPlan:
    changes = tuple(
        replace(
            change,
            before=read_content(change.before, owner, planned.registry),
            after=read_content(change.after, owner, planned.registry),
        )
        for change in planned.changes
    )
    return replace(planned, changes=changes)


def _is_unread(content: Content) -> bool:
    return isinstance(content, PolicyDocument) and not isinstance(content, Policy)
