"""Amounts: how many of something may be, as a count or as an exact share."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from fleet_repl.inventory.fields import HIGHEST_COUNT
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.model import Amount
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.patterns import PERCENT
from fleet_repl.inventory.spelling import quoted

_PERCENT: Final = re.compile(PERCENT)
_NUMBER: Final = re.compile(r"\s*([0-9]{1,3})\s*%?\s*")
_WHOLE: Final = 100


def resolve_amount(
    path: KeyPath, value: int | str | None, default: Amount, findings: Findings
) -> Amount:
    """What is written at `path`; `default` where there is nothing or nothing good."""
    match value:
        case None:
            return default
        case int():
            return _count(path, value, default, findings)
        case str():
            return _share(path, value, default, findings)


def _count(path: KeyPath, value: int, default: Amount, findings: Findings) -> Amount:
    if not 0 <= value <= HIGHEST_COUNT:
        findings.tell(path, f"must be 0 to {HIGHEST_COUNT:,}")
        return default
    return Amount(count=value)


def _share(path: KeyPath, text: str, default: Amount, findings: Findings) -> Amount:
    if _PERCENT.fullmatch(text) is None:
        findings.tell(path, "is not a share", remedy=_remedy(path, text, findings))
        return default
    percent = Fraction(text.removesuffix("%"))
    if percent > _WHOLE:
        findings.tell(path, f"must be at most {_WHOLE}%")
        return default
    return Amount(percent=percent)


def _remedy(path: KeyPath, text: str, findings: Findings) -> str:
    """Never made from a text that came out of the environment."""
    number = _NUMBER.fullmatch(text) if findings.raw(path) == text else None
    if number is None:
        return 'write it like "30%" or "12.5%", or a count without quotes'
    if "%" in text:
        return f"write {quoted(f'{number[1]}%')}"
    return f"write {quoted(f'{number[1]}%')} for a share, or {int(number[1])} for a count"
