"""Live progress as numbers: events in, counters out.

Cheap, because it runs on the event loop for every event of a hundred thousand registries;
drawing happens elsewhere, a few times a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from fleet_repl.errors import FaultKind
from fleet_repl.names import Registry
from fleet_repl.outcomes import (
    CallRetried,
    Event,
    Outcome,
    PlanMade,
    ReadStarted,
    RegistryFinished,
    RegistryRead,
    WriteSettled,
    WriteStarted,
)


class Counters:
    """How far a run is. An account is done when all its registries in scope are."""

    def __init__(self, scope: Iterable[Registry]) -> None:
        self.phase: Literal["reading", "writing"] = "reading"
        self.in_flight = 0
        """Registries that are being read or written right now."""
        self.throttled = 0
        """Calls that were asked to slow down, so far."""
        self._failed: set[Registry] = set()
        self._begin(scope)

    @property
    def failed(self) -> int:
        """Registries that could not be read or written."""
        return len(self._failed)

    def see(self, event: Event) -> None:
        """Count an event."""
        match event:
            case RegistryRead(registry=registry, error=error):
                self.in_flight -= 1
                if error is not None and registry.account in self._left:
                    self._failed.add(registry)
                if self.phase == "reading":
                    self._done(registry)
            case PlanMade(plan=plan):
                self.phase = "writing"
                self._begin(one.registry for one in plan.registries)
            case CallRetried(error=error):
                self.throttled += error.kind is FaultKind.THROTTLED
            case ReadStarted() | WriteStarted():
                self.in_flight += 1
            case WriteSettled():
                self.in_flight -= 1
            case RegistryFinished(outcome=outcome):
                if outcome.outcome is Outcome.FAILED:
                    self._failed.add(outcome.registry)
                self._done(outcome.registry)
            case _:
                # Starts and ends of runs move no counter.
                pass

    def _begin(self, registries: Iterable[Registry]) -> None:
        self._left = Counter(registry.account for registry in registries)
        self.accounts = len(self._left)
        self.accounts_done = 0

    def _done(self, registry: Registry) -> None:
        # Registries outside the scope may be read too; they are nobody's progress.
        if self._left.get(registry.account, 0) > 0:
            self._left[registry.account] -= 1
            self.accounts_done += self._left[registry.account] == 0
