"""IAM lets the path of a role, and S3 the prefix of a state, have characters that a policy reads as
its own. What is printed allows exactly those names, by a reading of IAM's patterns of the test's
own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.bootstrap.conftest import FORMATS, Needed, Read
from tests.bootstrap.test_every_format_says_the_same import ACCOUNT, stack_of
from tests.support.cloudformation import template_of

from fleet_repl.reports.bootstrap.template import template_text
from fleet_repl.runs.doctor import BaseIdentity
from fleet_repl.runs.doctor.questions import needs_of, questions_of
from fleet_repl.values.names import AccountId

FLEET = """\
version = 1
name = "prod"
[aws]
role = "team@/fleet-{account}"
via = ["arn:aws:iam::999999999999:role/hubs@/hub"]
regions = ["eu-west-1"]
[state]
location = "s3://example-fleet-state/prod@"
[organization]
role = "arn:aws:iam::999999999999:role/readers@/reader"
[[accounts]]
id = "111111111111"
[[accounts]]
id = "222222222222"
role = "other@/fleet"
[[templates]]
name = "golden"
prefix = "golden/"
select = { accounts = "222222222222" }
role = "ecr@/template"
"""
IN_ACCOUNT = f"arn:aws:iam::{ACCOUNT}:role"
OTHERS = {"*": ("", "s", "/of-others"), "?": ("s", "/"), "$": ("", "s")}
"""What the character would stand for."""
BASE = BaseIdentity(
    arn="arn:aws:iam::999999999999:user/ann",
    account=AccountId("999999999999"),
    seconds_left=None,
    clock_ahead=None,
)


def allows(pattern: str, arn: str) -> bool:
    """Whether IAM matches the pattern of a resource with an ARN, policy variables read."""
    stands_for = {"*": ".*", "?": ".", "${*}": r"\*", "${?}": r"\?", "${$}": r"\$"}
    parts = re.findall(r"\$\{[*?$]\}|.", pattern)
    return (
        re.fullmatch("".join(stands_for.get(part) or re.escape(part) for part in parts), arn)
        is not None
    )


def resources(policy: Any, sid: str) -> list[str]:
    (found,) = [
        statement["Resource"] for statement in policy["Statement"] if statement["Sid"] == sid
    ]
    return [found] if isinstance(found, str) else found


def printed(needed: Needed, fleet: str) -> list[tuple[str, str]]:
    """The resources that name something, each with the ARN that it is about."""
    bootstrap = needed(fleet, base_identity=BASE.arn)
    iam = json.loads(FORMATS["iam"](bootstrap))
    base, hub = iam["base_identity"]["permissions"], iam["hubs"][0]["permissions"]
    elsewhere = "arn:aws:iam::999999999999:role"
    own = [f"{IN_ACCOUNT}/team@/fleet-{ACCOUNT}", f"{IN_ACCOUNT}/other@/fleet"]
    passed = f"{IN_ACCOUNT}/ecr@/template"
    pairs = [
        *zip(resources(base, "NextRole"), [f"{elsewhere}/hubs@/hub"], strict=True),
        *zip(resources(base, "OrganizationRole"), [f"{elsewhere}/readers@/reader"], strict=True),
        *zip(
            resources(base, "WhatTheFleetRemembers"),
            ["arn:aws:s3:::example-fleet-state/prod@/prod/run.json"],
            strict=True,
        ),
        *zip(resources(hub, "NextRole"), sorted(own), strict=True),
    ]
    template = template_of(template_text(bootstrap))
    for position, role in enumerate(own):
        stack = stack_of(bootstrap, position, template)
        made = stack.value(template["Resources"]["Permissions"]["Properties"])["PolicyDocument"]
        for policy in (made, iam["roles"][position]["permissions"]):
            pairs += zip(resources(policy, "OwnPermissions"), [role], strict=True)
            pairs += zip(resources(policy, "RolesOfTemplates"), [passed], strict=True)
    return pairs


@pytest.mark.parametrize("character", OTHERS)
def test_a_resource_is_that_name_alone(needed: Needed, character: str) -> None:
    """Hubs, roles of accounts, of templates and of the organization, the state; in a template, the
    role's own ARN, which CloudFormation would fill in as it is."""
    for pattern, arn in printed(needed, FLEET.replace("@", character)):
        assert allows(pattern, arn.replace("@", character)), (pattern, arn)
        for other in OTHERS[character]:
            assert not allows(pattern, arn.replace("@", other)), (pattern, other)


@pytest.mark.parametrize("character", OTHERS)
def test_iam_is_asked_about_that_name(read: Read, character: str) -> None:
    """A simulation takes ARNs, and reads no policy variables in them."""
    inventory = read(FLEET.replace("@", character))
    (_, account) = inventory.accounts
    questions = questions_of(needs_of(inventory, ()), account, BASE)
    (passed,) = [
        question.resources["iam:PassRole"]
        for question in questions
        if "iam:PassRole" in question.resources
    ]
    assert passed == (f"arn:aws:iam::222222222222:role/ecr{character}/template",)
