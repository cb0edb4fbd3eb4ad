"""The numbers of a round for CloudWatch, in its embedded metric format: one JSON object, which
CloudWatch Logs makes metrics of. Pure.

What a round does not know is left out, never 0: a round without a plan knows only how long it took.
"""

from __future__ import annotations

from typing import Final

from fleet_repl.planning.plan import State
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.watch.documents import held_links
from fleet_repl.watch.round import Round

NAMESPACE: Final = "fleet-repl"
_DIMENSION: Final = "fleet"
_SECONDS: Final = "seconds"


def embedded_metrics(round_: Round) -> JsonObject:
    """Returns the metrics of a round, of the dimension `fleet`: registries by what became of them,
    links that are held, and seconds."""
    took = round_.finished_at - round_.started_at
    values = {**_counts(round_), _SECONDS: round(took.total_seconds(), 3)}
    units = {name: "Seconds" if name == _SECONDS else "Count" for name in values}
    return {
        "_aws": {
            "Timestamp": int(round_.finished_at.timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [[_DIMENSION]],
                    "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
                }
            ],
        },
        _DIMENSION: round_.fleet,
        "verdict": round_.verdict.value,
        "run_id": round_.run_id,
        **values,
    }


def _counts(round_: Round) -> dict[str, int]:
    if round_.plan is None:
        return {}
    counts = round_.counts
    return {
        "drifted": len(round_.drifted),
        "applied": counts.get(Outcome.APPLIED.value, 0),
        "failed": counts.get(Outcome.FAILED.value, 0),
        "held": held_links(round_),
        "unreadable": counts.get(State.UNREADABLE.value, 0),
        "joining": len(round_.joining),
    }
