"""The effective permissions of a registry policy: our and foreign statements, Allows and Denies.

Only certainty counts. An Allow counts where its condition is surely met. A Deny counts where a
request that a link needs falls under it, or may, unless somebody vouches for the statement.
"""

from __future__ import annotations

from fleet_repl.ecr.policy.evaluate.conditions import (
    Truth,
    all_of,
    any_of,
    condition_met,
    condition_parts,
    not_true,
    undecided_keys,
)
from fleet_repl.ecr.policy.evaluate.in_force import Permissions, in_force
from fleet_repl.ecr.policy.evaluate.patterns import matches, meets
from fleet_repl.ecr.policy.evaluate.statements import concerns, replication_requests, texts
from fleet_repl.ecr.policy.evaluate.verdicts import Verdict, verdicts_on

__all__ = [
    "Permissions",
    "Truth",
    "Verdict",
    "all_of",
    "any_of",
    "concerns",
    "condition_met",
    "condition_parts",
    "in_force",
    "matches",
    "meets",
    "not_true",
    "replication_requests",
    "texts",
    "undecided_keys",
    "verdicts_on",
]
