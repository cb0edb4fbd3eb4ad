"""Takes the picture in docs/report.md: `python -m tests.browser`, with a Chromium on the PATH."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.browser.launch import ROOT, keep_storm, launched

PICTURE: Final = ROOT / "docs" / "pictures" / "report.png"
WIDTH: Final = 1180
HEIGHT: Final = 1130


def main() -> None:
    """Writes the picture: the top of the page of a run, and its matrix."""
    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("there is no chromium on the PATH")
    with TemporaryDirectory() as folder, launched(path) as browser:
        report = Path(folder) / "report.html"
        keep_storm(report)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(report.as_uri())
        # Problems take the middle of the page; the table shows them again.
        page.evaluate("document.querySelector('[aria-labelledby=problems]').remove()")
        page.screenshot(path=PICTURE)
    print(PICTURE, PICTURE.stat().st_size)


main()
