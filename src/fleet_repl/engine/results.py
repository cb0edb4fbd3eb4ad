"""The results of a run: of each change so far, and of each registry in the end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from fleet_repl.engine.ports import EventSink
from fleet_repl.planning.plan import Change, Effort, HeldLink, Plan, RegistryPlan, Resource
from fleet_repl.runs.events import RegistryFinished
from fleet_repl.runs.outcomes import SETTLED, ChangeOutcome, Outcome, RegistryOutcome, worst
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


@dataclass(slots=True)
class _Entry:
    plan: RegistryPlan
    held: tuple[HeldLink, ...]
    effort: Effort
    done: list[ChangeOutcome] = field(default_factory=list)
    told: bool = False
    """Whether every link of it that is held has been named."""
    unseen: bool = False
    """Whether something was written to it that is still to be looked at once more."""
    error: Fault | None = None
    because: str | None = None
    outcome: RegistryOutcome | None = None


class Ledger:
    """The state of one run. Every registry is concluded once, and told as an event."""

    def __init__(self, plan: Plan, on_event: EventSink) -> None:
        self._on_event = on_event
        self._entries = {
            one.registry: _Entry(one, one.held, plan.efforts.get(one.registry, Effort()))
            for one in plan.registries
        }

    def record(
        self,
        registry: Registry,
        change: Change,
        outcome: Outcome,
        *,
        request_id: str | None = None,
        error: Fault | None = None,
        because: str | None = None,
        in_doubt: bool = False,
    ) -> ChangeOutcome:
        """What became of a change. Of several errors or reasons the first one is told."""
        entry = self._entries[registry]
        ended = change_outcome(change, outcome, request_id, in_doubt=in_doubt, because=because)
        entry.done.append(ended)
        entry.error = entry.error or error
        entry.because = entry.because or because
        entry.unseen = entry.unseen or outcome is Outcome.APPLIED
        return ended

    def overturn(self, registry: Registry, ended: ChangeOutcome, error: Fault) -> None:
        """A change that was applied is not in place any more, or may not be."""
        entry = self._entries[registry]
        failed = replace(ended, outcome=Outcome.FAILED, in_doubt=True)
        entry.done = [failed if one is ended else one for one in entry.done]
        entry.error = entry.error or error

    def looked(self, registry: Registry) -> None:
        """What was written to it so far has been looked at once more."""
        self._entries[registry].unseen = False
        self.conclude_finished(registry)

    def spend(self, registry: Registry, effort: Effort) -> None:
        self._entries[registry].effort += effort

    def hold(self, registry: Registry, held: tuple[HeldLink, ...]) -> None:
        """Name links that are held beside those of the plan; what both name counts once."""
        entry = self._entries[registry]
        named = {(one.destination, prefix) for one in held for prefix in one.prefixes}
        rest = (_without(one, named) for one in entry.plan.held)
        entry.held = (*(one for one in rest if one.prefixes), *held)

    def held(self, registry: Registry) -> tuple[HeldLink, ...]:
        """The links of a registry that are named as held so far."""
        return self._entries[registry].held

    def done(self, registry: Registry) -> tuple[ChangeOutcome, ...]:
        """The changes of a registry that are behind it; of one that is not in the plan, none."""
        entry = self._entries.get(registry)
        return () if entry is None else tuple(entry.done)

    def behind(self, registry: Registry, change: Change) -> bool:
        """Whether a planned change was carried out, or left out for a reason of its own."""
        entry = self._entries[registry]
        return any(one is change for one in entry.plan.changes[: len(entry.done)])

    def settled(self, registry: Registry, resource: Resource) -> bool:
        """Whether every write of a document that was started is in place."""
        found = [one.outcome for one in self.done(registry) if one.resource is resource]
        return all(outcome in SETTLED for outcome in found)

    def in_doubt(
        self, registry: Registry, resource: Resource = Resource.REPLICATION_CONFIGURATION
    ) -> bool:
        """Whether nobody knows what became of a write of a document."""
        return any(one.in_doubt for one in self.done(registry) if one.resource is resource)

    def conclude_finished(self, registry: Registry) -> None:
        """Conclude a registry whose changes are all behind it and looked at, and whose links are
        told."""
        entry = self._entries[registry]
        ended = len(entry.done) == len(entry.plan.changes) and not entry.unseen
        if entry.outcome is None and entry.told and ended:
            self._conclude(entry)

    def links_told(self, registry: Registry) -> None:
        """No link of it will be held any more, except by the write of its rules."""
        self._entries[registry].told = True
        self.conclude_finished(registry)

    def failed(self, wave: str) -> frozenset[Registry]:
        """Registries of which a change of that wave has failed, but for spared ones."""
        return frozenset(
            registry
            for registry, entry in self._entries.items()
            if not entry.plan.spared
            and any(one.wave == wave and one.outcome is Outcome.FAILED for one in entry.done)
        )

    def conclude_all(
        self, outcome: Outcome, because: str | None, fault: Fault | None = None
    ) -> tuple[RegistryOutcome, ...]:
        """Conclude the rest; changes that were never started end as `outcome`. With a `fault`,
        nobody knows whether they were."""
        doubt = fault is not None
        for registry, entry in self._entries.items():
            for change in entry.plan.changes[len(entry.done) :]:
                self.record(registry, change, outcome, error=fault, because=because, in_doubt=doubt)
            entry.unseen = False
            self.links_told(registry)
        return tuple(one.outcome for one in self._entries.values() if one.outcome is not None)

    def _conclude(self, entry: _Entry) -> None:
        entry.outcome = registry_outcome(
            entry.plan,
            entry.done,
            held=entry.held,
            effort=entry.effort,
            error=entry.error,
            because=entry.because,
        )
        self._on_event(RegistryFinished(outcome=entry.outcome))


def _without(link: HeldLink, named: set[tuple[Registry, str]]) -> HeldLink:
    prefixes = tuple(one for one in link.prefixes if (link.destination, one) not in named)
    return HeldLink(destination=link.destination, prefixes=prefixes, because=link.because)


def change_outcome(
    change: Change,
    outcome: Outcome,
    request_id: str | None = None,
    *,
    in_doubt: bool = False,
    because: str | None = None,
) -> ChangeOutcome:
    """What became of one change."""
    return ChangeOutcome(
        resource=change.resource,
        action=change.action,
        wave=change.wave,
        outcome=outcome,
        request_id=request_id,
        before=change.before,
        after=change.after,
        in_doubt=in_doubt,
        because=because if outcome in (Outcome.SKIPPED, Outcome.CANCELLED) else None,
    )


def registry_outcome(
    one: RegistryPlan,
    changes: Sequence[ChangeOutcome],
    *,
    held: tuple[HeldLink, ...],
    effort: Effort,
    error: Fault | None = None,
    because: str | None = None,
) -> RegistryOutcome:
    """One registry's line in the report: as bad as the worst of its changes."""
    found = {change.outcome for change in changes}
    outcome = worst(found)
    if one.fails:
        outcome = Outcome.FAILED
    if outcome is Outcome.UNCHANGED:
        because = one.excuse
    return RegistryOutcome(
        registry=one.registry,
        name=one.name,
        wave=one.wave,
        outcome=outcome,
        attempts=effort.attempts,
        duration_ms=round(effort.seconds * 1000),
        changes=tuple(changes),
        held=held,
        error=error or (one.error if one.fails else None),
        because=because,
    )


def untouched(plan: Plan, because: str | None) -> tuple[RegistryOutcome, ...]:
    """The registries of a plan that is not carried out at all."""
    return tuple(
        registry_outcome(
            one,
            [change_outcome(change, Outcome.SKIPPED, because=because) for change in one.changes],
            held=one.held,
            effort=plan.efforts.get(one.registry, Effort()),
            because=because,
        )
        for one in plan.registries
    )


def still_used(unwritten: Collection[Registry], unknown: Collection[Registry]) -> str:
    """Why grants stay: what became of the rules of their sources."""
    reasons = []
    if unwritten:
        reasons.append(
            f"the rules of {_named(unwritten)} were not written and may still use its grants"
        )
    if unknown:
        reasons.append(
            f"it is not known whether the rules of {_named(unknown)} were written; they may still "
            "use its grants"
        )
    return "; ".join(reasons)


def _named(registries: Collection[Registry]) -> str:
    return ", ".join(map(str, sorted(registries)))
