"""CloudFormation's and Terraform's own readers take what is printed for them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import hcl2
import pytest
from hypothesis import given
from tests.bootstrap.conftest import Needed
from tests.bootstrap.fleets import PLAIN, VARIED
from tests.support.drawn_inventories import inventories

from fleet_repl.ecr.permissions import Feature
from fleet_repl.inventory import Inventory
from fleet_repl.reports.bootstrap import bootstrap_of, cloudformation_text, terraform_text
from fleet_repl.reports.bootstrap.template import template_text

MIXED = PLAIN.replace('name = "shop"', 'name = "shop"\nexternal_id = "${LEGACY_EXTERNAL_ID}"')
"""One role asks for an external id, the other one does not."""
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": (PLAIN, {}),
    "everything": (PLAIN, {"more": tuple(Feature), "organization": "o-abcde12345"}),
    "read-only": (VARIED, {"read_only": True}),
    "varied": (VARIED, {"organization": "o-abcde12345", "units": ("ou-abcd-11111111",)}),
    "mixed": (MIXED, {}),
    "mixed-known": (MIXED, {"organization": "o-abcde12345"}),
}


def test_templates_are_valid(needed: Needed, tmp_path: Path) -> None:
    """By CloudFormation's own schemas of resources and policies; W3037: cfn-lint does not know the
    actions for backfills yet."""
    files = []
    for case, (text, how) in CASES.items():
        files.append(tmp_path / f"{case}.yaml")
        files[-1].write_text(cloudformation_text(needed(text, **how)), encoding="utf-8")
    lint = Path(sysconfig.get_path("scripts"), "cfn-lint")
    done = subprocess.run(
        [lint, "--ignore-checks", "W3037", "--", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("case", CASES)
def test_a_module_holds_the_template(case: str, needed: Needed) -> None:
    """HCL's reader finds the blocks, and in the heredoc the very template."""
    text, how = CASES[case]
    bootstrap = needed(text, **how)
    module: Any = hcl2.loads(terraform_text(bootstrap))
    kinds = {name.strip('"') for block in module["resource"] for name in block}
    assert {"aws_cloudformation_stack_set", "aws_cloudformation_stack_set_instance"} < kinds
    (local,) = module["locals"]
    assert len(local["roles"]) == len(bootstrap.roles)
    assert heredoc(local["template"]) == template_text(bootstrap)


def heredoc(read: str) -> str:
    """What Terraform makes of a heredoc: without its indentation, escapes undone."""
    _, *lines, _ = read.strip('"').split("\n")
    text = "".join(f"{line.removeprefix('    ')}\n" for line in lines)
    return text.replace("$${", "${").replace("%%{", "%{")


@given(inventory=inventories())
def test_whatever_a_role_is_called_the_module_can_be_read(inventory: Inventory) -> None:
    """Quotes, dollars and percent signs of a path are text, never syntax."""
    bootstrap = bootstrap_of(inventory)
    if bootstrap.roles:
        module: Any = hcl2.loads(terraform_text(bootstrap))
        listed = [json.loads(name) for name in module["locals"][0]["roles"]]
        assert len(set(listed)) == len(bootstrap.roles)


@pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no terraform here")
def test_terraform_would_format_it_so(needed: Needed, tmp_path: Path) -> None:
    """Its own formatter, which refuses what is no HCL, leaves the text alone."""
    for case, (text, how) in CASES.items():
        file = tmp_path / f"{case}.tf"
        file.write_text(terraform_text(needed(text, **how)), encoding="utf-8")
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"},
    )
    assert (done.returncode, done.stdout) == (0, "")
