"""Events, invocations, and a simulated AWS that the environment leads to."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeAlias
from uuid import uuid4

import pytest
from anyio.from_thread import start_blocking_portal
from tests.support.moto import moto_server

from fleet_repl import load_inventory
from fleet_repl.runs.session_names import session_name
from fleet_repl.sandbox import Scenario, World, serve, world_of
from fleet_repl.values.clock import SYSTEM, Clock
from fleet_repl.watch import aws_lambda

INVENTORY = """
version = 1
name = "prod"

[aws]
role = "fleet-replication"
external_id = "${EXTERNAL_ID}"
regions = ["eu-west-1"]

[[accounts]]
id = "111111111111"
name = "build"

[[accounts]]
id = "222222222222"
name = "shop"

[[external]]
id = "333333333333"
name = "customer"
regions = ["eu-west-1"]

[[routes]]
name = "golden"
from = { accounts = ["build"] }
to = { accounts = ["shop"] }
prefixes = ["base/"]
"""
SECRET = "s3cr3t-external-id"

Call: TypeAlias = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Invocation:
    """What Lambda says of an invocation."""

    milliseconds: int = 900_000
    aws_request_id: str = "8f5c1a7e-0000-4000-8000-000000000001"

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass
class Deployed:
    """A function in its environment, and the AWS around it."""

    world: World
    path: Path
    capture: pytest.CaptureFixture[str]
    lines: list[dict[str, Any]] = field(default_factory=list)
    """Of the last invocation."""
    printed: str = ""

    def invoke(self, event: object, milliseconds: int = 900_000) -> dict[str, Any]:
        self.capture.readouterr()
        try:
            return dict(aws_lambda.handler(event, Invocation(milliseconds)))
        finally:
            output = self.capture.readouterr()
            self.printed = output.out + output.err
            self.lines = [json.loads(line) for line in output.out.splitlines()]

    @property
    def writes(self) -> list[str]:
        """Calls so far that change a registry."""
        return [name for name in self.world.calls if name.startswith(("Put", "Delete"))]


@pytest.fixture
def call() -> Call:
    """A write to build's registry as CloudTrail tells it, with some of it changed."""

    def make(**detail: Any) -> dict[str, Any]:
        return {
            "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.ecr",
            "detail": {
                "eventSource": "ecr.amazonaws.com",
                "eventName": "PutReplicationConfiguration",
                "awsRegion": "eu-west-1",
                "recipientAccountId": "111111111111",
                **detail,
            },
        }

    return make


@pytest.fixture
def ours() -> dict[str, str]:
    """Who a write of the fleet itself is by."""
    session = session_name("prod", "20261123T081500Z-3f9c1a")
    return {"arn": f"arn:aws:sts::111111111111:assumed-role/fleet-replication/{session}"}


@contextmanager
def deploy(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capture: pytest.CaptureFixture[str],
    scenario: Scenario,
    clock: Clock = SYSTEM,
) -> Iterator[Deployed]:
    """The function with the inventory at `path`, and an AWS that answers over HTTP."""
    for name in os.environ:
        if name.startswith(("AWS_", "FLEET_REPL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("EXTERNAL_ID", SECRET)
    monkeypatch.setenv("FLEET_REPL_INVENTORY", str(path))
    world = world_of(load_inventory(path), scenario=scenario, clock=clock)
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        server = stack.enter_context(portal.wrap_async_context_manager(serve(world)))
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield Deployed(world, path, capture)


@pytest.fixture
def deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Deployed]:
    """The function with its inventory, and an AWS that answers over HTTP."""
    path = tmp_path / "inventory.toml"
    path.write_text(INVENTORY)
    with deploy(path, monkeypatch, capsys, Scenario()) as function:
        yield function


moto = pytest.fixture(scope="module")(moto_server)


@pytest.fixture
def fixing(deployed: Deployed, moto: str, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """The function with a bucket, and told to correct what differs."""
    # Of its own: all of moto's servers in a process share what they hold.
    bucket = f"invocation-{uuid4().hex}"
    urllib.request.urlopen(urllib.request.Request(f"{moto}/{bucket}", method="PUT")).close()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto)
    monkeypatch.setenv("FLEET_REPL_STATE", f"s3://{bucket}/fleet-repl")
    monkeypatch.setenv("FLEET_REPL_FIX", "1")
    return deployed


class Listener(ThreadingHTTPServer):
    """Takes notifications and keeps them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.documents: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Taking(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.documents.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Says nothing: stderr is looked at."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
