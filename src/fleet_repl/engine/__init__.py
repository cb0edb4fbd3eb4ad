"""Observe, apply, backfill, verify: the order and the concurrency of calls.

Decisions are made elsewhere; here failures become values and only cancellation escapes.
"""

from fleet_repl.engine.applying import Applying, apply_plan
from fleet_repl.engine.backfilling import backfill, look
from fleet_repl.engine.concluding import reason_of, untouched
from fleet_repl.engine.observing import Observing, observe
from fleet_repl.engine.reading_rules import read_rules
from fleet_repl.engine.starting import Backfilling
from fleet_repl.engine.stopping import Stop
from fleet_repl.engine.verifying import Verifying, verify
from fleet_repl.engine.writing import Writing

__all__ = [
    "Applying",
    "Backfilling",
    "Observing",
    "Stop",
    "Verifying",
    "Writing",
    "apply_plan",
    "backfill",
    "look",
    "observe",
    "read_rules",
    "reason_of",
    "untouched",
    "verify",
]
