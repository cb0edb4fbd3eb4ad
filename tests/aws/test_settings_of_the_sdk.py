"""Where calls go: the SDK's own settings hold, except where they would do harm."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fleet_repl.aws import Endpoint
from fleet_repl.aws.configuration import client_config, make_session, sts_region
from fleet_repl.inventory.settings import Aws
from fleet_repl.values.errors import IdentityError
from fleet_repl.values.names import Partition, Region, Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.aws.conftest import Edge, FakeAws

ENDPOINT = Endpoint(
    url="http://127.0.0.1:1",
    access_key_id="AKIABASEBASEBASEBASE",
    secret_access_key=Secret("secret"),
    region=Region("eu-central-1"),
)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """A base identity in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIABASEBASEBASEBASE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


async def describe(edge: Edge, aws: Aws | None = None) -> None:
    """One registry, by whatever the environment says."""
    async with edge.open(edge.inventory(aws=aws), by_environment=True) as registries:
        await registries.describe(edge.registry())


@pytest.mark.usefixtures("credentials")
async def test_one_endpoint_for_all_services(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_ENDPOINT_URL, as for any AWS client."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", edge.aws.url)
    await describe(edge)
    assert [(request.service, request.region) for request in edge.aws.requests] == [
        ("sts", "us-east-1"),
        ("sts", "us-east-1"),
        ("ecr", "eu-west-1"),
    ]


@pytest.mark.usefixtures("credentials")
async def test_an_endpoint_for_each_service(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_ENDPOINT_URL_ECR and _STS go before AWS_ENDPOINT_URL, which leads nowhere here."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", edge.aws.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", edge.aws.url)
    await describe(edge)
    assert len(edge.aws.requests) == 3


@pytest.mark.parametrize("named_by", ["inventory", "environment"])
async def test_a_profile(edge: Edge, monkeypatch: pytest.MonkeyPatch, named_by: str) -> None:
    """Its credentials, its region and its endpoint; credentials in the environment do not get
    in the way of a profile that the inventory names."""
    edge.config.write_text(
        "[profile ops]\naws_access_key_id = AKIABASEBASEBASEBASE\naws_secret_access_key = x\n"
        f"region = eu-north-1\nendpoint_url = {edge.aws.url}\n"
    )
    if named_by == "inventory":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHEROTHEROTHERO")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
        await describe(edge, Aws(profile="ops"))
    else:
        monkeypatch.setenv("AWS_PROFILE", "ops")
        await describe(edge)
    assert [(request.key[:8], request.region) for request in edge.aws.requests] == [
        ("AKIABASE", "eu-north-1"),
        ("AKIABASE", "eu-north-1"),
        ("ASIA0000", "eu-west-1"),
    ]


async def test_a_profile_that_assumes_a_role(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base identity is then an assumed role, and got once."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", edge.aws.url)
    edge.config.write_text(
        "[profile user]\naws_access_key_id = AKIABASEBASEBASEBASE\naws_secret_access_key = x\n"
        "[profile ops]\nsource_profile = user\nrole_arn = arn:aws:iam::700000000007:role/ops\n"
    )
    await describe(edge, Aws(profile="ops"))
    assert [request.operation for request in edge.aws.requests] == [
        "AssumeRole",
        "GetCallerIdentity",
        "AssumeRole",
        "DescribeRegistry",
    ]
    assert edge.aws.requests[2].key == "ASIA0000000000000001"


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "localhost:4566",
            (
                "the AWS settings cannot be used: Invalid endpoint: localhost:4566\n"
                "    check the AWS settings in the environment and the profile"
            ),
        ),
        (
            "http://127.0.0.1:1",
            (
                "STS could not be asked who the base identity is: GetCallerIdentity: network: no "
                "connection: Cannot connect to host 127.0.0.1:1 ssl:default [Connect call failed "
                "('127.0.0.1', 1)]\n"
                "    check the way to AWS: name resolution, proxy, AWS_ENDPOINT_URL"
            ),
        ),
    ],
)
async def test_an_endpoint_that_cannot_be(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    """One that is no URL, and one where nobody listens."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(IdentityError) as caught:
        await describe(edge)
    assert str(caught.value) == said


@pytest.mark.usefixtures("credentials")
async def test_an_endpoint_of_ecr_alone_that_cannot_be(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows before any account is tried."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", edge.aws.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "ecr.local")
    with pytest.raises(IdentityError, match=r"Invalid endpoint: ecr\.local"):
        await describe(edge)
    assert edge.aws.requests == []


@pytest.mark.usefixtures("credentials")
async def test_certificate_authorities(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """AWS_CA_BUNDLE is read; one that is missing, a pipe or holds none is said to be at fault."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", edge.aws.url)
    bundle, pipe = tmp_path / "bundle.pem", tmp_path / "pipe"
    os.mkfifo(pipe)
    for wrong in (bundle, pipe):
        monkeypatch.setenv("AWS_CA_BUNDLE", str(wrong))
        with pytest.raises(IdentityError) as caught:
            await describe(edge)
        assert str(caught.value) == (
            f"the AWS settings cannot be used: the CA bundle {wrong} is no regular file\n"
            "    check the AWS settings in the environment and the profile"
        )
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    bundle.write_text("nothing")
    with pytest.raises(IdentityError) as caught:
        await describe(edge)
    assert str(caught.value).splitlines()[1] == (
        "    name the certificate authorities to trust in AWS_CA_BUNDLE, or unset it if it is wrong"
    )
    assert edge.clock.slept == []


