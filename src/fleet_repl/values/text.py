"""Text for people: counts, lists and moments in words, and text from outside made harmless.

Account names, policy statements and error messages come from outside. A terminal obeys escape
codes in them, and a viewer reorders the text after a bidirectional control, so every invisible
character is escaped. Pure.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

LONGEST: Final = 100
"""Characters of a TOML value that a problem shows."""

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls (C0, DEL, C1), formats (bidirectional, zero width), lone surrogates, separators."""
_PLAIN: Final = re.compile(r"[ -~]*")
_NOT_CHARACTERS: Final = frozenset("\ufffe\uffff")
"""Code points that are no characters; XML does not allow them."""

_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_UNSAFE: Final = _HIDDEN - {"Cf"}
_BIDI_CONTROLS: Final = frozenset(
    "\N{ARABIC LETTER MARK}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"
    "\N{LEFT-TO-RIGHT EMBEDDING}\N{RIGHT-TO-LEFT EMBEDDING}\N{POP DIRECTIONAL FORMATTING}"
    "\N{LEFT-TO-RIGHT OVERRIDE}\N{RIGHT-TO-LEFT OVERRIDE}"
    "\N{LEFT-TO-RIGHT ISOLATE}\N{RIGHT-TO-LEFT ISOLATE}\N{FIRST STRONG ISOLATE}"
    "\N{POP DIRECTIONAL ISOLATE}"
)


def counted(number: int, noun: str) -> str:
    """`1 registry`, `2,000 registries`."""
    if number != 1:
        noun = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun}"


def named(noun: str, names: Sequence[str]) -> str:
    """`route golden`, `routes golden, dr`."""
    return f"{noun if len(names) == 1 else f'{noun}s'} {', '.join(names)}"


def joined(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def listed(items: Sequence[object], most: int) -> str:
    """The first `most` items and how many more there are: `a, b and 3 more`."""
    return f"{', '.join(map(str, items[:most]))}{and_more(len(items) - most)}"


def and_more(left_out: int) -> str:
    """` and 3 more`, for the end of a list; nothing where nothing is left out."""
    return f" and {left_out:,} more" if left_out > 0 else ""


def shortened(text: str, most: int) -> str:
    """The first `most` characters, and `…` where there are more."""
    return text if len(text) <= most else f"{text[:most]}…"


def first_line(text: object) -> str:
    """The first line of a text, such as an error's message without its remedy."""
    return str(text).partition("\n")[0]


def below(remedy: str | None) -> str:
    """A remedy as lines below an error's message; nothing for None."""
    return "" if remedy is None else "".join(f"\n    {line}" for line in remedy.splitlines())


def elapsed(seconds: float) -> str:
    """`4.2 s`, `3 min 12 s`, `1 h 02 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def timestamp(moment: dt.datetime) -> str:
    """RFC 3339 in UTC, to the second: `2026-11-23T08:15:00Z`."""
    return f"{_in_utc(moment, 'seconds')}Z"


def instant(moment: dt.datetime) -> str:
    """RFC 3339 in UTC, to the millisecond: `2026-11-23T08:15:00.123Z`."""
    return f"{_in_utc(moment, 'milliseconds')}Z"


def day_and_time(moment: dt.datetime) -> str:
    """`2026-11-23 at 08:15 UTC`, within a sentence."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d at %H:%M} UTC"


def visible(text: str) -> str:
    """`text` on one line, with every invisible character escaped: a tab becomes `\\x09`."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_codepoint(char) if _is_hidden(char) else char for char in text)


def is_plain(text: str) -> bool:
    """Returns whether `text` is free of control characters, line breaks and direction changes.

    Other format characters are allowed, such as the joiners within an emoji.
    """
    if text.isascii():
        return text.isprintable()
    return not any(map(_is_unsafe, text))


def quoted(text: str) -> str:
    """`text` as a TOML basic string."""
    return f'"{"".join(map(_escaped, text))}"'


def spelled(value: object) -> str:
    """`value` in TOML's spelling, cut to 100 characters. A table becomes `{…}`, because it may hold
    an external id."""
    text = _spelled(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _in_utc(moment: dt.datetime, precision: str) -> str:
    # Not by a format: some systems write years before 1000 with fewer than four digits.
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec=precision)


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN or char in _NOT_CHARACTERS


def _codepoint(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


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


def _is_unsafe(char: str) -> bool:
    return unicodedata.category(char) in _UNSAFE or char in _BIDI_CONTROLS


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if not _is_unsafe(char):
        return char
    code = ord(char)
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
