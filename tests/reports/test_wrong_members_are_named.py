"""Whatever is wrong in a document from outside, its reader says so and where: none may crash."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import partial
from typing import Any

import msgspec
import pytest

from fleet_repl.reports.documents.coverage import CoverageDocument
from fleet_repl.reports.documents.delivery import DeliveryDocument
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.reader import Document, MalformedError, converted
from fleet_repl.reports.documents.report import ReportDocument
from fleet_repl.state.discovery import DiscoveryDocument
from fleet_repl.state.fingerprints import FingerprintsDocument
from fleet_repl.state.journal import EntryDocument
from fleet_repl.state.kept_repositories import RepositoriesDocument
from fleet_repl.state.record import RecordDocument
from fleet_repl.state.rollback_marks import MarksDocument
from fleet_repl.watch.memory import MemoryDocument

KINDS: tuple[type[Document], ...] = (
    *(CoverageDocument, DeliveryDocument, PlanDocument, ReportDocument),
    *(DiscoveryDocument, EntryDocument, FingerprintsDocument, MarksDocument),
    *(MemoryDocument, RecordDocument, RepositoriesDocument),
)
TEXTS = (
    *("x", "111111111111", "eu-west-1", "111111111111/eu-west-1"),
    *("2026-11-23T08:00:00Z", "2026-11-23T08:00:00.123Z", "0" * 16, "...", f"sha256:{'0' * 64}"),
)
WRONG: tuple[Any, ...] = (None, True, -1, "\n", [0], {"odd": 0})


def sample(node: Mapping[str, Any], defs: Mapping[str, Any], depth: int = 0) -> Any:  # noqa: PLR0911
    """A value that fits a part of a schema, with a member for each and an item in each list."""
    if "$ref" in node:
        named = {**defs[node["$ref"].rpartition("/")[2]], **node}
        return sample({key: named[key] for key in named if key != "$ref"}, defs, depth + 1)
    if "anyOf" in node:
        option = next(option for option in node["anyOf"] if option != {"type": "null"})
        return None if depth > 8 else sample(option, defs, depth)
    if "enum" in node:
        return node["enum"][0]
    match node.get("type"):
        case "string":
            pattern = re.compile(node.get("pattern", "^2" if "format" in node else ""))
            return next((text for text in TEXTS if pattern.search(text)), "x")
        case "array":
            items = node.get("prefixItems") or ([node["items"]] if "items" in node else [])
            return [] if depth > 8 else [sample(item, defs, depth) for item in items]
        case "object" if "properties" in node:
            return {key: sample(part, defs, depth) for key, part in node["properties"].items()}
        case "object" if "additionalProperties" in node:
            key = sample({"type": "string", **node.get("propertyNames", {})}, defs)
            return {key: sample(node["additionalProperties"], defs, depth)}
        case kind:
            return {"integer": 1, "number": 0.5, "boolean": True, "object": {}}.get(str(kind))


def edits(value: Any, put: Callable[[Any], None]) -> Iterator[None]:
    """Puts every wrong value in place of every part, one after the other."""
    for wrong in WRONG:
        put(wrong)
        yield
    put(value)
    if isinstance(value, dict):
        for key in list(value):
            yield from edits(value[key], partial(value.__setitem__, key))
            kept = value.pop(key)
            yield
            value["odd"] = kept
            yield
            del value["odd"]
            value[key] = kept
    if isinstance(value, list):
        for nth in range(len(value)):
            yield from edits(value[nth], partial(value.__setitem__, nth))


@pytest.mark.parametrize("kind", KINDS)
def test_any_wrong_member_is_malformed(kind: type[Document]) -> None:
    """With every member of every document in turn: of another type, missing, or with another
    name."""
    defs = msgspec.json.schema(kind)["$defs"]
    document = sample(defs[kind.__name__], defs)
    assert isinstance(converted(deepcopy(document), kind), kind)
    malformed = 0
    for _ in edits(document, lambda _: None):
        try:
            converted(json.loads(json.dumps(document)), kind)
        except MalformedError:
            malformed += 1
    assert malformed > 20
