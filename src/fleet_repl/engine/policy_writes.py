"""The policy writes of a run: a plan may write one registry policy several times.

The writes of a plan build on each other. This module knows where an earlier write has left another
policy than the plan says, and where no later write can follow.
"""

from __future__ import annotations

from collections.abc import Sequence

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.policy import Owner, Policy
from fleet_repl.engine.document_write import WriteResult
from fleet_repl.planning.plan import Change, Phase, RegistryPlan, Resource
from fleet_repl.planning.revocations import has_granted, rebased
from fleet_repl.runs.outcomes import AS_PLANNED, Outcome
from fleet_repl.values.names import Registry


class PolicyWrites:
    """The results of a run's policy writes so far, by registry."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._failed: dict[Registry, Phase] = {}
        self._left: dict[Registry, Policy] = {}
        """Policies that are now others than the plan says: grants were not revoked in them."""
        self._replaced: dict[Registry, list[Policy]] = {}

    def failed(self, registry: Registry) -> Phase | None:
        """The phase of the failed write: later writes of the policy cannot know what is there."""
        return self._failed.get(registry)

    def replaced(self, registry: Registry) -> Sequence[Policy]:
        """The policies that this run has replaced: a read that lags may show one of them."""
        return tuple(self._replaced.get(registry, ()))

    def due(self, registry: Registry, change: Change) -> Change:
        """A planned write on top of the policy that the writes before it have left."""
        if registry not in self._left:
            return change
        return rebased(change, self._left[registry], self._owner, registry)

    def ahead(self, planned: RegistryPlan, change: Change) -> Sequence[Policy]:
        """The policies that this write and the later ones of the plan leave, as far as they grant
        all that this write adds. An earlier run may have made those writes: that is no conflict."""
        writes = [write for write in planned.changes if write.resource is Resource.REGISTRY_POLICY]
        index = next(index for index, write in enumerate(writes) if write is change)
        left = (contents(write, Policy)[1] for write in writes[index:])
        return tuple(policy for policy in left if has_granted(change, policy))

    def withheld(self, registry: Registry, change: Change) -> None:
        """Note that a write was left out on purpose: the policy before it stays."""
        self._left[registry], _ = contents(change, Policy)

    def give_up(self, registry: Registry, change: Change) -> None:
        """Note that a write has failed, or will not be made."""
        self._failed.setdefault(registry, change.phase)

    def written(
        self, registry: Registry, planned: Change, sent: Change, result: WriteResult[Policy]
    ) -> None:
        """Note the result of a write. `sent`: the `planned` change as it was made in the end."""
        if result.outcome not in AS_PLANNED:
            self.give_up(registry, planned)
            return
        before, after = contents(sent, Policy)
        if result.outcome is Outcome.APPLIED:
            self._replaced.setdefault(registry, []).append(before)
        self._left.pop(registry, None)
        _, as_planned = contents(planned, Policy)
        as_sent = result.found is not None and result.found.shows(after)
        if as_sent and not after.same_as(as_planned):
            self._left[registry] = after
