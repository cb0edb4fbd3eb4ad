"""Acknowledgements: warnings that somebody knows of are counted, and not repeated. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple, TypeAlias

from fleet_repl.inventory import ACKNOWLEDGEABLE, Acknowledgement, Inventory
from fleet_repl.planning.plan import Warning
from fleet_repl.topology import Notice

OF_PLANS: Final = frozenset(ACKNOWLEDGEABLE) - {"unlinked"}
"""The kinds that plans may have; graphs have another one."""


class Noted(NamedTuple):
    """Warnings, those that are known only as a number."""

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
    names = {one.name: str(one.id) for one in inventory.accounts}
    names.update({one.name: str(one.id) for one in inventory.externals})
    known = {one: _subjects(one, names) for one in inventory.acknowledged}
    left = tuple(one for one in every if not _is_known(one, known))
    vain = (
        _in_vain(one)
        for one in known
        if one.kind in judged and not any(_matches(one, known[one], warning) for warning in every)
    )
    return Noted((*left, *vain), len(every) - len(left))


_Known: TypeAlias = dict[Acknowledgement, frozenset[str]]


def _subjects(one: Acknowledgement, names: dict[str, str]) -> frozenset[str]:
    """What it names; an account that it names, by its id too."""
    subject = one.subject
    return frozenset() if subject is None else frozenset({subject, names.get(subject, subject)})


def _is_known(warning: Warning, known: _Known) -> bool:
    alike = [one for one in known if one.kind == warning.kind]
    if any(one.subject is None for one in alike):
        return True
    subjects = frozenset[str]().union(*(known[one] for one in alike))
    return any(group and group <= subjects for group in warning.about)


def _matches(one: Acknowledgement, subjects: frozenset[str], warning: Warning) -> bool:
    if one.kind != warning.kind:
        return False
    return one.subject is None or any(group & subjects for group in warning.about)


def _in_vain(one: Acknowledgement) -> Warning:
    return Warning(
        kind="acknowledged-nothing",
        message=f'acknowledged has "{one}", and no warning is about that; take it out, so that no '
        "later warning is missed",
    )
