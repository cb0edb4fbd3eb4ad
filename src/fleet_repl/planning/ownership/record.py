"""The ownership record's values: the links and templates that a fleet last applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeAlias

from fleet_repl.planning.ownership.cells import Cells, both
from fleet_repl.values.names import Registry

Due: TypeAlias = Mapping[Registry, datetime]
"""Destinations that are owed a backfill, and since when: earlier backfills do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The links and templates that a fleet last applied to one registry."""

    links: Cells = field(default_factory=dict)
    templates: tuple[str, ...] = ()
    """Prefixes of its creation templates."""
    given_up: bool = False
    """The registry's account was retired and counted as gone: its rules stay if it is not."""
    due: Due = field(default_factory=dict)


NOTHING_APPLIED: Final = Applied()

Record: TypeAlias = Mapping[Registry, Applied]
"""The fleet's last applied links and templates; a missing registry was never recorded."""
NO_RECORD: Final[Record] = MappingProxyType({})


def together(first: Applied, second: Applied) -> Applied:
    """Returns everything that either value says was applied to a registry."""
    return Applied(
        links=both(first.links, second.links),
        templates=tuple(sorted({*first.templates, *second.templates})),
        given_up=first.given_up and second.given_up,
        due={**first.due, **second.due},
    )
