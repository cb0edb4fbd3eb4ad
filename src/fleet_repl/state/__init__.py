"""The memory of a fleet between runs, in a folder or a bucket: lock, journal, record and runs.

The law of this room: a document that cannot be read is an error, and never counts as an empty one.
"""

from fleet_repl.state.bucket import BucketStore
from fleet_repl.state.discovery import discovery_name, read_discovery, write_discovery
from fleet_repl.state.examine import LockAndFreeze, examine_state, read_lock_and_freeze
from fleet_repl.state.fingerprints import read_fingerprints, revise_fingerprints
from fleet_repl.state.fleet_register import Registration, introduce_fleet, register_fleet
from fleet_repl.state.folder import FolderStore
from fleet_repl.state.freeze import frozen_refusal, lift_freeze, read_freeze, write_freeze
from fleet_repl.state.journal import Journal
from fleet_repl.state.kept_repositories import read_repositories, revise_repositories
from fleet_repl.state.known_runs import refresh_index, remove_runs
from fleet_repl.state.lease import Lease
from fleet_repl.state.lock import Lock, current_holder, find_lock, release_lock
from fleet_repl.state.process import Process, gone, this_process
from fleet_repl.state.record import Remembered, merge_records, parse_record, record_document
from fleet_repl.state.revise import revise
from fleet_repl.state.rollback_marks import Marks, lifted, read_marks, reset, revise_marks
from fleet_repl.state.runs import RunRecords, fleets
from fleet_repl.state.turns import Turns

__all__ = [
    "BucketStore",
    "FolderStore",
    "Journal",
    "Lease",
    "Lock",
    "LockAndFreeze",
    "Marks",
    "Process",
    "Registration",
    "Remembered",
    "RunRecords",
    "Turns",
    "current_holder",
    "discovery_name",
    "examine_state",
    "find_lock",
    "fleets",
    "frozen_refusal",
    "gone",
    "introduce_fleet",
    "lift_freeze",
    "lifted",
    "merge_records",
    "parse_record",
    "read_discovery",
    "read_fingerprints",
    "read_freeze",
    "read_lock_and_freeze",
    "read_marks",
    "read_repositories",
    "record_document",
    "refresh_index",
    "register_fleet",
    "release_lock",
    "remove_runs",
    "reset",
    "revise",
    "revise_fingerprints",
    "revise_marks",
    "revise_repositories",
    "this_process",
    "write_discovery",
    "write_freeze",
]
