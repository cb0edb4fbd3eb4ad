"""Repository creation templates, and the account settings that stand beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleet_repl.values.errors import CallError, FaultKind

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

    from fleet_repl.values.canonical_json import JsonObject

TEMPLATE: JsonObject = {
    "prefix": "base/",
    "description": "Copies",
    "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "alias/copies"},
    "resourceTags": [{"Key": "team", "Value": "platform"}],
    "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
    "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "dev-*"}],
    "repositoryPolicy": "{}",
    "lifecyclePolicy": "{}",
    "appliedFor": ["REPLICATION"],
    "customRoleArn": "arn:aws:iam::000000000001:role/templates",
}
PREFIX: JsonObject = {"prefix": "base/"}
WRITES = [
    ("CreateRepositoryCreationTemplate", "create_template", TEMPLATE, TEMPLATE),
    ("UpdateRepositoryCreationTemplate", "update_template", TEMPLATE, TEMPLATE),
    ("DeleteRepositoryCreationTemplate", "delete_template", "base/", PREFIX),
]
each_write = pytest.mark.parametrize(("operation", "write", "argument", "sent"), WRITES)


@each_write
async def test_a_template_is_written(
    edge: Edge, operation: str, write: str, argument: object, sent: JsonObject
) -> None:
    """The document goes as it is; the request id comes back."""
    answer = {"registryId": "000000000001", "repositoryCreationTemplate": TEMPLATE}
    edge.aws.script(operation, edge.aws.reply(answer))
    async with edge.open() as registries:
        request_id = await getattr(registries, write)(edge.registry(), argument)
    (request,) = edge.aws.calls(operation)
    assert request.parameters == sent
    assert request_id == f"request-{request.number}"


@each_write
async def test_a_template_may_have_been_written(
    edge: Edge, operation: str, write: str, argument: object, sent: JsonObject
) -> None:
    """Only a read can tell; it is not tried again here."""
    garbled = ["", "{}", '{"repositoryCreationTemplate": null}', "no JSON"]
    edge.aws.script(operation, *map(edge.aws.say, garbled))
    async with edge.open() as registries:
        for calls in range(1, 5):
            with pytest.raises(CallError) as caught:
                await getattr(registries, write)(edge.registry(), argument)
            assert caught.value.fault.kind is FaultKind.SERVICE
            assert (caught.value.transient, caught.value.uncertain) == (True, True)
            assert len(edge.aws.calls(operation)) == calls


@each_write
async def test_a_template_written_to_another_account_is_reported(
    edge: Edge, operation: str, write: str, argument: object, sent: JsonObject
) -> None:
    """These answers name the account."""
    answer = {"registryId": "000000000009", "repositoryCreationTemplate": {}}
    edge.aws.script(operation, edge.aws.reply(answer))
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await getattr(registries, write)(edge.registry(), argument)
    assert caught.value.fault.kind is FaultKind.WRONG_ACCOUNT


async def test_a_template_that_is_not_there(edge: Edge) -> None:
    """It is as good as deleted, and cannot be updated."""
    gone = edge.aws.refuse("TemplateNotFoundException")
    edge.aws.script("DeleteRepositoryCreationTemplate", gone, edge.aws.refuse("AccessDenied"))
    edge.aws.script("UpdateRepositoryCreationTemplate", gone)
    async with edge.open() as registries:
        request_id = await registries.delete_template(edge.registry(), "base/")
        with pytest.raises(CallError) as denied:
            await registries.delete_template(edge.registry(), "base/")
        with pytest.raises(CallError) as caught:
            await registries.update_template(edge.registry(), PREFIX)
    assert request_id == f"request-{edge.aws.calls('DeleteRepositoryCreationTemplate')[0].number}"
    assert denied.value.fault.kind is FaultKind.ACCESS_DENIED
    assert caught.value.fault.code == "TemplateNotFoundException"
    assert caught.value.fault.kind is FaultKind.INVALID


SCOPE = "REGISTRY_POLICY_SCOPE"


async def test_an_account_setting(edge: Edge) -> None:
    """Its value; None where it has none yet."""
    answers = [{"name": SCOPE, "value": "V2"}, {"name": SCOPE}, {"name": SCOPE, "value": None}]
    edge.aws.script("GetAccountSetting", *[edge.aws.reply(answer) for answer in answers])
    async with edge.open() as registries:
        settings = [await registries.account_setting(edge.registry(), SCOPE) for _ in answers]
    assert settings == ["V2", None, None]
    assert edge.aws.calls("GetAccountSetting")[0].parameters == {"name": SCOPE}


@pytest.mark.parametrize(
    ("code", "status", "calls"),
    [
        ("UnknownOperationException", 400, 1),
        ("AccessDeniedException", 400, 1),
        ("InvalidParameterException", 400, 1),
        ("NotImplemented", 501, 4),
    ],
)
async def test_a_setting_that_nobody_tells_is_unknown(
    edge: Edge, code: str, status: int, calls: int
) -> None:
    """ECR does not know the call, denies it, or cannot do it: that is no reason to fail."""
    edge.aws.script("GetAccountSetting", *[edge.aws.refuse(code, status=status)] * 4)
    async with edge.open() as registries:
        await registries.describe(edge.registry())
        assert await registries.account_setting(edge.registry(), SCOPE) is None
    assert len(edge.aws.calls("GetAccountSetting")) == calls


async def test_a_setting_is_not_read_from_half_an_answer(edge: Edge) -> None:
    """It is asked for again."""
    edge.aws.script("GetAccountSetting", edge.aws.say("{}"), edge.aws.reply({"value": "V1"}))
    async with edge.open() as registries:
        assert await registries.account_setting(edge.registry(), SCOPE) == "V1"


@pytest.mark.parametrize("operation", ["AssumeRole", "GetAccountSetting"])
async def test_an_account_that_cannot_be_reached_is_no_unknown_setting(
    edge: Edge, operation: str
) -> None:
    """A role that cannot be assumed and a region that is not enabled fail every other call, too."""
    code = "AccessDenied" if operation == "AssumeRole" else "UnrecognizedClientException"
    edge.aws.script(operation, *[edge.aws.refuse(code, status=403)] * 4)
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.account_setting(edge.registry(), SCOPE)
    assert caught.value.fault.operation == operation
