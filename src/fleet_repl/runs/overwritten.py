"""The documents that a run overwrites, as they were before its first write to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from fleet_repl.planning.change import Change, Resource
from fleet_repl.planning.ownership import Cells, Record
from fleet_repl.planning.plan import Plan
from fleet_repl.runs.outcomes import ChangeOutcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Registry

BeforeDocuments: TypeAlias = Mapping[Registry, "RegistryBefore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryBefore:
    """The whole documents of a registry as they were before a run's first write to them. Resources
    that the run will not write are missing."""

    documents: Mapping[Resource, JsonObject | None] = field(default_factory=dict)
    """Replication configuration and policy."""
    templates: Mapping[str, JsonObject | None] = field(default_factory=dict)
    """Creation templates by prefix."""
    owned: Cells = field(default_factory=dict)
    """The links out of the registry that were on record as the fleet's own."""


def each_before(plan: Plan, record: Record) -> Iterator[tuple[Registry, RegistryBefore]]:
    """Yields the documents that a run will overwrite, as the plan saw them, and the links of the
    same registries that are the fleet's own by its record; in order of account and region.

    A resource that is written several times is as its first write expects it. Refused resources
    are missing, as they are not written.
    """
    for registry_plan in plan.registries:
        documents: dict[Resource, JsonObject | None] = {}
        templates: dict[str, JsonObject | None] = {}
        for change in registry_plan.changes:
            if change.resource in registry_plan.refused:
                continue
            if (prefix := prefix_of(change)) is not None:
                templates.setdefault(prefix, change.before.document)
            else:
                documents.setdefault(change.resource, change.before.document)
        if documents or templates:
            registry = registry_plan.registry
            owned = record[registry].links if registry in record else {}
            yield (registry, RegistryBefore(documents=documents, templates=templates, owned=owned))


def prefix_of(change: Change | ChangeOutcome) -> str | None:
    """Returns the prefix of the creation template that a change writes; None for another change."""
    if change.resource is not Resource.CREATION_TEMPLATE:
        return None
    document = change.after.document or change.before.document or {}
    return str(document.get("prefix", ""))
