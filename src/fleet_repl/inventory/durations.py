"""Durations as an inventory spells them: `30s`, `15m`, `1h30m`. A unit is mandatory."""

from __future__ import annotations

import re
from typing import Final

from fleet_repl.inventory.patterns import DURATION

_DURATION: Final = re.compile(DURATION)
_UNITS: Final = re.compile(r"([0-9]+)([hms])")
_SECONDS: Final = {"h": 3600, "m": 60, "s": 1}


def seconds(text: str) -> int | None:
    """Seconds, or None where `text` is no duration."""
    if _DURATION.fullmatch(text) is None:
        return None
    return sum(int(number) * _SECONDS[unit] for number, unit in _UNITS.findall(text))


def spell_seconds(count: int) -> str:
    """The shortest spelling: 5400 is `1h30m`."""
    rest, parts = count, []
    for unit, size in _SECONDS.items():
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
