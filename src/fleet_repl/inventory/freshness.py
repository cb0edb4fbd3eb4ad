"""Freshness: whether the files of an inventory still say what was read from them.

A file that is gone or cannot be read says nothing newer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from fleet_repl.inventory.model import Inventory
from fleet_repl.inventory.toml_file import Unreadable, text_of


def fingerprints(texts: Mapping[str, str]) -> Mapping[str, str]:
    """File → digest of the text that was read from it. What cannot be read twice, such as a
    pipe, is left out."""
    return {
        str(Path(file).absolute()): _digest(text)
        for file, text in texts.items()
        if Path(file).is_file()
    }


def changed_file(inventory: Inventory) -> str | None:
    """The first file that says something else by now."""
    now = _readable(inventory.files)
    return next((file for file in now if now[file] != inventory.files[file]), None)


def acknowledged(inventory: Inventory) -> Inventory:
    """The same inventory for somebody who knows what its files say now, and keeps to it."""
    return replace(inventory, files={**inventory.files, **_readable(inventory.files)})


def _readable(files: Iterable[str]) -> Mapping[str, str]:
    found = {file: text_of(file) for file in files}
    return {file: _digest(text) for file, text in found.items() if not isinstance(text, Unreadable)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
