"""Ownership: which rules of a registry are the fleet's own, and a document that keeps the rest.

Rules of others stay as they are, to the letter. Our rules are those on record as last applied or,
where nothing is recorded, those that routes request.
"""

from fleet_repl.planning.ownership.cells import (
    Cells as Cells,
    both as both,
    cells_of as cells_of,
    common as common,
    taken_out as taken_out,
    without as without,
)
from fleet_repl.planning.ownership.merge import (
    Merged as Merged,
    merge_additive as merge_additive,
    merge_exclusive as merge_exclusive,
)
from fleet_repl.planning.ownership.narrow import narrowed as narrowed, owned_of as owned_of
from fleet_repl.planning.ownership.rebase import (
    OurPart as OurPart,
    SharedWrite as SharedWrite,
    listed as listed,
)
from fleet_repl.planning.ownership.record import (
    NO_RECORD as NO_RECORD,
    NOTHING_APPLIED as NOTHING_APPLIED,
    Applied as Applied,
    Due as Due,
    Record as Record,
    together as together,
)
