"""Whether a watch is alive, and whether it is of use: what /healthz and /readyz tell."""

from __future__ import annotations

from fleet_repl.values.clock import Clock
from fleet_repl.watch.round import Round, Verdict

_ROUNDS_MISSED = 3


class Vitals:
    """The signs of life of one watch."""

    def __init__(self, clock: Clock, every: float, deadline: float) -> None:
        """`every`: seconds between rounds; `deadline`: seconds that one may take."""
        self._clock = clock
        self._every = every
        self._deadline = deadline
        self._moved = clock.monotonic()
        self.ready = False
        """A round could make a plan, and the last one was not broken."""

    def finished(self, round_: Round) -> None:
        """A round has come to its end."""
        self._moved = self._clock.monotonic()
        self._deadline = round_.inventory.apply.deadline
        if round_.verdict is Verdict.BROKEN:
            self.ready = False
        elif round_.plan is not None:
            self.ready = True

    @property
    def stuck(self) -> bool:
        """Whether no round has finished for longer than can be explained."""
        patience = _ROUNDS_MISSED * self._every + self._deadline
        return self._clock.monotonic() - self._moved > patience
