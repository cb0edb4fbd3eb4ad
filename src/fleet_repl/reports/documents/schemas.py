"""The published JSON Schemas (draft 2020-12) of the documents, as they lie in the package."""

from __future__ import annotations

import json
from importlib import resources
from typing import Final, cast

from fleet_repl.values.canonical_json import JsonObject

SCHEMAS: Final = {
    "plan": "plan-1.json",
    "report": "report-1.json",
    "graph": "graph-1.json",
    "delivery": "delivery-1.json",
    "backfill": "backfill-1.json",
    "runs": "runs-1.json",
    "round": "round-1.json",
    "validate": "validate-1.json",
}
"""Document → the file of its schema."""


def schema(name: str) -> JsonObject:
    """The schema of the document `name`, one of `SCHEMAS`. Raises KeyError for another one."""
    file = resources.files("fleet_repl.reports") / "schemas" / SCHEMAS[name]
    return cast("JsonObject", json.loads(file.read_text(encoding="utf-8")))
