"""The write of one document of one registry, and its result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from fleet_repl.engine.ports import WriteGuard
from fleet_repl.engine.retry import OnRetry
from fleet_repl.planning.change import Change
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.runs.results import change_outcome
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry

_T = TypeVar("_T")


class Comparable(Protocol):
    """A document that is compared by meaning."""

    def same_as(self: _T, other: _T, /) -> bool:
        """Returns whether both documents mean the same."""

    def shows(self: _T, written: _T, /) -> bool:
        """Returns whether a read that returns this document shows that `written` is in place."""


V = TypeVar("V", bound=Comparable)


class GuardedWrite:
    """One write at the write guard: admitted before each attempt, reported once at its end."""

    def __init__(self, guard: WriteGuard, registry: Registry, change: Change) -> None:
        """`change`: the change as it is sent, which may be less than was planned."""
        self._guard = guard
        self._registry = registry
        self.change: Final = change
        self._admitted = False

    @property
    def admitted(self) -> bool:
        """Returns whether an attempt was ever admitted."""
        return self._admitted

    @property
    def is_open(self) -> bool:
        """Returns whether an attempt that was admitted may be sent now."""
        return self._guard.is_open

    def turn(self) -> AbstractAsyncContextManager[None]:
        """While this lasts, no other fleet of the same state location writes the registry."""
        return self._guard.turn(self._registry)

    async def admit(self) -> None:
        """Return once an attempt may be sent. Raises HaltedError where none may."""
        if self._admitted:
            await self._guard.admit_again()
            return
        await self._guard.admit(self._registry, self.change)
        self._admitted = True

    def report_end(self, outcome: Outcome, request_id: str | None, *, in_doubt: bool) -> None:
        """Report the end of the write, if it was ever admitted."""
        if self._admitted:
            ended = change_outcome(self.change, outcome, request_id, in_doubt=in_doubt)
            self._guard.note_end(self._registry, self.change, ended)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentWrite(Generic[V]):
    """A write of one document of one registry, and how to read and to put that document."""

    operation: str
    """The write's API call."""
    prepare: Callable[[], Awaitable[None]]
    """Does everything that the write would otherwise have to wait for."""
    read: Callable[[], Awaitable[V]]
    put: Callable[[], Awaitable[str | None]]
    """Makes one attempt; returns the request id."""
    guarded: GuardedWrite
    before: V
    """The document that the plan has seen: nothing else is overwritten."""
    after: V
    """The document to write."""
    superseded: Sequence[V] = ()
    """Documents that this run itself has replaced here: a late read may still show one of them."""
    ahead: Sequence[V] = ()
    """Documents that later writes of the plan will leave. If one of them is in place already, this
    write is no longer needed."""
    on_retry: OnRetry | None = None
    in_place: Callable[[V], bool]
    """True if our part of a document is that of `after`, even if others have changed theirs."""
    merge: Callable[[V], DocumentWrite[V] | None] = lambda _: None
    """Returns the write on top of a document in which others have changed only their part; None
    where more than that has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult(Generic[V]):
    outcome: Outcome
    found: V | None
    """The document that the last read showed; None where that is unknown."""
    request_id: str | None = None
    error: Fault | None = None
    in_doubt: bool = False
    """The outcome is unknown: the write failed, and may have happened all the same."""
    rival: V | None = None
    """The document as others have changed it, where only that kept it from being written."""
    write: DocumentWrite[V] | None = None
    """The write as it was made in the end, perhaps on top of changes by others."""
