"""Rounds as log lines. Pure."""

from __future__ import annotations

from typing import assert_never

from fleet_repl.values.canonical_json import Json
from fleet_repl.watch.documents import SHOWN, excluded_document, headline
from fleet_repl.watch.log_entries import Level, Told
from fleet_repl.watch.round import Round, Verdict


def round_told(round_: Round) -> Told:
    """A round as a log line, by which alarms can be set."""
    match round_.verdict:
        case Verdict.IN_SYNC | Verdict.CORRECTED | Verdict.BUSY | Verdict.INTERRUPTED:
            level: Level = "info"
        case Verdict.DRIFT | Verdict.FROZEN | Verdict.PARTIAL:
            level = "warning"
        case Verdict.FAILED | Verdict.REFUSED | Verdict.BROKEN:
            level = "error"
        case _:
            assert_never(round_.verdict)
    took = (round_.finished_at - round_.started_at).total_seconds()
    fields: dict[str, Json] = {
        "round": round_.number,
        "fleet": round_.fleet,
        "run_id": round_.run_id,
        "verdict": round_.verdict.value,
        "exit_code": int(round_.exit_code),
        "seconds": round(took, 3),
        "drifted": len(round_.drifted),
        "still_differing": len(round_.differing),
        "left_alone": len(round_.left_alone),
        "excluded": [excluded_document(one) for one in round_.excluded[:SHOWN]],
        "more_excluded": max(0, len(round_.excluded) - SHOWN),
        "error": round_.error,
    }
    message = f"round {round_.number}: {headline(round_)} ({took:.1f} s)"
    return Told(level=level, event="round-finished", message=message, fields=fields)
