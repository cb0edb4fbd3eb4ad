"""Texts from outside are read as JSON with one meaning, or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import fleet_repl
from fleet_repl.values.canonical_json import Json, RepeatedKeyError, parse_json

SOURCES = Path(fleet_repl.__file__).parent
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
scalars = scalars.filter(lambda value: value not in (float("inf"), float("-inf")))
documents = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


def repeated(document: Json, path: list[int]) -> str | None:
    """The document's text with a key of the object at `path` written twice; None without one."""
    if isinstance(document, dict) and document:
        members = list(document.items())
        position = path[0] % len(members) if path else 0
        key, value = members[position]
        inner = repeated(value, path[1:]) if path[1:] else None
        texts = [f"{json.dumps(name)}: {json.dumps(item)}" for name, item in members]
        if inner is not None:
            texts[position] = f"{json.dumps(key)}: {inner}"
        else:
            texts.append(f"{json.dumps(key)}: null")
        return "{" + ", ".join(texts) + "}"
    if isinstance(document, list):
        texts = [json.dumps(item) for item in document]
        for position, item in enumerate(document):
            if (inner := repeated(item, path)) is not None:
                texts[position] = inner
                return f"[{', '.join(texts)}]"
    return None


@given(documents, st.booleans())
def test_what_is_json_is_read_as_it_is(document: Json, as_bytes: bool) -> None:
    """Being strict costs no value its meaning."""
    text = json.dumps(document)
    assert parse_json(text.encode() if as_bytes else text) == document


@given(documents, st.lists(st.integers(0, 5), max_size=4))
def test_a_key_twice_is_refused_at_any_depth(document: Json, path: list[int]) -> None:
    """Whichever of the two was meant, the other would be lost."""
    text = repeated(document, path)
    if text is not None:
        with pytest.raises(RepeatedKeyError, match="twice"):
            parse_json(text)


@pytest.mark.parametrize(
    "text",
    ["", "NaN", '{"a": Infinity}', "[" * 100_000, b"\xff", "9" * 5000, '{"a": 1,}', "\ufeff1"],
)
def test_everything_else_is_a_value_error(text: str | bytes) -> None:
    """Whoever reads has one kind of error to answer."""
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_a_long_object_is_refused_as_fast_as_it_is_read() -> None:
    """The key that stands twice is found without comparing each with each."""
    members = [f'"{number}": 0' for number in range(200_000)]
    with pytest.raises(RepeatedKeyError):
        parse_json("{" + ", ".join([*members, '"7": 1']) + "}")


ELSEWHERE = {
    "values/canonical_json.py": "the strict reading itself",
    "reports/documents/schemas.py": "a file of the package's own",
    "reports/documents/writer.py": "what it has written itself",
    "sandbox": "a simulated AWS, whose documents are checked by AWS's rules",
}


def test_nobody_reads_json_in_another_way() -> None:
    """A parser that takes the last of two keys must not come back by another door."""
    loose = re.compile(r"json\.loads?\(|model_validate_json\(|JSONDecoder\(")
    places = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        if loose.search(path.read_text(encoding="utf-8"))
    }
    assert {place for place in places if not place.startswith(tuple(ELSEWHERE))} == set()
