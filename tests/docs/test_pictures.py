"""The pictures of the pages show what there is, and load nothing."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.pictures.terminal import terminal_svg, texts
from tests.support.pages import Page

PICTURES = Path("docs/pictures")
LARGEST = 400_000
"""Bytes of a picture, for who reads a page over a slow line."""


def test_the_terminal_shows_what_the_commands_print(root: Path) -> None:
    """Word by word, in their order: `nox -s pictures` makes the picture anew."""
    kept = (root / PICTURES / "terminal.svg").read_text(encoding="utf-8")
    assert texts(kept) == texts(terminal_svg())
    assert "Plan for promotion (inventories/patterns/promotion.toml)" in texts(kept)


def test_the_architecture_has_every_room(root: Path) -> None:
    """Each once, and none that is not there; and the flow in the order of its arrows."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    picture = (root / PICTURES / "architecture.svg").read_text(encoding="utf-8")
    assert sorted(re.findall(r'class="name"[^>]*>(\w+)<', picture)) == sorted(layers)
    stages = re.findall(r'class="small"[^>]*>([^<]+)<', picture)
    for stage in ("links, waves", "desired state", "observed state", "what is ours", "report"):
        assert stage in stages


def test_the_readme_and_the_site_show_each_picture(pages: dict[str, Page], root: Path) -> None:
    """With a text for who does not see it."""
    shown: dict[bool, set[Path]] = {True: set(), False: set()}
    for name, page in pages.items():
        for text, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.prose):
            assert len(text) > 20, f"{page}: {target}"
            shown[name == "README.md"].add((page.path.parent / target).resolve())
    pictures = set((root / PICTURES).iterdir())
    assert pictures == shown[True]
    assert pictures <= shown[False]


def test_pictures_are_small_and_load_nothing(root: Path) -> None:
    """A drawing that names another host would show less there than here."""
    for picture in (root / PICTURES).iterdir():
        content = picture.read_bytes()
        assert len(content) < LARGEST, picture
        if picture.suffix == ".svg":
            addresses = re.findall(r"[a-z]+://[^\"'\s)]+", content.decode())
            assert set(addresses) <= {"http://www.w3.org/2000/svg"}, picture
            assert b"<title>" in content
