"""What is written is what Python's `json` writes, and what is read is read without a loss."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.documents.plan import (
    PlanDocument,
    PlanFormatError,
    parse_plan,
    plan_content,
)
from fleet_repl.reports.documents.reader import read_exact
from fleet_repl.reports.documents.writer import canonical, compact, json_text
from fleet_repl.reports.to_json import to_json
from fleet_repl.values.canonical_json import Json, canonical_json

texts = st.text(st.characters() | st.sampled_from('\x00\x1f\x7f"\\/é東💡\ud800\u2028'), max_size=6)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(texts, values, max_size=3)


@given(document=documents)
def test_text_is_that_of_json(document: dict[str, Json]) -> None:
    """Odd numbers and halves of surrogate pairs included; DEL alone is spelled otherwise, where
    people may read it."""
    assert compact(document) == json.dumps(document, separators=(",", ":")).encode()
    plain = json.dumps(document, indent=2).replace("\x7f", "\\u007f")
    assert json_text(document) == plain + "\n"


@given(document=documents)
def test_canonical_text_is_that_of_canonical_json(document: dict[str, Json]) -> None:
    """So digests of earlier versions hold."""
    assert canonical(document) == canonical_json(document).encode("utf-8", "surrogatepass")


def test_what_is_written_is_read_at_once(plan: Plan) -> None:
    """On one line and indented, but not what would be written otherwise."""
    content = plan_content(plan)
    for text in (content, to_json(plan).encode()):
        assert read_exact(text, PlanDocument) is not None
    for other in (
        content.replace(b'"fleet":"prod"', b'"fleet":"pr\\u006fd"'),
        content.replace(b'"fleet":"prod"', b'"fleet":"dev","fleet":"prod"'),
        content[:-3],
    ):
        assert other != content
        assert read_exact(other, PlanDocument) is None


@pytest.mark.parametrize(
    "spelled",
    [
        lambda text: text.replace('"fleet": "prod"', '"fleet": "pr\\u006fd"'),
        lambda text: json.dumps(json.loads(text), sort_keys=True),
        lambda text: json.dumps(json.loads(text), ensure_ascii=False, indent=7),
    ],
)
def test_a_plan_may_be_spelled_otherwise(spelled: Callable[[str], str], plan: Plan) -> None:
    """An editor or another tool may have written it anew, in whatever encoding."""
    text = spelled(to_json(plan))
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        read_back = parse_plan(text.encode(encoding), "p.json")
        assert plan_content(read_back) == plan_content(plan)


@pytest.mark.parametrize(
    "twice",
    [
        ('"fleet":"prod"', '"fleet":"dev","fleet":"prod"'),
        ('"after":{"rules":["', '"after":{"rules":[],"rules":["'),
    ],
)
def test_a_key_that_is_said_twice_is_refused(twice: tuple[str, str], plan: Plan) -> None:
    """The digest is right for what is left of it, as msgspec and most tools take the last."""
    text = plan_content(plan).decode()
    doubled = text.replace(*twice, 1)
    assert doubled != text
    with pytest.raises(PlanFormatError, match=r"names the key .* twice"):
        parse_plan(doubled.encode(), "p.json")
