"""Names of role sessions: whoever reads CloudTrail knows a run by them, and so does the fleet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from fleet_repl.values import limits

_NOT_IN_A_SESSION_NAME: Final = re.compile(r"[^\w+=,.@-]", re.ASCII)
_RUN_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}\Z")


def session_name(fleet: str, run_id: str) -> str:
    """`fleet-repl-<fleet>-<run id>` as STS takes it; a long fleet name is cut, the run id never.

    STS allows 2..64 characters of `[\\w+=,.@-]` (its service model).
    """
    room = limits.SESSION_NAME_LENGTH - len(f"fleet-repl--{run_id}")
    text = f"fleet-repl-{fleet[: max(room, 0)]}-{run_id}"
    return _NOT_IN_A_SESSION_NAME.sub("-", text)[-limits.SESSION_NAME_LENGTH :]


def is_session_of(session: str, fleets: Iterable[str]) -> bool:
    """Returns whether a role session is named as runs of one of these fleets name theirs."""
    run_id = _RUN_ID.search(session)
    return run_id is not None and any(session == session_name(fleet, run_id[0]) for fleet in fleets)
