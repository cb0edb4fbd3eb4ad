"""The record of what a fleet last applied, as a document and back.

A file that cannot be understood is never taken for an empty record: links would then count as
somebody else's, or as ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from fleet_repl.planning.ownership import Applied, Cells, Due, Record, together
from fleet_repl.reports.documents.shared import prefixes_document
from fleet_repl.state.parsing import read_document
from fleet_repl.values.canonical_json import Json, compact_json
from fleet_repl.values.errors import StateError
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY

APPLIED_SCHEMA: Final = "fleet-repl/applied/1"


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    links: dict[str, list[str] | None] = Field(default_factory=dict)
    templates: list[str] = Field(default_factory=list)
    given_up: bool = False
    due: dict[str, AwareDatetime] = Field(default_factory=dict)


class _Document(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    # "schema" would shadow a name of pydantic's own.
    format: Literal["fleet-repl/applied/1"] = Field(alias="schema")
    fleet: str
    formerly: list[str] = Field(default_factory=list)
    registries: dict[str, _Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A fleet's record."""

    record: Record
    formerly: tuple[str, ...] = ()
    """Former names whose records were taken into it."""


def record_document(fleet: str, remembered: Remembered) -> bytes:
    """The record as text; the same record gives the same text."""
    registries: dict[str, Json] = {
        str(registry): {
            "links": {
                str(end): prefixes_document(one) for end, one in sorted(applied.links.items())
            },
            "templates": list(applied.templates),
            **({"given_up": True} if applied.given_up else {}),
            **({"due": _moments(applied.due)} if applied.due else {}),
        }
        for registry, applied in sorted(remembered.record.items())
    }
    document: Json = {
        "schema": APPLIED_SCHEMA,
        "fleet": fleet,
        "formerly": list(remembered.formerly),
        "registries": registries,
    }
    return f"{compact_json(document)}\n".encode()


def parse_record(content: bytes, fleet: str, *, where: str) -> Remembered:
    """The record in a document. Raises StateError, naming it as `where`."""
    try:
        document = read_document(_Document, content)
        if document.fleet != fleet:
            raise _unreadable(where, f"it is of fleet {document.fleet!r}")
        return Remembered(
            record={
                Registry.parse(name): Applied(
                    links=_links(one.links),
                    templates=tuple(one.templates),
                    given_up=one.given_up,
                    due={Registry.parse(end): since for end, since in one.due.items()},
                )
                for name, one in document.registries.items()
            },
            formerly=tuple(document.formerly),
        )
    except ValueError as error:
        reason = str(error)
    raise _unreadable(where, reason)


def merge_records(records: Iterable[Record]) -> Record:
    """Several records as one: whatever is on any of them was made by the fleet."""
    merged: dict[Registry, Applied] = {}
    for record in records:
        for registry, applied in record.items():
            there = merged.get(registry)
            merged[registry] = applied if there is None else together(there, applied)
    return merged


def _moments(due: Due) -> Json:
    return {str(end): since.isoformat() for end, since in sorted(due.items())}


def _links(links: Mapping[str, list[str] | None]) -> Cells:
    return {
        Registry.parse(name): EVERY_REPOSITORY if prefixes is None else tuple(sorted(set(prefixes)))
        for name, prefixes in links.items()
    }


def _unreadable(where: str, reason: str) -> StateError:
    return StateError(
        f"the record of what was applied cannot be used: {where}: {reason}\n"
        "    move it away to go on without one: links that no route asks for then count as "
        "somebody else's"
    )
