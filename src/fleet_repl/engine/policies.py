"""The registry policies of one run, each of which may be written several times.

A plan's writes of one policy build on each other. This knows where an earlier one has left
something else than the plan says, and which can be built on no more.
"""

from __future__ import annotations

from collections.abc import Sequence

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.policy import Owner, Policy
from fleet_repl.engine.slots import Settled
from fleet_repl.planning.plan import Change, Phase, RegistryPlan, Resource
from fleet_repl.planning.revocations import has_granted, rebased
from fleet_repl.runs.outcomes import SETTLED, Outcome
from fleet_repl.values.names import Registry


class Policies:
    """What this run has made of each registry policy so far."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._failed: dict[Registry, Phase] = {}
        self._left: dict[Registry, Policy] = {}
        """Policies that are not as the plan has them by now: with grants that were withheld."""
        self._replaced: dict[Registry, list[Policy]] = {}

    def failed(self, registry: Registry) -> Phase | None:
        """The phase of the write that failed, if one has: no later write of the policy knows
        what it would find."""
        return self._failed.get(registry)

    def replaced(self, registry: Registry) -> Sequence[Policy]:
        """What this run has put something else in the place of: a late read may show it."""
        return tuple(self._replaced.get(registry, ()))

    def due(self, registry: Registry, change: Change) -> Change:
        """A planned write as it has to be made, by what the ones before it have left."""
        if registry not in self._left:
            return change
        return rebased(change, self._left[registry], self._owner, registry)

    def ahead(self, one: RegistryPlan, change: Change) -> Sequence[Policy]:
        """What the plan's writes leave from this one on: where a run before this one has made
        them, finding it is no conflict, as long as it grants what this write was to add."""
        writes = [write for write in one.changes if write.resource is Resource.REGISTRY_POLICY]
        at = next(place for place, write in enumerate(writes) if write is change)
        left = (contents(write, Policy)[1] for write in writes[at:])
        return tuple(policy for policy in left if has_granted(change, policy))

    def withheld(self, registry: Registry, change: Change) -> None:
        """A write was left out on purpose: what it was to find stays."""
        self._left[registry], _ = contents(change, Policy)

    def give_up(self, registry: Registry, change: Change) -> None:
        """A write has failed, or will not be made."""
        self._failed.setdefault(registry, change.phase)

    def written(
        self, registry: Registry, planned: Change, sent: Change, settled: Settled[Policy]
    ) -> None:
        """A write has ended. `sent` is what became of the one that was `planned`."""
        if settled.outcome not in SETTLED:
            self.give_up(registry, planned)
            return
        before, after = contents(sent, Policy)
        if settled.outcome is Outcome.APPLIED:
            self._replaced.setdefault(registry, []).append(before)
        self._left.pop(registry, None)
        _, as_planned = contents(planned, Policy)
        as_sent = settled.found is not None and settled.found.shows(after)
        if as_sent and not after.same_as(as_planned):
            self._left[registry] = after
