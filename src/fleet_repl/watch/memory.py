"""What a watch remembers from round to round, and the document that keeps it.

The document is for watches alone: one that is damaged is told of and done without, as nothing
but patience and one more notification hang on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from fleet_repl.state.parsing import read_document
from fleet_repl.topology import Selection
from fleet_repl.values.canonical_json import Json, compact_json, digest
from fleet_repl.values.errors import StateError
from fleet_repl.values.names import Registry
from fleet_repl.watch.flapping import CORRECTIONS, WINDOW, Flapping, LeftAlone

_NOTE: Final = "watch.json"
WATCH_SCHEMA: Final = "fleet-repl/watch/1"

_Rounds = Annotated[str, Field(pattern=rf"^[.c]{{1,{WINDOW}}}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What later rounds have to know."""

    flapping: Flapping = field(default_factory=Flapping)
    drift_since: datetime | None = None
    """When the present drift was first seen; None where there is none."""
    notified: str | None = None
    """A digest of the trouble that was told of last; None once all was well again."""
    kept: bool = field(default=True, compare=False)
    """Whether this is what the state holds, too; no part of the document. Otherwise the state
    holds something older, and this counts."""


class _LeftAlone(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    since: AwareDatetime
    as_wanted: int = Field(ge=0, lt=WINDOW)


class _Document(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    # "schema" would shadow a name of pydantic's own.
    format: Literal["fleet-repl/watch/1"] = Field(alias="schema")
    recent: dict[str, _Rounds]
    left_alone: dict[str, _LeftAlone]
    drift_since: AwareDatetime | None
    notified: str | None


def note_of(watched: Selection) -> str:
    """The name of the document. A watch of a part of the fleet has one of its own: it knows
    nothing of the trouble elsewhere that others were told of."""
    if watched == Selection():
        return _NOTE
    parts: Json = {
        "accounts": sorted(watched.accounts),
        "labels": sorted([key, value] for key, value in watched.labels),
        "regions": sorted(watched.regions),
    }
    return f"watch-{digest(parts).removeprefix('sha256:')[:12]}.json"


def memory_document(memory: Memory) -> bytes:
    """The memory as text; the same memory gives the same text."""
    flapping = memory.flapping
    recent: dict[str, Json] = {
        str(registry): "".join("c" if corrected else "." for corrected in rounds)
        for registry, rounds in sorted(flapping.recent.items())
    }
    left_alone: dict[str, Json] = {
        str(registry): {"since": left.since.isoformat(), "as_wanted": left.as_wanted}
        for registry, left in sorted(flapping.left_alone.items())
    }
    document: Json = {
        "schema": WATCH_SCHEMA,
        "recent": recent,
        "left_alone": left_alone,
        "drift_since": memory.drift_since.isoformat() if memory.drift_since else None,
        "notified": memory.notified,
    }
    return f"{compact_json(document)}\n".encode()


def parse_memory(content: bytes) -> Memory:
    """The memory in a document. Raises StateError for what is none."""
    try:
        document = read_document(_Document, content)
        recent = {Registry.parse(name): _rounds(text) for name, text in document.recent.items()}
        left_alone = {
            Registry.parse(name): LeftAlone(since=one.since, as_wanted=one.as_wanted)
            for name, one in document.left_alone.items()
        }
    except ValueError as error:
        raise StateError(f"{error}") from None
    return Memory(
        flapping=Flapping(recent=recent, left_alone=left_alone),
        drift_since=document.drift_since,
        notified=document.notified,
    )


def _rounds(text: str) -> tuple[bool, ...]:
    rounds = tuple(letter == "c" for letter in text)
    if not 0 < sum(rounds) < CORRECTIONS:
        raise ValueError(f"{text!r} says nothing that would be remembered")
    return rounds