@pytest.mark.parametrize("named_by", ["environment", "profile", "source profile"])
async def test_a_token_of_a_web_identity_is_no_pipe(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named_by: str
) -> None:
    """A pipe in place of the token's file is refused, wherever it is named: reading it would block
    the process for ever."""
    pipe = tmp_path / "token"
    os.mkfifo(pipe)
    monkeypatch.setenv("AWS_ENDPOINT_URL", edge.aws.url)
    role = "arn:aws:iam::700000000007:role/ops"
    if named_by == "environment":
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(pipe))
        monkeypatch.setenv("AWS_ROLE_ARN", role)
    else:
        edge.config.write_text(
            f"[profile web]\nweb_identity_token_file = {pipe}\nrole_arn = {role}\n"
            f"[profile chained]\nsource_profile = web\nrole_arn = {role}\n"
        )
        monkeypatch.setenv("AWS_PROFILE", "web" if named_by == "profile" else "chained")
    with pytest.raises(IdentityError) as caught:
        await describe(edge)
    assert str(caught.value) == (
        f"the AWS settings cannot be used: the web identity token file {pipe} is no regular file\n"
        "    check the AWS settings in the environment and the profile"
    )
    assert edge.aws.requests == []


@pytest.fixture
async def tls(aws: FakeAws, tmp_path: Path) -> AsyncIterator[Path]:
    """The fake behind TLS, and the certificate of the authority nobody knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    both = tmp_path / "both.pem"
    both.write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(both)
    app = web.Application()
    app.router.add_post("/", aws.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    aws.url = "https://{}:{}".format(*runner.addresses[0][:2])
    yield both
    await runner.cleanup()


@pytest.mark.usefixtures("credentials")
async def test_an_authority_of_the_companys_own(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, tls: Path
) -> None:
    """Trusted by AWS_CA_BUNDLE; without it the refusal says so, and is not tried again."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", edge.aws.url)
    with pytest.raises(IdentityError, match=r"no trusted connection: .*verify") as caught:
        await describe(edge)
    assert str(caught.value).splitlines()[1] == (
        "    name the certificate authorities to trust in AWS_CA_BUNDLE, or unset it if it is wrong"
    )
    assert edge.clock.slept == []
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tls))
    await describe(edge)
    assert len(edge.aws.requests) == 3


