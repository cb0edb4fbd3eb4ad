"""Ownership: which rules of a registry are the fleet's own, and a document that keeps the rest.

Rules of others stay as they are, to the letter. Ours are told by what the fleet last applied,
or, where nothing is recorded, by being what it asks for.
"""

from fleet_repl.ownership.applied import Applied, Due, Record, together
from fleet_repl.ownership.cells import Cells, both, cells_of, without
from fleet_repl.ownership.merging import Merged, Wanted, alone, beside
from fleet_repl.ownership.narrowing import narrowed, owned_of
from fleet_repl.ownership.rebase import SharedWrite, Sharing, listed

__all__ = [
    "Applied",
    "Cells",
    "Due",
    "Merged",
    "Record",
    "SharedWrite",
    "Sharing",
    "Wanted",
    "alone",
    "beside",
    "both",
    "cells_of",
    "listed",
    "narrowed",
    "owned_of",
    "together",
    "without",
]
