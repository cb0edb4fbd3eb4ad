"""Fingerprints and marks: small documents that several may change and none may misread."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st
from tests.state.runs.conftest import MemoryStore
from tests.support.clock import NOON
from tests.support.registries import registry_of

from fleet_repl.runs.history import Fingerprint, RolledBack
from fleet_repl.state import (
    lifted,
    read_fingerprints,
    read_marks,
    reset,
    revise,
    revise_fingerprints,
    revise_marks,
)
from fleet_repl.state.fingerprints import fingerprints_content, parse_fingerprints
from fleet_repl.values.errors import StateError
from fleet_repl.values.names import AccountId, Region, Registry

HUB, SPOKE = map(registry_of, "12")
DIGEST = "0123456789abcdef"
TRACE = Fingerprint(run_id="r", at=NOON, inventory="sha256:1", rules=DIGEST)

digests = st.none() | st.sampled_from([DIGEST, "f" * 16])
fingerprints = st.dictionaries(
    st.builds(
        Registry,
        st.sampled_from([AccountId(digit * 12) for digit in "0123"]),
        st.sampled_from([Region("eu-west-1"), Region("us-gov-west-1")]),
    ),
    st.builds(
        Fingerprint,
        run_id=st.sampled_from("ab"),
        at=st.sampled_from([NOON, NOON + timedelta(days=1)]),
        inventory=st.sampled_from("xy"),
        rules=digests,
        policy=digests,
        whole=st.booleans(),
        templates=st.dictionaries(
            st.sampled_from(["", "a", "b/c"]), st.sampled_from([DIGEST, "f" * 16]), max_size=2
        ),
    ),
)


@given(left=fingerprints)
def test_traces_come_back(left: dict[Registry, Fingerprint]) -> None:
    """Whatever was left where, by however many runs."""
    assert parse_fingerprints(fingerprints_content(left), "t") == left


def test_traces_are_small() -> None:
    """A run is told once, however many registries it has written."""
    assert fingerprints_content({SPOKE: TRACE, HUB: TRACE}) == (
        b'{"schema":"fleet-repl/traces/1",'
        b'"runs":[{"run":"r","at":"2026-11-23T12:00:00Z","inventory":"sha256:1"}],'
        b'"registries":{"111111111111/eu-west-1":[0,"0123456789abcdef",null],'
        b'"222222222222/eu-west-1":[0,"0123456789abcdef",null]}}\n'
    )


@pytest.mark.parametrize(
    ("registries", "reason"),
    [
        ('{"x": [0, null, null]}', '"x" is no registry'),
        ('{"111111111111/eu-west-1": [1, null, null]}', "the number of a run and two digests"),
        ('{"111111111111/eu-west-1": [0, null]}', "the number of a run and two digests"),
        (
            '{"111111111111/eu-west-1": [0, "short", null]}',
            "a digest of 16 hexadecimal digits or",
        ),
    ],
)
def test_damaged_traces_are_reported(registries: str, reason: str) -> None:
    """A fingerprint that is misread would blame somebody for nothing."""
    run = '{"run": "r", "at": "2026-11-23T12:00:00Z", "inventory": "i"}'
    text = f'{{"schema": "fleet-repl/traces/1", "runs": [{run}], "registries": {registries}}}'
    with pytest.raises(StateError, match=reason):
        parse_fingerprints(text.encode(), "t")


async def test_traces_are_kept(store: MemoryStore) -> None:
    """None at first; afterwards what was last made of them."""
    assert await read_fingerprints(store, "prod") == {}
    await revise_fingerprints(store, "prod", lambda fingerprints: {**fingerprints, HUB: TRACE})
    await revise_fingerprints(store, "prod", lambda fingerprints: {**fingerprints, SPOKE: TRACE})
    assert await read_fingerprints(store, "prod") == {HUB: TRACE, SPOKE: TRACE}
    assert set(store.documents) == {"prod/traces.json"}


MARKS = tuple(
    RolledBack(inventory=inventory, run_id=run, by="z", at=NOON)
    for inventory, run in (("i1", "a"), ("i2", "b"))
)


def test_marks_of_a_version_are_lifted() -> None:
    """Once that is applied after all; those of other versions stay."""
    assert lifted(MARKS, "i1") == MARKS[1:]
    assert lifted(MARKS, "i3") == MARKS


def test_marks_are_as_if_a_run_had_not_been() -> None:
    """What it lifted and what it put its own in the place of holds again; others' stay."""
    first, second = MARKS
    own = replace(first, by="me")
    late = replace(second, by="other")
    assert reset((own, second), MARKS, by="me") == MARKS
    assert reset((second,), MARKS, by="me") == MARKS
    assert reset((own,), (), by="me") == ()
    assert reset((own, late), MARKS, by="me") == (first, late)


async def test_marks_are_kept(store: MemoryStore) -> None:
    """In the order in which they were made."""
    assert await read_marks(store, "prod") == ()
    await revise_marks(store, "prod", lambda marks: (*marks, MARKS[0]))
    await revise_marks(store, "prod", lambda marks: (*marks, MARKS[1]))
    assert await read_marks(store, "prod") == MARKS
    store.documents["prod/rolled-back.json"] = b'{"schema": "fleet-repl/rolled-back/1"}'
    with pytest.raises(StateError, match=r"memory/prod/rolled-back\.json: marks: it is missing"):
        await read_marks(store, "prod")


async def test_a_change_is_made_to_what_is_there(store: MemoryStore) -> None:
    """Somebody else was faster twice: the change is asked again, and nothing of theirs is lost."""
    others = [b"one", b"one two"]

    def meddle() -> None:
        if others:
            store.documents["x"] = others.pop(0)
            store.versions += 1

    store.meddle = meddle
    assert await revise(store, "x", lambda content: (content or b"") + b" mine") == b"one two mine"
    assert store.documents["x"] == b"one two mine"


async def test_what_is_as_it_shall_be_is_left_alone(store: MemoryStore) -> None:
    """None, or the same again, is no write."""
    assert await revise(store, "x", lambda content: None) is None
    assert store.documents == {}
    store.documents["x"] = b"same"
    assert await revise(store, "x", lambda content: content) == b"same"
    assert store.versions == 0


async def test_a_change_that_never_fits_is_given_up(store: MemoryStore) -> None:
    """With a word on who may be behind it."""

    def meddle() -> None:
        store.documents["x"] = b"theirs"
        store.versions += 1

    store.meddle = meddle
    with pytest.raises(StateError) as raised:
        await revise(store, "x", lambda content: b"mine")
    assert str(raised.value) == (
        "the fleet's state cannot be written: memory/x: it is changed all the time\n"
        "    see who else writes there, and try again"
    )
