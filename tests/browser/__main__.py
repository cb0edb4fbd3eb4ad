"""Prints the path of a Chromium, which is installed if need be, or why there is none."""

from __future__ import annotations

from tests.browser.find import answer

print(answer())
