"""The picture of a report as a page: the top of a real run's page, in Chromium."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.browser.launch import keep_storm, launched
from tests.pictures.terminal import steady

WIDTH: Final = 1180
HEIGHT: Final = 1130
_DIGEST: Final = "0123456789abcdef" * 4


def take_screenshot(chromium: str, picture: Path) -> None:
    """Writes the picture with the Chromium of that path. Problems, which take the middle of the
    page, are left out: the table below shows them again."""
    with TemporaryDirectory() as folder, launched(chromium) as browser:
        report = Path(folder) / "report.html"
        keep_storm(report)
        text = steady(report.read_text(encoding="utf-8"))
        # The digest of a plan counts the time at which it was made.
        text = re.sub(
            r"(Plan digest\D+sha256:)[0-9a-f]{64}", rf"\g<1>{'0123456789abcdef' * 4}", text
        )
        report.write_text(text, encoding="utf-8")
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(report.as_uri())
        page.evaluate("document.querySelector('[aria-labelledby=problems]').remove()")
        page.screenshot(path=picture)
