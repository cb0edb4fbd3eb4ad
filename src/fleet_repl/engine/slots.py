"""Slots: one document of one registry as something that can be written, and how a write ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from fleet_repl.engine.passing import Passage
from fleet_repl.engine.retry import OnRetry
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.errors import Fault

_T = TypeVar("_T")


class Comparable(Protocol):
    """A document that knows when another one means the same."""

    def same_as(self: _T, other: _T, /) -> bool: ...

    def shows(self: _T, written: _T, /) -> bool:
        """Whether this is what a read gives once `written` is in place."""
        ...


V = TypeVar("V", bound=Comparable)


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
