"""The base identity's credentials: asked for rarely, by one task, bounded, and not lost to one
failure of their source."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from aiohttp import web

from fleet_repl.aws import mfa, renewal
from fleet_repl.inventory.settings import Aws
from fleet_repl.values.errors import CallError, FaultKind, IdentityError

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

KEY = "AKIABASEBASEBASEBASE"
RENEW = "renew the base identity's credentials, for instance with `aws sso login`, and run again"


@dataclass
class Helper:
    """A credential_process that counts its runs and does what it is told."""

    edge: Edge
    folder: Path

    def __post_init__(self) -> None:
        self.script = self.folder / "helper"
        self.edge.config.write_text(f"[default]\ncredential_process = {self.script}\n")

    @property
    def runs(self) -> int:
        with suppress(FileNotFoundError):
            return len((self.folder / "runs").read_text())
        return 0

    def do(self, *lines: str) -> None:
        self.script.write_text("\n".join(("#!/bin/sh", f"printf x >> {self.folder}/runs", *lines)))
        self.script.chmod(stat.S_IRWXU)

    def give(self, minutes: float, key: str = KEY) -> None:
        """Give credentials that end so many minutes from now."""
        ends = self.edge.clock.now() + timedelta(minutes=minutes)
        self.edge.aws.identities.setdefault(key, self.edge.aws.identities[KEY])
        self.do(
            f'echo \'{{"Version": 1, "AccessKeyId": "{key}", "SecretAccessKey": "x", '
            f'"SessionToken": "y", "Expiration": "{ends:%Y-%m-%dT%H:%M:%SZ}"}}\''
        )


@pytest.fixture
def helper(edge: Edge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Helper:
    """On a clock of which the SDK, too, has the time: it judges what it was given."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", edge.aws.url)
    monkeypatch.setattr(
        edge.clock, "now", lambda: datetime.now(UTC) + timedelta(seconds=edge.clock.seconds - 1000)
    )
    return Helper(edge, tmp_path)


async def describe_all(edge: Edge, accounts: int) -> None:
    inventory = edge.inventory(*(edge.account(number) for number in range(1, accounts + 1)))
    async with (
        edge.open(inventory, by_environment=True) as registries,
        anyio.create_task_group() as group,
    ):
        for number in range(1, accounts + 1):
            group.start_soon(registries.describe, edge.registry(number))


@pytest.mark.parametrize("minutes", [5, 9, 60])
async def test_the_source_is_asked_once_for_sixty_accounts(
    edge: Edge, helper: Helper, minutes: int
) -> None:
    """Also in the last ten minutes, in which the SDK asks it anew for every call."""
    helper.give(minutes)
    await describe_all(edge, 60)
    assert len(edge.aws.calls("AssumeRole")) == 60
    assert helper.runs == 1


async def test_it_is_asked_again_before_the_end_and_by_one_task(edge: Edge, helper: Helper) -> None:
    """Thirty seconds before the end of five minutes; all who come then share what it gives."""
    helper.give(5)
    inventory = edge.inventory(*(edge.account(number) for number in range(1, 31)))
    async with edge.open(inventory, by_environment=True) as registries:
        edge.clock.seconds += 265
        await registries.describe(edge.registry(1))
        assert helper.runs == 1
        edge.clock.seconds += 10
        helper.give(9, "AKIANEWNEWNEWNEWNEW0")
        async with anyio.create_task_group() as group:
            for number in range(2, 31):
                group.start_soon(registries.describe, edge.registry(number))
        assert helper.runs == 2
        await registries.describe(edge.registry(1, "us-east-1"))
    keys = [call.key for call in edge.aws.calls("AssumeRole")]
    assert keys[0] == KEY
    # Who came while it was asked used what was in hand.
    assert set(keys[1:]) <= {KEY, "AKIANEWNEWNEWNEWNEW0"}
    assert "AKIANEWNEWNEWNEWNEW0" in keys


async def test_a_source_that_fails_costs_nothing_while_keys_are_valid(
    edge: Edge, helper: Helper
) -> None:
    """It is asked again half a minute later; once the keys have ended, it is a failure of the
    call that needed them, in the source's words."""
    helper.give(5)
    inventory = edge.inventory(*(edge.account(number) for number in range(1, 10)))
    async with edge.open(inventory, by_environment=True) as registries:
        helper.do("echo locked >&2", "exit 1")
        edge.clock.seconds += 271
        for number in (1, 2, 3):
            await registries.describe(edge.registry(number))
        assert helper.runs == 2
        helper.give(5)
        edge.clock.seconds += 30
        await registries.describe(edge.registry(4))
        assert helper.runs == 3
        helper.do("echo locked >&2", "exit 1")
        edge.clock.seconds += 301
        with pytest.raises(CallError) as caught:
            await registries.describe(edge.registry(5))
    fault = caught.value.fault
    assert (fault.kind, fault.operation) == (FaultKind.EXPIRED, "AssumeRole")
    assert fault.message == (
        "the base identity's credentials cannot be had: Error when retrieving credentials from "
        "custom-process: locked"
    )
    assert fault.hint == RENEW


