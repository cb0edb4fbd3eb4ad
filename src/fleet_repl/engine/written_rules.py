"""The rules of one run, each registry's of which may be written several times.

A plan's writes of one replication configuration build on each other. This knows where an earlier
one has left less than the plan says, because links are held after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fleet_repl.ecr.rules import NO_RULES, parse_document
from fleet_repl.engine.registry_documents import FoundRules
from fleet_repl.engine.slots import Settled
from fleet_repl.planning.plan import Change, RegistryPlan, Resource
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Registry


class WrittenRules:
    """What this run has made of each registry's rules so far."""

    def __init__(self) -> None:
        self._left: dict[Registry, JsonObject | None] = {}
        """Rules that are not as the plan has them by now: without links that are held."""
        self._replaced: dict[Registry, list[JsonObject | None]] = {}

    def due(self, registry: Registry, change: Change) -> Change:
        """A planned write as it has to be made, by what the ones before it have left."""
        if registry not in self._left:
            return change
        return replace(change, before=self._left[registry])

    def replaced(self, registry: Registry) -> Sequence[JsonObject | None]:
        """What this run has put something else in the place of: a late read may show it."""
        return tuple(self._replaced.get(registry, ()))

    def ahead(self, one: RegistryPlan, change: Change) -> Sequence[JsonObject | None]:
        """What the plan's later writes leave, with all that this one was to add: where a run
        before this one has made them, finding it is no conflict."""
        writes = [
            each for each in one.changes if each.resource is Resource.REPLICATION_CONFIGURATION
        ]
        at = next(place for place, each in enumerate(writes) if each is change)
        return tuple(each.after for each in writes[at + 1 :])

    def unwritten(self, registry: Registry, due: Change) -> None:
        """All that a write was to add is held: what it was to find stays."""
        self._left[registry] = due.before

    def written(
        self,
        registry: Registry,
        planned: Change,
        asked: Change,
        sent: Change,
        settled: Settled[FoundRules],
    ) -> None:
        """A write has ended. `asked` is `planned` without held links, and `sent` the same on top
        of what others had made meanwhile."""
        if settled.outcome is Outcome.APPLIED:
            self._replaced.setdefault(registry, []).append(sent.before)
        elif not _shows(settled, asked):
            # It is behind what is in place, or failed: then nothing more is written.
            self._left.pop(registry, None)
            return
        if asked.after == planned.after:
            self._left.pop(registry, None)
        else:
            self._left[registry] = asked.after


def _shows(settled: Settled[FoundRules], asked: Change) -> bool:
    wanted = parse_document(asked.after or NO_RULES)
    return settled.found is not None and settled.found.replication.shows(wanted)
