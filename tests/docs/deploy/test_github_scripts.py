"""The scripts of GitHub's workflow, run as a runner runs them, with a GitHub made of files."""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

pytestmark = pytest.mark.skipif(
    not shutil.which("jq") or not shutil.which("bash"), reason="needs jq and bash"
)

MARKER: Final = "<!-- fleet-repl plan inventory.toml -->"
MOST: Final = 65_536
BOT: Final = "github-actions[bot]"
METHODS: Final = ["--paginate", "POST", "--paginate", "PATCH"]
NOTHING: Final = """\
version = 1
name = "prod"
routes = []

[[accounts]]
id = "111111111111"
name = "build"
regions = ["eu-west-1"]
role = "fleet-replication"
"""

GH: Final = f"""\
#!{sys.executable}
import json, pathlib, subprocess, sys

arguments = sys.argv[1:]
body = sys.stdin.buffer.read().decode() if any(a.endswith("=@-") for a in arguments) else ""
with pathlib.Path("calls.jsonl").open("a") as calls:
    calls.write(json.dumps([arguments, body]) + "\\n")
store = pathlib.Path("comments.json")
comments = json.loads(store.read_text())
path = next(a for a in arguments if a.startswith("repos/")).partition("?")[0]
if "--jq" in arguments:
    filter = arguments[arguments.index("--jq") + 1]
    sys.exit(subprocess.run(["jq", "-r", filter], input=json.dumps(comments), text=True).returncode)
if path == "repos/acme/fleet/code-scanning/sarifs":
    sys.exit()
if len(body) > {MOST}:
    sys.exit("gh: Validation Failed (HTTP 422): body is too long (maximum is 65536 characters)")
if path == "repos/acme/fleet/issues/7/comments" and "POST" in arguments:
    comments.append({{"id": 100 + len(comments), "user": {{"login": "{BOT}"}}, "body": body}})
elif "PATCH" in arguments:
    (comment,) = [c for c in comments if path == f"repos/acme/fleet/issues/comments/{{c['id']}}"]
    comment["body"] = body
else:
    sys.exit(f"gh: Not Found (HTTP 404): {{path}}")
store.write_text(json.dumps(comments))
"""
"""The command of GitHub: comments are in `comments.json`, and every call in `calls.jsonl`."""