async def test_a_source_that_gives_nothing_any_more_is_not_pressed(
    edge: Edge, helper: Helper
) -> None:
    """Once the keys have ended, all calls of half a minute share one failure of the source; then
    it is asked again, and the run goes on if somebody has helped meanwhile."""
    helper.give(5)
    inventory = edge.inventory(*(edge.account(number) for number in range(1, 61)))
    async with edge.open(inventory, by_environment=True) as registries:
        helper.do("echo locked >&2", "exit 1")
        edge.clock.seconds += 301
        faults = []

        async def describe(number: int) -> None:
            with pytest.raises(CallError) as caught:
                await registries.describe(edge.registry(number))
            faults.append(str(caught.value.fault))

        async with anyio.create_task_group() as group:
            for number in range(1, 61):
                group.start_soon(describe, number)
        await describe(1)
        assert helper.runs == 2
        assert len(set(faults)) == 1
        helper.give(5)
        edge.clock.seconds += 30
        await registries.describe(edge.registry(1))
        assert helper.runs == 3


async def test_a_source_that_gives_the_same_again_is_not_pressed(
    edge: Edge, helper: Helper
) -> None:
    """Some keep what they have until it ends: it is asked every half a minute."""
    helper.give(9)
    inventory = edge.inventory(*(edge.account(number) for number in range(1, 10)))
    async with edge.open(inventory, by_environment=True) as registries:
        edge.clock.seconds += 488
        for number in range(1, 9):
            await registries.describe(edge.registry(number))
        assert helper.runs == 2
        edge.clock.seconds += 31
        await registries.describe(edge.registry(9))
        assert helper.runs == 3


async def test_nobody_waits_for_a_source_while_keys_are_valid(edge: Edge, helper: Helper) -> None:
    """But for the task that asks it."""
    helper.give(5)
    inventory = edge.inventory(edge.account(1), edge.account(2))
    go = helper.folder / "go"
    async with edge.open(inventory, by_environment=True) as registries:
        helper.do(f"until [ -e {go} ]; do sleep 0.01; done", "exit 1")
        edge.clock.seconds += 271
        async with anyio.create_task_group() as group:
            group.start_soon(registries.describe, edge.registry(1))
            assert await comes_true(lambda: helper.runs == 2)
            await registries.describe(edge.registry(2))
            assert len(edge.aws.calls("AssumeRole")) == 1
            go.touch()
    assert len(edge.aws.calls("AssumeRole")) == 2


async def test_a_role_that_cannot_be_renewed_keeps_its_session(edge: Edge) -> None:
    """While it is valid, one failure of AssumeRole loses nobody either."""
    async with edge.open(attempts=1) as registries:
        await registries.describe(edge.registry())
        edge.aws.script("AssumeRole", *[edge.aws.refuse("InternalFailure", "Oh.", 500)] * 9)
        edge.clock.seconds += 3400
        for _ in range(3):
            await registries.describe(edge.registry())
        assert len(edge.aws.calls("AssumeRole")) == 2
        edge.clock.seconds += 30
        await registries.describe(edge.registry())
        assert len(edge.aws.calls("AssumeRole")) == 3
        edge.clock.seconds += 171
        with pytest.raises(CallError):
            await registries.describe(edge.registry())


async def refusal(edge: Edge, profile: str | None = None) -> str:
    """What opening the edge says; with nothing of the SDK's hanging on it."""
    with pytest.raises(IdentityError) as caught:
        async with edge.open(edge.inventory(aws=Aws(profile=profile)), by_environment=True):
            pass
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return str(caught.value)


async def comes_true(condition: Callable[[], bool]) -> bool:
    """Within a minute, as processes come and go."""
    with anyio.move_on_after(60):
        while not condition():  # noqa: ASYNC110 - nobody sets an event
            await anyio.sleep(0.005)
    return condition()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


HANGS = (
    "there is no usable base identity: their source gave no answer within 0.5 s\n"
    "    run the profile's credential_process or login by hand: it may wait for a code or a "
    "password, which takes a terminal"
)


@pytest.mark.parametrize("profile", [None, "ops"])
async def test_a_helper_that_hangs_is_ended_with_what_it_started(
    edge: Edge, helper: Helper, monkeypatch: pytest.MonkeyPatch, profile: str | None
) -> None:
    """Also one of the profile that a role is assumed from."""
    monkeypatch.setattr(renewal, "UNATTENDED_SECONDS", 0.5)
    monkeypatch.setattr(mfa, "TERMINAL", "/dev/nothing")
    helper.do(f"sleep 600 & echo $! > {helper.folder}/child", "wait")
    with helper.edge.config.open("a") as config:
        config.write(
            "[profile ops]\nsource_profile = default\n"
            "role_arn = arn:aws:iam::700000000007:role/ops\n"
        )
    assert await refusal(edge, profile) == HANGS
    child = int((helper.folder / "child").read_text())
    assert await comes_true(lambda: not alive(child))


