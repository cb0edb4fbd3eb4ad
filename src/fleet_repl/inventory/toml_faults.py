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


def explained(problem: Problem, text: str) -> Problem:
    """The problem of a parser with `text`, with the key, the line as written and a remedy."""
    if problem.line is None:
        return problem
    lines = text.split("\n")[: problem.line]
    key = last_key("\n".join(lines))
    source = lines[-1].strip()
    if not _may_be_shown(key, source):
        return replace(problem, key=key or problem.key)
    shown = shortened(source, _LONGEST)
    return replace(problem, key=key or problem.key, value=shown, remedy=_remedy(source))


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
        return f'write "{word[1]}": a text stands in quotes'
    return None
