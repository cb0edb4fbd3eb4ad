"""Makes the pictures of the pages anew: `nox -s pictures`, or `python -m tests.pictures`.

The picture of the architecture is drawn by hand; a test holds it against the list of rooms.
"""

from __future__ import annotations

from typing import Final

from tests.browser.find import find_chromium
from tests.pictures.screenshot import take_screenshot
from tests.pictures.terminal import terminal_svg
from tests.support.pages import ROOT

PICTURES: Final = ROOT / "docs" / "pictures"

(PICTURES / "terminal.svg").write_text(terminal_svg(), encoding="utf-8")
chromium = find_chromium()
if chromium is None:
    raise SystemExit("there is no Chromium to take the picture of the report: nox -s pictures")
take_screenshot(chromium, PICTURES / "report.png")
