"""Each invariant notices what it is there for, and none finds fault with a run as it should be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.sequences.invariants import INVARIANTS, violations
from tests.sequences.trace import (
    POLICY,
    RULES,
    TEMPLATE,
    Began,
    Change,
    Crashed,
    Edited,
    Ended,
    Finished,
    Happening,
    Read,
    Rested,
    Wrote,
    mark,
)

RUN = "20261123T080001Z-000001"
OTHER = "20261123T080002Z-000002"
NOTHING: Any = {"rules": []}


def rules(*links: tuple[int, str]) -> Any:
    """Rules for these links."""
    return {
        "rules": [
            {
                "destinations": [{"region": "eu-west-1", "registryId": f"{end:012d}"}],
                "repositoryFilters": [{"filter": prefix, "filterType": "PREFIX_MATCH"}],
            }
            for end, prefix in links
        ]
    }


def policy(*sids: str) -> Any:
    return {"Statement": [{"Sid": sid, "Action": "a", "Resource": "r"} for sid in sids]}


THEIRS, OURS = (3, "x1/"), (2, "a1/")
BEGAN = Began(run=RUN, fleet="alpha", forced=False, careful=True, wanted=frozenset({(1, 2, "a1/")}))
LOOK = Read(run=RUN, place=1, resource=RULES, seen=rules(THEIRS))
WROTE = Wrote(
    run=RUN,
    fleet="alpha",
    place=1,
    resource=RULES,
    before=rules(THEIRS),
    after=rules(THEIRS, OURS),
    announced=True,
    ungranted_before=frozenset(),
    ungranted_after=frozenset(),
)
BACK = replace(LOOK, seen=rules(THEIRS, OURS))
APPLIED = Change(
    place=1, resource=RULES, outcome="applied", after=rules(THEIRS, OURS), in_doubt=False
)
ENDED = Ended(run=RUN, changes=(APPLIED,))
DIED = replace(ENDED, changes=(replace(APPLIED, outcome="cancelled"),), died=True)
RESTED = Rested(fleet="alpha", recorded=frozenset({(1, 2, "a1/")}))
FINISHED = Finished(
    fleet="alpha",
    statuses=("ok", "ok"),
    late_writes=0,
    wanted=frozenset({(1, 2, "a1/")}),
    in_place=frozenset({(1, 2, "a1/")}),
    ungranted=frozenset(),
    unfinished=(),
    locked=False,
)
GOOD: tuple[Happening, ...] = (BEGAN, LOOK, WROTE, BACK, ENDED, RESTED, FINISHED)


def instead(old: Happening, *new: Happening) -> tuple[Happening, ...]:
    """The good run, in which something else happens in place of one thing."""
    at = GOOD.index(old)
    return (*GOOD[:at], *new, *GOOD[at + 1 :])


def edited(before: Any, after: Any, *, place: int = 1, resource: str = RULES) -> Edited:
    return Edited(place=place, resource=resource, before=before, after=after, at_write_of=None)


STRANGER = edited(rules(THEIRS), rules(THEIRS, (4, "x2/")))
OVERTAKEN = (
    Began(run=OTHER, fleet="alpha", forced=False, careful=True, wanted=frozenset()),
    Ended(run=OTHER, changes=()),
)
BAD: dict[str, list[tuple[Happening, ...]]] = {
    "foreign_content_stays": [
        instead(WROTE, replace(WROTE, after=rules(OURS))),
        instead(WROTE, replace(WROTE, after=rules(THEIRS, OURS, (4, "x2/")))),
        instead(WROTE, replace(WROTE, after={"rules": [*rules(THEIRS)["rules"][:0]]})),
        instead(LOOK),
        instead(
            LOOK,
            replace(LOOK, resource=POLICY, seen=policy("Theirs")),
            replace(WROTE, resource=POLICY, after=policy(mark("alpha"))),
            LOOK,
        ),
    ],
    "nothing_stands_between_look_and_write": [
        (BEGAN, LOOK, STRANGER, replace(WROTE, before=STRANGER.after), *GOOD[3:]),
    ],
    "foreign_templates_stay": [
        instead(
            LOOK, LOOK, replace(WROTE, resource=TEMPLATE, before={"xt1": {}}, after={"xt1": None})
        ),
        instead(LOOK, LOOK, replace(WROTE, resource=TEMPLATE, before={}, after={"xt1": {}})),
    ],
    "grants_come_first_and_go_last": [
        instead(WROTE, replace(WROTE, ungranted_after=frozenset({(1, 2, "a1/")}))),
    ],
    "writes_are_announced": [instead(WROTE, replace(WROTE, announced=False))],
    "applied_means_in_place": [
        instead(ENDED, replace(ENDED, changes=(replace(APPLIED, after=rules(OURS)),))),
        instead(BACK),
        instead(BACK, replace(BACK, seen=rules(THEIRS))),
        instead(
            BACK,
            BACK,
            edited(WROTE.after, rules(THEIRS)),
            replace(WROTE, place=2, before=NOTHING, after=NOTHING, run=RUN),
        ),
    ],
    "what_is_called_untouched_is": [
        instead(ENDED, replace(ENDED, changes=(replace(APPLIED, outcome=text),)))
        for text in ("unchanged", "skipped", "cancelled")
    ]
    + [
        # A stranger was there, and what the dead run had written stayed, or was gone before.
        (*GOOD[:2], STRANGER, replace(WROTE, before=STRANGER.after), DIED),
        (*GOOD[:2], STRANGER, edited(STRANGER.after, WROTE.before), WROTE, DIED),
        (*GOOD[:4], edited(WROTE.after, rules(THEIRS, OURS, (4, "x2/"))), DIED),
    ],
    "the_record_keeps_links_in_place": [instead(RESTED, replace(RESTED, recorded=frozenset()))],
    "old_wishes_are_not_carried_out": [instead(LOOK, *OVERTAKEN, LOOK)],
    "links_wait_for_their_wave": [
        instead(BEGAN, replace(BEGAN, until=frozenset({3, 4}))),
        instead(BEGAN, replace(BEGAN, until=frozenset())),
    ],
    "everything_ends_well": [
        instead(FINISHED, replace(FINISHED, statuses=("ok", "failed"))),
        instead(FINISHED, replace(FINISHED, late_writes=1)),
        instead(FINISHED, replace(FINISHED, in_place=frozenset())),
        instead(FINISHED, replace(FINISHED, wanted=frozenset())),
        instead(FINISHED, replace(FINISHED, ungranted=frozenset({(1, 2, "a1/")}))),
        instead(FINISHED, replace(FINISHED, unfinished=(RUN,))),
        instead(FINISHED, replace(FINISHED, locked=True)),
    ],
    "nothing_crashes": [instead(ENDED, Crashed(run=RUN, error="KeyError"), ENDED)],
}


def test_a_run_as_it_should_be() -> None:
    """It keeps what is others', is announced, read back, recorded, and finds nothing to do."""
    assert violations(GOOD) == []


