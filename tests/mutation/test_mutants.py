"""Mistakes that are made on purpose: each alone, in code that counts, and the same every time."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.mutation.__main__ import drawn, paths
from tests.mutation.mutants import mutants_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("source", "mistakes"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = a not in b", {"x = a in b"}),
        ("x = a is None", {"x = a is not None"}),
        ("x = a and b", {"x = a or b"}),
        ("x = not a", {"x = (a)"}),
        ("x = a - b", {"x = a + b"}),
        ("x = f(1)", {"x = f(2)"}),
        ("x = True", {"x = False"}),
        ("x: Final = 30.0", {"x: Final = 0"}),
        ("if a:\n    b()", {"if (not (a)):\n    b()", "if a:\n    None"}),
        ("x = a if b else c", {"x = a if (not (b)) else c"}),
        ("x = [a for a in b if a]", {"x = [a for a in b if True]"}),
        ("async def f():\n    await g()", {"async def f():\n    None"}),
        ("def f():\n    raise E", {"def f():\n    pass"}),
        (
            "def f():\n    return 'ä', a == b",
            {"def f():\n    return None", "def f():\n    return 'ä', a != b"},
        ),
    ],
)
def test_what_is_made(source: str, mistakes: set[str]) -> None:
    """One change each, at its very place."""
    assert {item.apply(source) for item in mutants_of(source, "x.py")} == mistakes


@pytest.mark.parametrize(
    "source",
    [
        '"""Docs: 1."""',
        "def f(x: int | None) -> A | B: ...",
        "@dataclass(frozen=True)\nclass A(B): ...",
        "X: TypeAlias = A | B",
        "if TYPE_CHECKING:\n    f()",
        "_LOG.warning(1)",
        "x = f'{a + 1}'",
        "x = zip(a, b, strict=True)",
        '__all__ = ["a"]',
        "return_ = 'text'",
    ],
)
def test_what_is_left_out(source: str) -> None:
    """Texts, types, and what is there for readers alone."""
    assert mutants_of(source, "x.py") == ()


def test_every_mistake_can_be_parsed() -> None:
    """In the modules that they are made in; what cannot be is noticed for nothing."""
    for path in paths([]):
        source = (ROOT / path).read_text()
        for mutant in mutants_of(source, path)[::7]:
            assert mutant.apply(source) != source
            ast.parse(mutant.apply(source))


def test_modules_are_chosen_and_left_out_by_globs() -> None:
    """Those of any glob, whatever their order, but none of one that begins with `!`."""
    state, lease = "src/fleet_repl/state/*", "src/fleet_repl/state/lease.py"
    assert lease in set(paths([])) & set(paths([state]))
    assert set(paths([f"!{lease}", state])) == set(paths([state])) - {lease}
    assert set(paths([f"!{lease}"])) == set(paths([])) - {lease}
    assert list(paths([lease, "src/fleet_repl/state/lock.py"])) == [
        lease,
        "src/fleet_repl/state/lock.py",
    ]


def test_the_draw_is_even_and_repeatable() -> None:
    """As many of each kind as there are, and no more of one than of another before that."""
    source = "x = [a < b, c < d, e < f, g == h]"
    every = mutants_of(source, "x.py")
    assert drawn(every, 3, 4) == drawn(every, 3, 4)
    assert sorted(item.what for item in drawn(every, 3, 2)) == ["< is <=", "== is !="]
    assert len(drawn(every, 3, 9)) == 4
