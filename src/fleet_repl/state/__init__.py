"""The memory of a fleet between runs, in a folder or a bucket: lock, journal, record and runs.

The law of this room: a document that cannot be read is an error, and never counts as an empty one.
"""

from fleet_repl.state.bucket import BucketStore as BucketStore
from fleet_repl.state.discovery import (
    discovery_name as discovery_name,
    read_discovery as read_discovery,
    write_discovery as write_discovery,
)
from fleet_repl.state.fingerprints import (
    read_fingerprints as read_fingerprints,
    revise_fingerprints as revise_fingerprints,
)
from fleet_repl.state.fleet_register import (
    Registration as Registration,
    introduce_fleet as introduce_fleet,
    register_fleet as register_fleet,
)
from fleet_repl.state.folder import FolderStore as FolderStore
from fleet_repl.state.freeze import (
    frozen_refusal as frozen_refusal,
    lift_freeze as lift_freeze,
    read_freeze as read_freeze,
    write_freeze as write_freeze,
)
from fleet_repl.state.journal import Journal as Journal
from fleet_repl.state.kept_repositories import (
    read_repositories as read_repositories,
    revise_repositories as revise_repositories,
)
from fleet_repl.state.known_runs import refresh_index as refresh_index, remove_runs as remove_runs
from fleet_repl.state.lease import Lease as Lease
from fleet_repl.state.lock import (
    Lock as Lock,
    current_holder as current_holder,
    find_lock as find_lock,
    release_lock as release_lock,
)
from fleet_repl.state.lock_and_freeze import (
    LockAndFreeze as LockAndFreeze,
    read_lock_and_freeze as read_lock_and_freeze,
)
from fleet_repl.state.process import Process as Process, gone as gone, this_process as this_process
from fleet_repl.state.record import (
    Remembered as Remembered,
    merge_records as merge_records,
    parse_record as parse_record,
    record_document as record_document,
)
from fleet_repl.state.revise import revise as revise
from fleet_repl.state.rollback_marks import (
    Marks as Marks,
    lifted as lifted,
    read_marks as read_marks,
    reset as reset,
    revise_marks as revise_marks,
)
from fleet_repl.state.runs import RunRecords as RunRecords, fleets as fleets
from fleet_repl.state.turns import Turns as Turns
