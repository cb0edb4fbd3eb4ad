"""What makes the role in every account: the flags, and where there is nothing to make."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.cloudformation import template_of
from tests.support.command_line import Cli

from fleet_repl.values.exit_code import ExitCode

BASE = "arn:aws:iam::999999999999:role/platform-deploy"


def sids(policy: object) -> list[str]:
    """The statements of a policy, by name."""
    assert isinstance(policy, dict)
    return [item["Sid"] for item in policy["Statement"]]


def test_a_template_for_whoever_is_named(cli: Cli, inventory: str) -> None:
    """CloudFormation's unless something else is asked for; nothing on stderr, nothing called."""
    ended = cli("bootstrap", inventory, "--principal", BASE)
    assert (ended.code, ended.err) == (0, "")
    template = template_of(ended.out)
    assert template["Parameters"]["Principal"]["Default"] == BASE
    assert template["Resources"]["Role"]["Properties"]["RoleName"] == "fleet-replication"


def test_each_format_is_its_own(cli: Cli, inventory: str) -> None:
    """A module for Terraform, a JSON document of policies."""
    module = cli("bootstrap", inventory, "--format", "terraform")
    assert (module.code, module.err) == (0, "")
    assert 'resource "aws_cloudformation_stack_set" "role" {' in module.out
    policies = cli("bootstrap", inventory, "--format", "iam", "--principal", BASE)
    assert (policies.code, policies.err) == (0, "")
    (role,) = json.loads(policies.out)["roles"]
    assert role["trust"]["Statement"][0]["Principal"] == {"AWS": BASE}


@pytest.mark.parametrize(
    ("flags", "further"),
    [
        ([], []),
        (["--with", "backfill"], ["Backfills"]),
        (
            ["--with", "templates", "--with", "backfill"],
            ["Backfills", "Templates", "ServiceLinkedRoleOfTemplates"],
        ),
    ],
)
def test_more_may_be_allowed(
    cli: Cli, inventory: str, flags: list[str], further: list[str]
) -> None:
    """For commands by hand, and for what is to be taken away."""
    usual = sids(
        json.loads(cli("bootstrap", inventory, "--format", "iam").out)["roles"][0]["permissions"]
    )
    printed = json.loads(cli("bootstrap", inventory, "--format", "iam", *flags).out)
    statement_ids = sids(printed["roles"][0]["permissions"])
    assert [sid for sid in statement_ids if sid not in usual] == further


def test_or_reading_alone(cli: Cli, inventory: str) -> None:
    """No action that changes anything."""
    ended = cli("bootstrap", inventory, "--format", "iam", "--read-only")
    assert not any(verb in ended.out for verb in (":Put", ":Delete", ":Create", ":Start"))
    assert "ecr:DescribeRegistry" in ended.out


def test_routes_are_not_needed(cli: Cli, inventory: str) -> None:
    """The roles come before anybody knows what shall replicate."""
    path = Path(inventory)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("[[routes]]")], encoding="utf-8")
    assert cli("bootstrap", inventory).code == 0


def test_an_external_id_need_not_be_known(cli: Cli, inventory: str) -> None:
    """It is a parameter; that its variable is not set is told, as by other offline commands."""
    path = Path(inventory)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[aws]", '[aws]\nexternal_id = "${MISSING}"'), encoding="utf-8")
    ended = cli("bootstrap", inventory)
    assert ended.code == 0
    assert "the environment variable MISSING is not set" in ended.err
    assert template_of(ended.out)["Parameters"]["ExternalId"]["NoEcho"] == "true"


