"""Results written to files, and the checks that they can be.

A file is written whole or not at all. The checks here are made before a run starts, because a
report that cannot be written must not be found out about after it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_repl.values.errors import FleetError

if TYPE_CHECKING:
    from fleet_repl.planning.plan import Plan


class ReportError(FleetError):
    """A report file that cannot be written."""


def check_place(path: Path, *, what: str = "report") -> None:
    """Raises ReportError where no file of this name can be created in its folder."""
    if path.is_dir():
        raise ReportError(f"{path}: this is a folder; name a file")
    if path.exists() and not path.is_file():
        raise ReportError(f"{path}: this is not a regular file; name another one")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _failure(path, error, what) from error


def check_apart(path: Path, inputs: Iterable[Path], *, state: Path | None) -> None:
    """Raises ReportError where the file `path` is one of `inputs`, even under another name, or lies
    in the part of the folder `state` that holds the memory of a fleet."""
    for input_path in inputs:
        if _is_same(path, input_path):
            raise ReportError(f"{path}: this file is read, and would be replaced; name another one")
    # The state of a fleet is in a folder below `state`; `state` itself may hold other files.
    if state is not None and state.resolve() in path.resolve().parent.parents:
        raise ReportError(f"{path}: the state is kept there; name a file outside of {state}")


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return path.resolve() == other.resolve()


def write_report(pieces: Iterable[str], path: Path) -> None:
    """Writes a rendered result to a file that is readable by its owner only.

    An older file is replaced in one step. Raises ReportError, and then has changed no file.
    """
    _write(path, pieces, "report")


def keep_plan(plan: Plan, path: Path) -> None:
    """Writes a plan as JSON, whatever the ending of the file's name. Raises ReportError."""
    from fleet_repl.reports.to_json import json_pieces  # noqa: PLC0415 - most results are no plans

    _write(path, json_pieces(plan), "plan")


def _write(path: Path, pieces: Iterable[str], what: str) -> None:
    try:
        _replace(path, pieces)
    except OSError as error:
        raise _failure(path, error, what) from error


def _replace(path: Path, pieces: Iterable[str]) -> None:
    # mkstemp makes the file with mode 0600.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".fleet-repl-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(handle)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _failure(path: Path, error: OSError, what: str) -> ReportError:
    if not path.parent.is_dir():
        return ReportError(f"{path}: there is no folder {path.parent} to write the {what} to")
    reason = error.strerror or type(error).__name__
    return ReportError(f"{path}: the {what} cannot be written there: {reason}")
