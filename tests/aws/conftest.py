"""A small scripted AWS over real HTTP, and the edge opened against it.

The fake answers each operation with the next step of its script, and plainly without one.
"""

from __future__ import annotations

import json
import os
import re
import socket
import struct
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qsl

import anyio
import anyio.lowlevel
import pytest
from aiohttp import web
from tests.support.clock import VirtualClock
from tests.support.registries import registry_of

from fleet_repl.aws import AwsRegistries, Endpoint, open_aws
from fleet_repl.engine.retry import Pace
from fleet_repl.inventory.accounts import Account
from fleet_repl.inventory.model import Inventory
from fleet_repl.inventory.settings import Aws
from fleet_repl.runs.events import Event
from fleet_repl.values.names import AccountId, Partition, Region, Registry, RoleArn, Secret

BASE_ACCOUNT = "999999999999"
BASE_KEY = "AKIABASEBASEBASEBASE"
BASE_SECRET = "base/secret/key/of/forty/characters/long"

Step: TypeAlias = "Callable[[Request], Awaitable[web.Response]]"


@dataclass
class Request:
    """One request as the fake saw it."""

    number: int
    service: str
    region: str
    operation: str
    key: str
    """The access key id that signed it."""
    parameters: dict[str, object]
    http: web.Request = field(repr=False)


class FakeAws:
    """STS and the registry calls of ECR. Signatures are not looked at, only who signed."""

    def __init__(self, clock: VirtualClock) -> None:
        self.url = ""
        self.clock = clock
        self.requests: list[Request] = []
        self.scripts: defaultdict[str, deque[Step]] = defaultdict(deque)
        self.identities = {BASE_KEY: f"arn:aws:iam::{BASE_ACCOUNT}:user/ops"}
        """Whom each access key stands for, by ARN."""
        self.rules: dict[tuple[str, str], object] = {}
        self.policies: dict[tuple[str, str], str] = {}

    def script(self, operation: str, *steps: Step) -> None:
        """Answer the next calls of `operation` so, one step each."""
        self.scripts[operation].extend(steps)

    def calls(self, operation: str) -> list[Request]:
        return [request for request in self.requests if request.operation == operation]

    async def serve(self, http: web.Request) -> web.Response:
        body = await http.read()
        signed = re.search(r"Credential=(\S+?)/\d+/([^/]+)/([^/]+)/", http.headers["Authorization"])
        assert signed is not None
        key, region, service = signed.groups()
        if service in ("cloudtrail", "ecr", "ecs", "sqs"):
            operation, parameters = http.headers["X-Amz-Target"].split(".")[-1], json.loads(body)
        elif service == "lambda":
            name, _, more = http.path.partition("/functions")[2].strip("/").partition("/")
            of_one = "ListAliases" if more else "GetFunction"
            operation, parameters = of_one if name else "ListFunctions", dict(http.query)
            parameters |= {"FunctionName": name} if name else {}
        else:
            parameters = dict(parse_qsl(body.decode()))
            operation = parameters["Action"]
        request = Request(len(self.requests) + 1, service, region, operation, key, parameters, http)
        self.requests.append(request)
        script = self.scripts[operation]
        return await (script.popleft() if script else self.answer)(request)

    async def answer(self, request: Request) -> web.Response:
        """What AWS would answer."""
        arn = self.identities[request.key]
        account = arn.split(":")[4]
        if request.operation == "GetCallerIdentity":
            return xml(request, f"<Arn>{arn}</Arn><Account>{account}</Account>")
        if request.operation == "AssumeRole":
            return self._assume(request)
        place = (account, request.region)
        match request.operation:
            case "DescribeRegistry":
                rules = self.rules.get(place, {"rules": []})
                document = {"registryId": account, "replicationConfiguration": rules}
                return as_json(request, document)
            case "PutReplicationConfiguration":
                self.rules[place] = request.parameters["replicationConfiguration"]
                return as_json(request, request.parameters)
            case "PutRegistryPolicy":
                self.policies[place] = str(request.parameters["policyText"])
            case _ if place not in self.policies:
                return await self.refuse("RegistryPolicyNotFoundException")(request)
        text = self.policies[place]
        if request.operation == "DeleteRegistryPolicy":
            del self.policies[place]
        return as_json(request, {"registryId": account, "policyText": text})

    def _assume(self, request: Request) -> web.Response:
        role = RoleArn.parse(str(request.parameters["RoleArn"]))
        assert role is not None
        key = f"ASIA{len(self.identities):016d}"
        name = request.parameters["RoleSessionName"]
        self.identities[key] = (
            f"arn:{role.partition}:sts::{role.account}:assumed-role/{role.path}/{name}"
        )
        seconds = int(str(request.parameters.get("DurationSeconds", 3600)))
        expires = self.clock.now() + timedelta(seconds=seconds)
        return xml(
            request,
            f"<AssumedRoleUser><Arn>{self.identities[key]}</Arn></AssumedRoleUser>"
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret of {key}"
            f"</SecretAccessKey><SessionToken>token of {key}</SessionToken><Expiration>"
            f"{expires:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>",
        )

    def refuse(self, code: str, message: str = "no", status: int = 400) -> Step:
        """An error answer."""

        async def step(request: Request) -> web.Response:
            if request.service in ("ecr", "ecs", "lambda"):
                answer = as_json(request, {"__type": code, "message": message}, status)
                answer.headers["x-amzn-ErrorType"] = code
                return answer
            error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            identifier = f"<RequestId>request-{request.number}</RequestId>"
            text = f"<ErrorResponse>{error}{identifier}</ErrorResponse>"
            return web.Response(status=status, text=text, content_type="text/xml")

        return step

    def say(self, text: str, status: int = 200) -> Step:
        """An answer with any body at all."""

        async def step(request: Request) -> web.Response:
            return web.Response(status=status, text=text)

        return step

    def reply(self, document: object) -> Step:
        """An answer with this document."""

        async def step(request: Request) -> web.Response:
            return as_json(request, document)

        return step

    async def drop(self, request: Request) -> web.Response:
        """Close the connection without having done anything."""
        assert request.http.transport is not None
        request.http.transport.close()
        return web.Response()

    async def reset(self, request: Request) -> web.Response:
        """Reset the connection."""
        transport = request.http.transport
        assert transport is not None
        at_once = struct.pack("ii", 1, 0)
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        transport.abort()
        return web.Response()

    async def lose(self, request: Request) -> web.Response:
        """Do what was asked and lose the answer."""
        await self.answer(request)
        return await self.drop(request)

    def hold(self, until: anyio.Event, begun: anyio.Event | None = None) -> Step:
        """Answer once `until` is set; `begun` is set when the request is there."""

        async def step(request: Request) -> web.Response:
            if begun is not None:
                begun.set()
            await until.wait()
            return await self.answer(request)

        return step


