"""The difference of two documents, line by line."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given, strategies as st

from fleet_repl.reports.html.diff import LONGEST, diff_lines

values = st.lists(st.sampled_from(["a", "b", "c"]), max_size=12)


def shown(before: Any, after: Any) -> list[str]:
    return [f"{line.sign} {line.text}" for line in diff_lines(before, after)]


def test_a_document_that_is_new() -> None:
    """All of its lines are."""
    assert shown(None, {"a": 1}) == ["+ {", '+   "a": 1', "+ }"]


def test_equal_lines_far_from_a_change_are_left_out() -> None:
    """And counted."""
    before = {"rules": list(range(12))}
    after = {"rules": [*range(11), "new"]}
    assert shown(before, after) == [
        "… 11 equal lines",
        "      9,",
        "      10,",
        "-     11",
        '+     "new"',
        "    ]",
        "  }",
    ]


def test_a_long_difference_is_cut() -> None:
    """With the number of lines that are left out, and where they are."""
    lines = shown(None, {"rules": list(range(1000))})
    assert len(lines) == LONGEST + 1
    assert lines[-1] == "… 844 more lines; the JSON document has them"


@given(before=values, after=values)
def test_nothing_of_either_document_is_missing(before: list[str], after: list[str]) -> None:
    """The lines with a minus and those of both are the old document; with a plus, the new one."""
    documents: tuple[Any, Any] = ({"x": before}, {"x": after})
    lines = diff_lines(*documents)
    for sign, document in zip("-+", documents, strict=True):
        gaps = sum(int(re.sub(r"\D", "", line.text)) for line in lines if line.sign == "…")
        listed = [line.text for line in lines if line.sign in (sign, " ")]
        whole = json.dumps(document, indent=2).splitlines()
        assert len(listed) + gaps == len(whole)
        rest = iter(whole)
        assert all(line in rest for line in listed)
