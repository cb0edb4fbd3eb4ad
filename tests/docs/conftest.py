"""The documentation, page by page and block by block."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.pages import PAGES, ROOT, Page


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`each_page` is every page; `toml_block` and `json_block` every block of that language."""
    if "each_page" in metafunc.fixturenames:
        metafunc.parametrize("each_page", PAGES, ids=str)
    for language in ("toml", "json"):
        if f"{language}_block" in metafunc.fixturenames:
            blocks = [
                block for page in PAGES for block in page.blocks if block.language == language
            ]
            metafunc.parametrize(f"{language}_block", blocks, ids=str)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def pages() -> dict[str, Page]:
    """Every page by its name, such as `docs/commands.md`."""
    return {page.name: page for page in PAGES}
