"""Every key path has the line that it was written on, however TOML was spelled."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from fleet_repl.inventory.findings import nearest_line, written
from fleet_repl.inventory.lines import Lines, key_lines
from fleet_repl.values.text import quoted

# Apart from the rest, because it is full of the quotes that the rest is in.
LITERAL = """\
''''
quote''''
last = 1979-05-27 07:32:00
"""
SPELLINGS = (
    r'''
# a comment with [brackets] and = signs
version = 1   # one
aws.role = "r # no comment"
aws . "via" = ["a",
  'b', # ]
  """c
  ]""", "d"]

[ apply ]
timeout = """
30s""""

[[accounts]]
id = "1"
labels = { tier = "a", "odd key" = 'x', deep = { er = 1 } }
  [accounts.more]
  key.sub = 1
[[accounts]]
id = """a\"""b"""
[accounts.more]
key = [ { x = 1 },
  { x = 2, y = "}" } ]
"]" = '''.lstrip("\n")
    + LITERAL
)

LINES = {
    "version": 2,
    "aws": 3,
    "aws.role": 3,
    "aws.via": 4,
    "aws.via[0]": 4,
    "aws.via[1]": 5,
    "aws.via[2]": 6,
    "aws.via[3]": 7,
    "apply": 9,
    "apply.timeout": 10,
    "accounts": 13,
    "accounts[0]": 13,
    "accounts[0].id": 14,
    "accounts[0].labels": 15,
    "accounts[0].labels.tier": 15,
    'accounts[0].labels."odd key"': 15,
    "accounts[0].labels.deep": 15,
    "accounts[0].labels.deep.er": 15,
    "accounts[0].more": 16,
    "accounts[0].more.key": 17,
    "accounts[0].more.key.sub": 17,
    "accounts[1]": 18,
    "accounts[1].id": 19,
    "accounts[1].more": 20,
    "accounts[1].more.key": 21,
    "accounts[1].more.key[0]": 21,
    "accounts[1].more.key[0].x": 21,
    "accounts[1].more.key[1]": 22,
    "accounts[1].more.key[1].x": 22,
    "accounts[1].more.key[1].y": 22,
    'accounts[1].more."]"': 23,
    "accounts[1].more.last": 25,
}


def test_all_spellings() -> None:
    """Headers, arrays of tables, dotted and quoted keys, inline tables, texts of many lines."""
    tomllib.loads(SPELLINGS)
    assert key_lines(SPELLINGS) == LINES


def test_lines_are_a_mapping() -> None:
    """Found out when first asked, and then as if they had been there all along."""
    lines = Lines(SPELLINGS)
    assert len(lines) == len(LINES)
    assert dict(lines) == LINES


def test_line_ends_of_windows() -> None:
    """Carriage returns change no line."""
    assert key_lines(SPELLINGS.replace("\n", "\r\n")) == LINES


@pytest.mark.parametrize("text", ["a = ", "[a", "a = [1", "a = {b", "= 1", 'a = "', "a"])
def test_broken_text_ends_the_search(text: str) -> None:
    """What is no TOML has no lines, but the search ends."""
    assert set(key_lines("ok = 1\n" + text)) >= {"ok"}


def test_the_nearest_line() -> None:
    """A key that is not there has the line of what encloses it."""
    lines = {"accounts": 1, "accounts[0]": 2, 'accounts[0]."a.b]"': 3}
    assert nearest_line(lines, "accounts[0].id") == 2
    assert nearest_line(lines, 'accounts[0]."a.b]".c[7]') == 3
    assert nearest_line(lines, "accounts[5].id.x") == 1
    assert nearest_line(lines, "routes") is None
    assert nearest_line(lines, "no path at all") is None


_KEYS = st.text("ab.\"'[]#= \\\u00e9", min_size=1, max_size=4)
_TEXTS = st.text("ab\"'[]{}#=, \n\\\t\u00e9", max_size=6)
_VALUES = st.recursive(
    _TEXTS | st.integers(-9, 9) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


def _spelled(value: object, multi_line: bool) -> str:
    match value:
        case str() if multi_line and "\\" not in value and "'''" not in value:
            return f"'''\n{value} '''"
        case str():
            return quoted(value)
        case list():
            separator = ",\n # ]\n" if multi_line else ", "
            return f"[{separator.join(_spelled(item, multi_line) for item in value)}]"
        case dict():
            pairs = (f"{quoted(key)} = {_spelled(item, multi_line)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
        case _:
            return str(value).lower()


def _paths(value: object, path: tuple[str | int, ...]) -> Iterator[str]:
    yield written(path)
    match value:
        case list():
            for index, item in enumerate(value):
                yield from _paths(item, (*path, index))
        case dict():
            for key, item in value.items():
                yield from _paths(item, (*path, key))


@given(document=st.dictionaries(_KEYS, _VALUES, max_size=5), multi_line=st.booleans())
def test_every_key_of_any_document_has_its_line(
    document: dict[str, object], multi_line: bool
) -> None:
    """No key of what the parser reads is missing, none is made up, and top keys are on theirs."""
    text, starts = "", {}
    for key, value in document.items():
        starts[written((key,))] = text.count("\n") + 1
        text += f"{quoted(key)} = {_spelled(value, multi_line)}\n"
    parsed = tomllib.loads(text)
    lines = key_lines(text)
    assert set(lines) == {path for key, value in parsed.items() for path in _paths(value, (key,))}
    assert {key: lines[key] for key in starts} == starts
    assert list(lines.values()) == sorted(lines.values())
