"""The earlier writes of a run: a plan may write one configuration or one policy several times.

The writes of a plan build on each other. This module knows where an earlier write has left other
rules than the plan says, because links are held after all, or another policy, and where no later
write can follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.policy import Owner, Policy
from fleet_repl.ecr.rules import Replication
from fleet_repl.engine.document_write import WriteResult
from fleet_repl.planning.change import Change, Phase
from fleet_repl.planning.ownership import listed
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.planning.revocations import has_granted, rebased
from fleet_repl.runs.outcomes import AS_PLANNED, Outcome
from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True)
class FoundRules:
    """A replication configuration, as a confirmed write compares it."""

    replication: Replication
    shared: bool
    """True if others have rules in the configuration: a rule of theirs may mean nothing beside
    ours, and still must not be lost."""

    def same_as(self, other: FoundRules) -> bool:
        """Returns whether both mean the same; if shared, also whether both list the same rules."""
        return self.replication.same_as(other.replication) and self._lists_as(other)

    def shows(self, written: FoundRules) -> bool:
        """Returns whether a read that returns these rules shows that `written` is in place."""
        return self.replication.shows(written.replication) and self._lists_as(written)

    def _lists_as(self, other: FoundRules) -> bool:
        if not self.shared:
            return True
        return listed(self.replication).keys() == listed(other.replication).keys()


class RuleWrites:
    """The results of a run's rule writes so far, by registry."""

    def __init__(self) -> None:
        self._left: dict[Registry, Replication] = {}
        """Rules that are now others than the plan says: without links that are held."""
        self._replaced: dict[Registry, list[Replication]] = {}

    def due(self, registry: Registry, change: Change) -> Change:
        """A planned write on top of the rules that the writes before it have left."""
        if registry not in self._left:
            return change
        return replace(change, before=self._left[registry])

    def replaced(self, registry: Registry) -> Sequence[Replication]:
        """The rules that this run has replaced: a read that lags may show them."""
        return tuple(self._replaced.get(registry, ()))

    def ahead(self, planned: RegistryPlan, change: Change) -> Sequence[Replication]:
        """The rules that later writes of the plan leave, with all that this write adds. An earlier
        run may have made those writes: that is no conflict."""
        later = _writes_from(planned, change)[1:]
        return tuple(contents(write, Replication)[1] for write in later)

    def unwritten(self, registry: Registry, due: Change) -> None:
        """Note that all links that a write was to add are held: the rules before it stay."""
        self._left[registry], _ = contents(due, Replication)

    def written(
        self,
        registry: Registry,
        planned: Change,
        narrowed: Change,
        sent: Change,
        result: WriteResult[FoundRules],
    ) -> None:
        """Note the result of a write. `narrowed`: the `planned` change without held links; `sent`:
        the same as it was made in the end, perhaps on top of changes by others."""
        _, after = contents(narrowed, Replication)
        if result.outcome is Outcome.APPLIED:
            self._replaced.setdefault(registry, []).append(contents(sent, Replication)[0])
        elif result.found is None or not result.found.replication.shows(after):
            # Later writes of the plan are in place already, or this one failed and none follows.
            self._left.pop(registry, None)
            return
        if after == planned.after:
            self._left.pop(registry, None)
        else:
            self._left[registry] = after


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
        left = (contents(write, Policy)[1] for write in _writes_from(planned, change))
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


def _writes_from(planned: RegistryPlan, change: Change) -> Sequence[Change]:
    """The writes of the same document in a plan, from this one on."""
    writes = [write for write in planned.changes if write.resource is change.resource]
    index = next(index for index, write in enumerate(writes) if write is change)
    return writes[index:]
