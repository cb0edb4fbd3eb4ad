"""A registry that is corrected again and again is left alone until it stays as wanted."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, strategies as st
from tests.support.registries import registry_of

from fleet_repl.watch.memory import Memory, memory_document, parse_memory
from fleet_repl.watch.suppression import CORRECTIONS, WINDOW, Sight, Suppression, after_round, only

ONE, OTHER = map(registry_of, "12")
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)

histories = st.lists(st.sampled_from(Sight), max_size=40)
moments = st.datetimes(timezones=st.just(UTC))


def after(*history: Sight) -> Suppression:
    """What is remembered after these sights of one registry."""
    flapping = Suppression()
    for sight in history:
        flapping = after_round(flapping, {ONE: sight}, NOW)
    return flapping


def left_alone_by_the_rule(history: list[Sight]) -> bool:
    """The rule itself, told of whole histories."""
    start = 0
    alone = False
    for end in range(1, len(history) + 1):
        if alone:
            if history[start:end][-WINDOW:] == [Sight.AS_WANTED] * WINDOW:
                alone, start = False, end
        elif history[max(start, end - WINDOW) : end].count(Sight.CORRECTED) >= CORRECTIONS:
            alone, start = True, end
    return alone


@given(history=histories)
def test_three_corrections_within_six_rounds(history: list[Sight]) -> None:
    """Left alone is who was corrected too often, until six rounds in a row are as wanted."""
    assert (ONE in after(*history).left_alone) is left_alone_by_the_rule(history)


def test_corrections_far_apart_are_no_flapping() -> None:
    """Two within six rounds, for ever, are not too many."""
    rare = [Sight.CORRECTED, Sight.AS_WANTED, Sight.AS_WANTED]
    assert ONE not in after(*rare * 10).left_alone
    assert ONE in after(*[Sight.CORRECTED, Sight.AS_WANTED] * 3).left_alone


def test_a_relapse_starts_the_count_anew() -> None:
    """Five rounds as wanted and one that is not are no reason to trust it."""
    left = [Sight.CORRECTED] * 3
    relapse = [*[Sight.AS_WANTED] * 5, Sight.DIFFERING]
    assert ONE in after(*left, *relapse, *[Sight.AS_WANTED] * 5).left_alone
    assert after(*left, *relapse, *[Sight.AS_WANTED] * 6) == Suppression()


@given(history=histories)
def test_nothing_is_remembered_without_need(history: list[Sight]) -> None:
    """Six quiet rounds leave nothing behind, and never more than six are kept."""
    flapping = after(*history)
    assert all(len(rounds) <= WINDOW and any(rounds) for rounds in flapping.recent.values())
    assert after(*history, *[Sight.AS_WANTED] * WINDOW) == Suppression()


@given(history=histories)
def test_what_a_round_does_not_see_stays(history: list[Sight]) -> None:
    """A registry that could not be read is neither better nor worse for it."""
    flapping = after(*history)
    later = after_round(flapping, {OTHER: Sight.AS_WANTED}, NOW)
    assert later == flapping
    assert only(flapping, {OTHER}) == Suppression()
    assert only(flapping, {ONE, OTHER}) == flapping


@given(
    histories=st.tuples(histories, histories),
    since=st.none() | moments,
    notified=st.none() | st.text(max_size=8),
)
def test_memory_survives_being_kept(
    histories: tuple[list[Sight], list[Sight]], since: datetime | None, notified: str | None
) -> None:
    """What is written down is what is read again."""
    flapping = Suppression()
    for registry, history in zip((ONE, OTHER), histories, strict=True):
        for sight in history:
            flapping = after_round(flapping, {registry: sight}, NOW)
    memory = Memory(suppression=flapping, drift_since=since, notified=notified)
    assert parse_memory(memory_document(memory)) == memory
