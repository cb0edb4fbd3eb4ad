"""Documents as they are sent, what is read back, and what is not known here."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from fleet_repl.ecr.templates import (
    Signature,
    clearing_hint,
    parse_template,
    plan_templates,
    template_documents,
    update_request,
)
from fleet_repl.inventory import Selector, Template
from fleet_repl.inventory.roles import RoleTemplate
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import FaultKind
from fleet_repl.values.names import Partition, Registry

FULL = Template(
    name="golden",
    prefix="golden",
    select=Selector(),
    tag_mutability="immutable-with-exclusion",
    tag_mutability_exclusions=("dev-*", "latest"),
    encryption="kms-dsse",
    kms_key="arn:aws:kms:{region}:{account}:key/mrk-1",
    lifecycle_policy='{"rules":[]}',
    repository_policy='{"Statement":[]}',
    tags={"team": "platform", "env": ""},
    role=RoleTemplate(partition=Partition.AWS, path="ecr/template", account=None),
    applied_for=("create-on-push", "replication"),
)
BARE = Template(name="golden", prefix="golden", select=Selector())


@pytest.fixture
def full(registry: Registry, ours: Signature) -> JsonObject:
    return template_documents([FULL], registry, ours)[0]


@pytest.fixture
def bare(registry: Registry, ours: Signature) -> JsonObject:
    return template_documents([BARE], registry, ours)[0]


def test_everything_that_can_be_said(full: JsonObject) -> None:
    """ECR's own words, the account and region filled in, the fleet's mark in the description."""
    assert full == {
        "prefix": "golden",
        "description": "FleetRepl6754af96 fleet-repl prod: golden",
        "encryptionConfiguration": {
            "encryptionType": "KMS_DSSE",
            "kmsKey": "arn:aws:kms:eu-west-1:222222222222:key/mrk-1",
        },
        "resourceTags": [{"Key": "env", "Value": ""}, {"Key": "team", "Value": "platform"}],
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [
            {"filterType": "WILDCARD", "filter": "dev-*"},
            {"filterType": "WILDCARD", "filter": "latest"},
        ],
        "repositoryPolicy": '{"Statement":[]}',
        "lifecyclePolicy": '{"rules":[]}',
        "appliedFor": ["CREATE_ON_PUSH", "REPLICATION"],
        "customRoleArn": "arn:aws:iam::222222222222:role/ecr/template",
    }


def test_what_is_left_out_is_not_sent(bare: JsonObject) -> None:
    """Except what a reader would want to see: mutability and encryption."""
    assert bare == {
        "prefix": "golden",
        "description": "FleetRepl6754af96 fleet-repl prod: golden",
        "encryptionConfiguration": {"encryptionType": "AES256"},
        "imageTagMutability": "MUTABLE",
        "appliedFor": ["REPLICATION"],
    }


def test_the_longest_description_fits() -> None:
    """ECR takes 256 characters, and the inventory holds both names short."""
    assert len(Signature(fleet="f" * 32).description("n" * 128)) <= 256


def test_only_the_mark_makes_a_template_ours(ours: Signature) -> None:
    """A name that someone mentions is no signature, and neither is another fleet's."""
    assert ours.is_on({"description": ours.description("golden")})
    assert ours.is_on({"description": Signature(fleet="old").description("golden")})
    for other in ("", "fleet-repl prod: golden", Signature(fleet="pro").description("golden")):
        assert not ours.is_on({"description": other})
    assert not ours.is_on({})


def test_an_update_sends_everything_and_clears_what_is_gone(
    full: JsonObject, bare: JsonObject
) -> None:
    """The call changes only what it is given, and an empty list of filters is refused."""
    assert update_request(full, bare) == {
        **bare,
        "resourceTags": [],
        "repositoryPolicy": "",
        "lifecyclePolicy": "",
        "customRoleArn": "",
    }
    assert update_request(bare, full) == full
    assert update_request(bare, bare) == bare


def test_a_cleared_template_says_nothing_more(full: JsonObject, bare: JsonObject) -> None:
    """Filters that stay behind mean nothing, and neither do empty texts."""
    now = parse_template({**full, **update_request(full, bare)})
    assert now.shows(parse_template(bare))
    assert now.same_as(parse_template(bare))


def test_a_role_that_stays_shows(full: JsonObject, bare: JsonObject) -> None:
    """Then the update did not come about, and there is a hint what to do."""
    kept = {**full, **update_request(full, bare), "customRoleArn": full["customRoleArn"]}
    assert not parse_template(kept).shows(parse_template(bare))
    assert clearing_hint(full, bare) == (
        "ECR may not let a template give up its role: delete the template, and the next apply "
        "creates it without one"
    )
    assert clearing_hint(bare, full) is None
    assert clearing_hint(full, full) is None
    assert clearing_hint(full, None) is None
    assert clearing_hint(None, bare) is None


