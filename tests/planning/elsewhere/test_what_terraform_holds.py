"""What a Terraform state says of registries, and the blocks that take it out again."""

from __future__ import annotations

import json
from typing import Any

import hcl2
import pytest
from hypothesis import given, strategies as st
from tests.planning.elsewhere.states import SECRET, instance, resource, state

from fleet_repl.planning.change import Resource
from fleet_repl.planning.elsewhere import (
    Holder,
    StateFileError,
    parse_terraform_state,
    removed_blocks,
)

RULES, POLICY, TEMPLATE = (
    "aws_ecr_replication_configuration",
    "aws_ecr_registry_policy",
    "aws_ecr_repository_creation_template",
)


def test_addresses_have_modules_and_keys() -> None:
    """Modules within modules, for_each and count; the region of a newer provider, or by an ARN."""
    held = parse_terraform_state(
        state(
            resource(RULES, instance(region="eu-west-1")),
            resource(
                POLICY,
                instance(
                    "222222222222", policy='{"Resource":"arn:aws:ecr:eu-west-1:222222222222:x"}'
                ),
                module='module.ecr["a.b]\\"c"].module.inner[0]',
            ),
            resource(
                TEMPLATE,
                instance(key="eu", id="base", prefix="base", region="us-east-1"),
                instance(key=1, id="ROOT", prefix="ROOT"),
            ),
            resource("aws_db_instance", instance()),
            resource(RULES, instance(), mode="data", name="other"),
        ),
        "prod.tfstate",
    )
    assert [(item.address, item.target, item.account, item.region) for item in held] == [
        (f"{RULES}.this", f"{RULES}.this", "111111111111", "eu-west-1"),
        (
            f'module.ecr["a.b]\\"c"].module.inner[0].{POLICY}.this',
            f"module.ecr.module.inner.{POLICY}.this",
            "222222222222",
            "eu-west-1",
        ),
        (f'{TEMPLATE}.this["eu"]', f"{TEMPLATE}.this", "111111111111", "us-east-1"),
        (f"{TEMPLATE}.this[1]", f"{TEMPLATE}.this", "111111111111", None),
    ]
    assert [item.resource for item in held] == [
        Resource.REPLICATION_CONFIGURATION,
        Resource.REGISTRY_POLICY,
        Resource.CREATION_TEMPLATE,
        Resource.CREATION_TEMPLATE,
    ]
    assert [item.prefix for item in held] == [None, None, "base", "ROOT"]
    assert {item.holder for item in held} == {Holder.TERRAFORM}


def test_what_is_to_be_destroyed_is_not_held() -> None:
    """A deposed object is no longer the resource."""
    deposed = {**instance(), "deposed": "0a1b2c3d"}
    assert parse_terraform_state(state(resource(RULES, deposed)), "s") == ()


def test_blocks_name_each_resource_once_and_without_keys() -> None:
    """As Terraform takes them since 1.7, and as HCL's reader reads them."""
    held = parse_terraform_state(
        state(
            resource(RULES, instance(key="a"), instance("222222222222", key="b")),
            resource(POLICY, instance(), module='module.ecr["x"]'),
        ),
        "prod.tfstate",
    )
    text = removed_blocks(held)
    document: Any = hcl2.loads(text)
    blocks = document["removed"]
    assert [str(block["from"]).strip("${}") for block in blocks] == [
        f"{RULES}.this",
        f"module.ecr.{POLICY}.this",
    ]
    assert all(block["lifecycle"][0]["destroy"] is False for block in blocks)
    assert "[" not in text.replace('"', "").replace("region not", "")
    assert "# 2 instances: 111111111111 (region not in the state), 222222222222" in text
    assert removed_blocks(()) == ""


def test_blocks_say_what_else_they_let_go() -> None:
    """An address has instances in registries of others, and a template that no inventory has."""
    held = parse_terraform_state(
        state(
            resource(
                POLICY,
                instance(key="a", region="eu-west-1"),
                instance("999999999999", key="b", region="eu-west-1"),
            ),
            resource(TEMPLATE, instance(id="base", prefix="base", region="eu-west-1")),
        ),
        "prod.tfstate",
    )
    ours = [resource for resource in held if resource.account == "111111111111"]
    others = [resource for resource in held if resource not in ours]
    policy, template = removed_blocks(ours, others).split("removed {")[:2]
    assert policy.endswith(
        "# 1 instance: 111111111111/eu-west-1\n"
        "# Outside of the fleet, and let go as well: 1 instance: 999999999999/eu-west-1\n"
    )
    assert "only by [[templates]], which import does not write" in template
    assert "Outside" not in template


def test_nothing_else_of_a_state_is_repeated() -> None:
    """A state holds secrets in plain text."""
    whole = state(resource(RULES, instance()), resource("aws_db_instance", instance()))
    held = parse_terraform_state(whole, "s")
    assert SECRET not in repr(held) + removed_blocks(held) + str(held[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no JSON object"),
        (b"\xff\xfe\x00", "is no JSON object"),
        (b"[]", "is no JSON object"),
        (b'{"a": 1, "a": 2}', "is no JSON object"),
        (b"[" * 100_000, "is no JSON object"),
        (state(version=3), "a Terraform state of version 3"),
        (state(version="4"), "a Terraform state of version none"),
        (state(version=True), "a Terraform state of version"),
        (b'{"version": 4}', "it has no resources"),
        (b'{"serial": 1, "encrypted_data": "c2VjcmV0", "meta": {}}', "the state is encrypted"),
        (state(resource(RULES, instance(), name="a b")), "resources[0] has no address"),
        (state(resource(RULES, instance(), module="module.x\n}")), "resources[0] has no address"),
        (state(resource(RULES, instance("hunter2"))), "has no registry_id"),
        (state({"mode": "managed", "type": RULES, "name": "x"}), "resources[0] has no address"),
    ],
)
def test_what_is_no_state_is_said(content: bytes, message: str) -> None:
    """By the name of the file, and without a word of what is in it."""
    with pytest.raises(StateFileError) as caught:
        parse_terraform_state(content, "prod.tfstate")
    assert str(caught.value).startswith(("prod.tfstate is ", "prod.tfstate: the state "))
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(RULES),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["mode", "type", "name", "instances", "attributes", "module"]),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_any_document_is_read_or_refused(document: Any) -> None:
    """Nothing crashes, whatever stands where resources are expected."""
    for content in (json.dumps(document).encode(), state(document)):
        try:
            parse_terraform_state(content, "s")
        except StateFileError:
            continue


@given(name=st.text(max_size=12), key=st.text(max_size=12))
def test_a_hostile_address_stays_within_its_block(name: str, key: str) -> None:
    """A name that is no identifier is refused, and a key is no part of a block."""
    try:
        held = parse_terraform_state(
            state(resource(RULES, instance(key=key), name=name)), "a\nb\x1b[31m"
        )
    except StateFileError:
        return
    document: Any = hcl2.loads(removed_blocks(held))
    assert len(document["removed"]) == 1
    assert "\x1b" not in removed_blocks(held) + str(held[0])
    assert "\n" not in str(held[0])
