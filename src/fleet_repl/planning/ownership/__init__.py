"""Ownership: which rules of a registry are the fleet's own, and a document that keeps the rest.

Rules of others stay as they are, to the letter. Our rules are those on record as last applied or,
where nothing is recorded, those that routes request.
"""

from fleet_repl.planning.ownership.cells import Cells, both, cells_of, common, taken_out, without
from fleet_repl.planning.ownership.merge import Merged, merge_additive, merge_exclusive
from fleet_repl.planning.ownership.narrow import narrowed, owned_of
from fleet_repl.planning.ownership.rebase import OurPart, SharedWrite, listed
from fleet_repl.planning.ownership.record import NOTHING_APPLIED, Applied, Due, Record, together

__all__ = [
    "NOTHING_APPLIED",
    "Applied",
    "Cells",
    "Due",
    "Merged",
    "OurPart",
    "Record",
    "SharedWrite",
    "both",
    "cells_of",
    "common",
    "listed",
    "merge_additive",
    "merge_exclusive",
    "narrowed",
    "owned_of",
    "taken_out",
    "together",
    "without",
]
