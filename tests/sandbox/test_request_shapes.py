"""The sandbox's copy of AWS's service models, and how requests are checked by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.loaders import Loader

from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.ecr import _OPERATIONS
from fleet_repl.sandbox.shapes import OPERATIONS, SHAPES, Shape, Structure, read
from fleet_repl.values.canonical_json import Json

NEWEST: Final = Path(__file__).parents[1] / "aws" / "models"
"""The newest botocore's model of ECR: the pinned one does not know backfills."""
DIFFERENT: Final[dict[str, dict[str, Any]]] = {
    # The names of settings and the limits on tags are in ECR's documentation only.
    "AccountSettingName": {
        "enum": ["BASIC_SCAN_TYPE_VERSION", "BLOB_MOUNTING", "REGISTRY_POLICY_SCOPE"]
    },
    "TagKey": {"min": 1, "max": 128},
    "TagValue": {"max": 256},
    "TagList": {"max": 50},
    # What is pushed has to be a tag or digest; what is looked up need not be.
    "PutImageRequest": {
        "members": {
            **SHAPES["PutImageRequest"].members,
            "imageTag": "PushedImageTag",
            "imageDigest": "PushedImageDigest",
        }
    },
    # Its length is checked with what it says, and an inventory may know of a higher limit.
    "RegistryPolicyText": {"max": float("inf")},
    # What else AssumeRole takes is refused or passed over by name.
    "AssumeRoleRequest": {
        "members": {
            "RoleArn": "arnType",
            "RoleSessionName": "roleSessionNameType",
            "Policy": "unrestrictedSessionPolicyDocumentType",
            "DurationSeconds": "roleDurationSecondsType",
            "ExternalId": "externalIdType",
            "SourceIdentity": "sourceIdentityType",
        }
    },
    # What else is sent along is of no use here.
    "sqs.SendMessageRequest": {"members": {"QueueUrl": "sqs.String", "MessageBody": "sqs.String"}},
    # It was 64 until autumn 2026.
    "sourceIdentityType": {"max": 256},
}
"""Where the sandbox asks for more than the models say, or for less."""
OWN: Final = {
    "PushedImageTag",
    "PushedImageDigest",
    # It takes no input.
    "organizations.DescribeOrganizationRequest",
}


def shape_of(model: dict[str, Any]) -> Shape:
    """A shape of botocore's model, as far as the sandbox looks at it."""
    plain = ("type", "required", "min", "max", "pattern", "enum")
    members = {name: member["shape"] for name, member in model.get("members", {}).items()}
    return Shape(
        **{name: model[name] for name in plain if model.get(name)},
        members=members,
        member=model.get("member", {}).get("shape", ""),
    )


def test_every_shape_is_aws_own() -> None:
    """Types, members and constraints are those of botocore's models, but for what is listed."""
    newest = Loader([str(NEWEST)], include_default_search_paths=False)
    theirs = {
        **Loader().load_service_model("sts", "service-2", "2011-06-15")["shapes"],
        **newest.load_service_model("ecr", "service-2", "2015-09-21")["shapes"],
    }
    for service in ("account", "cloudtrail", "ecs", "lambda", "organizations", "sqs"):
        shapes = Loader().load_service_model(service, "service-2")["shapes"]
        theirs |= {f"{service}.{name}": qualified(shapes[name], service) for name in shapes}
    for name in sorted(SHAPES.keys() - OWN):
        assert SHAPES[name] == replace(shape_of(theirs[name]), **DIFFERENT.get(name, {})), name


def qualified(model: dict[str, Any], service: str) -> dict[str, Any]:
    """A shape whose parts are named with their service, as services use the same names."""
    parts = {
        name: {"shape": f"{service}.{part['shape']}"}
        for name, part in model.get("members", {}).items()
    }
    member = model.get("member")
    return {
        **model,
        **({"members": parts} if parts else {}),
        **({"member": {"shape": f"{service}.{member['shape']}"}} if member else {}),
    }


def test_every_operation_is_carried_out() -> None:
    """What the copy lists is what there is code for, and the input of each has a shape."""
    assert tuple(_OPERATIONS) == tuple(OPERATIONS["ecr"])
    assert SHAPES.keys() >= {f"{operation}Request" for operation in _OPERATIONS}


def test_null_is_absent() -> None:
    """A null member says no more than no member, at any depth."""
    rule: Json = {"destinations": [], "deleteReplication": None}
    body: Json = {"replicationConfiguration": {"rules": [rule]}}
    assert read(body, "PutReplicationConfigurationRequest") == Structure(
        {"replicationConfiguration": {"rules": [{"destinations": []}]}}
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": 7}, "name is not a string"),
        ({"name": True}, "name is not a string"),
        ([], "the request is not a structure"),
    ],
)
def test_a_wrong_type_cannot_be_read(body: Json, message: str) -> None:
    """It is told with the member's path, or as the request's own."""
    with pytest.raises(AwsError) as caught:
        read(body, "GetAccountSettingRequest")
    assert (caught.value.code, caught.value.message) == ("SerializationException", message)


@pytest.mark.parametrize(
    ("shape", "value", "objection"),
    [
        ("Prefix", "prod/\n", True),
        ("Prefix", "prod/", False),
        ("KmsKeyForRepositoryCreationTemplate", "", False),
        ("KmsKeyForRepositoryCreationTemplate", "x", True),
        ("externalIdType", "sécret", True),
    ],
)
def test_a_pattern_is_matched_whole(shape: str, value: str, objection: bool) -> None:
    """With anchors or without, to the last character, and by letters of ASCII only."""
    assert (SHAPES[shape].objection(value) is not None) is objection


def test_known_limits_are_the_inventorys() -> None:
    """A list may be as long as the caller says, where that is said of its shape."""
    body: Json = {"replicationConfiguration": {"rules": [{"destinations": []}] * 26}}
    with pytest.raises(AwsError, match="length less than or equal to 25"):
        read(body, "PutReplicationConfigurationRequest")
    read(body, "PutReplicationConfigurationRequest", limits={"ReplicationRuleList": 26})
