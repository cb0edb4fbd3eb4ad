"""Rollback: what a run changed, and the plan that puts it back. Nothing is written here.

The law of this package: what somebody else has changed since stays as it is, and no rule of the
fleet is ever in place without a grant that is the fleet's to give, unless somebody insists.

Who still uses a grant and which link no grant lets in is for the planner's own functions to say.
They are asked about the documents that are put back (`outlook`). The planner as a whole is not run,
because it holds single links, keeps single grants, and groups rules and statements anew: a rollback
puts a whole document back to the letter, or refuses the whole of it (`refusals`).
"""

from __future__ import annotations

from fleet_repl.runs.rollback.marks import origin as origin, remarked as remarked
from fleet_repl.runs.rollback.planner import plan_rollback as plan_rollback, restored as restored
from fleet_repl.runs.rollback.targets import (
    Target as Target,
    needed_observation as needed_observation,
    targets as targets,
)
