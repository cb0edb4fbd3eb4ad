"""The memory of a watch between rounds, and the document that keeps it in the state.

Only watches read the document. A damaged document is logged and replaced: at worst a registry is
corrected a few times more, and a notification is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from fleet_repl.reports.documents.member_types import (
    RegistryName,
)
from fleet_repl.reports.documents.reader import Document, MalformedError, read
from fleet_repl.reports.documents.shared import (
    registry_named,
    zoned,
)
from fleet_repl.reports.documents.writer import line_in_utf8
from fleet_repl.topology import Selection
from fleet_repl.values.canonical_json import Json, digest
from fleet_repl.values.errors import StateError
from fleet_repl.watch.suppression import CORRECTIONS, WINDOW, LeftAlone, Suppression

_NOTE: Final = "watch.json"
WATCH_SCHEMA: Final = "fleet-repl/watch/1"

_Rounds: TypeAlias = Annotated[
    str, Meta(title="a dot or a c for each round", pattern=rf"^[.c]{{1,{WINDOW}}}$(?!\n)")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The facts that later rounds have to know."""

    suppression: Suppression = field(default_factory=Suppression)
    drift_since: datetime | None = None
    """The time when the present drift was first seen; None where there is no drift."""
    notified: str | None = None
    """A digest of the trouble that was notified of last; None once all was well again."""
    kept: bool = field(default=True, compare=False)
    """Whether the state holds this memory; not part of the document. False: writing it has failed,
    the state holds an older memory, and this one counts."""


class LeftAloneDocument(Document, frozen=True):
    """A registry that is left alone: since when, and how many rounds found it as wanted."""

    since: str
    as_wanted: Annotated[int, Meta(ge=0, lt=WINDOW)]


class MemoryDocument(Document, frozen=True, tag_field="schema", tag=WATCH_SCHEMA):
    """The memory of a watch."""

    recent: dict[RegistryName, _Rounds]
    left_alone: dict[RegistryName, LeftAloneDocument]
    drift_since: str | None
    notified: str | None


def note_of(watched: Selection) -> str:
    """The name of the document. A watch over a part of the fleet has a document of its own: it
    knows nothing of the trouble elsewhere that other watches have notified of."""
    if watched == Selection():
        return _NOTE
    parts: Json = {
        "accounts": sorted(watched.accounts),
        "labels": sorted([key, value] for key, value in watched.labels),
        "regions": sorted(watched.regions),
    }
    return f"watch-{digest(parts).removeprefix('sha256:')[:12]}.json"


def memory_document(memory: Memory) -> bytes:
    """The memory as a document; equal memories give equal bytes."""
    suppression = memory.suppression
    return line_in_utf8(
        MemoryDocument(
            recent={
                str(registry): "".join("c" if corrected else "." for corrected in rounds)
                for registry, rounds in sorted(suppression.recent.items())
            },
            left_alone={
                str(registry): LeftAloneDocument(entry.since.isoformat(), entry.as_wanted)
                for registry, entry in sorted(suppression.left_alone.items())
            },
            drift_since=memory.drift_since.isoformat() if memory.drift_since else None,
            notified=memory.notified,
        )
    )


def parse_memory(content: bytes) -> Memory:
    """The memory in a document. Raises StateError for a malformed one."""
    try:
        document = read(content, MemoryDocument)
        recent = {registry_named(name): _rounds(text) for name, text in document.recent.items()}
        left_alone = {
            registry_named(name): LeftAlone(
                since=zoned(entry.since, f"left_alone.{name}.since"), as_wanted=entry.as_wanted
            )
            for name, entry in document.left_alone.items()
        }
        since = document.drift_since
        return Memory(
            suppression=Suppression(recent=recent, left_alone=left_alone),
            drift_since=None if since is None else zoned(since, "drift_since"),
            notified=document.notified,
        )
    except MalformedError as malformed:
        raise StateError(f"{malformed}") from None


def _rounds(text: str) -> tuple[bool, ...]:
    rounds = tuple(letter == "c" for letter in text)
    if not 0 < sum(rounds) < CORRECTIONS:
        raise MalformedError("recent", f"{text!r} says nothing that would be remembered")
    return rounds
