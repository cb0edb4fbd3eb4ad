"""Which tests run a line, and in which order they are tried on a mistake in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypedDict

from tests.mutation.copies import ROOT, Copy

PACKAGE: Final = "src/fleet_repl"
ELSEWHERE: Final = ("docs", "sandbox", "mutation", "sequences", "survival", "inventories")
"""Folders of tests that play processes of their own, or are about something else."""
_PLUGIN: Final = "tests.mutation.contexts"
_TOGETHER: Final = 400
"""How many tests are tried at the most: who asks more is told by those, or by none."""


class Contexts(TypedDict):
    """What the plugin measures."""

    seconds: dict[str, float]
    lines: dict[str, dict[str, list[int]]]


@dataclass(kw_only=True)
class Tested:
    """What is known of the tests."""

    seconds: dict[str, float] = field(default_factory=dict)
    """How long each takes that passes."""
    lines: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    """Module → line → the tests that run it, by their place in `seconds`."""

    def add(self, contexts: Contexts) -> None:
        """Take in what was measured of some tests."""
        first = len(self.seconds)
        self.seconds |= contexts["seconds"]
        for module, lines in contexts["lines"].items():
            known = self.lines.setdefault(module, {})
            for line, tests in lines.items():
                known.setdefault(line, []).extend(first + test for test in tests)

    def of(self, path: str, lines: Iterable[int]) -> list[str]:
        """The tests that run any of these lines of a module, the likeliest to notice first: those
        in its own folder, and the quick ones before the slow ones.

        What is run on import alone, such as a constant, is for all tests that run the module.
        """
        module = Path(path).relative_to(PACKAGE).as_posix()
        known = self.lines.get(module, {})
        all_tests = {test for line in lines for test in known.get(str(line), ())}
        if not all_tests:
            all_tests = {test for tests in known.values() for test in tests}
        names = list(self.seconds)
        head = f"tests/{module.partition('/')[0].removesuffix('.py')}/"
        order = sorted(
            (names[item] for item in all_tests),
            key=lambda test: (not test.startswith(head), self.seconds[test]),
        )
        return order[:_TOGETHER]

    def time_of(self, tests: Iterable[str]) -> float:
        """The seconds that tests take."""
        return sum(self.seconds.get(test, 0.0) for test in tests)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps({"seconds": self.seconds, "lines": self.lines}))

    @classmethod
    def load(cls, path: Path) -> Tested:
        """What was saved. It holds as long as neither modules nor tests change."""
        return cls(**json.loads(path.read_text()))


def measured(folder: str, copy: Copy) -> Contexts:
    """Run the tests of a folder in a copy, each measured by itself."""
    target = copy.folder / "contexts.json"
    target.unlink(missing_ok=True)
    copy.run(
        [f"tests/{folder}"],
        *("-p", _PLUGIN),
        environment={"FLEET_REPL_CONTEXTS": str(target)},
    )
    contexts: Contexts = json.loads(target.read_text())
    return contexts


def folders() -> list[str]:
    """The folders of tests that are worth a try, the largest first."""
    tests = ROOT / "tests"
    names = [
        path.name for path in tests.iterdir() if path.is_dir() and any(path.rglob("test_*.py"))
    ]
    kept = [item for item in names if item not in ELSEWHERE]
    return sorted(kept, key=lambda item: -sum(1 for _ in (tests / item).rglob("test_*.py")))
