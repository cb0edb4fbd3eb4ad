"""Blocks on what is in the way: objections, warnings, failed registries, held links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import starmap
from typing import Final, TypeAlias

from fleet_repl.reports.changed_links import ChangedLink
from fleet_repl.reports.documents.moved import MovedDocument
from fleet_repl.reports.documents.shared import (
    ErrorDocument,
    NamedPlaceDocument,
    ObjectionDocument,
    WarningDocument,
    recast,
)
from fleet_repl.reports.fault_groups import FailedRegistry, FaultGroup, group_faults
from fleet_repl.reports.held_groups import group_held
from fleet_repl.reports.markdown.escape import code, prose, remedy
from fleet_repl.reports.markdown.page import SHARE, Page
from fleet_repl.reports.text.labels import label, prefix_list
from fleet_repl.runs.drift import call_sentences
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted

Failing: TypeAlias = tuple[NamedPlaceDocument, ErrorDocument]
"""A registry and its error."""

_EXAMPLES: Final = 20
"""The most registries that are named of those which failed in the same way."""


def add_notes(page: Page, title: str, notes: Sequence[ObjectionDocument | WarningDocument]) -> None:
    """Adds objections or warnings, each message once."""
    lines = list(
        dict.fromkeys(f"- **{prose(note.kind)}**: {prose(note.message)}" for note in notes)
    )
    page.add_some(f"### {title}\n", lines, noun=title.partition(",")[0].lower())


def add_faults(page: Page, title: str, failed: Iterable[Failing]) -> None:
    """Adds registries that failed, with a paragraph for each way of failing and its remedy."""
    registries = [
        FailedRegistry(registry=place.registry, name=place.name, fault=recast(error, Fault))
        for place, error in failed
    ]
    if registries:
        groups = group_faults(registries)
        page.add_list(
            f"### {title}: {counted(len(registries), 'registry')}\n",
            map(_fault_group, groups),
            total=len(groups),
            noun="ways of failing",
            most=2 * SHARE,
        )


def _fault_group(group: FaultGroup) -> str:
    hint = f"<br>{remedy(group.hint)}" if group.hint else ""
    heading = (
        f"- **{prose(group.kind)} at {prose(group.operation)}**: "
        f"{counted(len(group.members), 'registry')}{hint}"
    )
    shown = [f"  - {_failed(member)}" for member in group.members[:_EXAMPLES]]
    left_out = len(group.members) - len(shown)
    more = [f"  - {left_out:,} more registries: see the JSON report"] if left_out else []
    return "\n".join([heading, *shown, *more])


def _failed(member: FailedRegistry) -> str:
    fault = member.fault
    answer = f" ({code(fault.code)})" if fault.code else ""
    request = f", request {code(fault.request_id)}" if fault.request_id else ""
    return f"{code(label(member.registry, member.name))}: {prose(fault.message)}{answer}{request}"


def add_outside_changes(page: Page, moved: Iterable[tuple[Registry, MovedDocument]]) -> None:
    """Adds the registries that others have changed, with who did as far as CloudTrail tells."""
    lines = []
    for registry, document in moved:
        sentences = (document.message, *call_sentences(document.moved().attribution))
        lines.append(f"- {code(str(registry))}: {'; '.join(map(prose, sentences))}")
    page.add_some("### Changed outside\n", lines, noun="registries")


def add_held(page: Page, held: Sequence[ChangedLink]) -> None:
    """Adds the links that are held, with a paragraph for each reason."""
    groups = group_held(held, lambda link: (link.because or "", link.destination))
    if held:
        page.add_list(
            f"### Held: {counted(len(held), 'link')} left out until the destination grants it\n",
            starmap(_reason, groups),
            total=len(groups),
            noun="reasons",
            most=SHARE,
        )


def _reason(because: str, links: Sequence[ChangedLink]) -> str:
    shown = [
        f"  - {code(str(link.source))} → {code(str(link.destination))}: "
        f"{code(prefix_list(link.prefixes, full=False))}"
        for link in links[:_EXAMPLES]
    ]
    left_out = len(links) - len(shown)
    more = [f"  - {left_out:,} more links: see the JSON report"] if left_out else []
    return "\n".join([f"- {prose(because)}: {counted(len(links), 'link')}", *shown, *more])
