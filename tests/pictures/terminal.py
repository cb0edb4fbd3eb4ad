"""The picture of a terminal: commands that are run for it, as rich draws what they print."""

from __future__ import annotations

import html
import io
import os
import pty
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console
from rich.text import Text
from tests.support.command_line import Session
from tests.support.pages import ROOT

INVENTORY: Final = "inventories/patterns/promotion.toml"
COMMANDS: Final = (
    f"plan {INVENTORY} --sandbox",
    f"apply {INVENTORY} --sandbox --yes --quiet",
)
WIDTH: Final = 100
VARYING: Final = (
    (r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b", "20261123T080000Z-3f9c1a"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-11-23T08:00:00Z"),
    (r"\b\d+\.\d s\b", "0.3 s"),
)
"""What differs from run to run, and what stands in the pictures in its place."""

# That of rich names fonts of another host, and has no name for readers who do not see it.
_FORMAT: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"
 viewBox="0 0 {width} {height}" role="img">
<title>A terminal</title>
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px ui-monospace, "DejaVu Sans Mono",
 Menlo, Consolas, monospace }}
.{unique_id}-title {{ font: bold 18px ui-sans-serif, system-ui, sans-serif }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def terminal_svg() -> str:
    """Runs the commands of the picture, each at a terminal of its own, and returns the picture."""
    with TemporaryDirectory() as folder:
        place = Path(folder, INVENTORY)
        place.parent.mkdir(parents=True)
        place.write_bytes((ROOT / INVENTORY).read_bytes())
        outputs = [(command, _printed(command, folder)) for command in COMMANDS]
    return drawn(outputs)


def drawn(outputs: Iterable[tuple[str, str]]) -> str:
    """Returns the picture of commands and what they printed."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, legacy_windows=False
    )
    for command, printed in outputs:
        console.print(Text.assemble(("$ ", "bright_black"), (f"fleet-repl {command}", "bold")))
        console.print(Text.from_ansi(steady(printed)))
        console.print()
    return console.export_svg(title="fleet-repl", code_format=_FORMAT, unique_id="terminal")


def steady(text: str) -> str:
    """Returns a text without what differs from run to run."""
    for pattern, stand_in in VARYING:
        text = re.sub(pattern, stand_in, text)
    return text


def texts(svg: str) -> list[str]:
    """Returns the texts of a picture in their order."""
    found = re.findall(r"<text [^>]*>([^<]*)</text>", svg)
    return [html.unescape(text).replace("\N{NO-BREAK SPACE}", " ") for text in found]


def _printed(command: str, folder: str) -> str:
    """What a command prints on stdout at a terminal. Its progress, on stderr, is gone when it
    ends."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": str(WIDTH)}
        os.environ.pop("NO_COLOR", None)
        os.execv(sys.executable, [sys.executable, "-m", "fleet_repl", *command.split()])
    session = Session(pid, master)
    code = session.end()
    os.close(master)
    if code != 0:
        raise RuntimeError(f"fleet-repl {command}: exit code {code}")
    return session.seen.rstrip()
