"""The changes of each wave, folded: a table with a row for each registry that it writes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from fleet_repl.planning.change import Resource
from fleet_repl.reports.changed_links import ChangedLink, LinkChange, changed_links_of
from fleet_repl.reports.documents.changes import ChangeDocument
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.registry_outcomes import (
    ChangeOutcomeDocument,
    RegistryOutcomeDocument,
)
from fleet_repl.reports.documents.registry_plans import RegistryDocument
from fleet_repl.reports.documents.report import ReportDocument
from fleet_repl.reports.markdown.escape import code, prose, row, table
from fleet_repl.reports.markdown.page import Page
from fleet_repl.reports.text.labels import SYMBOLS, change_name, label, prefix_list
from fleet_repl.topology import REST
from fleet_repl.values.text import and_more, counted

_COLUMNS: Final = ("registry", "changes", "links", "outcome")
_LINKS: Final = 5
"""The most links that are named of a registry."""
_SIGNS: Final = {LinkChange.ADDED: "+", LinkChange.REMOVED: "-"}


@dataclass(slots=True)
class _Wave:
    """The rows of a wave, as long as there may be room for them."""

    has_outcomes: bool
    room: int
    registries: int = 0
    rows: list[str] = field(default_factory=list)


def add_waves(page: Page, document: PlanDocument | ReportDocument) -> None:
    """Adds what each wave writes, or has written."""
    waves: dict[str, _Wave] = {}
    has_outcomes = isinstance(document, ReportDocument)
    for registry in document.registries:
        for name in dict.fromkeys(change.wave for change in registry.changes):
            wave = waves.setdefault(name, _Wave(has_outcomes=has_outcomes, room=page.left))
            wave.registries += 1
            if wave.room > 0:
                wave.rows.append(row(_cells(registry, name)))
                wave.room -= len(wave.rows[-1])
    for nth, name in enumerate(sorted(waves, key=lambda name: (name == REST, name))):
        # What is left is shared by the waves that are left.
        most = page.left // (len(waves) - nth)
        _add_wave(page, name, waves[name], most, because=_because(document, name))


def _because(document: PlanDocument | ReportDocument, name: str) -> str | None:
    """Returns why writes of a wave were skipped or cancelled."""
    if isinstance(document, PlanDocument):
        return None
    return next((wave.because for wave in document.waves or () if wave.name == name), None)


def _add_wave(page: Page, name: str, wave: _Wave, most: int, *, because: str | None) -> None:
    why = f"; {prose(because)}" if because else ""
    heading = f"Wave {code(name)}: {counted(wave.registries, 'registry')}{why}"
    header = table(_COLUMNS if wave.has_outcomes else _COLUMNS[:-1], ())
    page.add_list(
        f"<details><summary>{heading}</summary>\n\n{header}",
        wave.rows,
        total=wave.registries,
        noun="registries",
        most=most,
        closing="\n\n</details>",
    )


def _cells(registry: RegistryDocument | RegistryOutcomeDocument, wave: str) -> Iterator[str]:
    yield code(label(registry.registry, registry.name))
    changes = [change for change in registry.changes if change.wave == wave]
    yield "<br>".join(map(_change, changes))
    links = [
        link
        for link in changed_links_of(registry)
        if link.wave == wave and link.change is not LinkChange.HELD
    ]
    yield "<br>".join(map(_link, links[:_LINKS])) + and_more(len(links) - _LINKS)
    if isinstance(registry, RegistryOutcomeDocument):
        outcomes = [_outcome(change) for change in registry.changes if change.wave == wave]
        yield "<br>".join(dict.fromkeys(outcomes))


def _change(change: ChangeDocument | ChangeOutcomeDocument) -> str:
    sign = SYMBOLS[change.action][0].strip()
    return f"{code(sign)} {prose(change_name(change.resource, _prefix(change)))}"


def _prefix(change: ChangeDocument | ChangeOutcomeDocument) -> str | None:
    """Returns the prefix of a creation template, of which a registry may have several."""
    if change.resource is not Resource.CREATION_TEMPLATE:
        return None
    prefix = (change.after or change.before or {}).get("prefix")
    return prefix if isinstance(prefix, str) else None


def _link(link: ChangedLink) -> str:
    sign = _SIGNS.get(link.change, link.change.replace("-", " "))
    prefixes = prefix_list(link.prefixes, full=False)
    return f"{code(sign)} {code(str(link.destination))}: {code(prefixes)}"


def _outcome(change: ChangeOutcomeDocument) -> str:
    request = f", request {code(change.request_id)}" if change.request_id else ""
    return f"{change.outcome}{request}"
