"""The documentation as pages of blocks, for tests to read, play and compare."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced code block, with the comment right before it."""

    page: str
    line: int
    language: str
    note: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    name: str
    """Its path from the root of the project."""
    text: str

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        return ROOT / self.name

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(
            Block(
                page=self.name,
                line=self.text.count("\n", 0, match.start("text")),
                language=match["language"],
                note=match["note"] or "",
                text=match["text"],
            )
            for match in FENCE.finditer(self.text)
        )

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return FENCE.sub("", self.text)

    def section(self, heading: str) -> str:
        """What stands under a heading, sections below it included."""
        level = heading.split(" ", maxsplit=1)[0]
        match = re.search(
            rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)",
            self.prose,
            re.MULTILINE | re.DOTALL,
        )
        assert match is not None, f"{self.name} has no heading {heading!r}"
        return match[1]

    def table(self, heading: str, nth: int = 0) -> tuple[tuple[str, ...], ...]:
        """The rows of a section's table, without its head."""
        tables = re.findall(r"(?:^\|.*\|\n)+", self.section(heading), re.MULTILINE)
        rows = tables[nth].splitlines()[2:]
        return tuple(
            tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", row[1:-1])) for row in rows
        )


def _pages() -> tuple[Page, ...]:
    fronts = (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))
    folders = (ROOT / name for name in ("docs", "docs/decisions"))
    paths = (*fronts, *(path for folder in folders for path in sorted(folder.glob("*.md"))))
    return tuple(
        Page(name=str(path.relative_to(ROOT)), text=path.read_text(encoding="utf-8"))
        for path in paths
    )


PAGES = _pages()
