"""The way of one write through the gate: let in before each attempt, told of once at its end."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Final

from fleet_repl.engine.concluding import change_outcome
from fleet_repl.engine.ports import Gate
from fleet_repl.planning.plan import Change
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.names import Registry


class Passage:
    """One write's."""

    def __init__(self, gate: Gate, registry: Registry, change: Change) -> None:
        """`change`: as it is sent, which may be less than was planned."""
        self._gate = gate
        self._registry = registry
        self.change: Final = change
        self._admitted = False

    @property
    def admitted(self) -> bool:
        """Whether an attempt was ever let in."""
        return self._admitted

    @property
    def is_open(self) -> bool:
        """Whether an attempt that was let in may be sent now."""
        return self._gate.is_open

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Nobody else of the same state location writes the registry meanwhile."""
        return self._gate.turn(self._registry)

    async def enter(self) -> None:
        """Return once an attempt may be sent. Raises HaltedError where none may."""
        if self._admitted:
            await self._gate.admit_again()
            return
        await self._gate.admit(self._registry, self.change)
        self._admitted = True

    def leave(self, outcome: Outcome, request_id: str | None, *, in_doubt: bool) -> None:
        """The write has ended, if it was ever let in."""
        if self._admitted:
            ended = change_outcome(self.change, outcome, request_id, in_doubt=in_doubt)
            self._gate.settled(self._registry, self.change, ended)