def test_a_key_that_the_service_names_is_no_drift(
    registry: Registry, ours: Signature, bare: JsonObject
) -> None:
    """Whoever asks for KMS and no key has no opinion on the key; any other key is a change."""
    asked = {**bare, "encryptionConfiguration": {"encryptionType": "KMS"}}
    shown = {**bare, "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "arn:k"}}
    other = {**bare, "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "arn:o"}}
    assert plan_templates([asked], [shown], ours).changes == ()
    assert parse_template(shown).shows(parse_template(asked))
    assert not parse_template(shown).same_as(parse_template(asked))
    assert len(plan_templates([shown], [asked], ours).changes) == 1
    assert len(plan_templates([shown], [other], ours).changes) == 1
    assert len(plan_templates([bare], [shown], ours).changes) == 1


UNKNOWN: Mapping[str, tuple[JsonObject, str]] = {
    "a member": ({"replicas": 3}, "replicas"),
    "a member of the encryption": (
        {"encryptionConfiguration": {"encryptionType": "KMS", "rotation": True}},
        "encryptionConfiguration.rotation",
    ),
    "an encryption that is no object": (
        {"encryptionConfiguration": "KMS"},
        "encryptionConfiguration",
    ),
    "a member of a tag": (
        {"resourceTags": [{"Key": "a", "Value": "b", "Sealed": True}]},
        "resourceTags[0].Sealed",
    ),
    "a tag that is no object": ({"resourceTags": ["a"]}, "resourceTags[0]"),
    "tags that are no list": ({"resourceTags": {"a": "b"}}, "resourceTags"),
    "a filter of another type": (
        {"imageTagMutabilityExclusionFilters": [{"filterType": "REGEX", "filter": "a"}]},
        "imageTagMutabilityExclusionFilters[0].filterType",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_not_known_is_not_overwritten(case: str, bare: JsonObject, ours: Signature) -> None:
    """Neither updated nor deleted, and the path is named; where nothing is to do, none minds."""
    members, path = UNKNOWN[case]
    document = {**bare, **members, "imageTagMutability": "IMMUTABLE"}
    assert parse_template(document).unknown == (path,)
    for wanted, operation, action in (
        ([bare], "UpdateRepositoryCreationTemplate", "update"),
        ([], "DeleteRepositoryCreationTemplate", "delete"),
    ):
        plan = plan_templates(wanted, [document], ours)
        assert plan.changes == ()
        (refused,) = plan.refused
        assert refused.change.action == action
        assert refused.fault.kind is FaultKind.UNKNOWN_FIELDS
        assert refused.fault.operation == operation
        assert refused.fault.message == (
            "the creation template for golden has fields that are not known here, and is left as "
            f"it is: {path}"
        )


def test_a_new_member_alone_is_no_change(bare: JsonObject, ours: Signature) -> None:
    """When AWS adds one to every answer, nothing is wrong; but a write would tell them apart."""
    document = {**bare, "replicas": 3}
    assert plan_templates([bare], [document], ours).refused == ()
    assert parse_template(document).shows(parse_template(bare))
    assert not parse_template(document).same_as(parse_template(bare))
    assert parse_template(document).same_as(parse_template({**document, "updatedAt": 4.0}))
    assert not parse_template(bare).shows(parse_template(document))


def test_a_template_without_a_prefix_is_nobodys(ours: Signature) -> None:
    """An answer that cannot be understood is refused, not acted on."""
    document = {"description": ours.description("golden")}
    plan = plan_templates([], [document], ours)
    assert plan.changes == ()
    (refused,) = plan.refused
    assert refused.fault.message == (
        "the creation template for no prefix has fields that are not known here, and is left as "
        "it is: prefix"
    )


def test_none_is_a_state_too(bare: JsonObject) -> None:
    """Before a creation and after a deletion there is nothing, and that shows."""
    nothing, something = parse_template(None), parse_template(bare)
    assert nothing.same_as(parse_template(None))
    assert nothing.shows(nothing)
    assert not nothing.same_as(something)
    assert not nothing.shows(something)
    assert not something.shows(nothing)


@pytest.mark.parametrize(
    "text", ["", "not JSON", "[" * 5_000, '{"rules": [{"rulePriority": 2}]}', "1" * 5_000]
)
def test_policies_that_are_found_may_be_anything(text: str, bare: JsonObject) -> None:
    """They are equal to themselves and to nothing else."""
    parsed = parse_template({**bare, "lifecyclePolicy": text})
    assert parsed.same_as(parsed)
    assert not parsed.same_as(parse_template({**bare, "lifecyclePolicy": '{"rules": []}'}))
