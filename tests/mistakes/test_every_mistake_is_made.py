"""The tables on the page about troubleshooting hold no message that no test has provoked."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from tests.mistakes.conftest import mistakes


def test_each_row_is_compared_with_what_is_printed() -> None:
    """By its cause, which is a text in one of the tests here."""
    texts = {
        node.value
        for path in Path(__file__).parent.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }
    rows = mistakes()
    assert [mistake.cause for mistake in rows if mistake.cause not in texts] == []
    assert len(rows) >= 40
    assert set(Counter(mistake.cause for mistake in rows).values()) == {1}
