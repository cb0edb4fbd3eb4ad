"""Spells the commands that an answer or an error advises, so that they can be pasted. Pure."""

from __future__ import annotations

import re
import shlex
from typing import Final

from fleet_repl.inventory.model import Inventory

_BY_STATE: Final = frozenset({"apply", "backfill", "repair", "unfreeze", "unlock"})
"""The commands that go by what the state holds or change it, and so have to name the same one."""
_BARE: Final = re.compile(r"fleet-repl (apply|backfill|repair)\b")


def spelled(command: str, path: str, state: str | None) -> str:
    """Returns `fleet-repl apply prod.toml`. `state`: the location that was given in place of the
    inventory's own, which is named where the command goes by it."""
    given = "" if state is None or command not in _BY_STATE else f" --state {shlex.quote(state)}"
    return f"fleet-repl {command} {shlex.quote(path)}{given}"


def command_of(inventory: Inventory, command: str) -> str:
    """Returns a command for the fleet of an inventory."""
    return spelled(command, inventory.path, inventory.given_state)


def with_commands(sentence: str, inventory: Inventory) -> str:
    """Returns a sentence with the inventory in the commands that it names, as `fleet-repl backfill
    prod.toml copies it`. What came by standard input has no file to name."""
    if inventory.text is not None:
        return sentence

    def whole(match: re.Match[str]) -> str:
        document = " DOCUMENT" if match[1] == "repair" else ""
        return command_of(inventory, match[1]) + document

    return _BARE.sub(whole, sentence)
