"""Values in TOML's spelling, short and harmless on any terminal, for problems.

Tables are only hinted at, because an external id may stand in one.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Final

LONGEST: Final = 100
"""Characters of a value that a problem shows."""

_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BIDI_CONTROLS: Final = frozenset(
    "\N{ARABIC LETTER MARK}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"
    "\N{LEFT-TO-RIGHT EMBEDDING}\N{RIGHT-TO-LEFT EMBEDDING}\N{POP DIRECTIONAL FORMATTING}"
    "\N{LEFT-TO-RIGHT OVERRIDE}\N{RIGHT-TO-LEFT OVERRIDE}"
    "\N{LEFT-TO-RIGHT ISOLATE}\N{RIGHT-TO-LEFT ISOLATE}\N{FIRST STRONG ISOLATE}"
    "\N{POP DIRECTIONAL ISOLATE}"
)


def is_plain(text: str) -> bool:
    """Whether `text` is free of control characters, line breaks and direction changes."""
    if text.isascii():
        return text.isprintable()
    return not any(map(_is_unsafe, text))


def quoted(text: str) -> str:
    """`text` as a TOML basic string."""
    return f'"{"".join(map(_escaped, text))}"'


def spelled(value: object) -> str:
    """`value` as it may stand in a TOML file, cut short where it is long."""
    text = _spelled(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _spelled(value: object) -> str:
    match value:
        case str():
            text = quoted(value[: LONGEST + 1])
        case bool():
            text = "true" if value else "false"
        case int() if value.bit_length() > 64:
            # Python refuses to write very long integers in decimal.
            text = hex(value)
        case list():
            text = f"[{', '.join(map(_spelled, value[:LONGEST]))}]"
        case dict():
            text = "{…}" if value else "{}"
        case dt.date() | dt.time():
            text = value.isoformat()
        case _:
            text = str(value)
    return text


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in _UNSAFE_CATEGORIES or character in _BIDI_CONTROLS


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if not _is_unsafe(character):
        return character
    code = ord(character)
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
