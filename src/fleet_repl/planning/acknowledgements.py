"""Acknowledgements: warnings that the inventory acknowledges are counted, not shown. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple, TypeAlias

from fleet_repl.inventory import ACKNOWLEDGEABLE, Acknowledgement, Inventory
from fleet_repl.planning.plan import Warning
from fleet_repl.topology import Notice

OF_PLANS: Final = frozenset(ACKNOWLEDGEABLE) - {"unlinked"}
"""The kinds of warnings that plans may have; graphs have another kind."""


class Noted(NamedTuple):
    """Warnings to show, and how many are acknowledged."""

    warnings: tuple[Warning, ...]
    acknowledged: int


def as_warning(notice: Notice) -> Warning:
    """A notice about the routes as a warning."""
    return Warning(kind=notice.kind, message=notice.message, about=notice.about)


def noted(warnings: Iterable[Warning], inventory: Inventory, *, judged: Collection[str]) -> Noted:
    """Warnings without those that the inventory acknowledges, and with one for each of its
    acknowledgements that matches nothing.

    `judged`: the kinds of which `warnings` has every warning there is.
    """
    every = tuple(warnings)
    names = {account.name: str(account.id) for account in inventory.accounts}
    names.update({external.name: str(external.id) for external in inventory.externals})
    known = {
        acknowledgement: _subjects(acknowledgement, names)
        for acknowledgement in inventory.acknowledged
    }
    left = tuple(warning for warning in every if not _is_known(warning, known))
    vain = (
        _in_vain(acknowledgement)
        for acknowledgement in known
        if acknowledgement.kind in judged
        and not any(_matches(acknowledgement, known[acknowledgement], warning) for warning in every)
    )
    return Noted((*left, *vain), len(every) - len(left))


_Known: TypeAlias = dict[Acknowledgement, frozenset[str]]


def _subjects(acknowledgement: Acknowledgement, names: dict[str, str]) -> frozenset[str]:
    """The names that an acknowledgement is about; an account's id as well as its name."""
    subject = acknowledgement.subject
    return frozenset() if subject is None else frozenset({subject, names.get(subject, subject)})


def _is_known(warning: Warning, known: _Known) -> bool:
    alike = [acknowledgement for acknowledgement in known if acknowledgement.kind == warning.kind]
    if any(acknowledgement.subject is None for acknowledgement in alike):
        return True
    subjects = frozenset[str]().union(*(known[acknowledgement] for acknowledgement in alike))
    return any(group and group <= subjects for group in warning.about)


def _matches(acknowledgement: Acknowledgement, subjects: frozenset[str], warning: Warning) -> bool:
    if acknowledgement.kind != warning.kind:
        return False
    return acknowledgement.subject is None or any(group & subjects for group in warning.about)


def _in_vain(acknowledgement: Acknowledgement) -> Warning:
    return Warning(
        kind="acknowledged-nothing",
        message=f'acknowledged has "{acknowledgement}", and no warning is about that; '
        "take it out, so that no later warning is missed",
    )
