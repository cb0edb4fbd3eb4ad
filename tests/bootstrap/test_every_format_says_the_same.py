"""One need, three ways to write it down: roles, whom they trust, what they may."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given, strategies as st
from tests.bootstrap.conftest import FORMATS, Needed
from tests.bootstrap.fleets import PLAIN
from tests.support.cloudformation import template_of
from tests.support.drawn_inventories import EXTERNAL_IDS, inventories

from fleet_repl.inventory import Inventory
from fleet_repl.reports.bootstrap import Bootstrap, bootstrap_of
from fleet_repl.reports.bootstrap.template import template_text
from fleet_repl.values.canonical_json import compact_json

ACCOUNT = "123456789012"
MANAGED_POLICY, INLINE_POLICIES, TRUST_POLICY, TEMPLATE = 6_144, 10_240, 2_048, 51_200
"""The most characters that IAM takes, and the most bytes that CloudFormation does."""
OPTIONS = st.fixed_dictionaries(
    {
        "base_identity": st.none(),
        "organization": st.none() | st.just("o-abcde12345"),
        "units": st.just(()) | st.just(("ou-abcd-11111111",)),
        "read_only": st.booleans(),
    }
)


class Stack:
    """CloudFormation's functions, for one account."""

    def __init__(self, template: Any, partition: str, parameters: dict[str, str]) -> None:
        self.template = template
        known = template["Parameters"]
        assert set(parameters) <= set(known)
        defaults = {
            name: parameter["Default"]
            for name, parameter in known.items()
            if "Default" in parameter
        }
        self.values = {
            "AWS::Partition": partition,
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": None,
            "Role": "the role's name",
            **defaults,
            **parameters,
        }

    def value(self, node: Any) -> Any:
        """What a part of the template is, with every function carried out."""
        match node:
            case {"Ref": name}:
                resolved = self.values[name]
            case {"Fn::Sub": resolved}:
                for name in ("AWS::Partition", "AWS::AccountId"):
                    resolved = resolved.replace(f"${{{name}}}", self.values[name])
                resolved = resolved.replace("${!", "${")
            case {"Fn::If": [condition, first, second]}:
                resolved = self.value(first if self.holds(condition) else second)
            case {"Fn::GetAtt": ["Role", "Arn"]}:
                role = self.template["Resources"]["Role"]["Properties"]
                path, name = self.value(role["Path"]), self.value(role["RoleName"])
                resolved = f"arn:{self.values['AWS::Partition']}:iam::{ACCOUNT}:role{path}{name}"
            case dict():
                values = {key: self.value(value) for key, value in node.items()}
                resolved = {key: value for key, value in values.items() if value is not None}
            case list():
                resolved = [self.value(item) for item in node]
            case _:
                resolved = node
        return resolved

    def holds(self, condition: str) -> bool:
        match self.template["Conditions"][condition]:
            case {"Fn::Equals": [first, second]}:
                return bool(self.value(first) == second)
            case {"Fn::Not": [{"Fn::Equals": [first, second]}]}:
                return bool(self.value(first) != second)
            case other:
                raise AssertionError(other)


def stack_of(bootstrap: Bootstrap, position: int, template: Any) -> Stack:
    """The stack of the role at `position`, with the parameters that the comments give it."""
    role = bootstrap.roles[position]
    parameters = {"Principal": bootstrap.principal or "${PRINCIPAL_ARN}"}
    if role.path != bootstrap.roles[0].path:
        parameters["WhichRole"] = role.path
    if role.external_id is not None:
        number = "" if role.external_id == 1 else f"_{role.external_id}"
        parameters["ExternalId"] = f"${{EXTERNAL_ID{number}}}"
    return Stack(template, bootstrap.partition, parameters)


def in_one_account(document: Any) -> Any:
    """A role of the IAM format, as it is in one account."""
    text = (
        json.dumps(document)
        .replace("${ACCOUNT_ID}", ACCOUNT)
        .replace("iam::*:", f"iam::{ACCOUNT}:")
    )
    return json.loads(text)


