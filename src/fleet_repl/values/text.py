"""Text from outside, made harmless to look at.

Account names, policy statements and error messages come from elsewhere. A terminal obeys
escape codes in them and a viewer reorders what follows a bidirectional control, so whatever is
not a character to look at is spelled out.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls (C0, DEL, C1), formats (bidirectional, zero width), lone surrogates, separators."""
_PLAIN: Final = re.compile(r"[ -~]*")
_NOT_CHARACTERS: Final = frozenset("\ufffe\uffff")
"""Neither XML nor a terminal has a use for them."""


def visible(text: str) -> str:
    """`text` on one line, with every character that is not to be looked at spelled out."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_spelled(char) if _is_hidden(char) else char for char in text)


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN or char in _NOT_CHARACTERS


def _spelled(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
