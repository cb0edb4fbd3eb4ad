"""A real browser, and reports to open in it.

`nox -s browser` sets FLEET_REPL_CHROMIUM, and then nothing is skipped. Without it, these tests need
playwright and a Chromium.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.browser.find import VARIABLE, find_chromium
from tests.browser.launch import keep_storm, launched

from fleet_repl.reports.html import html_pieces
from fleet_repl.reports.to_json import Document


@dataclass
class Opened:
    """A page in the browser, and what it did there."""

    page: Any
    console: list[str] = field(default_factory=list)
    """Messages on the console, errors of the script, and dialogs."""
    requests: list[str] = field(default_factory=list)


Open: TypeAlias = Callable[..., AbstractContextManager[Opened]]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests, with a profile of its own."""
    path = os.environ.get(VARIABLE)
    if path is None:
        pytest.importorskip("playwright", reason="playwright is not installed: nox -s browser")
        path = find_chromium()
        if path is None:
            pytest.skip("there is no Chromium: nox -s browser")
    with launched(path) as browser:
        yield browser


@pytest.fixture(scope="session")
def opened(chromium: Any) -> Open:
    """Opens a file or a URL in a context of its own; its options are those of a browser context."""

    @contextmanager
    def open_page(target: Path | str, **options: Any) -> Iterator[Opened]:
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, **options)
        opened = Opened(page=context.new_page())
        page, console = opened.page, opened.console

        def dismiss(dialog: Any) -> None:
            console.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        page.on("console", lambda message: console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: console.append(f"error: {error}"))
        page.on("dialog", dismiss)
        page.on("request", lambda request: opened.requests.append(request.url))
        page.goto(target.as_uri() if isinstance(target, Path) else target)
        yield opened
        context.close()

    return open_page


@pytest.fixture(scope="session")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a real run of the demo fleet, of which much fails."""
    path = tmp_path_factory.mktemp("storm") / "report.html"
    keep_storm(path)
    return path


@pytest.fixture(scope="session")
def faults() -> Callable[[Opened], list[Any]]:
    """Returns what axe-core finds in a page that is a moderate fault or a worse one."""

    def find(opened: Opened) -> list[Any]:
        from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - may be missing

        return [
            (fault["id"], fault["impact"], node["html"], node["failureSummary"])
            for fault in Axe().run(opened.page).response["violations"]
            if fault["impact"] in ("serious", "critical", "moderate")
            for node in fault["nodes"][:3]
        ]

    return find


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Document], Path]:
    """Writes the page of a document, beside which there is a CSV."""

    def write(subject: Document) -> Path:
        path = tmp_path / "page.html"
        path.write_text("".join(html_pieces(subject, "page.csv")), encoding="utf-8")
        return path

    return write
