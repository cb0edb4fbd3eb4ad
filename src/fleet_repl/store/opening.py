"""The store that a location means."""

from __future__ import annotations

from fleet_repl.errors import StateError
from fleet_repl.inventory import State
from fleet_repl.ports import Store
from fleet_repl.store.folder import FolderStore


def open_store(state: State) -> Store:
    """Where a fleet keeps its documents. Raises StateError for a place that cannot be used."""
    if state.folder is None:
        raise StateError(
            f"the fleet's state cannot be kept in {state.location}: this version keeps it in "
            "folders only\n    name one with --state FOLDER or in [state]"
        )
    return FolderStore(state.folder)
