"""A second and a third opinion on Organizations, STS and IAM: moto, and MiniStack.

Somebody else wrote them from AWS's documentation. What fleet-repl makes of their answers is what it
makes of the sandbox's, but for these differences. Where AWS's documentation decides, the sandbox
is as it says.

| what | sandbox | moto | MiniStack | AWS's documentation |
|---|---|---|---|---|
| an account's `State` | given | given | `Status`, so the tests add it | `Status` was retired |
| trust policies, external ids | enforced | not looked at | enforced | enforced |
| session policies | enforced | not looked at | enforced | enforced |
| a call that one refuses | "no session policy" | | "no identity-based policy" | as sandbox |
| tags `team` and `Team` | refused | taken | refused | refused (AssumeRole) |
| 51 tags, a key `aws:x` or `a;b` | refused | taken | taken | refused (STS's model) |
| a source identity with a blank | refused | taken | taken | refused (STS's model) |
| sessions of more than 12 hours | refused | taken | taken | refused (STS's model) |
| a session policy that is none | refused | taken | refused | refused |
| a session policy with a principal | refused | taken | taken | refused (IAM's grammar) |
| a role that is not there | refused | taken | refused, without the caller | refused |
| SimulatePrincipalPolicy | known | unknown | known | known |
| the same of no role | `NoSuchEntity` | | allows nothing | `NoSuchEntity` (IAM's model) |
| GetScopedCredentials | known | unknown | unknown | known since autumn 2026 |
| accounts of no unit | refused | refused | none | refused (Organizations' model) |
| parents of no account | `Child…` | `Account…` | `Child…` | `ChildNotFoundException` |
| a call that ECR refuses | status 400 | | status 403 | no matter: the code decides |
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

import pytest
from anyio import to_thread
from botocore.exceptions import ClientError
from tests.support.clouds import (
    DENIED,
    EXTERNAL_ID,
    FLEET,
    Cloud,
    ministack_cloud,
    moto_cloud,
    sandbox_cloud,
)
from tests.support.ministack import ministack_server
from tests.support.moto import moto_server

from fleet_repl import Inventory, RefusedError, discover, load_inventory
from fleet_repl.aws import AwsRegistries, open_aws
from fleet_repl.engine.retry import Pace
from fleet_repl.runs.doctor import CheckState, Question
from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.errors import CallError, FaultKind
from fleet_repl.values.names import Region, Registry

CLOUDS: Final = ("sandbox", "moto", "ministack")
STRICT: Final = ("sandbox", "ministack")
"""The clouds that enforce policies."""
REGION: Final = Region("us-east-1")

moto = pytest.fixture(scope="module")(moto_server)


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from ministack_server(tmp_path_factory.mktemp("ministack"))


@pytest.fixture(scope="module")
def built(request: pytest.FixtureRequest) -> Callable[[str], Cloud]:
    """The clouds that keep what is made in them."""
    made: dict[str, Cloud] = {}

    def cloud(name: str) -> Cloud:
        if name not in made:
            build = {"moto": moto_cloud, "ministack": ministack_cloud}[name]
            made[name] = build(request.getfixturevalue(name))
        return made[name]

    return cloud


@pytest.fixture(params=CLOUDS)
async def cloud(
    request: pytest.FixtureRequest, built: Callable[[str], Cloud], tmp_path: Path
) -> AsyncIterator[Cloud]:
    """One cloud after the other."""
    if request.param == "sandbox":
        async with sandbox_cloud(tmp_path) as sandbox:
            yield sandbox
    else:
        yield await to_thread.run_sync(built, request.param)


strictly = pytest.mark.parametrize("cloud", STRICT, indirect=True)


def written(folder: Path, text: str = FLEET) -> Inventory:
    path = folder / "fleet.toml"
    path.write_text(text)
    return load_inventory(path, environ={})


async def discovered(cloud: Cloud, folder: Path, text: str = FLEET) -> Inventory:
    return await discover(written(folder, text), endpoint=cloud.endpoint)


def opened(
    cloud: Cloud | None, inventory: Inventory, *, read_only: bool = True
) -> AbstractAsyncContextManager[AwsRegistries]:
    """A connection; without a cloud to wherever the SDK's settings lead."""
    return open_aws(
        inventory,
        run_id="20261123T080000Z-abc123",
        pace=Pace(attempts=1, timeout=10, deadline=1e12, clock=SYSTEM, uniform=min),
        endpoint=None if cloud is None else cloud.endpoint,
        read_only=read_only,
    )


def registry(cloud: Cloud, name: str) -> Registry:
    return Registry(cloud.accounts[name], REGION)


async def test_the_accounts_of_an_organization(cloud: Cloud, tmp_path: Path) -> None:
    """Names, units and tags as labels, and that a closed account is retired."""
    inventory = await discovered(cloud, tmp_path)
    ids = {account.name: account.id for account in inventory.accounts}
    assert cloud.accounts.items() <= ids.items()
    assert len(inventory.accounts) == 1 + len(cloud.accounts)
    labels = {account.name: dict(account.labels) for account in inventory.accounts}
    assert labels["alpha"] == {"env": "prod", "ou": "Prod", "ou_path": "Workloads/Prod"}
    assert labels["beta"] == {"ou": "Root", "ou_path": "Root"}
    assert {account.name for account in inventory.accounts if account.retired} == {"gone"}


async def test_another_organization(cloud: Cloud, tmp_path: Path) -> None:
    """The inventory names one, and another one answers."""
    named = FLEET.replace("[organization]", '[organization]\nid = "o-abcdefghij"')
    # The sandbox takes the id that an inventory expects.
    text = named if cloud.name != "sandbox" else named.replace("abcdefghij", "0000000000")
    with pytest.raises(RefusedError, match=r"organization o-[a-z0-9]+ answers"):
        await discovered(cloud, tmp_path, text)


