"""The gate that every write passes: its journal line first, and then time enough on the lock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.support.changes import change_of, ended_change
from tests.support.registries import registry_of

from fleet_repl.fleet.write_guard import JournalGuard
from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.runs.history import JournalEntry, Moment
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.state.lock_rules import LEASE, MARGIN, SKEW
from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.errors import HaltedError, StateError
from fleet_repl.values.names import Registry

HERE = registry_of("1")
CHANGE = change_of(
    resource=Resource.REPLICATION_CONFIGURATION,
    action=Action.UPDATE,
    phase=Phase.RULES,
    before={"rules": []},
    after={"rules": [{}]},
)
TIMEOUT = 30.0


@dataclass
class Scene:
    """A lock and a journal, and what is asked of them in which order."""

    log: list[str] = field(default_factory=list)
    held: bool = True
    remaining: float = LEASE
    renewable: bool = True
    announcing: Callable[[], object] = lambda: None
    noted: list[JournalEntry] = field(default_factory=list)

    async def assure(self, seconds: float) -> None:
        self.log.append("assure")
        if self.remaining < seconds:
            if not self.renewable:
                raise HaltedError("the lock was lost")
            self.remaining = LEASE

    async def announce(self, entry: JournalEntry) -> None:
        self.log.append(f"announce {entry.moment}")
        self.announcing()

    def note(self, entry: JournalEntry) -> None:
        self.noted.append(entry)

    def turn(self, registry: Registry) -> AbstractAsyncContextManager[None]:
        self.log.append(f"turn {registry}")
        return nullcontext()

    @property
    def gate(self) -> JournalGuard:
        return JournalGuard(lease=self, journal=self, turns=self, timeout=TIMEOUT, clock=SYSTEM)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_write_is_let_in(scene: Scene) -> None:
    """With the lock before the journal is written to, and again after that."""
    await scene.gate.admit(HERE, CHANGE)
    assert scene.log == ["assure", f"announce {Moment.SENDING}", "assure"]


@pytest.mark.parametrize("renewable", [True, False])
async def test_a_slow_journal_takes_time_from_the_lock(scene: Scene, renewable: bool) -> None:
    """Whatever it took: what is left afterwards counts, and a lock that is lost lets nobody in."""

    def slowly() -> None:
        scene.remaining, scene.renewable = TIMEOUT - 1, renewable

    scene.announcing = slowly
    if renewable:
        await scene.gate.admit(HERE, CHANGE)
        assert scene.remaining == LEASE
    else:
        with pytest.raises(HaltedError, match="the lock was lost"):
            await scene.gate.admit(HERE, CHANGE)


async def test_every_attempt_needs_the_lock(scene: Scene) -> None:
    """Not only the first one: between two of them minutes may pass."""
    scene.remaining = 1
    await scene.gate.admit_again()
    assert (scene.log, scene.remaining) == (["assure"], LEASE)
    scene.remaining, scene.renewable = 1, False
    with pytest.raises(HaltedError):
        await scene.gate.admit_again()


@pytest.mark.parametrize("call", ["admit", "admit_again", "is_open"])
@pytest.mark.parametrize(("beyond", "enough"), [(-0.1, False), (0.0, True)])
async def test_the_longest_write_ends_before_anybody_else_may_begin(
    scene: Scene, call: str, beyond: float, enough: bool
) -> None:
    """One attempt, and more than clocks differ by: what is sent late still arrives in time."""
    assert MARGIN > SKEW > 0
    scene.remaining, scene.renewable = TIMEOUT + MARGIN + beyond, False
    gate = scene.gate
    if call == "is_open":
        assert gate.is_open is enough
        return
    passing = gate.admit(HERE, CHANGE) if call == "admit" else gate.admit_again()
    if enough:
        await passing
    else:
        with pytest.raises(HaltedError):
            await passing


async def test_a_lost_lock_closes_it_at_once(scene: Scene) -> None:
    """However much time it would have had."""
    scene.held = False
    assert not scene.gate.is_open


async def test_what_cannot_be_put_down_is_not_written(scene: Scene) -> None:
    """The first line of the reason is told."""

    def fail() -> Any:
        raise StateError("no space left\n    make room")

    scene.announcing = fail
    with pytest.raises(HaltedError) as caught:
        await scene.gate.admit(HERE, CHANGE)
    assert str(caught.value) == "the run's journal cannot be written any more: no space left"


async def test_its_end_is_noted(scene: Scene) -> None:
    """With what is known of it."""
    ended = ended_change(
        **{name: getattr(CHANGE, name) for name in ("resource", "action", "wave")},
        before=CHANGE.before,
        after=CHANGE.after,
        outcome=Outcome.FAILED,
        request_id="r-1",
        in_doubt=True,
    )
    scene.gate.note_end(HERE, CHANGE, ended)
    (entry,) = scene.noted
    assert (entry.moment, entry.registry, entry.outcome) == (Moment.ENDED, HERE, Outcome.FAILED)
    assert (entry.request_id, entry.in_doubt) == ("r-1", True)


async def test_turns_are_those_of_the_location(scene: Scene) -> None:
    """Taken for the registry that is written."""
    async with scene.gate.turn(HERE):
        assert scene.log == [f"turn {HERE}"]
