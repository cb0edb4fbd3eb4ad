"""The journal: durable before a write is sent, in few appends, and never past damage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, strategies as st
from tests.state.runs.conftest import MemoryStore
from tests.support.registries import registry_of

from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.runs.history import JournalEntry, Moment
from fleet_repl.runs.outcomes import Outcome, Writes
from fleet_repl.state import Journal, RunRecords
from fleet_repl.state.journal import entry_line, parse_journal
from fleet_repl.values.errors import StateError

RUN = "20261123T081500Z-ab12cd"
NAME = f"prod/runs/{RUN}/journal.jsonl"
HEADER = b'{"schema":"fleet-repl/journal/1"}\n'
NOON = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
HUB = registry_of("1")

documents = st.none() | st.dictionaries(
    st.text(max_size=3), st.none() | st.text("a\n\x7fé\ud800", max_size=3) | st.floats(0, 1)
)
moments = st.integers(0, 10**9).map(lambda count: NOON + timedelta(milliseconds=count))


@st.composite
def entries(draw: st.DrawFn) -> JournalEntry:
    """Lines of both kinds."""
    resource = draw(st.sampled_from(Resource))
    sending = draw(st.booleans())
    return JournalEntry(
        moment=Moment.SENDING if sending else Moment.ENDED,
        at=draw(moments),
        registry=HUB,
        resource=resource,
        action=draw(st.sampled_from(Action)),
        phase=draw(st.sampled_from(Phase)),
        wave=draw(st.text(max_size=3)),
        prefix=draw(st.text(max_size=3)) if resource is Resource.CREATION_TEMPLATE else None,
        before=draw(documents) if sending else None,
        after=draw(documents) if sending else None,
        outcome=None if sending else draw(st.sampled_from(tuple(Writes().counts))),
        request_id=None if sending else draw(st.none() | st.text(max_size=3)),
        in_doubt=False if sending else draw(st.booleans()),
    )


def sending(number: int = 0) -> JournalEntry:
    return JournalEntry(
        moment=Moment.SENDING,
        at=NOON,
        registry=registry_of(number),
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        wave="canary",
        before={"rules": []},
        after={"rules": ["new"]},
    )


def ended(number: int = 0) -> JournalEntry:
    return JournalEntry(
        moment=Moment.ENDED,
        at=NOON,
        registry=registry_of(number),
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        wave="canary",
        outcome=Outcome.APPLIED,
        request_id="9f",
    )


def test_lines_can_be_read_by_people() -> None:
    """Both kinds, as they are in the file."""
    assert entry_line(sending(1)) == (
        b'{"moment":"sending","at":"2026-11-23T12:00:00.250Z","registry":"000000000001/eu-west-1",'
        b'"resource":"replication-configuration","action":"update","phase":"rules",'
        b'"wave":"canary","before":{"rules":[]},"after":{"rules":["new"]}}\n'
    )
    assert entry_line(ended(1)) == (
        b'{"moment":"settled","at":"2026-11-23T12:00:00.250Z","registry":"000000000001/eu-west-1",'
        b'"resource":"replication-configuration","action":"update","phase":"rules",'
        b'"wave":"canary","outcome":"applied","request_id":"9f","in_doubt":false}\n'
    )


@given(written=st.lists(entries(), max_size=4), cut=st.integers(0, 10**4))
def test_only_the_last_line_can_be_lost(written: list[JournalEntry], cut: int) -> None:
    """Cut off anywhere, a journal gives every entry that was written in full."""
    content = HEADER + b"".join(map(entry_line, written))
    assert parse_journal(content, "j") == tuple(written)
    part = content[:cut]
    whole = max(part.count(b"\n") - 1, 0)
    assert parse_journal(part, "j") == tuple(written[:whole])


def test_damage_elsewhere_is_reported() -> None:
    """A line in the middle that is none, and a file that is no journal."""
    with pytest.raises(StateError) as raised:
        parse_journal(HEADER + entry_line(sending()) + b"garbage\n" + entry_line(ended()), "j")
    assert str(raised.value) == (
        "the journal of a run cannot be read: j, line 3: it is no JSON: Expecting value: line 1 "
        "column 1 (char 0)\n"
        "    somebody else has changed it; move the run's folder away to go on without it"
    )
    with pytest.raises(StateError, match=r"j, line 1: schema: fleet-repl/journal/1 is needed"):
        parse_journal(b'{"schema":"fleet-repl/journal/2"}\n', "j")
    with pytest.raises(StateError, match=r"j, line 2: registry: \"hub\" is no registry"):
        parse_journal(
            HEADER + entry_line(sending()).replace(b"000000000000/eu-west-1", b"hub"), "j"
        )
    with pytest.raises(StateError, match=r"j, line 2: outcome: one of applied, .* is needed"):
        parse_journal(HEADER + entry_line(ended()).replace(b'"applied"', b'"partial"'), "j")


async def test_many_announcements_are_few_appends(store: MemoryStore) -> None:
    """64 writes that are announced at once: each is durable before it goes on, one append holds
    what waited while the one before it was under way."""
    journal = Journal(store, NAME)
    going: list[int] = []

    async def announce(number: int) -> None:
        await journal.announce(sending(number))
        assert entry_line(sending(number)) in store.documents[NAME]
        going.append(number)

    async with anyio.create_task_group() as group:
        for number in range(64):
            group.start_soon(announce, number)
    assert sorted(going) == list(range(64))
    assert len(store.appends) <= 2
    lines = parse_journal(store.documents[NAME], "j")
    assert [int(entry.registry.account) for entry in lines] == list(range(64))


async def test_notes_go_out_with_the_next_announcement(store: MemoryStore) -> None:
    """How a write ended needs no append of its own, and keeps its place."""
    records = RunRecords(store, "prod")
    async with records.journal(RUN) as journal:
        await journal.announce(sending(1))
        journal.note(ended(1))
        assert len(store.appends) == 1
        await journal.announce(sending(2))
        assert len(store.appends) == 2
        journal.note(ended(2))
    assert len(store.appends) == 3
    lines = parse_journal(store.documents[NAME], "j")
    assert lines == (sending(1), ended(1), sending(2), ended(2))


async def test_a_journal_without_a_line_is_no_file(store: MemoryStore) -> None:
    """A run that sends nothing leaves none."""
    async with RunRecords(store, "prod").journal(RUN):
        pass
    assert store.documents == {}


async def test_nothing_is_added_after_a_failure(store: MemoryStore) -> None:
    """Half a line may be there: whoever waits and whoever comes later gets the same error."""
    journal = Journal(store, NAME)
    await journal.announce(sending(0))
    store.broken, store.torn = StateError("no space left"), True
    failures: list[StateError] = []

    async def announce(number: int) -> None:
        try:
            await journal.announce(sending(number))
        except StateError as error:
            failures.append(error)

    async with anyio.create_task_group() as group:
        for number in range(1, 9):
            group.start_soon(announce, number)
    store.broken = None
    await announce(9)
    assert failures == [failures[0]] * 9
    assert str(failures[0]) == "no space left"
    assert parse_journal(store.documents[NAME], "j")[0] == sending(0)
    assert len(store.appends) == 1


async def run_that_fails(store: Any) -> None:
    async with RunRecords(store, "prod").journal(RUN) as journal:
        journal.note(ended())
        raise LookupError("mine")


async def test_a_body_that_fails_is_reported_as_it_is(store: MemoryStore) -> None:
    """Its exception comes out alone; what was noted is put down all the same."""
    with pytest.raises(LookupError, match="mine"):
        await run_that_fails(store)
    assert parse_journal(store.documents[NAME], "j") == (ended(),)


async def test_a_body_that_fails_matters_more_than_the_journal(store: MemoryStore) -> None:
    """A full disk does not hide why the run ended; without another reason, it is told."""
    store.broken = StateError("no space left")
    with pytest.raises(LookupError, match="mine"):
        await run_that_fails(store)
    with pytest.raises(StateError, match="no space left"):
        async with RunRecords(store, "prod").journal(RUN) as journal:
            journal.note(ended())


async def test_a_cancelled_announcement_leaves_others_alone(store: MemoryStore) -> None:
    """The one that writes for all is cancelled: its append ends, and the rest go on."""
    journal = Journal(store, NAME)
    store.gate = anyio.Event()
    scope = anyio.CancelScope()
    reached: list[str] = []

    async def first() -> None:
        with scope:
            await journal.announce(sending(1))
            await anyio.lowlevel.checkpoint()
            reached.append("first")

    async def second() -> None:
        await journal.announce(sending(2))
        reached.append("second")

    async with anyio.create_task_group() as group:
        group.start_soon(first)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
        await anyio.wait_all_tasks_blocked()
        store.gate.set()
    assert reached == ["second"]
    assert parse_journal(store.documents[NAME], "j") == (sending(1), sending(2))


async def test_cancellation_escapes(store: MemoryStore) -> None:
    """A journal that is left by cancellation holds nobody up."""
    with anyio.CancelScope() as scope:
        async with RunRecords(store, "prod").journal(RUN) as journal:
            journal.note(ended())
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert store.appends == []
