"""The release workflow and the action of GitHub do what they say, and nothing unsafe."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft7Validator
from tests.docs.deploy.conftest import Parse

from fleet_repl._version import __version__

PINNED: Final = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
WRITES: Final = {"build": {"attestations", "id-token"}, "pypi": {"id-token"}} | {
    "image": {"attestations", "id-token", "packages"},
    "release": {"contents"},
}
"""What each job may write, and nothing else."""


@pytest.fixture(scope="module")
def workflow(root: Path) -> dict[str, Any]:
    """As GitHub reads it; YAML 1.1 takes the key `on` for a truth."""
    read = yaml.safe_load((root / ".github/workflows/release.yml").read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in read.items()}


@pytest.fixture(scope="module")
def action(root: Path) -> dict[str, Any]:
    text = (root / ".github/actions/fleet-repl/action.yml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def used(steps: list[dict[str, Any]]) -> list[str]:
    return [step["uses"] for step in steps if "uses" in step]


def test_both_are_valid(workflow: dict[str, Any], action: dict[str, Any]) -> None:
    """By GitHub's schemas, no key misspelt."""
    Draft7Validator(get_builtin_schema("vendor.github-workflows")).validate(workflow)
    Draft7Validator(get_builtin_schema("vendor.github-actions")).validate(action)


def test_each_job_may_do_only_what_it_does(workflow: dict[str, Any]) -> None:
    """No job has a permission of another; PyPI needs no token, and people release."""
    assert workflow["permissions"] == {}
    jobs = workflow["jobs"]
    granted = {
        name: {what for what, access in job["permissions"].items() if access == "write"}
        for name, job in jobs.items()
    }
    assert granted == WRITES
    assert jobs["pypi"]["environment"] == "pypi"
    assert all(PINNED.fullmatch(name) for job in jobs.values() for name in used(job["steps"]))
    secrets = re.findall(r"secrets\.(\w+)", str(workflow))
    assert set(secrets) == {"GITHUB_TOKEN"}


def test_one_build_is_released(workflow: dict[str, Any]) -> None:
    """What is checked and attested is what is published: later jobs take the files of the first."""
    jobs = workflow["jobs"]
    built = [step for job in jobs.values() for step in job["steps"] if "-m build" in str(step)]
    assert len(built) == 1
    assert jobs["pypi"]["needs"] == "build"
    assert set(jobs["release"]["needs"]) == {"pypi", "image"}


def test_only_the_tag_of_its_version_is_released(
    workflow: dict[str, Any], root: Path, tmp_path: Path
) -> None:
    """The step that compares the two passes for the right tag, and for no other."""
    (step,) = [
        step
        for step in workflow["jobs"]["build"]["steps"]
        if "version" in str(step["name" if "name" in step else "uses"])
    ]
    for tag, passes in ((f"v{__version__}", True), ("v9.9.9", False), ("v", False)):
        environment = {**os.environ, "GITHUB_REF_NAME": tag}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", step["run"]], env=environment, cwd=root, check=False
        )
        assert (done.returncode == 0) is passes, tag


@pytest.mark.parametrize(
    ("command", "arguments", "operand", "reports", "code", "passes"),
    [
        ("plan", "--exit-code --out plan.json", "", ["plan.md", "csv:of links.txt"], 2, True),
        ("drift", "", "", [], 4, False),
        ("apply", "--yes --wave $(touch pwned) *", "", ["$(touch pwned).md", "*"], 0, True),
        ("wait", "--within 10m", "shop/api:1.2 $(touch pwned)", [], 4, False),
    ],
)
def test_the_action_runs_the_command(
    action: dict[str, Any],
    tmp_path: Path,
    command: str,
    arguments: str,
    operand: str,
    reports: list[str],
    code: int,
    passes: bool,
) -> None:
    """Its script calls fleet-repl with the inputs as they are, none of them run by a shell, and
    passes on the exit code."""
    step = action["runs"]["steps"][-1]
    called = tmp_path / "called"
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/bash\nmkdir -p "$3/bin"\n'
        "printf '#!/bin/bash\\nexit 0\\n' >\"$3/bin/pip\"\n"
        f'printf \'#!/bin/bash\\nprintf "%%s\\\\n" "$@" >{called}\\nexit {code}\\n\' '
        '>"$3/bin/fleet-repl"\nchmod +x "$3"/bin/*\n'
    )
    python.chmod(0o755)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHON": str(python),
        "COMMAND": command,
        "INVENTORY": "inventories/$HOME.toml",
        "ARGUMENTS": arguments,
        "OPERAND": operand,
        "REPORT": "".join(f"{file}\n" for file in reports),
        "VERSION": "",
        "PENDING": action["inputs"]["pending"]["default"],
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]], env=environment, cwd=tmp_path, check=False
    )
    assert (done.returncode == 0) is passes
    files = [word for file in reports for word in ("--report", file)]
    wanted = [command, *arguments.split(), *files, "--", "inventories/$HOME.toml"]
    wanted += [operand] if operand else []
    assert called.read_text().splitlines() == wanted
    assert (tmp_path / "output").read_text() == f"code={code}\n"
    assert not (tmp_path / "pwned").exists()
    assert "${{" not in step["run"]


def test_the_actions_examples_are_commands(root: Path, parse: Parse) -> None:
    """The inputs in its comment make command lines that fleet-repl takes."""
    text = (root / ".github/actions/fleet-repl/action.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(re.sub(r"(?m)^#   ?", "", "".join(re.findall(r"(?m)^#   .*\n", text))))
    plan, wait = (_parsed(step["with"], parse) for step in steps)
    assert (plan["command"], plan["exit_code"]) == ("plan", True)
    assert (wait["command"], wait["what"]) == ("wait", "shop/api:1.2.0")


def _parsed(inputs: dict[str, str], parse: Parse) -> dict[str, Any]:
    files = [word for file in inputs.get("report", "").split() for word in ("--report", file)]
    operands = [inputs[name] for name in ("inventory", "operand") if name in inputs]
    return parse([inputs["command"], *shlex.split(inputs["arguments"]), *files, *operands])


def test_links_lead_somewhere_on_pypi(root: Path) -> None:
    """PyPI shows the README alone: every link to a file beside it becomes an address of the
    project's, and every picture that of its bytes."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    rules = project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]
    readme = (root / "README.md").read_text()
    assert "](docs/" in readme
    shown = readme
    for rule in rules:
        shown = re.sub(rule["pattern"], rule["replacement"], shown)
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", shown)
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", shown) if target not in pictures]
    source = project["project"]["urls"]["Source"]
    raw = source.replace("//github.com/", "//raw.githubusercontent.com/")
    assert len(pictures) == 3
    assert all((root / picture.removeprefix(f"{raw}/main/")).is_file() for picture in pictures)
    assert all(target.startswith((f"{source}/blob/main/", "#")) for target in targets)
    assert not any("/blob/main/#" in target for target in targets)