async def test_a_session_in_each_account(cloud: Cloud, tmp_path: Path) -> None:
    """With external id, session policy, source identity and tags: each is a session of its own
    account, which reads what a run reads first."""
    async with opened(cloud, await discovered(cloud, tmp_path)) as registries:
        identity = registries.access.identity
        assert identity.arn == f"arn:aws:iam::{identity.account}:user/sandbox"
        for name in ("alpha", "beta"):
            described = await registries.describe(registry(cloud, name))
            assert described == {
                "registryId": cloud.accounts[name],
                "replicationConfiguration": {"rules": []},
            }


@strictly
async def test_a_wrong_external_id(cloud: Cloud, tmp_path: Path) -> None:
    """Access is denied, in AWS's words."""
    inventory = await discovered(cloud, tmp_path, FLEET.replace(EXTERNAL_ID, "other"))
    async with opened(cloud, inventory) as registries:
        with pytest.raises(CallError) as raised:
            await registries.describe(registry(cloud, "alpha"))
    fault = raised.value.fault
    assert (fault.kind, fault.code) == (FaultKind.ACCESS_DENIED, "AccessDenied")
    assert fault.message == (
        f"User: arn:aws:iam::{registries.access.identity.account}:user/sandbox is not authorized "
        f"to perform: sts:AssumeRole on resource: {cloud.role('alpha')}"
    )


@strictly
@pytest.mark.parametrize("read_only", [True, False])
async def test_what_a_run_may_write(cloud: Cloud, tmp_path: Path, read_only: bool) -> None:
    """The session policy of a run that reads lets no write pass; that of a run that writes does.
    What the role itself lacks is denied to both."""
    inventory = await discovered(cloud, tmp_path)
    async with opened(cloud, inventory, read_only=read_only) as registries:
        place = registry(cloud, "alpha")
        codes: list[str | None] = []
        for write in (
            registries.put_replication(place, {"rules": []}),
            registries.put_policy(place, {"Version": "2012-10-17", "Statement": []}),
        ):
            try:
                await write
                codes.append(None)
            except CallError as error:
                codes.append(error.fault.code)
    passes = {"sandbox": None, "ministack": "InvalidAction"}[cloud.name]
    assert codes == [
        "AccessDeniedException" if read_only else passes,
        "AccessDeniedException",
    ]


@strictly
async def test_what_iam_says(cloud: Cloud, tmp_path: Path) -> None:
    """The role is asked about itself, by a session that may only read."""
    async with opened(cloud, await discovered(cloud, tmp_path)) as registries:
        actions = ("ecr:PutReplicationConfiguration", DENIED, "iam:CreateServiceLinkedRole")
        question = Question(
            principal=cloud.role("alpha"),
            resources=dict.fromkeys(actions, ("*",)),
            service="replication.ecr.amazonaws.com",
        )
        said = await registries.access.simulate(cloud.accounts["alpha"], question)
    assert said == {
        "ecr:PutReplicationConfiguration": CheckState.OK,
        DENIED: CheckState.FAILED,
        "iam:CreateServiceLinkedRole": CheckState.OK,
    }


async def test_a_temporary_base_identity(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an account without a role. The sandbox narrows it by GetScopedCredentials; the others do
    not know that call, and the identity reads as it is."""
    key = await to_thread.run_sync(cloud.assume, "alpha")
    for name, text in (
        ("AWS_ENDPOINT_URL", cloud.endpoint.url),
        ("AWS_ACCESS_KEY_ID", key["AccessKeyId"]),
        ("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"]),
        ("AWS_SESSION_TOKEN", key["SessionToken"]),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ):
        monkeypatch.setenv(name, text)
    own = (
        'version = 1\nname = "own"\nroutes = []\n[aws]\nrole = "none"\n'
        f'[[accounts]]\nid = "{cloud.accounts["alpha"]}"\nregions = ["us-east-1"]\n'
    )
    async with opened(None, written(tmp_path, own)) as registries:
        assert registries.access.identity.is_assumed_role
        described = await registries.describe(registry(cloud, "alpha"))
    assert described["registryId"] == cloud.accounts["alpha"]


READS: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "ecr:Describe*", "Resource": "*"}],
    }
)


def tags(*keys: str) -> list[Mapping[str, str]]:
    return [{"Key": key, "Value": "x"} for key in keys]


@strictly
@pytest.mark.parametrize(
    ("parameters", "answer"),
    [
        ({}, None),
        ({"Policy": READS, "SourceIdentity": "platform", "Tags": tags("a", "b c")}, None),
        ({"ExternalId": "wrong"}, (403, "AccessDenied")),
        ({"RoleArn": "arn:aws:iam::222222222222:role/none"}, (403, "AccessDenied")),
        ({"RoleArn": "arn:aws:iam::1:role/fleet"}, (400, "ValidationError")),
        ({"Policy": "{}"}, (400, "MalformedPolicyDocument")),
        ({"Policy": "nonsense"}, (400, "MalformedPolicyDocument")),
        ({"Policy": READS + " " * 2048}, (400, "ValidationError")),
        ({"Tags": tags("team", "Team")}, (400, "InvalidParameterValue")),
    ],
)
async def test_answers_of_assume_role(
    cloud: Cloud, parameters: Mapping[str, Any], answer: object
) -> None:
    """Status and code, whatever fleet-repl would say to the parameters."""

    def ask() -> object:
        try:
            cloud.assume("alpha", **parameters)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return status, error.response["Error"]["Code"]
        return None

    assert await to_thread.run_sync(ask) == answer