@pytest.mark.usefixtures("credentials")
async def test_a_proxy(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard variables hold."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://sts.example.test")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with pytest.raises(IdentityError, match=r"Cannot connect to host 127\.0\.0\.1:1"):
        await describe(edge)


async def test_a_simulated_aws_depends_on_nothing_of_the_machine(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever the environment says, the endpoint that was named is what is called."""
    for name, value in {
        "AWS_PROFILE": "nowhere",
        "AWS_ACCESS_KEY_ID": "AKIAOTHEROTHEROTHERO",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:1",
        "AWS_CA_BUNDLE": str(tmp_path / "none"),
        "AWS_REGION": "us-west-2",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    async with edge.open() as registries:
        await registries.describe(edge.registry())
    assert [request.region for request in edge.aws.requests] == [
        "eu-central-1",
        "eu-central-1",
        "eu-west-1",
    ]


async def test_the_sdk_neither_retries_nor_holds_back(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One attempt here is one request, whatever the SDK's retry settings say."""
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    edge.aws.script("DescribeRegistry", *[edge.aws.refuse("Throttling")] * 3)
    async with edge.open() as registries:
        await registries.describe(edge.registry())
    assert len(edge.aws.calls("DescribeRegistry")) == 4
    assert edge.clock.slept == [0.25, 0.5, 1.0]


async def test_requests_say_who_makes_them(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CloudTrail; an application id of the environment is kept."""
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", "night-shift")
    async with edge.open():
        agent = edge.aws.requests[0].http.headers["User-Agent"]
    assert agent.startswith("fleet-repl/")
    assert " app/night-shift " in agent


@pytest.mark.parametrize(
    ("environment", "aws", "endpoint", "region"),
    [
        ({}, Aws(), None, "us-east-1"),
        ({}, Aws(partition=Partition.CN), None, "cn-north-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-3"}, Aws(), None, "eu-west-3"),
        ({"AWS_REGION": "eu-west-2"}, Aws(), None, "eu-west-2"),
        ({"AWS_REGION": "a", "AWS_DEFAULT_REGION": "eu-west-3"}, Aws(), None, "us-east-1"),
        ({"AWS_REGION": "eu-west-2"}, Aws(partition=Partition.US_GOV), None, "us-gov-west-1"),
        ({"AWS_REGION": "aws-global"}, Aws(), None, "us-east-1"),
        ({"AWS_REGION": "eu-west-2"}, Aws(sts_region=Region("sa-east-1")), None, "sa-east-1"),
        ({"AWS_REGION": "eu-west-2"}, Aws(), ENDPOINT, "eu-central-1"),
        ({}, Aws(sts_region=Region("sa-east-1")), ENDPOINT, "sa-east-1"),
    ],
)
def test_where_sts_is_called(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    aws: Aws,
    endpoint: Endpoint | None,
    region: str,
) -> None:
    """The inventory's word, else the environment's in the partition, else the first region."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert sts_region(make_session(aws, endpoint), aws, endpoint) == region


@pytest.fixture(params=["profile", "environment"])
def legacy(request: pytest.FixtureRequest, config: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The setting that wants the global endpoint of STS."""
    if request.param == "profile":
        config.write_text("[default]\nsts_regional_endpoints = legacy\n")
    else:
        monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    return str(request.param)


@pytest.mark.usefixtures("credentials")
async def test_sts_is_always_a_regional_endpoint(legacy: str) -> None:
    """Tokens of the global one fail in opt-in regions, so "legacy" does not hold."""
    session = make_session(Aws(), None)
    settings = client_config(session, None, concurrency=1, timeout=1)
    async with session.create_client("sts", region_name="us-east-1", config=settings) as client:
        url = await client.generate_presigned_url("get_caller_identity")
    assert url.startswith("https://sts.us-east-1.amazonaws.com/")
