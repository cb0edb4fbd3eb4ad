"""A base identity of single sign-on: its keys are renewed while the sign-on lasts. Once that has
ended, the run says so and presses nobody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import pytest
from aiohttp import web

from fleet_repl.inventory.settings import Aws
from fleet_repl.runs.remedies import RENEW_BASE
from fleet_repl.values.errors import CallError, FaultKind

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

START: Final = "https://example.awsapps.com/start"
PROFILE: Final = (
    "[profile ops]\nsso_session = corp\nsso_account_id = 999999999999\nsso_role_name = ops\n"
    f"[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = {START}\n"
)


@dataclass
class Portal:
    """The portal of a sign-on: it gives keys of nine minutes, until the sign-on ends."""

    edge: Edge
    ended: bool = False
    requests: list[str] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.Response:
        self.requests.append(request.path)
        if self.ended:
            error = {"message": "Session token not found or invalid"}
            headers = {"x-amzn-ErrorType": "UnauthorizedException"}
            return web.json_response(error, status=401, headers=headers)
        key = f"ASIASIGNEDON{len(self.requests):08d}"
        identity = "arn:aws:sts::999999999999:assumed-role/AWSReservedSSO_ops_1/me"
        self.edge.aws.identities[key] = identity
        # By the machine's clock: the SDK renews keys that have less than ten minutes by that.
        ends = datetime.now(UTC) + timedelta(minutes=9)
        keys = {"accessKeyId": key, "secretAccessKey": "x", "sessionToken": "y"}
        given = {**keys, "expiration": int(ends.timestamp() * 1000)}
        return web.json_response({"roleCredentials": given})


@pytest.fixture
async def portal(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Portal]:
    """Somebody has signed on, for eight hours; the SDK has the time of the clock as well."""
    portal, app = Portal(edge), web.Application()
    app.router.add_get("/{path:.*}", portal.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = "http://{}:{}".format(*runner.addresses[0][:2])
    monkeypatch.setenv("AWS_ENDPOINT_URL", edge.aws.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", url)
    cache = tmp_path / "sso"
    cache.mkdir()
    monkeypatch.setattr("botocore.tokens.SSOTokenProvider._SSO_TOKEN_CACHE_DIR", str(cache))
    monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(cache))
    now = datetime.now(UTC)
    token = {
        "accessToken": "token",
        "expiresAt": f"{now + timedelta(hours=8):%Y-%m-%dT%H:%M:%SZ}",
        "startUrl": START,
        "region": "eu-west-1",
    }
    (cache / f"{hashlib.sha1(b'corp').hexdigest()}.json").write_text(json.dumps(token))
    monkeypatch.setattr(
        edge.clock, "now", lambda: datetime.now(UTC) + timedelta(seconds=edge.clock.seconds - 1000)
    )
    edge.config.write_text(PROFILE)
    yield portal
    await runner.cleanup()


async def test_keys_are_renewed_until_the_sign_on_ends(edge: Edge, portal: Portal) -> None:
    """The portal is asked once for sixty accounts and once more before the keys end. When the
    sign-on has ended, it is asked once in half a minute, and each call says what to do."""
    accounts = [edge.account(number) for number in range(1, 62)]
    inventory = edge.inventory(*accounts, aws=Aws(profile="ops"))
    async with edge.open(inventory, by_environment=True) as registries:
        async with anyio.create_task_group() as group:
            for number in range(1, 61):
                group.start_soon(registries.describe, edge.registry(number))
        assert len(portal.requests) == 1
        edge.clock.seconds += 500
        await registries.describe(edge.registry(61))
        assert len(portal.requests) == 2
        portal.ended = True
        edge.clock.seconds += 3_600
        faults = set()
        for number in range(1, 61):
            with pytest.raises(CallError) as caught:
                await registries.describe(edge.registry(number))
            fault = caught.value.fault
            faults.add((fault.kind, fault.message, fault.hint))
    assert len(portal.requests) == 3
    ((kind, message, hint),) = faults
    assert kind is FaultKind.EXPIRED
    assert message == (
        "the base identity's credentials cannot be had: The SSO session associated with this "
        "profile has expired or is otherwise invalid. To refresh this SSO session run aws sso "
        "login with the corresponding profile."
    )
    assert hint == RENEW_BASE
