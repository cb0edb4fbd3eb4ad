"""The lines of a journal about one planned change, read as the writes that they tell of."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.runs.history import JournalEntry, Moment
from fleet_repl.runs.journal import journaled_writes, last_writes
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.names import AccountId, Region, Registry

HUB = Registry(AccountId("111111111111"), Region("eu-west-1"))


def line_of(letter: str, number: int) -> JournalEntry:
    """Line `number` about one policy: `s` announces it, `e` says that it was applied, `f` that it
    failed, and a capital letter means the policy's second phase."""
    moment = Moment.SENDING if letter.lower() == "s" else Moment.ENDED
    return JournalEntry(
        moment=moment,
        at=datetime(2026, 11, 23, 12, 0, number, tzinfo=UTC),
        registry=HUB,
        resource=Resource.REGISTRY_POLICY,
        action=Action.UPDATE,
        phase=Phase.GRANTS if letter.islower() else Phase.WITHDRAWALS,
        wave="rest",
        outcome={"e": Outcome.APPLIED, "f": Outcome.FAILED}.get(letter.lower()),
    )


@pytest.mark.parametrize(
    ("lines", "writes", "last"),
    [
        ("", [], []),
        ("s", [(0, None)], [(0, None)]),
        ("se", [(0, 1)], [(0, 1)]),
        ("sse", [(0, 2)], [(0, 2)]),
        ("sef", [(0, 2)], [(0, 2)]),
        ("sses", [(0, 2), (3, None)], [(3, None)]),
        ("f", [(None, 0)], [(None, 0)]),
        ("fse", [(None, 0), (1, 2)], [(1, 2)]),
        ("seSs", [(0, 1), (2, None), (3, None)], [(3, None), (2, None)]),
    ],
)
def test_lines_are_paired(
    lines: str, writes: list[tuple[int | None, int | None]], last: list[tuple[int | None, ...]]
) -> None:
    """Another announcement before the end is another attempt, one after the end another write; a
    later end replaces the one before; what was never sent has an end alone."""
    journal = [line_of(letter, number) for number, letter in enumerate(lines)]

    def number(entry: JournalEntry | None) -> int | None:
        return None if entry is None else journal.index(entry)

    read = [(number(write.sent), number(write.ended)) for write in journaled_writes(journal)]
    assert read == writes
    latest = last_writes(journal).values()
    assert [(number(write.sent), number(write.ended)) for write in latest] == last
