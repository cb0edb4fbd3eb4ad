"""Commands that an answer advises name the inventory, and the state that was given."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.watched import inventory_of

from fleet_repl.inventory.advice import command_of, with_commands


@pytest.mark.parametrize(
    ("path", "state", "command", "spelled"),
    [
        ("prod.toml", None, "apply", "fleet-repl apply prod.toml"),
        ("our fleet.toml", None, "apply", "fleet-repl apply 'our fleet.toml'"),
        ("f.toml", "s3://b/x y", "backfill", "fleet-repl backfill f.toml --state 's3://b/x y'"),
        ("f.toml", "s3://b/x", "accounts", "fleet-repl accounts f.toml"),
    ],
)
def test_a_command(path: str, state: str | None, command: str, spelled: str) -> None:
    """What goes by the state has to name the same one."""
    assert command_of(replace(inventory_of(), path=path, given_state=state), command) == spelled


def test_commands_within_a_sentence() -> None:
    """Each gets what it needs; standard input cannot be named, and is read once."""
    sentence = "fleet-repl repair or fleet-repl backfill --force copies it"
    inventory = replace(inventory_of(), path="f.toml", given_state="runs")
    assert with_commands(sentence, inventory) == (
        "fleet-repl repair f.toml --state runs DOCUMENT or "
        "fleet-repl backfill f.toml --state runs --force copies it"
    )
    assert with_commands(sentence, replace(inventory, text="[fleet]")) == sentence
