"""What an export writes is what Terraform's and CloudFormation's readers take."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any, Final

import hcl2
import pytest
import yaml
from hypothesis import given, strategies as st
from tests.planning.elsewhere.states import instance, resource, state
from tests.support.cloudformation import template_of
from tests.support.registries import registry_of

from fleet_repl.inventory import Account
from fleet_repl.planning.elsewhere import parse_terraform_state, removed_blocks
from fleet_repl.reports.export import RegistryContent, cloudformation_files, terraform_files
from fleet_repl.reports.export.terraform import PROVIDERS
from fleet_repl.reports.hcl import expression, quoted
from fleet_repl.values.names import Partition, RoleArn, Secret

BUILD: Final = registry_of("1")
ROLE: Final = RoleArn(partition=Partition.AWS, account=BUILD.account, path="deploy")
RULES: Final[tuple[dict[str, Any], ...]] = (
    {
        "destinations": [{"region": "eu-west-1", "registryId": "222222222222"}],
        "repositoryFilters": [{"filter": "base/", "filterType": "PREFIX_MATCH"}],
        "deleteReplication": {"enabled": True},
    },
    {"destinations": [{"region": "us-east-1", "registryId": "111111111111"}]},
)
POLICY: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "base",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
            "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
            "Resource": "arn:aws:ecr:eu-west-1:111111111111:repository/${aws:username}*",
        }
    ],
}
EXPIRY: Final[dict[str, Any]] = {
    "rulePriority": 1,
    "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5},
    "action": {"type": "expire"},
}
TEMPLATES: Final[tuple[dict[str, Any], ...]] = (
    {
        "prefix": "base",
        "appliedFor": ["REPLICATION"],
        "description": 'made by "hand" ${x} %{y}',
        "encryptionConfiguration": {"encryptionType": "AES256"},
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "latest*"}],
        "resourceTags": [{"Key": "team", "Value": "platform"}],
        "lifecyclePolicy": json.dumps({"rules": [EXPIRY]}),
    },
    {"prefix": "base/a-b", "appliedFor": ["REPLICATION", "PULL_THROUGH_CACHE"]},
    {"prefix": "base/a_b", "appliedFor": ["REPLICATION"]},
)
WHOLE: Final = RegistryContent(
    registry=BUILD, name="build", rules=RULES, policy=POLICY, templates=TEMPLATES
)
ACCOUNTS: Final = {
    BUILD.account: Account(
        id=BUILD.account,
        name="build",
        regions=(BUILD.region,),
        role=ROLE,
        external_id=Secret("s3cr3t"),
    )
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=6), inner)
    ),
    max_leaves=6,
)


def module(content: RegistryContent = WHOLE) -> tuple[Any, str, tuple[str, ...]]:
    """A Terraform module as HCL's reader has it, its text, and what is left out."""
    files, left_out = terraform_files("prod", [content], ACCOUNTS)
    text = "\n".join(files.values())
    return hcl2.loads(text), text, left_out


def test_a_module_has_a_provider_and_an_import_for_each_resource() -> None:
    """Each resource is imported by the id that its type has, under a name of its own."""
    document, text, left_out = module()
    imports = {block["to"].strip("${}"): block["id"].strip('"') for block in document["import"]}
    assert imports == {
        "aws_ecr_replication_configuration.r111111111111_eu_west_1": "111111111111",
        "aws_ecr_registry_policy.r111111111111_eu_west_1": "111111111111",
        "aws_ecr_repository_creation_template.r111111111111_eu_west_1_base": "base",
        "aws_ecr_repository_creation_template.r111111111111_eu_west_1_base_a_b": "base/a-b",
        "aws_ecr_repository_creation_template.r111111111111_eu_west_1_base_a_b_2": "base/a_b",
    }
    resources = {
        f"{type_.strip(chr(34))}.{name.strip(chr(34))}"
        for block in document["resource"]
        for type_, named in block.items()
        for name in named
    }
    assert resources == set(imports)
    assert text.count("provider = aws.r111111111111_eu_west_1\n") == len(imports)
    assert 'allowed_account_ids = ["111111111111"]' in text
    assert 'external_id = var.external_ids["111111111111"]' in text
    assert "s3cr3t" not in text
    (lost,) = left_out
    assert lost == (
        "111111111111/eu-west-1: rules[0] replicates deletions, which the AWS provider cannot say: "
        "the first change of the rules by Terraform turns that off"
    )
    assert "# This rule replicates deletions" in text


@pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no terraform here")
def test_terraform_would_format_it_so(tmp_path: Path) -> None:
    """Its own formatter, which refuses what is no HCL, leaves module and blocks alone."""
    files, _ = terraform_files("prod", [WHOLE], ACCOUNTS)
    blocks = removed_blocks(
        parse_terraform_state(
            state(
                resource("aws_ecr_registry_policy", instance(), module='module.a["b"]'),
                resource("aws_ecr_replication_configuration", instance(key=0), instance(key=1)),
            ),
            "prod.tfstate",
        )
    )
    for name, text in {**files, "removed.tf": blocks}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_template_is_valid(tmp_path: Path) -> None:
    """By CloudFormation's own schemas, but that cfn-lint does not know DeleteReplication yet."""
    without = tuple(
        {key: rule[key] for key in rule if key != "deleteReplication"} for rule in RULES
    )
    content = RegistryContent(
        registry=BUILD, name="build", rules=without, policy=POLICY, templates=TEMPLATES
    )
    files, _ = cloudformation_files("prod", [content])
    (name, text), *_ = files.items()
    assert name == "111111111111-eu-west-1.yaml"
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    lint = Path(sysconfig.get_path("scripts"), "cfn-lint")
    done = subprocess.run([lint, "--", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_template_says_that_deletions_travel() -> None:
    """Under the name that CloudFormation has had for it since November 2026."""
    files, _ = cloudformation_files("prod", [WHOLE])
    (text,) = files.values()
    resources = template_of(text)["Resources"]
    rules = resources["ReplicationConfiguration"]["Properties"]["ReplicationConfiguration"]["Rules"]
    assert [rule.get("DeleteReplication") for rule in rules] == [{"Enabled": True}, None]
    assert resources["RegistryPolicy"]["Properties"]["PolicyText"] == POLICY
    assert all(resource["DeletionPolicy"] == "Retain" for resource in resources.values())
    assert set(resources) == {
        *("ReplicationConfiguration", "RegistryPolicy"),
        *("TemplateBase", "TemplateBaseAB", "TemplateBaseAB2"),
    }
    imported = text.partition("--resources-to-import '")[2].partition("'\n")[0]
    assert {entry["LogicalResourceId"] for entry in json.loads(imported)} == set(resources)


@given(policy=st.dictionaries(st.text(min_size=1, max_size=6), json_values, min_size=1))
def test_any_policy_comes_out_of_a_template_as_it_went_in(policy: dict[str, Any]) -> None:
    """Whatever a document of AWS holds, YAML's reader has the same."""
    content = RegistryContent(registry=BUILD, name="build", policy=policy)
    files, _ = cloudformation_files("prod", [content])
    resources = yaml.safe_load("".join(files.values()))["Resources"]
    assert resources["RegistryPolicy"]["Properties"]["PolicyText"] == policy


@given(text=st.text())
def test_a_text_stays_a_text(text: str) -> None:
    """In quotes, without a template of Terraform's in it, and nothing lost."""
    spelled = quoted(text)
    assert "\n" not in spelled
    assert unquoted(spelled) == text
    for mark in ("${", "%{"):
        assert mark not in spelled.replace(f"{mark[0]}{mark}", "")


@given(value=json_values)
def test_a_value_is_read_by_hcl(value: Any) -> None:
    """Objects, lists, numbers and texts, at any depth."""
    hcl2.loads(f"locals {{\n  value = {expression(ascii_only(value), 2)}\n}}\n")


def ascii_only(value: Any) -> Any:
    """The value with texts of printable ASCII: the reader of the test knows no others."""
    if isinstance(value, str):
        return "".join(char for char in value if " " <= char <= "~")
    if isinstance(value, list):
        return [ascii_only(item) for item in value]
    if isinstance(value, dict):
        return {ascii_only(key) or "key": ascii_only(item) for key, item in value.items()}
    return value


def unquoted(spelled: str) -> str:
    """What Terraform makes of a text in quotes."""
    inner, text, at = spelled[1:-1].replace("$${", "${").replace("%%{", "%{"), "", 0
    simple = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
    while at < len(inner):
        if inner[at] != "\\":
            text, at = text + inner[at], at + 1
            continue
        kind = inner[at + 1]
        digits = {"u": 4, "U": 8}.get(kind, 0)
        char = chr(int(inner[at + 2 : at + 2 + digits], 16)) if digits else simple[kind]
        text, at = text + char, at + 2 + digits
    return text


def test_nothing_in_place_is_nothing_written() -> None:
    """A registry without contents has neither a provider nor a file."""
    empty = RegistryContent(registry=BUILD, name="build")
    files, _ = terraform_files("prod", [empty], ACCOUNTS)
    assert set(files) == {PROVIDERS}
    assert 'provider "aws"' not in files[PROVIDERS]
    assert cloudformation_files("prod", [empty]) == ({}, ())


def test_long_prefixes_have_logical_ids_that_fit() -> None:
    """A prefix may be as long as a logical id, and its name is longer."""
    templates = tuple({"prefix": "a" * 254 + end} for end in "bc")
    content = RegistryContent(registry=BUILD, name="build", templates=templates)
    (text,) = cloudformation_files("prod", [content])[0].values()
    resources = template_of(text)["Resources"]
    assert len(resources) == 2
    assert all(len(name) <= 255 for name in resources)


@pytest.mark.parametrize("where", ["policy", "template"])
def test_no_secret_is_pulled_into_a_template(where: str) -> None:
    """A text of somebody else's must not have CloudFormation read a secret with the rights of
    whoever updates the stack. It has no other spelling in a template, so the resource is left out,
    and named in both places."""
    reference = "{{resolve:secretsmanager:prod:SecretString}}"
    content = RegistryContent(
        registry=BUILD,
        name="build",
        rules=RULES,
        policy={"Statement": [{"Condition": reference}]} if where == "policy" else POLICY,
        templates=({"prefix": "base", "description": reference},) if where == "template" else (),
    )
    files, withheld = cloudformation_files("prod", [content])
    (text,) = files.values()
    assert reference not in text
    left_out = {"policy": "RegistryPolicy", "template": "TemplateBase"}[where]
    assert left_out not in template_of(text)["Resources"]
    assert f'"{left_out}"' not in text
    assert f"{left_out} holds {{{{resolve:, in place of which" in text
    (sentence,) = withheld
    assert sentence.startswith(f"{BUILD}: {left_out} holds {{{{resolve:")


@pytest.mark.parametrize("key", ["Ref", "Fn::ImportValue", "{{resolve:ssm:x}}"])
def test_a_key_of_a_policy_is_no_function(key: str) -> None:
    """CloudFormation evaluates functions wherever they stand, in the documents of others too."""
    policy: Any = {"Statement": [{"Condition": {"StringEquals": {key: "x"}}}]}
    content = RegistryContent(registry=BUILD, name="build", rules=RULES, policy=policy)
    files, (sentence,) = cloudformation_files("prod", [content])
    (text,) = files.values()
    assert set(template_of(text)["Resources"]) == {"ReplicationConfiguration"}
    assert sentence.startswith(f"{BUILD}: RegistryPolicy holds {key[:10]}")


@pytest.mark.parametrize("name", ["a\nb", "*/ }", "\x1b[31m", "${x}"])
def test_a_hostile_name_stays_in_its_comment(name: str) -> None:
    """Names of accounts stand in comments only."""
    content = RegistryContent(registry=BUILD, name=name, rules=RULES, left_out=(name,))
    document, text, _ = module(content)
    assert len(document["resource"]) == 1
    assert "\x1b" not in text
    files, _ = cloudformation_files(name, [content])
    (template,) = files.values()
    assert set(template_of(template)["Resources"]) == {"ReplicationConfiguration"}
