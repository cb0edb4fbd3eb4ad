"""Waves and safety: [[waves]] and [safety] as core values.

Which registries a selector matches is for `topology` to say.
"""

from __future__ import annotations

from typing import Final

from fleet_repl.inventory import schema
from fleet_repl.inventory.amounts import resolve_amount
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.model import REST, Amount, Safety, Selector, Wave
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.selectors import Selectors
from fleet_repl.inventory.texts import MISSING, check_own_name, duration

LONGEST_PAUSE: Final = 24 * 3600
_NO_FAILURE: Final = Amount(count=0)


def resolve_waves(
    tables: list[schema.WaveTable] | None, selectors: Selectors, findings: Findings
) -> tuple[Wave, ...]:
    """Every wave, in the file's order."""
    names: dict[str, KeyPath] = {}
    waves = []
    for index, table in enumerate(tables or []):
        where: KeyPath = ("waves", index)
        check_own_name((*where, "name"), table.name, names, "wave", findings)
        _check_reserved((*where, "name"), table.name, findings)
        pause = duration((*where, "pause"), table.pause, (0, LONGEST_PAUSE), 0, findings)
        waves.append(
            Wave(
                name=table.name or "",
                select=_select((*where, "select"), table.select, selectors, findings),
                max_failures=resolve_amount(
                    (*where, "max_failures"), table.max_failures, _NO_FAILURE, findings
                ),
                pause=pause,
            )
        )
    return tuple(waves)


def resolve_safety(
    table: schema.SafetyTable | None, selectors: Selectors, findings: Findings
) -> Safety:
    """[safety]."""
    default = Safety()
    if table is None:
        return default

    def amount(key: str, value: int | str | None, without: Amount) -> Amount:
        return resolve_amount(("safety", key), value, without, findings)

    return Safety(
        max_removals=amount("max_removals", table.max_removals, default.max_removals),
        max_changed=amount("max_changed", table.max_changed, default.max_changed),
        max_unreadable=amount("max_unreadable", table.max_unreadable, default.max_unreadable),
        protected=tuple(
            selectors.select(("safety", "protected", index), one)
            for index, one in enumerate(table.protected or ())
        ),
    )


def _check_reserved(path: KeyPath, name: str | None, findings: Findings) -> None:
    if name == REST:
        findings.tell(
            path,
            "is the name of the last wave, of registries that no wave selects",
            remedy="give the wave another name, or take it out: those registries go last anyway",
        )


def _select(
    path: KeyPath, table: schema.SelectorTable | None, selectors: Selectors, findings: Findings
) -> Selector:
    if table is not None:
        return selectors.select(path, table)
    findings.tell(
        path, MISSING, remedy="write select = {} for every registry that no earlier wave selects"
    )
    return Selector()