FLEET_REPL: Final = f"""\
#!/bin/bash
if [ "$1" = plan ]; then set -- "$@" --sandbox; fi
exec {sys.executable} -m fleet_repl "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A runner's workspace, whose PATH begins with a `gh` and a `fleet-repl` of the test."""

    folder: Path
    steps: Mapping[str, Mapping[str, Any]]
    """Those with a script, by name."""

    def run(self, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a step's script as `shell: bash` does, with `variables` for its expressions."""
        step = self.steps[name]
        constants = {key: text for key, text in step.get("env", {}).items() if "${{" not in text}
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "acme/fleet",
            "GITHUB_RUN_ID": "42",
            "GITHUB_SHA": "decade",
            "GITHUB_REF": "refs/pull/7/merge",
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            env=environment | constants | variables,
            cwd=self.folder,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def write(self, name: str, text: str) -> None:
        """Writes a file; in `bin` it is a program."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def plan(self) -> tuple[int, dict[str, str]]:
        """Plans and describes the plan; returns the exit code, and the outputs of the job."""
        self.write("output", "")
        code = self.run("Plan").returncode
        outputs = dict(line.split("=", 1) for line in self.read("output").splitlines())
        assert self.run("Describe", CODE=outputs["code"]).returncode == 0
        return code, outputs

    def calls(self) -> list[tuple[list[str], str]]:
        """The arguments and the standard input of each call of `gh`."""
        return [tuple(json.loads(line)) for line in self.read("calls.jsonl").splitlines()]

    def findings(self) -> list[str]:
        """Uploads the findings; returns the rules of those that code scanning has then."""
        assert self.run("Upload findings", GH_TOKEN="-").returncode == 0
        arguments, body = self.calls()[-1]
        assert arguments[1:3] == ["--method", "POST"]
        assert {"commit_sha=decade", "ref=refs/pull/7/merge"} < set(arguments)
        (run,) = json.loads(gzip.decompress(base64.b64decode(body, validate=True)))["runs"]
        assert run["automationDetails"] == {"id": "fleet-repl/inventory.toml/"}
        return sorted({result["ruleId"] for result in run["results"]})

    def comment(self) -> str:
        """Comments on the pull request; returns the text of its comment by a workflow."""
        done = self.run("Comment", GH_TOKEN="-", NUMBER="7", COMMIT="c0ffee")
        assert done.returncode == 0, done.stderr
        by_others, comment = json.loads(self.read("comments.json"))
        assert by_others["body"] == f"{MARKER}\nLooks good"
        body: str = comment["body"]
        assert body.startswith(f"{MARKER}\n")
        return body


@pytest.fixture
def runner(deploy: Path, tmp_path: Path) -> Runner:
    """A runner; its pull request has a comment of somebody who quotes the marker."""
    workflow = yaml.safe_load((deploy / "github/fleet-repl.yml").read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    runner = Runner(folder=tmp_path, steps={step["name"]: step for step in steps})
    (tmp_path / "bin").mkdir()
    runner.write("bin/gh", GH)
    runner.write("bin/fleet-repl", FLEET_REPL)
    quoted = {"id": 1, "user": {"login": "mallory"}, "body": f"{MARKER}\nLooks good"}
    runner.write("comments.json", json.dumps([quoted]))
    return runner


def test_the_first_plan_is_a_new_comment(runner: Runner, root: Path) -> None:
    """It begins with its hidden marker and a link to its run, and is the job's summary, too."""
    runner.write("inventory.toml", (root / "inventories/demo.toml").read_text(encoding="utf-8"))
    assert runner.plan() == (0, {"code": "2", "pending": "true"})
    body = runner.comment()
    _, title, _, sentence, *_ = body.splitlines()
    address = "https://github.com/acme/fleet/actions/runs/42"
    assert title == f"[Log and artifacts]({address}) of the run for c0ffee"
    assert sentence == "Plan for demo: 21 of 21 registries change, 28 links added."
    assert body.endswith(runner.read("plan.md").rstrip("\n"))
    assert runner.read("summary") == runner.read("plan.md")
    assert runner.read("plan.html").startswith("<!doctype html>")
    assert runner.findings() == ["drift"]


def test_a_later_plan_replaces_the_comment(runner: Runner, root: Path) -> None:
    """The comment of somebody else who writes the marker stays; without changes, it says so."""
    runner.write("inventory.toml", (root / "inventories/demo.toml").read_text(encoding="utf-8"))
    runner.plan()
    assert "28 links added" in runner.comment()
    runner.write("inventory.toml", NOTHING)
    assert runner.plan() == (0, {"code": "0"})
    body = runner.comment()
    assert "Plan for prod: nothing changes." in body
    assert "28 links added" not in body
    assert [next(word for word in call if word in METHODS) for call, _ in runner.calls()] == METHODS


@pytest.mark.parametrize("sign", ["x", "é", "漢"])
def test_a_plan_of_the_greatest_size_fits(runner: Runner, sign: str) -> None:
    """With what the comment says beside it, it loses lines at its end, and no part of a line."""
    lines = [f"{number:05} {sign * 93}" for number in range(MOST // 100)]
    page = "\n".join(lines).ljust(MOST, sign)
    runner.write("comment.md", page)
    body = runner.comment()
    assert MOST - 200 < len(body) <= MOST
    _, _, _, *shown = body.splitlines()
    assert shown == lines[: len(shown)]


def test_a_plan_that_just_fits_is_whole(runner: Runner) -> None:
    """Not a character is lost that there is room for."""
    runner.write("comment.md", "")
    room = MOST - len(runner.comment())
    for over in (0, 1):
        runner.write("comment.md", "first\n" + "x" * (room - 6 + over))
        body = runner.comment()
        assert (len(body) == MOST) is (over == 0)
        assert body.splitlines()[3] == "first"


def test_an_inventory_with_problems_is_told_of(runner: Runner) -> None:
    """The job fails, and the comment names each problem with its remedy."""
    runner.write("inventory.toml", NOTHING.replace("regions", "region"))
    assert runner.run("Validate").returncode == 1
    assert runner.run("Describe", CODE="").returncode == 0
    body = runner.comment()
    assert "**There is no plan.** The end of the log:\n\n    inventory.toml" in body
    assert "        did you mean regions?" in body
    assert runner.read("summary") == runner.read("comment.md")


def test_a_failure_is_told_of_as_text(runner: Runner) -> None:
    """With the exit code of the plan. Nothing in the log is Markdown, and its end is what counts;
    a plan of an earlier run, or of the branch, is not taken for this one."""
    runner.write("plan.md", "All is well")
    runner.write(
        "bin/fleet-repl",
        "#!/bin/bash\n"
        'for n in {1..20000}; do echo "line $n" >&2; done\n'
        "printf '```\\n</details>\\n@everyone %s\\nfleet-repl: AccessDenied\\n' "
        "\"$(printf '# %.0s' {1..400})\" >&2\nexit 1\n",
    )
    assert runner.plan() == (1, {"code": "1"})
    body = runner.comment()
    _, _, _, title, _, *log = body.splitlines()
    assert title == "**There is no plan.** The end of the log:"
    assert log[-1] == "    fleet-repl: AccessDenied"
    assert all(line.startswith("    ") for line in log)
    assert len(log) == 200
    assert "All is well" not in body


def test_a_partial_plan_is_shown_and_fails(runner: Runner) -> None:
    """The plan says itself what could not be read."""
    runner.write(
        "bin/fleet-repl", "#!/bin/bash\necho '3 of 9 registries unreadable' >plan.md\nexit 4\n"
    )
    assert runner.plan() == (4, {"code": "4"})
    assert runner.comment().splitlines()[-1] == "3 of 9 registries unreadable"


def test_a_job_that_never_came_so_far_is_told_of(runner: Runner) -> None:
    """A valid inventory is no reason, if the credentials of AWS are; and where there is no
    artifact at all, the comment is not that of an older plan."""
    runner.write("inventory.toml", NOTHING)
    assert runner.run("Validate").returncode == 0
    assert runner.run("Describe", CODE="").returncode == 0
    why = "a step before the plan failed: see the run"
    assert runner.comment().endswith(f"The end of the log:\n\n    {why}")
    (runner.folder / "comment.md").unlink()
    assert runner.comment().endswith("**There is no plan.** Its job ended early.")


def test_findings_of_a_repaired_inventory_go(runner: Runner) -> None:
    """A broken inventory and a plan are uploaded as one analysis, so the later replaces the other;
    without a plan, nothing is uploaded."""
    runner.write("inventory.toml", NOTHING.replace("regions", "region"))
    assert runner.run("Validate").returncode == 1
    assert runner.findings() == ["invalid-inventory"]
    runner.write("inventory.toml", NOTHING)
    assert runner.run("Validate").returncode == 0
    runner.plan()
    assert runner.findings() == []
    runner.write("bin/fleet-repl", "#!/bin/bash\nexit 1\n")
    runner.plan()
    uploads = runner.calls()
    assert runner.run("Upload findings", GH_TOKEN="-").returncode == 0
    assert runner.calls() == uploads
