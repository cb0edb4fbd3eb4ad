"""Whether a round is worth a notification. Pure.

A correction is always news. Drift and failures are news once: a round that finds the same trouble
as the one before is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.values.canonical_json import Json, digest
from fleet_repl.values.errors import Fault
from fleet_repl.values.text import first_line
from fleet_repl.watch.round import Round, Verdict, kinds_against


class News(StrEnum):
    """The reason for a notification."""

    DRIFT = "drift"
    CORRECTED = "corrected"
    """Something was corrected, and there is no new trouble."""
    FAILED = "failed"
    """Something failed, in part or as a whole, and needs a person."""
    RECOVERED = "recovered"
    """All is as wanted again, after trouble that was notified of."""


_WAITING: Final = frozenset({Verdict.DRIFT, Verdict.BUSY, Verdict.FROZEN})
"""Verdicts of rounds in which registries differ, and nothing went wrong."""

_REQUEST: Final = re.compile(r" \[request [^\]]*\]")


def news(round_: Round, notified: str | None) -> News | None:
    """The reason for a notification of a round, or None for a round that is no news.

    `notified`: the digest of the trouble that was notified of last.
    """
    current = trouble(round_)
    if _corrected(round_):
        return News.CORRECTED if current in (None, notified) else News.FAILED
    if round_.verdict is Verdict.INTERRUPTED:
        return None
    if current is None:
        return News.RECOVERED if notified is not None else None
    if current == notified:
        return None
    return News.DRIFT if round_.verdict in _WAITING else News.FAILED


def trouble(round_: Round) -> str | None:
    """A digest of the trouble that is left after a round; None where there is none.

    The digest leaves out whatever changes from round to round by itself: times, request ids, and
    the changes that somebody else makes to a registry that is left alone.
    """
    well = _well(round_)
    if well and not round_.left_alone and round_.inventory_error is None:
        return None
    waiting = round_.verdict in _WAITING
    # A round with excluded registries is partial while other registries are corrected, and refused
    # once there are none: that is the same trouble, and must give the same digest.
    kinds = {kind for planned in round_.excluded for kind in kinds_against(planned)}
    wide = [objection.kind for objection in round_.objections if objection.kind not in kinds]
    alike = bool(kinds) and not wide and round_.verdict in (Verdict.PARTIAL, Verdict.REFUSED)
    verdict = Verdict.PARTIAL if alike else round_.verdict
    document: Json = {
        "verdict": "" if well or waiting else verdict.value,
        "differing": {str(planned.registry): _changes(planned) for planned in _differing(round_)},
        "failing": {str(planned.registry): _reason(error) for planned, error in _failing(round_)},
        "left_alone": [str(registry) for registry in round_.left_alone],
        "objections": list(wide),
        "excluded": {
            str(planned.registry): list(kinds_against(planned)) for planned in round_.excluded
        },
        "error": None if alike else _error(round_),
        "inventory": round_.inventory_error,
    }
    return digest(document)


def _well(round_: Round) -> bool:
    """Returns whether all registries are as wanted, except for those that are left alone."""
    if round_.verdict in (Verdict.IN_SYNC, Verdict.CORRECTED):
        return True
    if round_.verdict not in (Verdict.PARTIAL, Verdict.DRIFT) or not round_.left_alone:
        return False
    backfills = round_.report.backfills if round_.report else ()
    return not (
        any(_differing(round_))
        or any(_failing(round_))
        or any(backfill.fails for backfill in backfills)
    )


def _differing(round_: Round) -> Iterator[RegistryPlan]:
    return (planned for planned in round_.differing if planned.registry not in round_.left_alone)


def _failing(round_: Round) -> Iterator[tuple[RegistryPlan, Fault | None]]:
    return (
        (planned, outcome.error if outcome else planned.error)
        for planned, outcome in round_.failing
        if planned.registry not in round_.left_alone and not planned.objections
    )


def _corrected(round_: Round) -> bool:
    """Returns whether anything was written."""
    report = round_.report
    return report is not None and report.writes.applied > 0


def _changes(planned: RegistryPlan) -> Json:
    return [
        [
            change.resource.value,
            digest(change.before.document),
            digest(change.after.document),
        ]
        for change in planned.changes
    ]


def _reason(error: Fault | None) -> str:
    return "" if error is None else f"{error.kind} {error.operation}"


def _error(round_: Round) -> str | None:
    # While a round waits, the error names the holder of the lock, another one each time.
    if round_.error is None or round_.verdict in _WAITING:
        return None
    return _REQUEST.sub("", first_line(round_.error))
