"""Retries as events of a run."""

from __future__ import annotations

from fleet_repl.runs.events import CallRetried
from fleet_repl.values.errors import CallError
from fleet_repl.values.names import Registry


def retry_event(
    registry: Registry, operation: str, error: CallError, attempt: int, delay: float
) -> CallRetried:
    """The event for a call that is made again after `delay` seconds. `attempt`: the failed one."""
    return CallRetried(
        account=registry.account,
        operation=operation,
        error=error.fault,
        attempt=attempt,
        delay=delay,
        region=registry.region,
    )
