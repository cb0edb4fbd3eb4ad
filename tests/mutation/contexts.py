"""A pytest plugin: which test has run which lines, and how long it took; for those that passed.

`FLEET_REPL_CONTEXTS` names the JSON file that it leaves: file → line → numbers of
tests, and every test with its seconds, in the order of their numbers.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator
from pathlib import Path

import coverage
import pytest

import fleet_repl

PACKAGE = Path(fleet_repl.__file__).parent


class Contexts:
    """Measures every test by itself."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()
        self._coverage = coverage.Coverage(
            data_file=None, source_pkgs=["fleet_repl"], config_file=False, context="import"
        )
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Around each test with its fixtures."""
        self._coverage.switch_context(item.nodeid)
        began = time.monotonic()
        result = yield
        self._seconds[item.nodeid] = time.monotonic() - began
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)

    def pytest_unconfigure(self) -> None:
        """At the end: write down what is known."""
        self._coverage.stop()
        data = self._coverage.get_data()
        good = {test: took for test, took in self._seconds.items() if test not in self._failed}
        numbers = {test: number for number, test in enumerate(good)}
        lines = {
            Path(file).relative_to(PACKAGE).as_posix(): {
                str(line): sorted(
                    numbers[test]
                    for context in contexts
                    if (test := context.removeprefix("import|")) in numbers
                )
                for line, contexts in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        self._target.write_text(json.dumps({"lines": lines, "seconds": good}))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Contexts(Path(os.environ["FLEET_REPL_CONTEXTS"])), "contexts")
