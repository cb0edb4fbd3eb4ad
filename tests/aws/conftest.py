"""A small scripted AWS over real HTTP, and the edge opened against it.

The fake answers each operation with the next step of its script, and plainly without one.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import uuid
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qsl

import anyio
import pytest
from aiohttp import web

from fleet_repl.aws import AwsRegistries, Endpoint, open_aws
from fleet_repl.inventory.model import Account, Apply, Aws, Inventory
from fleet_repl.names import AccountId, Partition, Region, RoleArn, Secret
from fleet_repl.outcomes import Event
from fleet_repl.pacing import Pace

BASE_ACCOUNT = "999999999999"
BASE_KEY = "AKIABASEBASEBASEBASE"
BASE_SECRET = "base/secret/key/of/forty/characters/long"

Step: TypeAlias = "Callable[[FakeAws, Request], Awaitable[web.Response]]"


class VirtualClock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 8, tzinfo=UTC) + timedelta(seconds=self.time)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await anyio.lowlevel.checkpoint()


@dataclass
class Request:
    """One request as the fake saw it."""

    service: str
    region: str
    operation: str
    key: str
    """The access key id that signed it."""
    token: str | None
    parameters: dict[str, object]
    http: web.Request = field(repr=False)


@dataclass
class Session:
    """Who an access key stands for."""

    account: str
    arn: str


class FakeAws:
    """STS and the registry calls of ECR. Signatures are not looked at, only who signed."""

    def __init__(self, clock: VirtualClock) -> None:
        self.url = ""
        self.clock = clock
        self.requests: list[Request] = []
        self.scripts: defaultdict[str, deque[Step]] = defaultdict(deque)
        self.sessions = {BASE_KEY: Session(BASE_ACCOUNT, f"arn:aws:iam::{BASE_ACCOUNT}:user/ops")}
        self.rules: dict[tuple[str, str], object] = {}
        self.policies: dict[tuple[str, str], str] = {}

    def script(self, operation: str, *steps: Step) -> None:
        """Answer the next calls of `operation` so, one step each."""
        self.scripts[operation].extend(steps)

    def calls(self, operation: str) -> list[Request]:
        return [one for one in self.requests if one.operation == operation]

    async def serve(self, http: web.Request) -> web.Response:
        request = _understood(http, await http.read())
        self.requests.append(request)
        script = self.scripts[request.operation]
        return await (script.popleft() if script else answer)(self, request)


def _understood(http: web.Request, body: bytes) -> Request:
    scope = re.search(r"Credential=(\S+?)/\d{8}/([^/]+)/([^/]+)/", http.headers["Authorization"])
    assert scope is not None
    key, region, service = scope.groups()
    parameters: dict[str, object]
    if service == "ecr":
        operation = http.headers["X-Amz-Target"].rpartition(".")[2]
        parameters = json.loads(body)
    else:
        parameters = dict(parse_qsl(body.decode()))
        operation = str(parameters["Action"])
    token = http.headers.get("X-Amz-Security-Token")
    return Request(service, region, operation, key, token, parameters, http)


async def answer(aws: FakeAws, request: Request) -> web.Response:
    """What AWS would answer."""
    session = aws.sessions[request.key]
    if request.service == "sts":
        return _sts(aws, request, session)
    place = (session.account, request.region)
    match request.operation:
        case "DescribeRegistry":
            rules = aws.rules.get(place, {"rules": []})
            return ecr({"registryId": session.account, "replicationConfiguration": rules})
        case "PutReplicationConfiguration":
            aws.rules[place] = rules = request.parameters["replicationConfiguration"]
            return ecr({"replicationConfiguration": rules})
        case "PutRegistryPolicy":
            aws.policies[place] = str(request.parameters["policyText"])
        case _ if place not in aws.policies:
            return ecr_error(400, "RegistryPolicyNotFoundException", "Registry policy not found")
    text = aws.policies[place]
    if request.operation == "DeleteRegistryPolicy":
        del aws.policies[place]
    return ecr({"registryId": session.account, "policyText": text})


def _sts(aws: FakeAws, request: Request, session: Session) -> web.Response:
    if request.operation == "GetCallerIdentity":
        return sts(
            f"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{session.arn}</Arn>"
            f"<UserId>AIDA</UserId><Account>{session.account}</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
    arn, name = str(request.parameters["RoleArn"]), request.parameters["RoleSessionName"]
    role = RoleArn.parse(arn)
    assert role is not None
    number = len(aws.sessions)
    key = f"ASIA{number:016d}"
    assumed = f"arn:{role.partition}:sts::{role.account}:assumed-role/{role.path}/{name}"
    aws.sessions[key] = Session(role.account, assumed)
    seconds = int(str(request.parameters["DurationSeconds"]))
    expires = aws.clock.now() + timedelta(seconds=seconds)
    return sts(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret{number}</SecretAccessKey>"
        f"<SessionToken>token{number}</SessionToken>"
        f"<Expiration>{expires:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
        f"<AssumedRoleUser><Arn>{assumed}</Arn><AssumedRoleId>AROA:x</AssumedRoleId>"
        "</AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"
    )


def ecr(document: object, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(document).encode(),
        content_type="application/x-amz-json-1.1",
        headers={"x-amzn-RequestId": str(uuid.uuid4())},
    )


def ecr_error(status: int, code: str, message: str) -> web.Response:
    return ecr({"__type": code, "message": message}, status)


def sts(xml: str, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        text=xml,
        content_type="text/xml",
        headers={"x-amzn-RequestId": str(uuid.uuid4())},
    )


def refuse(code: str, message: str = "no", status: int = 400) -> Step:
    """An error answer."""

    async def step(aws: FakeAws, request: Request) -> web.Response:
        if request.service == "ecr":
            return ecr_error(status, code, message)
        return sts(
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
            f"<Message>{message}</Message></Error><RequestId>req-{code}</RequestId>"
            "</ErrorResponse>",
            status,
        )

    return step


def body(text: str, status: int = 200) -> Step:
    """An answer with any body at all."""

    async def step(aws: FakeAws, request: Request) -> web.Response:
        return web.Response(status=status, text=text)

    return step


async def drop(aws: FakeAws, request: Request) -> web.Response:
    """Close the connection without having done anything."""
    assert request.http.transport is not None
    request.http.transport.close()
    return web.Response()


async def reset(aws: FakeAws, request: Request) -> web.Response:
    """Reset the connection."""
    transport = request.http.transport
    assert transport is not None
    linger_not = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
    transport.abort()
    return web.Response()


async def lose(aws: FakeAws, request: Request) -> web.Response:
    """Do what was asked and lose the answer."""
    await answer(aws, request)
    return await drop(aws, request)


def hold(until: anyio.Event, begun: anyio.Event | None = None) -> Step:
    """Answer once `until` is set; `begun` is set when the request is there."""

    async def step(aws: FakeAws, request: Request) -> web.Response:
        if begun is not None:
            begun.set()
        await until.wait()
        return await answer(aws, request)

    return step


def make_account(number: int, **fields: object) -> Account:
    """The account 000…<number>, with the role `fleet` and two regions."""
    account = AccountId(f"{number:012d}")
    values: dict[str, object] = {
        "id": account,
        "name": f"account-{number}",
        "regions": (Region("eu-west-1"), Region("us-east-1")),
        "role": RoleArn(partition=Partition.AWS, account=account, path="fleet"),
    }
    return Account(**{**values, **fields})  # type: ignore[arg-type]


def make_inventory(*accounts: Account, aws: Aws | None = None, **fields: object) -> Inventory:
    return Inventory(
        path="prod.toml",
        digest="sha256:0",
        name="prod",
        aws=aws or Aws(),
        accounts=accounts,
        **fields,  # type: ignore[arg-type]
    )


@dataclass
class Edge:
    """How the edge is opened in a test, and what it told."""

    aws: FakeAws
    clock: VirtualClock
    events: list[Event]

    def pace(self, **fields: object) -> Pace:
        values: dict[str, object] = {
            "attempts": 4,
            "timeout": 5.0,
            "deadline": 1e9,
            "clock": self.clock,
            "uniform": lambda low, high: high,
        }
        return Pace(**{**values, **fields})  # type: ignore[arg-type]

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(
            url=self.aws.url,
            access_key_id=BASE_KEY,
            secret_access_key=Secret(BASE_SECRET),
            region=Region("eu-central-1"),
        )

    def open(
        self, inventory: Inventory, **pace: object
    ) -> AbstractAsyncContextManager[AwsRegistries]:
        """The edge against the fake, named as an endpoint."""
        return open_aws(
            inventory,
            run_id="20261123T080000Z-abc123",
            pace=self.pace(**pace),
            endpoint=self.endpoint,
            on_event=self.events.append,
        )

    def open_by_environment(
        self, inventory: Inventory, **pace: object
    ) -> AbstractAsyncContextManager[AwsRegistries]:
        """The edge against whatever the SDK's own settings say."""
        return open_aws(
            inventory,
            run_id="20261123T080000Z-abc123",
            pace=self.pace(**pace),
            on_event=self.events.append,
        )


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def aws(clock: VirtualClock) -> AsyncIterator[FakeAws]:
    """The fake, served on loopback."""
    fake = FakeAws(clock)
    app = web.Application()
    app.router.add_post("/", fake.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    fake.url = f"http://{host}:{port}"
    yield fake
    await runner.cleanup()


@pytest.fixture
def edge(aws: FakeAws, clock: VirtualClock) -> Edge:
    return Edge(aws, clock, [])


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mapping[str, str]:
    """An environment without anything of the machine's own AWS settings; profiles go to
    `AWS_CONFIG_FILE`."""
    import os

    for name in list(os.environ):
        if name.startswith("AWS_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    settings = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return settings
