"""Paths that a plan or a run names: found from where it lies, or told to be none."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_repl.cli.history import seen_from
from fleet_repl.values.errors import FleetError


def test_what_can_be_no_path_is_reported(tmp_path: Path) -> None:
    """A plan is a file from somewhere: whatever it names, nobody sees a traceback."""
    with pytest.raises(FleetError) as caught:
        seen_from(tmp_path, "fleet\0/prod.toml")
    assert str(caught.value) == (
        "the inventory cannot be read: no file is called 'fleet\\x00/prod.toml'"
    )
