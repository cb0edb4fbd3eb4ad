"""Acknowledgements: [warnings], the warnings that somebody knows of and need not read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fleet_repl.inventory.fields import shown_name
from fleet_repl.inventory.findings import BadValueError
from fleet_repl.inventory.kinds import NOT_EMPTY, Kind, without_repeats
from fleet_repl.inventory.suggestions import closest
from fleet_repl.inventory.tables import Table

ACKNOWLEDGEABLE: Final = (
    "already-granted",
    "backfill",
    "breaking-condition",
    "delete-replication",
    "denied",
    "early-grants",
    "given-up",
    "grant-kept",
    "idle-wave",
    "later-wave",
    "left-repositories",
    "malformed-resource",
    "managed-elsewhere",
    "no-repository",
    "no-room",
    "not-transitive",
    "policy-scope",
    "retired-route",
    "trusted-nothing",
    "unknown-caller",
    "unknown-fields",
    "unknown-rule",
    "unlinked",
    "unlisted",
    "unused-wave",
)
"""Kinds of warnings that are about a fleet, and not about what happened to a single run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A kind of warning that the operator accepts, so that plans count it and do not list it."""

    kind: str
    subject: str | None = None
    """The name of a route, the name or id of an account, or a Sid; None for any."""

    def __str__(self) -> str:
        return self.kind if self.subject is None else f"{self.kind}:{self.subject}"


def _acknowledgement(text: str) -> Acknowledgement:
    """Reads `KIND` or `KIND:SUBJECT`."""
    kind, colon, subject = shown_name(text).partition(":")
    if kind not in ACKNOWLEDGEABLE:
        near = closest(kind, ACKNOWLEDGEABLE)
        guess = f"did you mean {near}? " if near else ""
        raise BadValueError(
            "is no kind of warning that can be acknowledged",
            f"{guess}known here: {', '.join(ACKNOWLEDGEABLE)}",
        )
    if colon and not subject:
        raise BadValueError(
            "names nothing after the colon",
            f"write {kind} for every such warning, or {kind}: with the name of a route, an account "
            "or a Sid",
        )
    return Acknowledgement(kind=kind, subject=subject or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningsTable(Table):
    """Which warnings are known, and not repeated."""

    acknowledged: Annotated[
        tuple[Annotated[Acknowledgement, Kind(_acknowledgement, reads=str)], ...],
        NOT_EMPTY,
        Kind(without_repeats, uniqueItems=True),
    ] = ()
    """Warnings to count and not to repeat: KIND, or KIND: and the name of a route, an account or a
    Sid, such as not-transitive:golden."""
