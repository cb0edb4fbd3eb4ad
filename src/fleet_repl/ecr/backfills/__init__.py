"""Backfills: ECR's jobs that copy to one destination what was pushed before its rule was there."""

from fleet_repl.ecr.backfills.decide import Decision, decide, latest
from fleet_repl.ecr.backfills.model import Backfill, BackfillOutcome, BackfillState
from fleet_repl.ecr.backfills.parse import MalformedBackfillError, parse_backfill

__all__ = [
    "Backfill",
    "BackfillOutcome",
    "BackfillState",
    "Decision",
    "MalformedBackfillError",
    "decide",
    "latest",
    "parse_backfill",
]
