"""What to do about the gaps of several routes is said once, with the commands of all."""

from __future__ import annotations

from fleet_repl.reports.coverage_words import shared_remedies


def test_a_sentence_stands_over_the_commands_of_all_its_routes() -> None:
    """A command that they have in common is there once; routes without gaps have no remedy."""
    backfill = "these need a backfill:\nfleet-repl backfill prod.toml --route"
    rules = "rules are missing:\nfleet-repl apply prod.toml\nfleet-repl backfill prod.toml --route"
    remedies = (f"{backfill} a", f"{rules} b", None, f"{backfill} c", f"{rules} d")
    assert [remedy.splitlines() for remedy in shared_remedies(remedies)] == [
        [
            "these need a backfill:",
            "fleet-repl backfill prod.toml --route a",
            "fleet-repl backfill prod.toml --route c",
        ],
        [
            "rules are missing:",
            "fleet-repl apply prod.toml",
            "fleet-repl backfill prod.toml --route b",
            "fleet-repl backfill prod.toml --route d",
        ],
    ]