@given(inventory=inventories(), options=OPTIONS)
def test_a_stack_makes_the_role_of_the_iam_format(
    inventory: Inventory, options: dict[str, Any]
) -> None:
    """By name, path, trust and permissions, in any account, for each of the roles."""
    bootstrap = bootstrap_of(inventory, **options)
    printed = json.loads(FORMATS["iam"](bootstrap))
    if not bootstrap.roles:
        return
    template = template_of(template_text(bootstrap))
    for position, expected in enumerate(map(in_one_account, printed["roles"])):
        stack = stack_of(bootstrap, position, template)
        role, permissions = (
            stack.value(template["Resources"][name]["Properties"])
            for name in ("Role", "Permissions")
        )
        assert (role["RoleName"], role["Path"]) == (expected["name"], expected["path"])
        assert role.get("MaxSessionDuration", 3_600) == expected["max_session_duration"]
        assert role["AssumeRolePolicyDocument"] == expected["trust"]
        made = permissions["PolicyDocument"]["Statement"]
        for statement, wanted in zip(made, expected["permissions"]["Statement"], strict=True):
            arns = zip(
                listed(statement.pop("Resource")), listed(wanted.pop("Resource")), strict=True
            )
            assert all(fits(arn, pattern) for arn, pattern in arns)
            assert statement == wanted


def listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def fits(arn: str, pattern: str) -> bool:
    """Whether a resource in one account is what the IAM format says for all of them.

    A template has a question mark, any character to IAM, in the place of a dollar.
    """
    parts = map(re.escape, pattern.replace("$", "?").split("*"))
    return re.fullmatch(".*".join(parts), arn.replace("$", "?")) is not None


@given(inventory=inventories(), options=OPTIONS)
def test_every_policy_fits(inventory: Inventory, options: dict[str, Any]) -> None:
    """Into what IAM takes for a managed policy, an inline one and a trust policy."""
    bootstrap = bootstrap_of(inventory, **options)
    printed = json.loads(FORMATS["iam"](bootstrap))
    for role in (*printed["roles"], *printed["hubs"]):
        assert len(compact_json(role["permissions"])) <= MANAGED_POLICY < INLINE_POLICIES
        assert len(compact_json(role["trust"])) <= TRUST_POLICY
    assert len(compact_json(printed["base_identity"]["permissions"])) <= INLINE_POLICIES
    if bootstrap.roles:
        assert len(template_text(bootstrap).encode()) <= TEMPLATE


@given(inventory=inventories(), options=OPTIONS)
def test_no_text_has_a_secret_and_each_is_always_the_same(
    inventory: Inventory, options: dict[str, Any]
) -> None:
    """Whatever the format, nothing of an external id is in it."""
    for form in FORMATS.values():
        bootstrap = bootstrap_of(inventory, **options)
        if bootstrap.roles:
            text = form(bootstrap)
            assert not any(secret in text for secret in EXTERNAL_IDS)
            assert text == form(bootstrap_of(inventory, **options))
            assert text.isascii()


@given(inventory=inventories())
def test_every_account_has_one_role_or_is_the_base_identitys(inventory: Inventory) -> None:
    """Retired ones too, by their own path and external id; externals have none."""
    bootstrap = bootstrap_of(inventory)
    paths = {
        account: role.path.replace("{account}", account)
        for role in bootstrap.roles
        for account in role.accounts
    }
    assert paths == {
        account.id: account.role.path for account in inventory.accounts if account.role is not None
    }
    assert sum(len(role.accounts) for role in bootstrap.roles) == len(paths)
    assert set(bootstrap.own_accounts) == {account.id for account in inventory.accounts} - set(
        paths
    )
    numbers = {account: role.external_id for role in bootstrap.roles for account in role.accounts}
    for first in inventory.accounts:
        for second in inventory.accounts:
            if first.role is not None and second.role is not None:
                same = first.external_id == second.external_id
                assert (numbers[first.id] == numbers[second.id]) is same


def test_what_sessions_carry_has_to_be_trusted(needed: Needed) -> None:
    """A source identity and session tags are actions of their own, for both who asks and who is
    asked."""
    carried = 'source_identity = "platform"\nsession_tags = { team = "core" }'
    bootstrap = needed(PLAIN.replace("[aws]\n", f"[aws]\n{carried}\n"))
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    printed = json.loads(FORMATS["iam"](bootstrap))
    assert printed["roles"][0]["trust"]["Statement"][0]["Action"] == actions
    assert printed["base_identity"]["permissions"]["Statement"][0]["Action"] == actions
    role = template_of(template_text(bootstrap))["Resources"]["Role"]["Properties"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Action"] == actions
