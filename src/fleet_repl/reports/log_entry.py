"""A log entry as a value, and its spelling as a line of JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.text import instant

Level: TypeAlias = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """A line of a log: a message for people, and fields for programs."""

    level: Level = "info"
    event: str
    """The kind of the entry, such as `run-started`."""
    message: str
    fields: JsonObject = field(default_factory=dict)


Log: TypeAlias = Callable[[LogEntry], object]


def json_line(entry: LogEntry, now: datetime, common: JsonObject | None = None) -> str:
    """Returns an entry as a line of JSON. `common`: fields that every line of the log has."""
    document: dict[str, Json] = {
        "time": instant(now),
        "level": entry.level,
        "event": entry.event,
        "message": entry.message,
        **(common or {}),
        **entry.fields,
    }
    return json.dumps(document)


def place_fields(registry: Registry) -> dict[str, Json]:
    """Returns the account and the region of a registry, as fields of an entry."""
    return {"account": registry.account, "region": registry.region}


def fault_fields(fault: Fault) -> JsonObject:
    """Returns what a call failed with, as fields of an entry."""
    return {
        "kind": fault.kind.value,
        "operation": fault.operation,
        "code": fault.code,
        "request_id": fault.request_id,
    }
