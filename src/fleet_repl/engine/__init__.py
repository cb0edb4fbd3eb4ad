"""Observing a fleet and carrying out a plan: the order and the concurrency of calls.

Decisions are made elsewhere; here failures become values and only cancellation escapes.
"""

from fleet_repl.engine.applying import Applying, apply_plan
from fleet_repl.engine.concluding import untouched
from fleet_repl.engine.observing import Observing, observe
from fleet_repl.engine.stopping import Stop
from fleet_repl.engine.writing import Writing

__all__ = ["Applying", "Observing", "Stop", "Writing", "apply_plan", "observe", "untouched"]