def test_where_there_is_no_role_to_make(cli: Cli, inventory: str) -> None:
    """The base identity has a policy all the same."""
    path = Path(inventory)
    text = path.read_text(encoding="utf-8").replace('role = "fleet-replication"', 'role = "none"')
    path.write_text(text[: text.index('[[accounts]]\nid = "2')], encoding="utf-8")
    for form in ("cloudformation", "terraform"):
        ended = cli("bootstrap", inventory, "--format", form)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err == (
            "fleet-repl: no account of demo has a role to be made: the base identity makes every "
            "call itself\n    --format iam prints the policy for it\n"
        )
    printed = json.loads(cli("bootstrap", inventory, "--format", "iam").out)
    assert printed["roles"] == []
    assert "Registries" in sids(printed["base_identity"]["permissions"])


@pytest.mark.parametrize(
    ("principal", "message"),
    [
        (
            "arn:aws:sts::999999999999:assumed-role/platform/alice",
            (
                "is no principal that a trust policy can name\n    write the ARN of a role, a user "
                "or a whole account: arn:aws:iam::111122223333:role/platform-deploy; of an assumed "
                "role, that of the role behind it"
            ),
        ),
        (
            "arn:aws-cn:iam::999999999999:role/platform",
            (
                "is of partition aws-cn, and the inventory of aws\n    name a principal of that "
                "partition, or set [aws] partition"
            ),
        ),
    ],
)
def test_whom_no_role_can_trust(cli: Cli, inventory: str, principal: str, message: str) -> None:
    """Said before a template is printed that CloudFormation would refuse in every account."""
    ended = cli("bootstrap", inventory, "--principal", principal)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"fleet-repl: {principal} {message}\n"


def test_an_organization_is_whom_roles_trust(cli: Cli, tmp_path: Path) -> None:
    """Its id goes into every trust policy, and its units into the commands, although nobody knows
    its accounts yet."""
    path = tmp_path / "organization.toml"
    path.write_text(
        'version = 1\nname = "prod"\nroutes = []\n[aws]\nrole = "fleet"\nregions = ["eu-west-1"]\n'
        '[organization]\nid = "o-abcde12345"\nous = ["ou-abcd-11111111"]\n'
    )
    printed = json.loads(cli("bootstrap", str(path), "--format", "iam").out)
    (role,) = printed["roles"]
    (statement,) = role["trust"]["Statement"]
    assert role["name"] == "fleet"
    assert sids(printed["base_identity"]["permissions"]) == ["NextRole", "Organization"]
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-abcde12345"}}
    assert "ou-abcd-11111111" in cli("bootstrap", str(path)).out


def test_the_queue_of_deliveries_is_the_base_identitys(cli: Cli, inventory: str) -> None:
    """By its ARN, with what `doctor` asks; no role gets it. What is no queue's URL is wrong use; a
    URL without a region of the partition, of which no ARN can be made, is an error."""
    url = "https://sqs.eu-west-1.amazonaws.com/111111111111/deliveries"
    printed = cli("bootstrap", inventory, "--format", "iam", "--deliveries", url)
    document = json.loads(printed.out)
    *_, statement = document["base_identity"]["permissions"]["Statement"]
    assert statement == {
        "Sid": "ReportedDeliveries",
        "Effect": "Allow",
        "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        "Resource": "arn:aws:sqs:eu-west-1:111111111111:deliveries",
    }
    assert "sqs:" not in json.dumps(document["roles"])
    for tool in ("cloudformation", "terraform"):
        made = cli("bootstrap", inventory, "--format", tool, "--deliveries", url)
        comments = " ".join(made.out.replace("#", " ").split())
        assert "the next role and to read the queue of deliveries: --format iam prints" in comments
    wrong = cli("bootstrap", inventory, "--deliveries", "https://example.com/deliveries")
    assert wrong.code == ExitCode.USAGE
    for host in ("127.0.0.1:4566", "sqs.cn-north-1.amazonaws.com.cn"):
        ended = cli("bootstrap", inventory, "--deliveries", f"https://{host}/111111111111/q")
        assert ended.code == ExitCode.ERROR
        assert f"https://{host}/111111111111/q names no region of partition aws" in ended.err
