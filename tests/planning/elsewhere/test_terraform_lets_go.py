"""Terraform itself: the state that it writes is read, and the blocks make it let go."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fleet_repl.planning.change import Resource
from fleet_repl.planning.elsewhere import (
    HeldResource,
    Holder,
    parse_terraform_state,
    removed_blocks,
)
from fleet_repl.values.names import AccountId

pytestmark = pytest.mark.skipif(
    shutil.which("terraform") is None, reason="there is no terraform here"
)


def terraform(folder: Path, *arguments: str) -> str:
    """What Terraform prints; it may not fail."""
    configuration = folder / "terraform.rc"
    configuration.touch()
    done = subprocess.run(
        ["terraform", *arguments, "-no-color", "-input=false"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "TF_CLI_CONFIG_FILE": str(configuration),
            "CHECKPOINT_DISABLE": "1",
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_instances_of_a_resource_are_let_go(tmp_path: Path) -> None:
    """In a module with for_each, of a resource with count: a resource of Terraform's own stands in
    for those of AWS, whose provider has to be downloaded."""
    (tmp_path / "ecr").mkdir()
    (tmp_path / "ecr/main.tf").write_text('resource "terraform_data" "this" {\n  count = 2\n}\n')
    main = tmp_path / "main.tf"
    main.write_text(
        'module "ecr" {\n  source   = "./ecr"\n  for_each = toset(["build", "shop"])\n}\n'
    )
    terraform(tmp_path, "init")
    terraform(tmp_path, "apply", "-auto-approve")
    state = (tmp_path / "terraform.tfstate").read_bytes()
    assert parse_terraform_state(state, "terraform.tfstate") == ()
    # As the state of a resource that it holds would read.
    spelled = state.replace(b'"terraform_data"', b'"aws_ecr_registry_policy"')
    for known in sorted(set(_ids(spelled))):
        spelled = spelled.replace(known, b"111111111111")
    held = parse_terraform_state(spelled, "terraform.tfstate")
    assert {item.target for item in held} == {"module.ecr.aws_ecr_registry_policy.this"}
    assert {item.address for item in held} == {
        f'module.ecr["{key}"].aws_ecr_registry_policy.this[{number}]'
        for key in ("build", "shop")
        for number in (0, 1)
    }
    stand_in = HeldResource(
        holder=Holder.TERRAFORM,
        resource=Resource.REGISTRY_POLICY,
        account=AccountId("111111111111"),
        region=None,
        address="module.ecr.terraform_data.this",
        target="module.ecr.terraform_data.this",
    )
    main.write_text(removed_blocks([stand_in]))
    terraform(tmp_path, "init")
    planned = terraform(tmp_path, "plan")
    assert planned.count("will no longer be managed by Terraform, but will not be destroyed") == 4
    assert "0 to add, 0 to change, 0 to destroy" in planned


def _ids(state: bytes) -> list[bytes]:
    """The ids of the resources in a state."""
    lines = (line.strip() for line in state.splitlines())
    return [line.split(b'"')[3] for line in lines if line.startswith(b'"id"')]
