"""A second opinion: moto's server, which somebody else wrote from AWS's documentation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from anyio import to_thread
from botocore.session import get_session
from tests.support.moto import moto_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.aws.conftest import Edge

    from fleet_repl.values.canonical_json import JsonObject

RULES: JsonObject = {
    "rules": [
        {
            "destinations": [{"region": "eu-west-1", "registryId": "000000000002"}],
            "repositoryFilters": [{"filter": "base/", "filterType": "PREFIX_MATCH"}],
        }
    ]
}
POLICY: JsonObject = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "one",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000001:root"},
            "Action": ["ecr:ReplicateImage"],
            "Resource": "arn:aws:ecr:eu-west-1:000000000002:repository/*",
        }
    ],
}


moto = pytest.fixture(scope="module")(moto_server)


MANIFEST = (
    '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": '
    '{"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": "sha256:'
    '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}, "layers": []}'
)


def push(moto: str, account: str, repository: str) -> str:
    """Push an image as somebody in the account would; its digest."""
    session = get_session()

    def client(service: str, *credentials: str) -> Any:
        session.set_credentials(*credentials)
        return session.create_client(service, region_name="us-east-1", endpoint_url=moto)

    role = f"arn:aws:iam::{account}:role/developer"
    answer = client("sts", "AKIA", "x").assume_role(RoleArn=role, RoleSessionName="pusher")
    issued = answer["Credentials"]
    ecr = client("ecr", issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])
    ecr.create_repository(repositoryName=repository)
    pushed = ecr.put_image(repositoryName=repository, imageManifest=MANIFEST, imageTag="1")
    return str(pushed["image"]["imageId"]["imageDigest"])


async def test_images_of_two_accounts(
    edge: Edge, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repositories and images are listed and found where they are, and nowhere else."""
    edge.aws.url = moto
    monkeypatch.setattr(edge.clock, "now", lambda: datetime.now(UTC))
    digest = await to_thread.run_sync(push, moto, "000000000003", "base/app")
    source, other = edge.registry(3, "us-east-1"), edge.registry(4, "us-east-1")
    async with edge.open(edge.inventory(edge.account(3), edge.account(4))) as registries:
        (repository,) = await registries.describe_repositories(source)
        assert repository["repositoryName"] == "base/app"
        ((image,),) = [page async for page in registries.describe_images(source, "base/app")]
        assert (image["imageDigest"], image["imageTags"]) == (digest, ["1"])
        assert await registries.find_image(source, "base/app", digest) == image
        assert await registries.find_image(source, "base/app", "sha256:" + "0" * 64) is None
        assert await registries.find_image(source, "base/other", digest) is None
        assert await registries.describe_repositories(other) == ()
        # moto does not know the call, and fails.
        assert await registries.account_setting(source, "REGISTRY_POLICY_SCOPE") is None


async def test_registries_of_two_accounts(
    edge: Edge, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read, written, read back and emptied, each with its own account's session."""
    edge.aws.url = moto
    # moto's sessions expire by the machine's clock.
    monkeypatch.setattr(edge.clock, "now", lambda: datetime.now(UTC))
    source, destination = edge.registry(1, "us-east-1"), edge.registry(2, "eu-west-1")
    async with edge.open(edge.inventory(edge.account(1), edge.account(2))) as registries:
        assert registries.identity.partition == "aws"
        assert await registries.describe(source) == {
            "registryId": "000000000001",
            "replicationConfiguration": {"rules": []},
        }
        assert await registries.read_policy(destination) is None
        await registries.put_policy(destination, POLICY)
        await registries.put_replication(source, RULES)
        assert (await registries.describe(source))["replicationConfiguration"] == RULES
        assert await registries.read_policy(destination) == POLICY
        assert await registries.read_policy(edge.registry(1, "eu-west-1")) is None
        await registries.delete_policy(destination)
        await registries.delete_policy(destination)
        assert await registries.read_policy(destination) is None
        assert registries.attempts(source) == 1 + 3


async def test_a_web_identity(
    edge: Edge, moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A profile's token in a file, as pods and workflows have it, becomes the base identity, which
    assumes the account's role for an hour at the most."""
    monkeypatch.setattr(edge.clock, "now", lambda: datetime.now(UTC))
    token = tmp_path / "token"
    token.write_text("a-token-of-the-provider")
    edge.config.write_text(
        f"[profile web]\nrole_arn = arn:aws:iam::000000000009:role/deploy\n"
        f"role_session_name = pod\nweb_identity_token_file = {token}\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "web")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    async with edge.open(edge.inventory(edge.account(5)), by_environment=True) as registries:
        assert registries.identity.arn == "arn:aws:sts::000000000009:assumed-role/deploy/pod"
        assert registries.identity.is_assumed_role
        described = await registries.describe(edge.registry(5, "us-east-1"))
    assert described["registryId"] == "000000000005"
