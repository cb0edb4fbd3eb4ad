"""Waves and safety: [[waves]] and [safety], in which order registries are written, and how much
one run may do.

Which registries a selector matches is for `topology` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Final, TypeAlias

from fleet_repl.inventory.fields import Name, check_names, duration
from fleet_repl.inventory.findings import BadValueError, Findings
from fleet_repl.inventory.kinds import NOT_EMPTY, Kind, text_schema
from fleet_repl.inventory.routes import Select
from fleet_repl.inventory.shares import PERCENT_TO_100, percent_of
from fleet_repl.inventory.tables import Table
from fleet_repl.values.text import quoted

REST: Final = "rest"
"""The wave of registries that no wave selects, the last one; no wave in a file is called so."""
HIGHEST_COUNT: Final = 10_000_000
"""More than there are links in the largest fleet."""
_NUMBER: Final = re.compile(r"\s*([0-9]{1,3})\s*%?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount: a count, or a share of a whole. Exactly one of the two is given."""

    count: int | None = None
    percent: Fraction | None = None
    """0 to 100; exact, so that 10% of 30 is 3 and no rounding lets a fourth one through."""

    def allows(self, part: int, whole: int) -> bool:
        """Returns whether `part` of `whole` is within the amount."""
        if self.count is not None:
            return part <= self.count
        return part * 100 <= (self.percent or 0) * whole

    def most(self, whole: int) -> int:
        """The largest part of `whole` that is within the amount."""
        if self.count is not None:
            return self.count
        return (self.percent or 0) * whole // 100

    def __str__(self) -> str:
        if self.count is not None:
            return f"{self.count}"
        return f"{float(self.percent or 0):g}%"


def _amount(value: object) -> Amount:
    match value:
        case bool():
            raise BadValueError(_NO_AMOUNT)
        case int() if 0 <= value <= HIGHEST_COUNT:
            return Amount(count=value)
        case int():
            raise BadValueError(f"must be 0 to {HIGHEST_COUNT:,}")
        case str():
            percent = percent_of(value)
            if percent is not None:
                return Amount(percent=percent)
            remedy = 'write it like "30%" or "12.5%", or a count without quotes'
            raise BadValueError("is not a share", remedy, meant=_share_meant(value))
        case float() if 0 <= value <= 100:
            # A share that is written as a number; below 1 it is one of a whole.
            share = round(value * 100 if value < 1 else value, 3)
            raise BadValueError(_NO_AMOUNT, f'write "{share:g}%" for a share')
        case _:
            raise BadValueError(_NO_AMOUNT)


_NO_AMOUNT: Final = 'must be a count, or a share such as "10%"'
_COUNT: Final = {"type": "integer", "minimum": 0, "maximum": HIGHEST_COUNT}
AmountOf: TypeAlias = Annotated[
    Amount, Kind(_amount, reads=object, anyOf=[_COUNT, text_schema(PERCENT_TO_100)])
]


def _share_meant(text: str) -> str | None:
    number = _NUMBER.fullmatch(text)
    if number is None:
        return None
    share = quoted(f"{number[1]}%")
    return (
        f"write {share}"
        if "%" in text
        else f"write {share} for a share, or {int(number[1])} for a count"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave(Table):
    """Links that are written together, after those of the waves before: all with an end in it."""

    name: Name = field(metadata={"missing": "give each wave a name of its own"})
    """A unique name, shown with every change. rest is the name of the last wave, of what no
    wave selects."""
    select: Select = field(
        metadata={"missing": "write select = {} for every registry that no earlier wave selects"}
    )
    """The managed registries of the wave, sources and destinations alike. A link belongs to the
    first wave that selects either of its ends."""
    max_failures: AmountOf = Amount(count=0)
    """A count, or a share of the wave's registries such as 10%. If more fail, later waves are
    skipped. Default: 0."""
    pause: Annotated[float, duration(0, 24 * 3600)] = 0
    """How long to wait after the wave, before the next one; up to 24h. Default: 0s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety(Table):
    """How much a plan may do before it is refused."""

    max_removals: AmountOf = Amount(percent=Fraction(30))
    """Links that are removed or narrowed: a count, or a share of those in place in the registries
    that could be read. Default: 30%."""
    max_changed: AmountOf = Amount(percent=Fraction(100))
    """Registries that are changed: a count, or a share of those in scope. Default: 100%."""
    max_unreadable: AmountOf = Amount(percent=Fraction(20))
    """Registries that could not be read: a count, or a share of those in scope. Default: 20%."""
    protected: Annotated[tuple[Select, ...], NOT_EMPTY] = ()
    """Selectors of registries that lose no link without --allow protected."""


def check_waves(waves: Iterable[Wave], findings: Findings) -> None:
    """Report names of waves that repeat, or that mean the last wave."""
    names = [wave.name for wave in waves]
    check_names("waves", names, "wave", findings)
    for index, name in enumerate(names):
        if name == REST:
            findings.report(
                ("waves", index, "name"),
                "is the name of the last wave, of registries that no wave selects",
                remedy="give the wave another name, or take it out: those registries go last "
                "anyway",
            )
