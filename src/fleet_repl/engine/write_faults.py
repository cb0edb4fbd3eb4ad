"""The faults of writes that AWS did not refuse, and that failed all the same."""

from __future__ import annotations

from fleet_repl.engine.polls import READ_BACK_DELAYS
from fleet_repl.values.errors import Fault, FaultKind


def conflict(operation: str) -> Fault:
    """The document is neither as the plan saw it nor as it was to become."""
    return Fault(
        kind=FaultKind.CONFLICT,
        operation=operation,
        message="it was changed by someone else after the plan was made, and is left as it is",
        hint="plan again to see what is there now",
    )


def unconfirmed(fault: Fault) -> Fault:
    """The document was written, and the read after it failed."""
    return _unread(fault, "it was written, but could not be read back")


def overtaken(operation: str, *, untouched: bool) -> Fault:
    """The document was written, and reads do not show it. `untouched`: they show it as it was."""
    shows = "what was there before" if untouched else "something else"
    return Fault(
        kind=FaultKind.CONFLICT,
        operation=operation,
        message=f"it was written, but reads still show {shows} after {sum(READ_BACK_DELAYS):.0f} s",
        hint="someone else may be writing too; run drift to see what is in place",
    )


def unguarded(operation: str) -> Fault:
    """No read was quick enough for the write to follow it under the lock."""
    return Fault(
        kind=FaultKind.TIMEOUT,
        operation=operation,
        message="reading what is in place took so long each time that too little was left of the "
        "run's lock for the write; nothing was written",
        hint="apply again; if it stays so, look at how long ECR takes to answer",
    )


def overwritten(operation: str) -> Fault:
    """The document was written and read back, and the last look shows something else."""
    return Fault(
        kind=FaultKind.CONFLICT,
        operation=operation,
        message="it was written and read back, but is no longer in place: someone else has "
        "overwritten it",
        hint="find out who else writes this registry, then plan again",
    )


def unseen(fault: Fault) -> Fault:
    """The document was written and read back, and the last look has failed."""
    return _unread(
        fault, "it was written and read back, but whether it has stayed so could not be looked at"
    )


def _unread(fault: Fault, reason: str) -> Fault:
    """The fault of a write after which a read has failed with `fault`."""
    return Fault(
        kind=fault.kind,
        operation=fault.operation,
        code=fault.code,
        request_id=fault.request_id,
        message=f"{reason}: {fault.message}",
        hint="run drift to see whether it is in place",
    )
