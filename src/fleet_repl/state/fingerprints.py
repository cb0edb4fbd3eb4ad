"""The last-applied fingerprints of a fleet's registries as a document and back.

Most registries were last written by the same few runs, so the document has each run once, and for a
registry only the number of its run and two digests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.reports.documents.member_types import Count, Instant, RegistryName
from fleet_repl.reports.documents.reader import Document, MalformedError, read, read_items
from fleet_repl.reports.documents.shared import moment, registry_named
from fleet_repl.reports.documents.writer import line
from fleet_repl.runs.history import Fingerprint, Fingerprints
from fleet_repl.state.revise import FleetDocument
from fleet_repl.values.errors import UnreadableStateError
from fleet_repl.values.text import timestamp

FINGERPRINTS_SCHEMA: Final = "fleet-repl/traces/1"

_LEFT: Final = "the number of a run and two digests"
_Fingerprint: TypeAlias = Annotated[
    str, Meta(title="a digest of 16 hexadecimal digits", pattern=r"^[0-9a-f]{16}$(?!\n)")
]
_Left: TypeAlias = Annotated[
    tuple[Count, _Fingerprint | None, _Fingerprint | None], Meta(title=_LEFT)
]
"""The index of a run, and digests of the rules and of the policy that it left."""


class FingerprintRunDocument(Document, frozen=True):
    """A run that was the last to write a registry."""

    run: str
    at: Instant
    inventory: str

    def fingerprint(self) -> Fingerprint:
        return Fingerprint(run_id=self.run, at=moment(self.at, "at"), inventory=self.inventory)


class FingerprintsDocument(Document, frozen=True, tag_field="schema", tag=FINGERPRINTS_SCHEMA):
    """The runs of a fleet, and how they left its registries."""

    runs: tuple[FingerprintRunDocument, ...]
    registries: dict[RegistryName, _Left]
    unfinished: tuple[RegistryName, ...] | UnsetType = UNSET
    """The registries that their run did not leave as it should have; missing for none."""
    templates: dict[RegistryName, dict[str, _Fingerprint]] | UnsetType = UNSET
    """Digests of the creation templates that were left, by prefix; missing for none."""


def fingerprints_content(fingerprints: Fingerprints) -> bytes:
    """Returns the document `fleet-repl/traces/1`. Equal fingerprints have equal documents."""
    runs: dict[FingerprintRunDocument, int] = {}
    registries: dict[str, _Left] = {}
    named = {str(registry): left for registry, left in sorted(fingerprints.items())}
    for name, fingerprint in named.items():
        run = FingerprintRunDocument(
            fingerprint.run_id, timestamp(fingerprint.at), fingerprint.inventory
        )
        registries[name] = (runs.setdefault(run, len(runs)), fingerprint.rules, fingerprint.policy)
    unfinished = tuple(name for name, left in named.items() if not left.whole)
    templates = {name: dict(left.templates) for name, left in named.items() if left.templates}
    document = FingerprintsDocument(
        tuple(runs), registries, unfinished or UNSET, templates or UNSET
    )
    return line(document)


def parse_fingerprints(content: bytes, where: str) -> Fingerprints:
    """Returns the fingerprints in a document. Raises UnreadableStateError, which names `where`."""
    try:
        document = read(content, FingerprintsDocument)
        runs = read_items("runs", document.runs, FingerprintRunDocument.fingerprint)
        unfinished = frozenset(document.unfinished or ())
        templates = document.templates or {}
        return {
            registry_named(name): replace(
                _fingerprint(name, left, runs),
                whole=name not in unfinished,
                templates=templates.get(name, {}),
            )
            for name, left in document.registries.items()
        }
    except MalformedError as malformed:
        raise UnreadableStateError(
            f"what the fleet's runs left cannot be read: {where}: {malformed}\n"
            "    move it away to go on without it: drift then cannot tell who has moved"
        ) from None


def _fingerprint(name: str, left: _Left, runs: tuple[Fingerprint, ...]) -> Fingerprint:
    nth, rules, policy = left
    if nth >= len(runs):
        raise MalformedError(f"registries.{name}", f"{_LEFT} is needed; there is no run {nth}")
    return replace(runs[nth], rules=rules, policy=policy)


_FINGERPRINTS: Final[FleetDocument[Fingerprints]] = FleetDocument(
    file="traces.json", parse=parse_fingerprints, content=fingerprints_content, empty={}
)
read_fingerprints = _FINGERPRINTS.read
revise_fingerprints = _FINGERPRINTS.revise
