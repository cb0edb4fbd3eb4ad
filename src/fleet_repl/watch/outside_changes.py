"""Who has changed registries of a round from outside: log entries, and names for its line. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from fleet_repl.reports.documents.round import SHOWN, MovedDocument
from fleet_repl.reports.documents.writer import as_json
from fleet_repl.reports.log_entry import LogEntry, place_fields
from fleet_repl.runs.drift import call_sentences, issuer_words
from fleet_repl.watch.round import Round


def outside_change_entries(round_: Round) -> Iterator[LogEntry]:
    """Yields a log entry for each registry that others have changed, as far as CloudTrail tells who
    did; the first registries only."""
    for planned in round_.drifted[:SHOWN]:
        moved = planned.changed_outside
        if moved is None or moved.attribution is None:
            continue
        document = MovedDocument.of(moved)
        fields = place_fields(planned.registry) | {"moved": as_json(document)}
        message = f"{planned.registry}: {'; '.join(call_sentences(moved.attribution))}"
        yield LogEntry(event="changed-outside", message=message, fields=fields)


def authors(round_: Round) -> tuple[str, ...]:
    """Returns who has changed registries, each role or user with its tool, by name.

    Chats take an at sign for a mention, and a role may be named like one.
    """
    names = {
        f"{issuer_words(call.issuer)} ({call.tool})" if call.tool else issuer_words(call.issuer)
        for planned in round_.drifted
        if (moved := planned.changed_outside) is not None and moved.attribution is not None
        for call in moved.attribution.calls
    }
    return tuple(sorted(name.replace("@", "(at)") for name in names))
