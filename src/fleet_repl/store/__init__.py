"""What a fleet remembers between runs: its documents in a place of its own, and their meaning."""

from fleet_repl.store.applied import Remembered, merge_records, parse_record, record_document
from fleet_repl.store.folder import FolderStore
from fleet_repl.store.opening import open_store

__all__ = [
    "FolderStore",
    "Remembered",
    "merge_records",
    "open_store",
    "parse_record",
    "record_document",
]
