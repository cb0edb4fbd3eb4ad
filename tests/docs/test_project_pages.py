"""What the pages say about the project itself is so: modules, rooms, checks, benchmarks."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.support.pages import Page

import fleet_repl


def modules() -> set[str]:
    """The package's own modules and packages, one level deep."""
    folder = Path(fleet_repl.__file__).parent
    names = {path.stem for path in folder.glob("*.py")}
    names |= {path.parent.name for path in folder.glob("*/__init__.py")}
    return {item for item in names if not item.startswith("_")}


def test_how_it_works_goes_through_every_module(pages: dict[str, Page]) -> None:
    """Each one by its full name, and none that is not there."""
    named = set(re.findall(r"`fleet_repl\.(\w+)[\w.]*`", pages["docs/how-it-works.md"].prose))
    assert named == modules()


def test_parts_of_the_fleet_room_that_are_listed_exist(pages: dict[str, Page]) -> None:
    """Each once, and by the name of its module."""
    rows = pages["docs/how-it-works.md"].table("## Around the stages")
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row[0])]
    folder = Path(fleet_repl.__file__).parent / "fleet"
    assert len(named) == len(set(named))
    assert set(named) <= {path.stem for path in folder.glob("*.py")}


def test_the_table_of_rooms_is_the_contract(pages: dict[str, Page], root: Path) -> None:
    """Each room once, in the order in which import-linter checks them, lowest first."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    rows = pages["docs/development.md"].table("## Rooms")
    assert [row[0].strip("`") for row in rows] == layers[::-1]
    assert set(layers) == modules()


def test_recipes_name_files_that_are_there(pages: dict[str, Page], root: Path) -> None:
    """A recipe that sends its reader to a file that has moved is worse than none."""
    recipes = pages["CONTRIBUTING.md"].section("## Recipes")
    named = re.findall(r"`((?:…|docs|tests)/[\w./-]+)`", recipes)
    assert named
    for path in named:
        assert (root / path.replace("…", "src/fleet_repl")).exists(), path


def test_the_table_of_checks_is_the_noxfile(pages: dict[str, Page], root: Path) -> None:
    """Every session, in its order."""
    tree = ast.parse((root / "noxfile.py").read_text())
    sessions = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any("nox.session" in ast.unparse(two) for two in node.decorator_list)
    ]
    rows = pages["docs/development.md"].table("## Set up")
    assert [row[0].strip("`") for row in rows] == sessions


def test_the_first_command_of_the_readme_does_the_main_job(pages: dict[str, Page]) -> None:
    """Lines to be pasted on a machine that has only Python; the page's player runs the last."""
    first, _ = [block for block in pages["README.md"].blocks if block.language == "sh"]
    assert first.text.splitlines() == [
        "python3 -m venv .venv",
        ".venv/bin/pip install .",
        ".venv/bin/fleet-repl apply inventories/demo.toml --sandbox --yes",
    ]


def test_the_second_command_of_the_readme_runs_every_check(
    pages: dict[str, Page], root: Path
) -> None:
    """It is what the project's CI takes out of the README, and it ends in nox."""
    _, second = [block for block in pages["README.md"].blocks if block.language == "sh"]
    script = (root / ".ci/run").read_text()
    taken = re.search(r"awk '([^']+)' README\.md", script)
    assert taken is not None
    ended = subprocess.run(
        ["awk", taken[1], "README.md"], cwd=root, capture_output=True, text=True, check=True
    )
    assert ended.stdout == second.text
    assert second.text.splitlines()[-1] == ".venv/bin/nox"


def test_only_the_readme_has_blocks_that_are_run_by_a_shell(pages: dict[str, Page]) -> None:
    """Everything else is shown as text or as a console, which tests understand."""
    for name, page in pages.items():
        languages = {block.language for block in page.blocks}
        allowed = {"toml", "json", "console", "python", "text"}
        assert languages <= (allowed | {"sh"} if name == "README.md" else allowed), name


def test_the_layout_names_every_folder(pages: dict[str, Page], root: Path) -> None:
    """Each that is under version control, and says something of it."""
    rows = pages["docs/development.md"].table("## Layout")
    assert all(what.strip() for _, what in rows)
    named = {row[0].strip("`").partition("/")[0] for row in rows}
    made = {".git", ".venv", ".nox", ".hypothesis", "build", "dist"}
    there = {path.name for path in root.iterdir() if path.is_dir()} - made
    assert named == {
        item for item in there if not re.fullmatch(r"\..*_cache|__pycache__|.*\.egg-info", item)
    }


def test_benchmarks_need_what_their_extra_installs(root: Path) -> None:
    """Every package that they import is the project's, Python's, or of an extra of theirs."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["bench"]]
    installed = {re.split(r"[^\w-]", item)[0].replace("-", "_") for item in listed}
    text = "\n".join(path.read_text() for path in (root / "benchmarks").glob("*.py"))
    lines = re.findall(r"^\s*(?:import|from) ([\w, ]+)", text, re.MULTILINE)
    imported = {
        item.strip().split()[0]
        for line in lines
        for item in line.partition(" import ")[0].split(",")
    }
    own = {"fleet_repl", "benchmarks"}
    assert imported - own - sys.stdlib_module_names <= installed
    assert "boto3" in imported


def test_benchmarks_take_the_flags_that_the_page_gives_them(
    pages: dict[str, Page], root: Path
) -> None:
    """Every script is on the page, and knows each flag."""
    page = pages["docs/performance.md"]
    # One that builds on another is run as a module.
    as_scripts = (
        re.sub(r"-m benchmarks\.(\w+)", r"benchmarks/\1.py", block.text) for block in page.blocks
    )
    commands = [text for text in as_scripts if text.startswith("python benchmarks/")]
    for command in commands:
        _, script, *rest = command.split()
        source = (root / script).read_text()
        flags = [item for item in rest if item.startswith("--")]
        assert flags
        assert all(f'"{flag}"' in source for flag in flags), command
    assert {command.split()[1] for command in commands} == {
        f"benchmarks/{path.name}"
        for path in (root / "benchmarks").glob("*.py")
        if "ArgumentParser(description=__doc__)" in path.read_text() and path.name != "endpoint.py"
    }
