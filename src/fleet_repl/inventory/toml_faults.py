"""Faults of a text that is no TOML: more than its parser says, from the line in question.

No problem shows an external id, or a line that might hold one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from fleet_repl.inventory.document import Document
from fleet_repl.inventory.findings import SECRET
from fleet_repl.inventory.lines import last_key
from fleet_repl.inventory.tables import every_key
from fleet_repl.values.errors import Problem
from fleet_repl.values.text import shortened

_LONGEST: Final = 80
"""Characters of a line that are shown."""
_ASSIGNED: Final = re.compile(r"""([^\s=,{}\[\]."']+)["']?\s*=""")
"""The text before an equals sign."""
_HEADER: Final = re.compile(r"\[[\w.\s\[\]-]*")
_NUMBER: Final = re.compile(r"[=\[,]\s*(0\d+)\s*(?=[,\]}#]|$)")
"""With leading zeros, as a whole value."""
_WORD: Final = re.compile(r"=\s*(?!(?:true|false|inf|nan)\b)([A-Za-z][\w./-]*)\s*(?=[,\]}#]|$)")
"""A text without quotes, as a whole value."""

_SWITCHES: Final = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}
"""Words that other formats take for a switch, and TOML's own."""
_END_OF_TEXT: Final = "end the text with the quotation mark that it begins with"
_ADVICE: Final = (
    ("", r".*[\u2018-\u201f]", "write straight quotation marks"),
    ("Illegal character '\\n'", "", _END_OF_TEXT),
    ("Unterminated string", "", _END_OF_TEXT),
    ('Expected "\'"', "", _END_OF_TEXT),
    ("Unescaped '\\'", "", "write \\\\ in place of \\, or put the text into '…'"),
    ("Unclosed array", "", "put a comma between the items, and ] behind the last"),
    ("part", r".*\{", "write a table in { } on one line, without a comma before the }"),
    (
        "Cannot",
        r"\[",
        "two brackets, as of [[routes]], begin each of several; one pair begins a single table",
    ),
    ("Cannot", "", "the key is there already: keep one of them"),
    ("Invalid statement", r"\{", "an inventory is TOML, not JSON"),
    ("Expected '='", r"[\w-]+:", "write key = value: an inventory is TOML, not YAML"),
)
"""A part of the parser's fault, a pattern of the line's beginning, and what to do; the first that
fits counts."""


def explained(problem: Problem, text: str) -> Problem:
    """The problem of a parser with `text`, with the key, the line as written and a remedy."""
    if problem.line is None:
        return problem
    lines = text.split("\n")[: problem.line]
    key = last_key("\n".join(lines))
    source = lines[-1].strip()
    remedy = _advice(problem.message, source)
    if not _may_be_shown(key, source):
        return replace(problem, key=key or problem.key, remedy=remedy)
    shown = shortened(source, _LONGEST)
    return replace(problem, key=key or problem.key, value=shown, remedy=_remedy(source) or remedy)


def _may_be_shown(key: str | None, source: str) -> bool:
    """Returns whether every key on the line is known, and none is that of a secret."""
    if key is None:
        return bool(_HEADER.fullmatch(source))
    if SECRET in key or "extern" in source.lower():
        return False
    assigned = _ASSIGNED.findall(source)
    return bool(assigned) and every_key(Document).issuperset(assigned)


def _remedy(source: str) -> str | None:
    if number := _NUMBER.search(source):
        return f'write "{number[1]}": TOML has no numbers with leading zeros, and an id is a text'
    if word := _WORD.search(source):
        if switch := _SWITCHES.get(word[1].lower()):
            return f'write {switch}, or "{word[1]}" if it is a text'
        return f'write "{word[1]}": a text stands in quotes'
    return None


def _advice(fault: str, source: str) -> str | None:
    """Returns the remedy for a fault of the parser, without anything of the line."""
    for fault_part, line_part, remedy in _ADVICE:
        if fault_part in fault and re.match(line_part, source):
            return remedy
    return None
