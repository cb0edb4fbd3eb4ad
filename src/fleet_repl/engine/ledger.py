"""The ledger of a run: the outcome of each change so far, and of each registry in the end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fleet_repl.engine.ports import EventSink
from fleet_repl.planning.change import Change, HeldLink, Resource
from fleet_repl.planning.plan import Effort, Plan, RegistryPlan
from fleet_repl.runs.events import RegistryFinished
from fleet_repl.runs.outcomes import AS_PLANNED, ChangeOutcome, Outcome, RegistryOutcome
from fleet_repl.runs.results import change_outcome, registry_outcome
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


@dataclass(slots=True)
class _Entry:
    plan: RegistryPlan
    held: tuple[HeldLink, ...]
    effort: Effort
    done: list[ChangeOutcome] = field(default_factory=list)
    """The outcomes of its changes so far, in the plan's order."""
    links_known: bool = False
    """True if `held` is complete."""
    unseen: bool = False
    """True if a document was written that the last look has still to read."""
    error: Fault | None = None
    because: str | None = None
    outcome: RegistryOutcome | None = None


class Ledger:
    """The results of a run so far. Every registry is concluded once, which is an event."""

    def __init__(self, plan: Plan, on_event: EventSink) -> None:
        self._on_event = on_event
        efforts = plan.efforts
        self._entries = {
            planned.registry: _Entry(planned, planned.held, efforts.get(planned.registry, Effort()))
            for planned in plan.registries
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
        """Record the outcome of a change, and return it. Of several errors or reasons of a
        registry the first one counts."""
        entry = self._entries[registry]
        ended = change_outcome(change, outcome, request_id, in_doubt=in_doubt, because=because)
        entry.done.append(ended)
        entry.error = entry.error or error
        entry.because = entry.because or because
        entry.unseen = entry.unseen or outcome is Outcome.APPLIED
        return ended

    def overturn(self, registry: Registry, ended: ChangeOutcome, error: Fault) -> None:
        """Record that an applied change is no longer in place, or may not be."""
        entry = self._entries[registry]
        failed = replace(ended, outcome=Outcome.FAILED, in_doubt=True)
        entry.done = [failed if outcome is ended else outcome for outcome in entry.done]
        entry.error = entry.error or error

    def note_last_look(self, registry: Registry) -> None:
        """Record that the last look has read every document written so far."""
        self._entries[registry].unseen = False
        self.conclude_finished(registry)

    def spend(self, registry: Registry, effort: Effort) -> None:
        """Add the calls and seconds that a step took for the registry."""
        self._entries[registry].effort += effort

    def hold(self, registry: Registry, held: tuple[HeldLink, ...]) -> None:
        """Record links that are held besides those of the plan; a link of both counts once."""
        entry = self._entries[registry]
        pairs = {(link.destination, prefix) for link in held for prefix in link.prefixes}
        rest = (_without(link, pairs) for link in entry.plan.held)
        entry.held = (*(link for link in rest if link.prefixes), *held)

    def held(self, registry: Registry) -> tuple[HeldLink, ...]:
        """The held links of a registry so far."""
        return self._entries[registry].held

    def done(self, registry: Registry) -> tuple[ChangeOutcome, ...]:
        """The outcomes of a registry's changes so far; none for a registry that is not planned."""
        entry = self._entries.get(registry)
        return () if entry is None else tuple(entry.done)

    def has_outcome(self, registry: Registry, change: Change) -> bool:
        """Returns whether a planned change has an outcome: carried out or left out."""
        entry = self._entries[registry]
        return any(earlier is change for earlier in entry.plan.changes[: len(entry.done)])

    def is_as_planned(self, registry: Registry, resource: Resource) -> bool:
        """Returns whether every write of a document that was started is in place."""
        done = self.done(registry)
        return all(change.outcome in AS_PLANNED for change in done if change.resource is resource)

    def has_rules(self, source: Registry) -> bool:
        """Returns whether a source's rules are written, and all these writes are in place."""
        resource = Resource.REPLICATION_CONFIGURATION
        started = any(change.resource is resource for change in self.done(source))
        return started and self.is_as_planned(source, resource)

    def in_doubt(
        self, registry: Registry, resource: Resource = Resource.REPLICATION_CONFIGURATION
    ) -> bool:
        """Returns whether the outcome of a write of a document is unknown."""
        return any(change.in_doubt for change in self.done(registry) if change.resource is resource)

    def conclude_finished(self, registry: Registry) -> None:
        """Concludes a registry once its changes are done and looked at, its held links known."""
        entry = self._entries[registry]
        ended = len(entry.done) == len(entry.plan.changes) and not entry.unseen
        if entry.outcome is None and entry.links_known and ended:
            self._conclude(entry)

    def note_links_known(self, registry: Registry) -> None:
        """Record that only the write of a registry's rules can hold more of its links."""
        self._entries[registry].links_known = True
        self.conclude_finished(registry)

    def failed(self, wave: str) -> frozenset[Registry]:
        """Registries with a failed change in a wave, without excluded registries."""
        return frozenset(
            registry
            for registry, entry in self._entries.items()
            if not entry.plan.spared
            and any(done.wave == wave and done.outcome is Outcome.FAILED for done in entry.done)
        )

    def conclude_all(
        self, outcome: Outcome, because: str | None, fault: Fault | None = None
    ) -> tuple[RegistryOutcome, ...]:
        """Conclude the remaining registries, and return the outcomes of all.

        Changes never started end as `outcome`. With a `fault`, nobody knows whether they were.
        """
        doubt = fault is not None
        for registry, entry in self._entries.items():
            for change in entry.plan.changes[len(entry.done) :]:
                self.record(registry, change, outcome, error=fault, because=because, in_doubt=doubt)
            entry.unseen = False
            self.note_links_known(registry)
        outcomes = (entry.outcome for entry in self._entries.values())
        return tuple(concluded for concluded in outcomes if concluded is not None)

    def _conclude(self, entry: _Entry) -> None:
        entry.outcome = registry_outcome(
            entry.plan,
            entry.done,
            held=entry.held,
            effort=entry.effort,
            error=entry.error,
            because=entry.because,
            moved=entry.plan.changed_outside,
        )
        self._on_event(RegistryFinished(outcome=entry.outcome))


def _without(link: HeldLink, pairs: set[tuple[Registry, str]]) -> HeldLink:
    """A held link without the prefixes that are among the pairs of destination and prefix."""
    prefixes = tuple(prefix for prefix in link.prefixes if (link.destination, prefix) not in pairs)
    return replace(link, prefixes=prefixes)