def as_json(request: Request, document: object, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(document).encode(),
        content_type="application/x-amz-json-1.1",
        headers={"x-amzn-RequestId": f"request-{request.number}"},
    )


def xml(request: Request, result: str) -> web.Response:
    name = request.operation
    text = f"<{name}Response><{name}Result>{result}</{name}Result></{name}Response>"
    return web.Response(text=text, content_type="text/xml")


@dataclass
class Edge:
    """How the edge is opened in a test, and what it told."""

    aws: FakeAws
    clock: VirtualClock
    config: Path
    """The AWS configuration file that the environment names."""
    events: list[Event] = field(default_factory=list)

    def registry(self, number: int = 1, region: str = "eu-west-1") -> Registry:
        return registry_of(number, region)

    def role(self, number: int, path: str = "fleet") -> RoleArn:
        return RoleArn(partition=Partition.AWS, account=AccountId(f"{number:012d}"), path=path)

    def account(self, number: int, **fields: object) -> Account:
        """An account of two regions, reached by its role `fleet`."""
        regions = (Region("eu-west-1"), Region("us-east-1"))
        values = {"id": AccountId(f"{number:012d}"), "name": str(number), "regions": regions}
        return Account(**{**values, "role": self.role(number), **fields})  # type: ignore[arg-type]

    def inventory(self, *accounts: Account, aws: Aws | None = None) -> Inventory:
        """An inventory of these accounts, or of the first one."""
        return Inventory(
            path="prod.toml",
            digest="sha256:0",
            name="prod",
            aws=aws or Aws(),
            accounts=accounts or (self.account(1),),
        )

    def open(
        self, inventory: Inventory | None = None, *, by_environment: bool = False, **pace: object
    ) -> AbstractAsyncContextManager[AwsRegistries]:
        """The edge against the fake, or `by_environment` wherever the SDK's settings lead."""
        values: dict[str, object] = {
            "attempts": 4,
            "timeout": 60.0,
            "deadline": 1e9,
            "clock": self.clock,
            "uniform": lambda low, high: high,
        }
        endpoint = Endpoint(
            url=self.aws.url,
            access_key_id=BASE_KEY,
            secret_access_key=Secret(BASE_SECRET),
            region=Region("eu-central-1"),
        )
        return open_aws(
            inventory or self.inventory(),
            run_id="20261123T080000Z-abc123",
            pace=Pace(**{**values, **pace}),  # type: ignore[arg-type]
            endpoint=None if by_environment else endpoint,
            on_event=self.events.append,
        )


@pytest.fixture
def clock() -> VirtualClock:
    # Far ahead: the SDK looks at the machine's clock when it judges what it was given.
    return VirtualClock(datetime(2099, 11, 23, 8, tzinfo=UTC), seconds=1000)


@pytest.fixture
async def aws(clock: VirtualClock) -> AsyncIterator[FakeAws]:
    """The fake, served on loopback."""
    fake = FakeAws(clock)
    app = web.Application()
    app.router.add_post("/", fake.serve)
    # Lambda's operations are paths.
    app.router.add_get("/2015-03-31/functions{name:.*}", fake.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = "http://{}:{}".format(*runner.addresses[0][:2])
    yield fake
    await runner.cleanup()


@pytest.fixture(autouse=True)
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without the machine's own AWS settings, and where its profiles would be."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path / "config"


@pytest.fixture
def edge(aws: FakeAws, clock: VirtualClock, config: Path) -> Edge:
    return Edge(aws, clock, config)
