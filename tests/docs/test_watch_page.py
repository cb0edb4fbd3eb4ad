"""docs/watch.md shows the command that serves the page of a watch, and what the page then says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.support.pages import Page


def test_the_page_of_a_watch_says_what_is_written(
    pages: dict[str, Page], root: Path, tmp_path: Path
) -> None:
    """The command is run as it stands, but for its port, and the page asked for."""
    text = pages["docs/watch.md"].text
    inventory = re.search(r"<!-- file: (fleet\.toml) -->\n```toml\n(.*?)```", text, re.DOTALL)
    command = re.search(
        r"^\$ (fleet-repl watch .* --listen 127\.0\.0\.1:)9464$", text, re.MULTILINE
    )
    sentence = re.search(r"^Round 1 of prod: .*\.$", text, re.MULTILINE)
    assert inventory
    assert command
    assert sentence
    (tmp_path / inventory[1]).write_text(inventory[2])
    _, *args = shlex.split(f"{command[1]}0")
    with subprocess.Popen(
        [sys.executable, "-m", "fleet_repl", *args],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(root / "src")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            lines = [process.stderr.readline() for _ in range(2)]
            shown = text[command.start() : text.index("```", command.start())].splitlines()[1:]
            for line, written in zip(lines, shown, strict=True):
                assert stable(line) == stable(written)
            with urllib.request.urlopen(lines[0].split()[-1]) as answer:
                html = answer.read().decode()
        finally:
            process.kill()
    assert f'<p class="sentence">{sentence[0]}</p>' in html
    assert re.search(r'<span class="badge[^>]*><span [^>]*>✓</span> corrected</span>', html)


def stable(line: str) -> str:
    """A line without its time, its port and its duration."""
    return re.sub(r"^\S+|:\d+$|\(\d+\.\d s\)", "", line.strip())


def test_deliveries_are_counted_as_is_written(
    pages: dict[str, Page], root: Path, tmp_path: Path
) -> None:
    """The command is run as it stands, but for its port; its lines in any order, and the
    metrics."""
    text = pages["docs/watch.md"].text
    section = text[text.index("## Deliveries") : text.index("## Health and metrics")]
    blocks = re.findall(r"```text\n(.*?)```", section, re.DOTALL)
    command, *written = blocks[0].splitlines()
    figures = blocks[1].splitlines()
    inventory = re.search(r"<!-- file: (fleet\.toml) -->\n```toml\n(.*?)```", text, re.DOTALL)
    assert inventory
    (tmp_path / inventory[1]).write_text(inventory[2])
    _, *args = shlex.split(command.removeprefix("$ ").replace(":9464", ":0"))
    args[args.index("--scenario") + 1] = str(root / "docs/scenarios/reported.toml")
    with subprocess.Popen(
        [sys.executable, "-m", "fleet_repl", *args],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(root / "src")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            lines = [process.stderr.readline() for _ in written]
            assert sorted(map(stable, lines)) == sorted(map(stable, written))
            (listening,) = [line.split()[-1] for line in lines if "listening" in line]
            served: list[str] = []
            # The line of a delivery comes just before it is counted.
            for _ in range(1_000):
                with urllib.request.urlopen(f"{listening}/metrics") as answer:
                    served = answer.read().decode().splitlines()
                if {*figures} <= {*served}:
                    break
        finally:
            process.kill()
    assert {*figures} <= {*served}
