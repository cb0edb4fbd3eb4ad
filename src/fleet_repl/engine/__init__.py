"""Observe, apply, backfill, verify: the order and the concurrency of calls.

Decisions are made elsewhere; here failures become values and only cancellation escapes.
"""

from fleet_repl.engine.apply import Applying, apply_plan
from fleet_repl.engine.backfill.run import backfill, look
from fleet_repl.engine.backfill.start import Backfilling
from fleet_repl.engine.concluding import reason_of, untouched
from fleet_repl.engine.observe import Observing, observe
from fleet_repl.engine.reading_rules import read_rules
from fleet_repl.engine.registry_documents import Writing
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.verify import Verifying, verify

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
