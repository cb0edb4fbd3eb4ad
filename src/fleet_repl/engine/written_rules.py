"""The rules of one run, each registry's of which may be written several times.

A plan's writes of one replication configuration build on each other. This knows where an earlier
one has left less than the plan says, because links are held after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.rules import Replication
from fleet_repl.engine.registry_documents import FoundRules
from fleet_repl.engine.slots import Settled
from fleet_repl.planning.plan import Change, RegistryPlan, Resource
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.names import Registry


class WrittenRules:
    """What this run has made of each registry's rules so far."""

    def __init__(self) -> None:
        self._left: dict[Registry, Replication] = {}
        """Rules that are not as the plan has them by now: without links that are held."""
        self._replaced: dict[Registry, list[Replication]] = {}

    def due(self, registry: Registry, change: Change) -> Change:
        """A planned write as it has to be made, by what the ones before it have left."""
        if registry not in self._left:
            return change
        return replace(change, before=self._left[registry])

    def replaced(self, registry: Registry) -> Sequence[Replication]:
        """What this run has put something else in the place of: a late read may show it."""
        return tuple(self._replaced.get(registry, ()))

    def ahead(self, one: RegistryPlan, change: Change) -> Sequence[Replication]:
        """What the plan's later writes leave, with all that this one was to add: where a run
        before this one has made them, finding it is no conflict."""
        writes = [
            write for write in one.changes if write.resource is Resource.REPLICATION_CONFIGURATION
        ]
        at = next(place for place, write in enumerate(writes) if write is change)
        return tuple(contents(write, Replication)[1] for write in writes[at + 1 :])

    def unwritten(self, registry: Registry, due: Change) -> None:
        """All that a write was to add is held: what it was to find stays."""
        self._left[registry], _ = contents(due, Replication)

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
        _, after = contents(asked, Replication)
        if settled.outcome is Outcome.APPLIED:
            self._replaced.setdefault(registry, []).append(contents(sent, Replication)[0])
        elif settled.found is None or not settled.found.replication.shows(after):
            # It is behind what is in place, or failed: then nothing more is written.
            self._left.pop(registry, None)
            return
        if after == planned.after:
            self._left.pop(registry, None)
        else:
            self._left[registry] = after