async def test_a_helper_ends_with_us(
    edge: Edge, helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is cancelled leaves none behind, at a terminal neither."""
    monkeypatch.setattr(mfa, "TERMINAL", os.devnull)
    child = helper.folder / "child"
    helper.do(f"echo $$ > {child}", "exec sleep 600")
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:

            async def cancel() -> None:
                assert await comes_true(lambda: child.exists() and child.read_text() != "")
                scope.cancel()

            group.start_soon(cancel)
            async with edge.open(by_environment=True):
                pass
    assert scope.cancelled_caught
    assert await comes_true(lambda: not alive(int(child.read_text())))


async def test_a_helper_has_no_terminal_to_wait_at(
    edge: Edge, helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads an answer that nobody gives comes to its end at once, whatever our own input is."""
    monkeypatch.setattr(mfa, "TERMINAL", "/dev/nothing")
    monkeypatch.setattr(renewal, "UNATTENDED_SECONDS", 5.0)
    helper.do("read code || { echo 'no code' >&2; exit 1; }")
    own, (silent, end) = os.dup(0), os.pipe()
    os.dup2(silent, 0)
    try:
        assert "custom-process: no code" in await refusal(edge)
    finally:
        os.dup2(own, 0)
        for descriptor in (own, silent, end):
            os.close(descriptor)


async def test_a_helper_that_never_stops_talking(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is too long is not kept in memory."""
    monkeypatch.setattr(renewal, "_LONGEST", 1000)
    helper.do("head -c 5000000 /dev/zero | tee /dev/stderr", "exit 1")
    ended = await renewal.run_helper(str(helper.script))
    assert (len(ended.stdout), len(ended.stderr), ended.returncode) == (1000, 1000, 1)


async def test_a_code_that_nobody_can_type(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile asks for MFA, and there is no terminal."""
    monkeypatch.setattr(mfa, "TERMINAL", "/dev/nothing")
    edge.config.write_text(
        f"[profile user]\naws_access_key_id = {KEY}\naws_secret_access_key = x\n"
        "[profile ops]\nsource_profile = user\nrole_arn = arn:aws:iam::700000000007:role/ops\n"
        "mfa_serial = arn:aws:iam::700000000007:mfa/me\n"
    )
    assert await refusal(edge, "ops") == (
        "there is no usable base identity: the profile asks for an MFA code, and there is no "
        "terminal to ask at\n"
        "    run it from a terminal, or use a profile whose session has passed MFA before, such "
        "as one of `aws sso login`"
    )
    assert edge.aws.requests == []


@dataclass
class Metadata:
    """The metadata service of a virtual machine."""

    statuses: list[int] = field(default_factory=list)
    """Of the next answers; 200 after them."""
    requests: int = 0
    url: str = ""

    async def serve(self, request: web.Request) -> web.Response:
        self.requests += 1
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            return web.Response(status=status, text="busy")
        if request.method == "PUT":
            return web.Response(text="token")
        if request.path.endswith("/security-credentials/"):
            return web.Response(text="ops")
        return web.json_response(
            {
                "Code": "Success",
                "AccessKeyId": KEY,
                "SecretAccessKey": "x",
                "Token": "y",
                "Expiration": f"{datetime.now(UTC) + timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}",
            }
        )


@pytest.fixture
async def metadata(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Metadata]:
    service, app = Metadata(), web.Application()
    app.router.add_route("*", "/{path:.*}", service.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = "http://{}:{}/".format(*runner.addresses[0][:2])
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", edge.aws.url)
    yield service
    await runner.cleanup()


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_metadata_service_that_is_busy_is_asked_again(
    edge: Edge, metadata: Metadata, status: int, place: int
) -> None:
    """Wherever in its three answers: the SDK takes it for one that is not there."""
    metadata.statuses = [*[200] * place, status]
    async with edge.open(by_environment=True) as registries:
        await registries.describe(edge.registry())
    assert edge.aws.calls("AssumeRole")[0].key == KEY
    assert metadata.requests == place + 1 + 3


async def test_a_metadata_service_that_stays_busy(edge: Edge, metadata: Metadata) -> None:
    """It is told as that, after a few attempts."""
    metadata.statuses = [503] * 99
    assert await refusal(edge) == (
        "there is no usable base identity: Error retrieving metadata: the metadata service "
        "answered 503\n    see that the source of the credentials works by itself"
    )
    assert metadata.requests == 4
    assert edge.clock.slept == [0.25, 0.5, 1.0]


async def test_a_machine_without_a_metadata_service(edge: Edge, metadata: Metadata) -> None:
    """Is no reason to try again."""
    metadata.statuses = [404] * 99
    assert "Unable to locate credentials" in await refusal(edge)
    assert edge.clock.slept == []
