"""Every page does what it says: its commands, its Python, and what it shows of their output."""

from __future__ import annotations

from typing import Any


def test_a_reader_gets_what_the_page_shows(reader: Any) -> None:
    """Files written, commands run and Python executed, in the page's order."""
    reader.play()
