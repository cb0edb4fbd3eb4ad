"""Freshness: whether the files of an inventory still have the text that was read from them.

A file that is gone or cannot be read counts as unchanged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from fleet_repl.inventory.model import Inventory
from fleet_repl.inventory.toml_file import Unreadable, text_of


def text_digests(texts: Mapping[str, str]) -> Mapping[str, str]:
    """File → digest of its text as read, without files that cannot be read twice, such as pipes."""
    return {
        str(Path(file).absolute()): _digest(text)
        for file, text in texts.items()
        if Path(file).is_file()
    }


def changed_file(inventory: Inventory) -> str | None:
    """The first file whose text has changed since the inventory was read; None if none has."""
    now = _readable(inventory.files)
    return next((file for file in now if now[file] != inventory.files[file]), None)


def acknowledged(inventory: Inventory) -> Inventory:
    """Returns the inventory with the present text of its files no longer counted as a change."""
    return replace(inventory, files={**inventory.files, **_readable(inventory.files)})


def _readable(files: Iterable[str]) -> Mapping[str, str]:
    texts = {file: text_of(file) for file in files}
    return {file: _digest(text) for file, text in texts.items() if not isinstance(text, Unreadable)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
