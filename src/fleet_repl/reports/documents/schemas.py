"""The published JSON Schemas (draft 2020-12) of the documents, as they lie in the package.

They are generated from the classes that read and write the documents. After a change of those:

    python -c "from fleet_repl.reports.documents import schemas; schemas.keep_generated()"
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Final, cast

from fleet_repl.values.canonical_json import Json, JsonObject

SCHEMAS: Final = {
    "plan": "plan-1.json",
    "report": "report-1.json",
    "graph": "graph-1.json",
    "delivery": "delivery-1.json",
    "backfill": "backfill-1.json",
    "runs": "runs-1.json",
    "round": "round-1.json",
    "validate": "validate-1.json",
    "doctor": "doctor-1.json",
    "accounts": "accounts-1.json",
    "explain": "explain-1.json",
    "coverage": "coverage-1.json",
    "delivery-news": "delivery-news-1.json",
}
"""Document → the file of its schema."""


def schema(name: str) -> JsonObject:
    """Returns the published schema of a document in `SCHEMAS`. Raises KeyError for other names."""
    return cast("JsonObject", json.loads(_file(name).read_text(encoding="utf-8")))


def generated(name: str) -> JsonObject:
    """Returns the schema of a document as its class declares it."""
    import msgspec  # noqa: PLC0415 - msgspec takes long to load

    (top,), components = msgspec.json.schema_components([_document_types()[name]])
    parts: dict[str, Json] = {_part(key): _published(part) for key, part in components.items()}
    whole = cast("JsonObject", parts.pop(_part(top.pop("$ref").rpartition("/")[2])))
    version = Path(SCHEMAS[name]).stem.rpartition("-")[2]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:fleet-repl:schema:{name}:{version}",
        "title": f"fleet-repl {name}, version {version}",
        **whole,
        **top,
        "$defs": parts,
    }


def _document_types() -> dict[str, object]:
    """Returns the type of each document, with what its schema promises beyond the types."""
    from fleet_repl.reports.documents import (  # noqa: PLC0415 - msgspec takes long to load
        accounts,
        backfill,
        coverage,
        delivery,
        delivery_news,
        doctor,
        explanation,
        graph,
        plan,
        report,
        round,
        runs,
        validation,
    )

    return {
        "plan": plan.PlanDocument,
        "report": report.ReportDocument,
        "graph": graph.PublishedGraph,
        "delivery": delivery.DeliveryDocument,
        "backfill": backfill.BackfillReportDocument,
        "runs": runs.RunListDocument,
        "round": round.RoundDocument,
        "validate": validation.PublishedValidate,
        "doctor": doctor.DoctorDocument,
        "accounts": accounts.AccountsDocument,
        "explain": explanation.ExplanationDocument,
        "coverage": coverage.CoverageDocument,
        "delivery-news": delivery_news.DeliveryNewsDocument,
    }


def keep_generated() -> None:
    """Writes the schemas of all classes into the package."""
    for name in SCHEMAS:
        _file(name).write_text(json.dumps(generated(name), indent=2) + "\n", encoding="utf-8")


def _file(name: str) -> Path:
    return cast("Path", resources.files("fleet_repl.reports") / "schemas" / SCHEMAS[name])


def _part(name: str) -> str:
    """Returns the name of a class in a schema: `registry_outcome` for `RegistryOutcomeDocument`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("Document")).lower()


def _published(node: Json) -> Json:
    """Returns a part of a schema without titles and Python's own patterns, and with choices in the
    order of their class."""
    if isinstance(node, list):
        return [_published(item) for item in node]
    if not isinstance(node, dict):
        return node
    part = {key: _published(value) for key, value in node.items() if key != "title"}
    match part:
        case {"$ref": str(place)}:
            part["$ref"] = f"#/$defs/{_part(place.rpartition('/')[2])}"
        case {"pattern": str(pattern)}:
            part["pattern"] = pattern.replace("$(?!\\n)", "$")
        case {"enum": [only]}:
            return {"const": only}
        case {"enum": [*choices]} if part.keys().isdisjoint({"type", "anyOf"}):
            return {"enum": _in_order(choices)}
    return part


def _in_order(choices: list[Json]) -> Json:
    """Returns the values of an enumeration in the order of its class, because msgspec sorts them.
    Choices that are not the values of a class keep their order."""
    kinds = ([str(choice) for choice in kind] for kind in StrEnum.__subclasses__())
    return next((values for values in kinds if sorted(values) == choices), choices)
