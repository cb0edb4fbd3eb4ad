"""Backfills: ECR's jobs that copy to one destination what was pushed before its rule was there."""

from fleet_repl.ecr.backfills.decide import Decision as Decision, decide as decide, latest as latest
from fleet_repl.ecr.backfills.model import (
    Backfill as Backfill,
    BackfillOutcome as BackfillOutcome,
    BackfillState as BackfillState,
)
from fleet_repl.ecr.backfills.parse import (
    MalformedBackfillError as MalformedBackfillError,
    parse_backfill as parse_backfill,
)
