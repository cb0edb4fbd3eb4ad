"""[warnings]: which warnings somebody knows of, and need not be repeated."""

from __future__ import annotations

from collections.abc import Sequence

from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.guessing import closest
from fleet_repl.inventory.model import ACKNOWLEDGEABLE, Acknowledgement
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.texts import check_name


def resolve_acknowledged(
    texts: Sequence[str] | None, findings: Findings
) -> tuple[Acknowledgement, ...]:
    """`KIND` or `KIND:SUBJECT`, each once."""
    return tuple(
        _acknowledgement(("warnings", "acknowledged", index), text, findings)
        for index, text in enumerate(dict.fromkeys(texts or ()))
    )


def _acknowledgement(where: KeyPath, text: str, findings: Findings) -> Acknowledgement:
    check_name(where, text, findings)
    kind, colon, subject = text.partition(":")
    if kind not in ACKNOWLEDGEABLE:
        near = closest(kind, ACKNOWLEDGEABLE)
        guess = f"did you mean {near}? " if near else ""
        findings.tell(
            where,
            "is no kind of warning that can be acknowledged",
            remedy=f"{guess}known here: {', '.join(ACKNOWLEDGEABLE)}",
        )
    elif colon and not subject:
        findings.tell(
            where,
            "names nothing after the colon",
            remedy=f"write {kind} for every such warning, or {kind}: with the name of a route, an "
            "account or a Sid",
        )
    return Acknowledgement(kind=kind, subject=subject or None)
