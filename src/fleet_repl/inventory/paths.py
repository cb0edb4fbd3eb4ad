"""Key paths: where something stands in an inventory, as `accounts[2].labels.tier`.

One spelling for problems, line numbers and later stages. Looks nothing up in a document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from fleet_repl.inventory.spelling import quoted

KeyPath: TypeAlias = tuple[str | int, ...]

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_LAST_STEP: Final = re.compile(r'(?:\[\d+\]|(?:^|\.)(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"))$')


def child(parent: str, key: str) -> str:
    """The path of a key in the table at `parent`; quoted where TOML would have to."""
    name = key if _BARE_KEY.fullmatch(key) else quoted(key)
    return f"{parent}.{name}" if parent else name


def item(parent: str, index: int) -> str:
    """The path of an element of the list at `parent`, counted from 0."""
    return f"{parent}[{index}]"


def written(path: KeyPath) -> str:
    """The path as people read it."""
    text = ""
    for step in path:
        text = item(text, step) if isinstance(step, int) else child(text, step)
    return text


def nearest_line(lines: Mapping[str, int], key: str) -> int | None:
    """The line of `key`, else of what encloses it: a missing key has its table's line."""
    while key and key not in lines:
        shorter = _LAST_STEP.sub("", key)
        if shorter == key:
            return None
        key = shorter
    return lines.get(key)


def found(document: object, path: KeyPath) -> object:
    """What a parsed document has at `path`; None where it has nothing."""
    for step in path:
        match document, step:
            case dict(), str() if step in document:
                document = document[step]
            case list(), int() if step < len(document):
                document = document[step]
            case _:
                return None
    return document
