"""Whatever a TOML file holds, it is an inventory or a list of problems."""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import given, settings, strategies as st

from fleet_repl.inventory import Inventory
from fleet_repl.values.errors import InventoryError, Problem
from fleet_repl.values.text import quoted

KEYS = [
    "version", "name", "aws", "accounts", "external", "routes", "ownership", "apply", "limits",
    "warnings", "acknowledged",
    "id", "regions", "labels", "role", "external_id", "session_duration", "from", "to", "not",
    "prefixes", "same_account", "partition", "via", "sts_region", "timeout", "rules", "strange",
]  # fmt: skip
TEXTS = [
    "", "us-east-1", "cn-north-1", "111111111111", "build", "none", "1h", "aws", "managed",
    "base/", "${HOME}", "${", "a\u202e\x1b", "arn:aws:iam::{account}:role/r", "exclusive",
]  # fmt: skip
SCALARS = [
    *map(quoted, TEXTS), "1", "0", "-1", "111111111111", "1.5", "nan", "inf", "true", "false",
    "1979-05-27", "1979-05-27T07:32:00Z", "07:32:00", "0x" + "f" * 4000,
]  # fmt: skip

VALUES = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=5).map(
            lambda table: f"{{{', '.join(f'{key} = {value}' for key, value in table.items())}}}"
        ),
    ),
    max_leaves=25,
)

GOOD = """\
version = 1
name = "x"
aws = { role = "r", regions = ["us-east-1"], via = ["arn:aws:iam::999999999999:role/h"] }
accounts = [{ id = "111111111111", name = "build", labels = { a = "b" }, session_duration = "1h" }]
external = [{ id = "222222222222", name = "other", regions = ["us-east-1"] }]
routes = [
  { name = "r", from = { accounts = "build" }, to = {}, prefixes = ["base/"] },
  { name = "s", from = { not = { regions = "us-east-1" } }, to = { labels = { a = ["b"] } } },
  { name = "t", from = {}, to = { same_account = true } },
]
ownership = { rules = "exclusive", create_repositories = true }
apply = { timeout = "30s", attempts = 3, sts_rate = 1.5 }
"""
PARTS = [match.span() for match in re.finditer(r'"[^"]*"|\b\d+\b|\[[^\[\]]*\]|true', GOOD)]


def _read(load: Callable[[str], Inventory], text: str) -> None:
    """Reads it; whatever is told has a key and is fit for a terminal."""
    problems: tuple[Problem, ...] = ()
    try:
        load(text)
    except InventoryError as error:
        problems = error.problems
    for problem in problems:
        assert problem.key
        assert all(line.isprintable() for line in str(problem).splitlines())


@settings(max_examples=150)
@given(document=st.dictionaries(st.sampled_from(KEYS[:9]), VALUES, max_size=9))
def test_any_document(document: dict[str, str], load: Callable[[str], Inventory]) -> None:
    """Known keys in all the wrong places."""
    _read(load, "".join(f"{key} = {value}\n" for key, value in document.items()))


@settings(max_examples=150)
@given(changes=st.lists(st.tuples(st.sampled_from(PARTS), VALUES), min_size=1, max_size=3))
def test_any_change_to_a_good_document(
    changes: list[tuple[tuple[int, int], str]], load: Callable[[str], Inventory]
) -> None:
    """One to three values of a good file replaced by anything."""
    text = GOOD
    for (start, end), value in sorted(dict(changes).items(), reverse=True):
        text = text[:start] + value + text[end:]
    _read(load, text)


def test_the_good_document_is_good(load: Callable[[str], Inventory]) -> None:
    """What the changes are made to has no problem itself."""
    assert load(GOOD).name == "x"
