"""Links between pages and to files lead somewhere, and every page can be found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.pages import Page

LINK = re.compile(r"\]\((?P<target>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")


def anchors(text: str) -> set[str]:
    """What headings can be linked by: in lower case, without punctuation, blanks as hyphens."""
    without_code = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", without_code, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: Page) -> Iterator[tuple[Path, str | None]]:
    """The file and anchor of every link on a page that leads into the project."""
    for match in LINK.finditer(page.prose):
        target = match["target"]
        if not target.startswith(("https:", "http:")):
            path = (page.path.parent / target).resolve() if target else page.path
            yield path, match["anchor"]


def test_every_link_leads_somewhere(each_page: Page) -> None:
    """The file is there, and so is the heading."""
    for path, anchor in links(each_page):
        assert path.is_file(), f"{each_page}: {path}"
        if anchor is not None:
            assert anchor in anchors(path.read_text(encoding="utf-8")), f"{each_page}: #{anchor}"


def test_the_readme_leads_to_every_page(pages: dict[str, Page], root: Path) -> None:
    """No page can only be found by looking into the folder; decisions have a list of their own."""
    lists = ("README.md", "docs/decisions/README.md")
    linked = {path for page in lists for path, _ in links(pages[page])}
    assert {page.path for page in pages.values()} <= linked | {root / "README.md"}


def test_files_named_in_examples_exist(pages: dict[str, Page], root: Path) -> None:
    """Commands that name a file of the project name one that is there."""
    named = re.compile(r"\b(?:inventories|docs|benchmarks|tests)/[\w./-]*\w\b")
    for page in pages.values():
        for block in page.blocks:
            for name in named.findall(block.text):
                assert (root / name).exists(), f"{block}: {name}"


def test_pages_name_no_other_hosts_and_no_machines(pages: dict[str, Page]) -> None:
    """Only loopback and AWS's own; no paths of anybody's machine."""
    for page in pages.values():
        hosts = set(re.findall(r"https?://([\w.-]+)", page.text))
        assert hosts <= {"127.0.0.1"}, f"{page}: {hosts}"
        assert not re.search(r"(?<![\w.{}$*])/(?:home|work|tmp|root|Users)/", page.text), page
