"""Reading: a file → its text and its TOML document, or the one problem that prevents it.

The only place of the inventory that touches the disk.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

from fleet_repl.errors import InventoryError, Problem

WHOLE_FILE: Final = "(file)"
"""The key of a problem that concerns the file itself."""

_POSITION: Final = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


def read(path: Path) -> tuple[str, dict[str, object]]:
    """The text and the parsed document. Raises InventoryError with one problem."""
    text = _text(path)
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fault = str(error)
    except (ValueError, RecursionError):
        # Not told by the parser as errors of the text: numbers and nesting beyond Python's own.
        fault = "a number is too long or brackets are nested too deeply"
    raise _refusal(path, f"is not TOML: {_POSITION.sub('', fault)}", line=_line(fault, text))


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        refusal = _refusal(path, f"cannot be read: {reason or error}")
    else:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            refusal = _refusal(path, "is not UTF-8", line=line, remedy="save the file as UTF-8")
    raise refusal


def _line(fault: str, text: str) -> int | None:
    position = _POSITION.search(fault)
    if position is None:
        return None
    return int(position["line"]) if position["line"] else text.rstrip("\n").count("\n") + 1


def _refusal(
    path: Path, message: str, *, line: int | None = None, remedy: str | None = None
) -> InventoryError:
    return InventoryError(
        [Problem(file=str(path), line=line, key=WHOLE_FILE, message=message, remedy=remedy)]
    )
