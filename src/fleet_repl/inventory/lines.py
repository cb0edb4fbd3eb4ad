"""The line number of each key path in a TOML text; the parser does not say.

For texts that tomllib has accepted: it checks nothing, decodes no value, and stops quietly at
anything it does not understand, because a missing line is better than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from fleet_repl.inventory.findings import child, item

_BLANK: Final = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")
_KEY_PART: Final = re.compile(r'[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
_DOT: Final = re.compile(r"[ \t]*\.[ \t]*")
_EQUALS: Final = re.compile(r"[ \t]*=[ \t]*")
_HEADER: Final = re.compile(r"\[\[?[ \t]*")
_HEADER_END: Final = re.compile(r"[ \t]*\]\]?")
_SCALAR: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'  # up to two quotes may touch the closing ones
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|[^\s,\]}#\[{\"'][^,\]}#\n]*",
    re.DOTALL,
)
_SIMPLE: Final = re.compile(
    r"""([A-Za-z0-9_-]+)[ \t]*=[ \t]*(?:"[^"\\\n]+"|[A-Za-z0-9_.+-]+)[ \t]*(?=\n|\#)"""
)
"""Most statements of most files, in one step."""


class Lines(Mapping[str, int]):
    """Key path → 1-based line, for every table, key and list element of a text.

    The text is scanned when a line is first asked for, which a good inventory never needs.
    """

    __slots__ = ("_found", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[str, int] | None = None

    def __getitem__(self, key: str) -> int:
        return self._lines[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def _lines(self) -> dict[str, int]:
        if self._found is None:
            self._found = key_lines(self._text)
            self._text = ""
        return self._found


def key_lines(text: str) -> dict[str, int]:
    """Key path → 1-based line, for every table, key and list element of a text."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    while scanner.statement():
        pass
    return scanner.lines


def last_key(text: str) -> str | None:
    """The path of the last key or element that `text` begins; None where that is not clear. For the
    start of a text, up to the line that a parser has refused."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    try:
        while scanner.statement():
            pass
    except (ValueError, RecursionError):
        return None
    return scanner.reached or None


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[str, int] = {}
        self.reached = ""
        """The key path at which the scanner arrived last."""
        self._text = text
        self._at = 0
        self._counted = 0
        self._line = 1
        self._table = ""
        self._tables_seen: dict[str, int] = {}
        """The number of tables seen so far in each array of tables."""

    def statement(self) -> bool:
        """Go past one header or key with its value; False where there is nothing more."""
        self._skip(_BLANK)
        if self._at == len(self._text):
            return False
        if simple := _SIMPLE.match(self._text, self._at):
            self._note(child(self._table, simple[1]))
            self._at = simple.end()
            return True
        if self._text.startswith("[", self._at):
            return self._header()
        return self._key_and_value(self._table)

    def _header(self) -> bool:
        is_array = self._text.startswith("[[", self._at)
        line = self._here()
        self._skip(_HEADER)
        self.reached = ""
        parts = self._key()
        if not parts or not self._skip(_HEADER_END):
            return False
        path = ""
        for part in parts[:-1]:
            path = self._latest(child(path, part))
            self.lines.setdefault(path, line)
        path = self.reached = child(path, parts[-1])
        self.lines.setdefault(path, line)
        if is_array:
            self._tables_seen[path] = self._tables_seen.get(path, 0) + 1
            path = self._latest(path)
            self.lines[path] = line
        self._table = path
        return True

    def _latest(self, path: str) -> str:
        """Below an array of tables a header means the table that was added last."""
        count = self._tables_seen.get(path)
        return path if count is None else item(path, count - 1)

    def _key_and_value(self, table: str) -> bool:
        line = self._here()
        self.reached = ""
        parts = self._key()
        if not parts or not self._skip(_EQUALS):
            return False
        path = table
        for part in parts:
            path = child(path, part)
            self.lines.setdefault(path, line)
        self.reached = path
        return self._value(path)

    def _key(self) -> list[str]:
        parts: list[str] = []
        while match := _KEY_PART.match(self._text, self._at):
            self._at = match.end()
            part = match[0]
            parts.append(_unquoted(part) if part[0] in "\"'" else part)
            if not self._skip(_DOT):
                break
        return parts

    def _value(self, path: str) -> bool:
        match self._text[self._at : self._at + 1]:
            case "[":
                return self._elements(path)
            case "{":
                return self._pairs(path)
            case _:
                return self._skip(_SCALAR)

    def _elements(self, path: str) -> bool:
        index = 0
        self._at += 1
        while not self._closes("]"):
            element = item(path, index)
            self._note(element)
            if not self._value(element):
                return False
            index += 1
        return True

    def _pairs(self, path: str) -> bool:
        self._at += 1
        while not self._closes("}"):
            if not self._key_and_value(path):
                return False
        return True

    def _closes(self, bracket: str) -> bool:
        """Go past blanks and a comma, and past `bracket` where it follows."""
        self._skip(_BLANK)
        if self._text.startswith(",", self._at):
            self._at += 1
            self._skip(_BLANK)
        closes = self._text.startswith(bracket, self._at)
        self._at += closes
        return closes

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Go past a match of `pattern`; False where there is none."""
        match = pattern.match(self._text, self._at)
        if match is None or match.end() == self._at:
            return False
        self._at = match.end()
        return True

    def _note(self, path: str) -> None:
        if self._at < len(self._text):
            self.reached = path
        self.lines.setdefault(path, self._here())

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line


def _unquoted(key: str) -> str:
    import tomllib  # noqa: PLC0415 - help reads no inventory

    return next(iter(tomllib.loads(f"{key}=0")))
