"""The container file and the workflow of GitHub Actions do what they say, and nothing unsafe."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft7Validator
from tests.docs.deploy.conftest import Parse

PINNED_IMAGE = re.compile(r"[\w./-]+:\d+\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}")
PINNED_ACTION = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
PERMISSIONS = {
    "plan": {"contents": "read", "id-token": "write"},
    "comment": {"pull-requests": "write"},
    "code-scanning": {"security-events": "write"},
    "apply": {"contents": "read", "id-token": "write"},
}
"""What each job may do, and nothing else."""


@pytest.fixture(scope="module")
def instructions(deploy: Path) -> list[tuple[str, str]]:
    """The container file's instructions and what follows each, lines joined."""
    text = (deploy / "container/Containerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return [(name, rest) for name, rest in lines]


@pytest.fixture
def workflow(deploy: Path) -> dict[str, Any]:
    """As GitHub reads it; YAML 1.1 takes the key `on` for a truth."""
    read = yaml.safe_load((deploy / "github/fleet-repl.yml").read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in read.items()}


@pytest.fixture
def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_the_image_is_built_on_one_that_stays_the_same(instructions: list[tuple[str, str]]) -> None:
    """Both stages from one base, by version and by digest."""
    (base,) = [rest.removeprefix("PYTHON=") for name, rest in instructions if name == "ARG"]
    assert PINNED_IMAGE.fullmatch(base)
    assert [rest for name, rest in instructions if name == "FROM"] == [
        "${PYTHON} AS build",
        "${PYTHON}",
    ]


def test_the_image_runs_fleet_repl_as_nobody(
    instructions: list[tuple[str, str]], parse: Parse
) -> None:
    """In its last stage: a user by number, and the program as the entry point."""
    last = max(index for index, (name, _) in enumerate(instructions) if name == "FROM")
    final = dict(instructions[last:])
    user, group = final["USER"].split(":")
    assert int(user) > 10_000
    assert int(group) > 10_000
    assert json.loads(final["ENTRYPOINT"]) == ["fleet-repl"]
    assert final["STOPSIGNAL"] == "SIGTERM"


def test_the_image_holds_nothing_of_anybodys(
    instructions: list[tuple[str, str]], root: Path
) -> None:
    """Only files of the project, nothing fetched by address, no secret in a variable."""
    assert {name for name, _ in instructions} <= {
        *("ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "STOPSIGNAL", "ENTRYPOINT"),
        "CMD",
    }
    for name, rest in instructions:
        if name == "COPY" and not rest.startswith("--from=build"):
            *sources, _ = rest.split()
            assert all((root / source).exists() for source in sources)
        if name in ("ENV", "ARG"):
            assert not re.search(r"(?i)secret|token|password|access_key|external_id", rest)
        assert "://" not in rest


def test_the_workflow_is_valid(workflow: dict[str, Any]) -> None:
    """By the published schema of GitHub's workflows, which finds what is missing."""
    schema: Any = get_builtin_schema("vendor.github-workflows")
    assert [error.message for error in Draft7Validator(schema).iter_errors(workflow)] == []
    del workflow["jobs"]["apply"]["runs-on"]
    assert list(Draft7Validator(schema).iter_errors(workflow))


def test_actions_are_pinned(steps: list[dict[str, Any]]) -> None:
    """To a commit: a tag can be moved."""
    used = [step["uses"] for step in steps if "uses" in step]
    assert len(used) >= 8
    assert all(PINNED_ACTION.fullmatch(item) for item in used)


def test_commands_of_the_workflow_can_be_parsed(steps: list[dict[str, Any]], parse: Parse) -> None:
    """Every flag exists; a plan is written, kept, fetched, and then exactly that is applied."""
    commands = {}
    for step in steps:
        for line in step.get("run", "").splitlines():
            command = re.match(r"\s*fleet-repl ([^>|]*)", line)
            if command:
                options = parse(shlex.split(command[1]))
                commands[options["command"]] = options
    assert set(commands) == {"validate", "plan", "apply"}
    assert commands["plan"]["out"] == commands["apply"]["plan"] == Path("plan.json")
    assert commands["plan"]["exit_code"]
    assert commands["apply"]["yes"]
    (kept,) = [
        step
        for step in steps
        if step.get("with", {}).get("name") == "plan" and "path" in step["with"]
    ]
    assert "plan.json" in kept["with"]["path"].splitlines()


def test_only_main_writes_and_only_after_a_review(workflow: dict[str, Any]) -> None:
    """The job that applies waits for its environment and never runs beside another one."""
    assert set(workflow["on"]) == {"pull_request", "push", "workflow_dispatch"}
    assert workflow["on"]["push"]["branches"] == ["main"]
    apply = workflow["jobs"]["apply"]
    assert apply["needs"] == "plan"
    assert apply["environment"] == "production"
    assert "github.ref == 'refs/heads/main'" in apply["if"]
    assert apply["concurrency"] == {"group": "fleet-repl-apply", "cancel-in-progress": False}


def test_the_workflow_may_do_what_it_needs_and_no_more(
    workflow: dict[str, Any], steps: list[dict[str, Any]]
) -> None:
    """Credentials by OIDC, nothing from outside pasted into a shell's text."""
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == PERMISSIONS
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 150
    for step in steps:
        assert "${{" not in step.get("run", "")
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        if step.get("uses", "").startswith("aws-actions/"):
            assert set(step["with"]) == {"role-to-assume", "aws-region"}


def test_jobs_that_write_to_github_run_nothing_of_the_branch(workflow: dict[str, Any]) -> None:
    """They check nothing out, install nothing, and are skipped for forks, as the plan is."""
    for name in PERMISSIONS.keys() - {"plan", "apply"}:
        job = workflow["jobs"][name]
        assert job["needs"] == "plan"
        assert "needs.plan.result != 'skipped'" in job["if"]
        used = {step["uses"].split("@")[0] for step in job["steps"] if "uses" in step}
        assert used == {"actions/download-artifact"}
        assert "fleet-repl " not in "".join(step.get("run", "") for step in job["steps"])
    fork = "github.event.pull_request.head.repo.full_name == github.repository"
    assert fork in workflow["jobs"]["plan"]["if"]
