"""The traces of a fleet's runs as a document: how each registry was left, in a few bytes.

Many registries were last written by the same few runs, so each run is told once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

from fleet_repl.engine.ports import Store
from fleet_repl.reports.documents import reader as members
from fleet_repl.reports.documents.reader import MalformedError, as_object
from fleet_repl.reports.documents.reading_shared import expect_schema
from fleet_repl.reports.documents.writer import compact, timestamp
from fleet_repl.runs.history import Trace, Traces
from fleet_repl.state.revise import revise_readable
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.errors import UnreadableStateError
from fleet_repl.values.names import Registry

TRACES_SCHEMA: Final = "fleet-repl/traces/1"

_DOCUMENT: Final = frozenset({"schema", "runs", "registries"})
_RUN: Final = frozenset({"run", "at", "inventory"})
_DIGEST: Final = re.compile(r"[0-9a-f]{16}")

_Run: TypeAlias = tuple[str, datetime, str]


async def read_traces(store: Store, fleet: str) -> Traces:
    """How the runs of a fleet left its registries.

    Raises StateError: UnreadableStateError for a document that cannot be read.
    """
    content = await store.read(_name(fleet))
    return {} if content is None else parse_traces(content, _where(store, fleet))


async def revise_traces(store: Store, fleet: str, change: Callable[[Traces], Traces]) -> None:
    """Change the traces as they are now; what cannot be read is kept aside, and they are begun
    anew. Raises StateError."""

    def revised(content: bytes | None) -> bytes | None:
        before = {} if content is None else parse_traces(content, _where(store, fleet))
        after = change(before)
        return None if after == before else traces_content(after)

    await revise_readable(store, _name(fleet), revised, empty=traces_content({}))


def traces_content(traces: Traces) -> bytes:
    """The document `fleet-repl/traces/1`; the same traces give the same text."""
    runs: dict[_Run, int] = {}
    registries: dict[str, Json] = {}
    for registry, trace in sorted(traces.items()):
        run = (trace.run_id, trace.at, trace.inventory)
        registries[str(registry)] = [runs.setdefault(run, len(runs)), trace.rules, trace.policy]
    told: list[Json] = [
        {"run": run_id, "at": timestamp(at), "inventory": inventory}
        for run_id, at, inventory in runs
    ]
    document: JsonObject = {"schema": TRACES_SCHEMA, "runs": told, "registries": registries}
    return compact(document) + b"\n"


def parse_traces(content: bytes, where: str) -> Traces:
    """The traces in a document. Raises UnreadableStateError, naming it as `where`."""
    try:
        found = as_object(members.parsed(content))
        expect_schema(found, TRACES_SCHEMA)
        as_object(found, keys=_DOCUMENT)
        runs = members.each(found, "runs", _run)
        listed = members.mapping(found, "registries")
        return dict(_trace(name, value, runs) for name, value in listed.items())
    except MalformedError as malformed:
        raise UnreadableStateError(
            f"what the fleet's runs left cannot be read: {where}: {malformed}\n"
            "    move it away to go on without it: drift then cannot tell who has moved"
        ) from None


def _run(item: Json) -> _Run:
    found = as_object(item, keys=_RUN)
    return (
        members.text(found, "run"),
        members.moment(found, "at"),
        members.text(found, "inventory"),
    )


def _trace(name: str, value: Json, runs: tuple[_Run, ...]) -> tuple[Registry, Trace]:
    match value:
        case [int(nth), rules, policy] if 0 <= nth < len(runs) and not isinstance(nth, bool):
            run_id, at, inventory = runs[nth]
            return members.registry(name), Trace(
                run_id=run_id,
                at=at,
                inventory=inventory,
                rules=_digest(rules),
                policy=_digest(policy),
            )
        case _:
            raise MalformedError(f"registries.{name}", "the number of a run and two digests needed")


def _digest(value: Json) -> str | None:
    if value is None or (isinstance(value, str) and _DIGEST.fullmatch(value)):
        return value
    raise MalformedError("registries", "a digest is 16 hexadecimal digits")


def _name(fleet: str) -> str:
    return f"{fleet}/traces.json"


def _where(store: Store, fleet: str) -> str:
    return f"{store}/{_name(fleet)}"
