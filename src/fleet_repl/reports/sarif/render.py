"""A document as a SARIF log with one run."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import quote

from fleet_repl._version import __version__
from fleet_repl.reports.documents.accounts import AccountsDocument
from fleet_repl.reports.documents.doctor import DoctorDocument
from fleet_repl.reports.documents.explanation import ExplanationDocument
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.shared import given
from fleet_repl.reports.documents.validation import ValidateDocument
from fleet_repl.reports.documents.whole import WholeDocument
from fleet_repl.reports.formats import STDOUT
from fleet_repl.reports.sarif.finding import Finding
from fleet_repl.reports.sarif.findings import findings
from fleet_repl.reports.sarif.places import Places
from fleet_repl.reports.sarif.rules import OTHER, RULES
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.text import visible

MOST_RESULTS: Final = 25_000
"""The most results of a run that code scanning takes."""

_WITHOUT_RUN: Final = (DoctorDocument, AccountsDocument, ExplanationDocument, ValidateDocument)
"""The documents that name neither an inventory nor the times of a run."""
_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_SPECIAL: Final = str.maketrans({"\\": "\\\\", "[": "\\[", "]": "\\]", "{": "{{", "}": "}}"})
"""The signs of links and placeholders in a message of SARIF, and how they are written in a text."""


def sarif_text(
    document: WholeDocument, *, places: Places | None = None, folder: Path | None = None
) -> str:
    """Returns a document as SARIF.

    `places`: the inventory at hand, which counts where it is the document's. `folder`: paths below
    it are written relative to it; for code scanning it has to be the root of the repository.
    """
    inventory = _inventory_of(document, places)
    every = findings(document)
    shown = tuple(islice(every, MOST_RESULTS))
    left_out = sum(1 for _ in every)
    rules = {rule: nth for nth, rule in enumerate(dict.fromkeys(item.rule for item in shown))}
    prints = _fingerprints(shown, _fleet(document))
    run: JsonObject = {
        "tool": {"driver": _driver(tuple(rules))},
        "automationDetails": {"id": _category(document)},
        "invocations": [_invocation(document, left_out)],
        "columnKind": "utf16CodeUnits",
        "results": [
            {
                "ruleId": finding.rule,
                "ruleIndex": rules[finding.rule],
                "level": finding.level.value,
                "message": {"text": _message(finding)},
                "locations": _locations(finding, inventory, folder),
                "partialFingerprints": {"primaryLocationLineHash": fingerprint},
            }
            for finding, fingerprint in zip(shown, prints, strict=True)
        ],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _fingerprints(shown: Iterable[Finding], fleet: str) -> Iterator[str]:
    """Yields what tells each finding from the others, and is the same in every run: a digest, and
    the number of the finding among those that have it."""
    seen: Counter[str] = Counter()
    for finding in shown:
        text = json.dumps((finding.rule, fleet, finding.subject, finding.file, finding.same))
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        seen[digest] += 1
        yield f"{digest}:{seen[digest]}"


def _inventory_of(document: WholeDocument, places: Places | None) -> Places | None:
    """Returns the document's inventory, with its lines where it is the one at hand."""
    if isinstance(document, _WITHOUT_RUN):
        return places
    stated = document.inventory
    if places is not None and places.digest == stated.digest:
        return places
    return Places(path=stated.path, digest=stated.digest)


def _fleet(document: WholeDocument) -> str:
    """Returns the name of the fleet; nothing for an inventory that could not be read."""
    return given(document.fleet) or ""


def _category(document: WholeDocument) -> str:
    """Returns what the run is one of: code scanning replaces the results of the last one."""
    kind = str(document.__struct_config__.tag).split("/")[1]
    fleet = _fleet(document)
    return f"fleet-repl/{kind}/{f'{quote(visible(fleet))}/' if fleet else ''}"


def _driver(rules: Sequence[str]) -> JsonObject:
    return {
        "name": "fleet-repl",
        "version": __version__,
        "rules": [
            {
                "id": rule,
                "shortDescription": {"text": RULES.get(rule, OTHER)},
                "help": {"text": f"{RULES.get(rule, OTHER)} The message says what to do about it."},
            }
            for rule in rules
        ],
    }


def _invocation(document: WholeDocument, left_out: int) -> JsonObject:
    invocation: dict[str, Json] = {"executionSuccessful": True}
    if isinstance(document, PlanDocument):
        invocation["startTimeUtc"] = document.created_at
    elif not isinstance(document, _WITHOUT_RUN):
        invocation["startTimeUtc"] = document.started_at
        invocation["endTimeUtc"] = document.finished_at
        invocation["executionSuccessful"] = document.status != "interrupted"
    if left_out:
        text = f"{left_out:,} more results: see the JSON report"
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    return invocation


def _message(finding: Finding) -> str:
    lines = [finding.message, *(finding.remedy or "").splitlines()]
    return "\n".join(visible(line).translate(_SPECIAL) for line in lines if line)


def _locations(finding: Finding, inventory: Places | None, folder: Path | None) -> list[Json]:
    """Returns the place in the inventory; for one on standard input, the subject alone."""
    location: dict[str, Json] = {}
    path = finding.file or (None if inventory is None else inventory.path)
    if path is not None and path != STDOUT:
        at_hand = None if inventory is None or finding.file else inventory.line(finding)
        location["physicalLocation"] = {
            "artifactLocation": {"uri": _uri(path, folder)},
            "region": {"startLine": finding.line or at_hand or 1},
        }
    if finding.subject is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.subject, "kind": "resource"}]
    return [location] if location else []


def _uri(path: str, folder: Path | None) -> str:
    """Returns a path as a reference, relative to the working directory where it lies below it."""
    place = Path(path)
    if place.is_absolute():
        if folder is None or not place.is_relative_to(folder):
            return f"file://{quote(visible(path))}"
        place = place.relative_to(folder)
    return quote(visible(place.as_posix()))
