"""Shares of a whole, such as `12.5%`: exact, so that no rounding lets anything through."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Final, TypeAlias

from fleet_repl.inventory.findings import BadValueError
from fleet_repl.inventory.kinds import Kind, text_schema

PERCENT: Final = r"[0-9]{1,3}(?:\.[0-9]{1,3})?%"
PERCENT_TO_100: Final = r"(?:100(?:\.0{1,3})?|0?[0-9]{1,2}(?:\.[0-9]{1,3})?)%"


def percent_of(text: str) -> Fraction | None:
    """Returns the number before the sign, 0 to 100, and None for a text that is no share. Raises
    BadValueError for a share of more than the whole."""
    if re.fullmatch(PERCENT, text) is None:
        return None
    percent = Fraction(text.removesuffix("%"))
    if percent > 100:
        raise BadValueError("must be at most 100%")
    return percent


def _objective(value: object) -> Fraction:
    percent = percent_of(value) if isinstance(value, str) else None
    if percent is None:
        raise BadValueError("is not a share", 'write it like "100%" or "99.5%"')
    if percent == 0:
        raise BadValueError("must be more than 0%", "leave the key out for no objective")
    return percent / 100


Objective: TypeAlias = Annotated[
    Fraction, Kind(_objective, reads=object, **text_schema(PERCENT_TO_100))
]
"""A share that is to be reached; read as a fraction of 1."""