def test_every_invariant_is_tried() -> None:
    """By a trace at the least that it has to find fault with."""
    assert list(BAD) == [invariant.__name__ for invariant in INVARIANTS]


@pytest.mark.parametrize(
    ("name", "trace"), [(name, trace) for name, traces in BAD.items() for trace in traces]
)
def test_what_is_wrong_is_noticed(name: str, trace: tuple[Happening, ...]) -> None:
    """By the invariant that is about it."""
    assert name in {violation.partition(":")[0] for violation in violations(trace)}


@pytest.mark.parametrize(
    "trace",
    [
        # With --force, others' content goes.
        (replace(BEGAN, forced=True), LOOK, replace(WROTE, after=rules(OURS))),
        # The link's destination is in the wave that its run ends with, or its source is.
        (replace(BEGAN, until=frozenset({2, 5})), *GOOD[1:]),
        (replace(BEGAN, until=frozenset({1})), *GOOD[1:]),
        # What a run had written that died was put back before anybody looked.
        (*GOOD[:4], edited(WROTE.after, WROTE.before), DIED),
        # The same, and another fleet's run took its own away again.
        (
            *GOOD[:4],
            edited(WROTE.after, rules(THEIRS, (4, "b1/"))),
            replace(BEGAN, run=OTHER, fleet="beta"),
            replace(LOOK, run=OTHER, seen=rules(THEIRS, (4, "b1/"))),
            replace(WROTE, run=OTHER, fleet="beta", before=NOTHING, after=rules(THEIRS)),
            DIED,
        ),
        # In the moment of the write nobody can see it.
        (
            BEGAN,
            LOOK,
            replace(STRANGER, at_write_of=RUN),
            replace(WROTE, before=STRANGER.after),
            *GOOD[3:],
        ),
        # A grant that a stranger has taken away meanwhile.
        (
            BEGAN,
            LOOK,
            edited(policy(mark("alpha")), None, place=2, resource=POLICY),
            replace(WROTE, ungranted_after=frozenset({(1, 2, "a1/")})),
            *GOOD[3:],
        ),
        # A link that another fleet's forced rollback has put back is not of this fleet's making.
        (*GOOD[:-2], edited(WROTE.after, rules(OURS, (4, "a9/"))), RESTED, FINISHED),
        # Something is taken away after the last write of the run.
        (*GOOD[:4], edited(WROTE.after, rules(THEIRS)), ENDED),
        # A rollback takes back what its run has done to others, too.
        (
            BEGAN,
            replace(LOOK, seen=rules(OURS)),
            replace(BEGAN, run=OTHER, forced=True, fleet="beta"),
            replace(WROTE, run=OTHER, fleet="beta", after=rules(OURS)),
            replace(BEGAN, run=f"{OTHER}-back", fleet="beta", undoes=OTHER),
            replace(LOOK, run=f"{OTHER}-back", seen=rules(OURS)),
            replace(
                WROTE,
                run=f"{OTHER}-back",
                fleet="beta",
                before=rules(OURS),
                after=rules(THEIRS),
            ),
        ),
    ],
)
def test_what_cannot_be_helped_is_no_fault(trace: tuple[Happening, ...]) -> None:
    """Nor is what somebody insists on."""
    assert violations(trace) == []
