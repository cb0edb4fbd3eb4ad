"""The effective permissions of a registry policy: our and foreign statements, Allows and Denies.

Only certainty counts. An Allow counts where its condition is surely met. A Deny counts where a
request that a link needs falls under it, or may, unless somebody vouches for the statement.
"""

from __future__ import annotations

from fleet_repl.ecr.policy.evaluate.conditions import (
    Truth as Truth,
    all_of as all_of,
    any_of as any_of,
    condition_met as condition_met,
    condition_parts as condition_parts,
    not_true as not_true,
    undecided_keys as undecided_keys,
)
from fleet_repl.ecr.policy.evaluate.in_force import Permissions as Permissions, in_force as in_force
from fleet_repl.ecr.policy.evaluate.patterns import matches as matches, meets as meets
from fleet_repl.ecr.policy.evaluate.statements import (
    concerns as concerns,
    replication_requests as replication_requests,
    texts as texts,
)
from fleet_repl.ecr.policy.evaluate.verdicts import Verdict as Verdict, verdicts_on as verdicts_on
