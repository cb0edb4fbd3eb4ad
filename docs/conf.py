"""The site of these pages, by Sphinx: `nox -s docs` builds it, and fails at any warning."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleet_repl._version import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT: Final = Path(__file__).parents[1]
SOURCE: Final = "https://github.com/fleet-repl/fleet-repl/blob/main"
_LINK: Final = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")

project = "fleet-repl"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
root_doc = "index"
exclude_patterns = ["deploy", "plots", "scenarios"]
html_theme = "furo"
html_title = f"fleet-repl {version}"
html_copy_source = False
html_show_copyright = False
html_theme_options = {
    "source_repository": "https://github.com/fleet-repl/fleet-repl",
    "source_branch": "main",
    "source_directory": "docs/",
}
myst_heading_anchors = 4
# Output and pseudo languages of the pages are shown as they are.
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
python_use_unqualified_type_names = True


def _lead_to_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Make links to files of the project that are no pages addresses of its source.

    A link to a file that does not exist stays as it is, so that the build fails at it.
    """
    if not Path(app.srcdir, f"{docname}.md").is_file():
        return
    folder = Path(app.srcdir, docname).parent

    def leading(match: re.Match[str]) -> str:
        target = (folder / match[1]).resolve()
        page = target.is_relative_to(app.srcdir) and target.suffix == ".md"
        if page or not target.exists():
            return match[0]
        if target.suffix in (".svg", ".png"):
            return match[0]
        return f"]({SOURCE}/{target.relative_to(ROOT).as_posix()}{match[2] or ''})"

    source[0] = _LINK.sub(leading, source[0])


def _plain(
    app: Sphinx, what: str, name: str, subject: object, options: object, lines: list[str]
) -> None:
    """Read a docstring as it is written: code between single backticks, and no other markup."""
    if what == "module":
        # Its example is on the page of the library, where it is run.
        lines.clear()
    lines[:] = [re.sub(r"`([^`]+)`", r"``\1``", line.replace("*", r"\*")) for line in lines]


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _lead_to_source)
    app.connect("autodoc-process-docstring", _plain)
