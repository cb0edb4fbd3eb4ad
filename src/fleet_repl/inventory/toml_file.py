"""Reading: a file → its text and its TOML document, or the one problem that prevents it.

The only place of the inventory that touches the disk, or standard input.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final

from fleet_repl.inventory.regular_files import MIB, read_regular, read_stream
from fleet_repl.values.errors import WHOLE_FILE, InventoryError, Problem
from fleet_repl.values.text import visible

LARGEST: Final = 128 * MIB
"""Bytes of an inventory: five times as many as one of a hundred thousand accounts has."""

_DEEPEST: Final = 30
"""Levels of tables and lists; an inventory has six."""
_POSITION: Final = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A file cannot be read as text; the reason is in words that follow the file's name."""

    message: str
    line: int | None = None
    remedy: str | None = None
    missing: bool = False
    """True if there is no such file."""


def read(file: str, stdin: BinaryIO | None = None) -> tuple[str, dict[str, object]]:
    """The text and the parsed document, from `stdin` where that is given. Raises InventoryError
    with one problem."""
    text = text_of(file, stdin=stdin)
    if isinstance(text, Unreadable):
        remedy = text.remedy
        if text.missing:
            path = shlex.quote(visible(file))
            remedy = f"correct the path, or write a first inventory: fleet-repl init {path}"
        raise InventoryError([_problem(file, text.message, line=text.line, remedy=remedy)])
    return text, parsed(file, text)


def parsed(file: str, text: str) -> dict[str, object]:
    """The document that `text` spells. Raises InventoryError with one problem."""
    import tomllib  # noqa: PLC0415 - help and history read no inventory, but files as they are

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fault = str(error)
    except (ValueError, RecursionError):
        # The parser does not tell these as errors of the text: they are limits of Python's own.
        fault = "a number is too long or lists or tables are nested too deeply"
    else:
        if not is_deep(document):
            return document
        fault = "lists or tables are nested too deeply"
    from fleet_repl.inventory.toml_faults import explained  # noqa: PLC0415 - it knows every table

    number = _line(fault, text)
    message = f"is not TOML: {_POSITION.sub('', fault)}"
    raise InventoryError([explained(_problem(file, message, line=number), text)])


def text_of(file: str, *, most: int = LARGEST, stdin: BinaryIO | None = None) -> str | Unreadable:
    """The text of a file, or of `stdin`, of at most `most` bytes, or why there is none."""
    # A value, not an exception: that would drag the file's bytes along.
    try:
        content = read_regular(file, most=most) if stdin is None else read_stream(stdin, most=most)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        missing = isinstance(error, FileNotFoundError)
        return Unreadable(message=f"cannot be read: {reason}", missing=missing)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Unreadable(message="is not UTF-8", line=line, remedy="save the file as UTF-8")


def is_deep(document: object) -> bool:
    """Returns whether walking through `document` could exhaust the stack."""
    level = [document]
    for _ in range(_DEEPEST):
        level = [inner for holder in level for inner in _inside(holder)]
        if not level:
            return False
    return True


def _inside(holder: object) -> Iterable[object]:
    match holder:
        case dict():
            return holder.values()
        case list():
            return holder
        case _:
            return ()


def _line(fault: str, text: str) -> int | None:
    position = _POSITION.search(fault)
    if position is None:
        return None
    return int(position["line"]) if position["line"] else text.rstrip().count("\n") + 1


def _problem(
    file: str, message: str, *, line: int | None = None, remedy: str | None = None
) -> Problem:
    return Problem(file=file, line=line, key=WHOLE_FILE, message=message, remedy=remedy)
