"""Slots: one document of one registry as something that can be written, and how a write ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from fleet_repl.engine.ports import Gate
from fleet_repl.engine.results import change_outcome
from fleet_repl.engine.retry import OnRetry
from fleet_repl.planning.plan import Change
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry

_T = TypeVar("_T")


class Comparable(Protocol):
    """A document that knows when another one means the same."""

    def same_as(self: _T, other: _T, /) -> bool: ...

    def shows(self: _T, written: _T, /) -> bool:
        """Whether this is what a read gives once `written` is in place."""
        ...


V = TypeVar("V", bound=Comparable)


class Passage:
    """One write at the gate: let in before each attempt, reported once at its end."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot(Generic[V]):
    """One document of one registry: how to read it, and the write that is asked for."""

    operation: str
    """The write's API call."""
    prepare: Callable[[], Awaitable[None]]
    """Whatever the write would otherwise have to wait for."""
    read: Callable[[], Awaitable[V]]
    put: Callable[[], Awaitable[str | None]]
    """One attempt."""
    passage: Passage
    before: V
    after: V
    superseded: Sequence[V] = ()
    """What this run itself has replaced here: a late read may still show it."""
    ahead: Sequence[V] = ()
    """What later writes of the plan leave: where one of it is there, this write is behind it."""
    on_retry: OnRetry | None = None
    in_place: Callable[[V], bool]
    """Whether our part is as `after` has it, whatever others have made of theirs since."""
    merge: Callable[[V], Slot[V] | None] = lambda _: None
    """The same write on top of what others have made of their part; None where more than that
    has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Generic[V]):
    """How a write ended. `found` is what the last read showed, None where nobody knows."""

    outcome: Outcome
    found: V | None
    request_id: str | None = None
    error: Fault | None = None
    in_doubt: bool = False
    """It failed, and may have been written all the same."""
    rival: V | None = None
    """What somebody else has made of the document, where nothing but that was in the way."""
    slot: Slot[V] | None = None
    """The write as it was made in the end, which others may have made another one."""
