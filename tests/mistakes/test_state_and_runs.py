"""A state that cannot be used, and runs that somebody else holds up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiohttp import web
from tests.aws.objects.conftest import FakeS3
from tests.mistakes.conftest import INVENTORY, Newcomer
from tests.support.moto import moto_server

from fleet_repl import load_inventory
from fleet_repl.fleet.connect import connect

Documented = Callable[[str, str], None]

moto = pytest.fixture(scope="module")(moto_server)


class CarelessS3(FakeS3):
    """Takes every put, whatever its condition."""

    async def _put(self, request: web.Request, key: str) -> web.StreamResponse:
        self.objects[key] = (await request.read(), '"etag"')
        return web.Response(headers={"ETag": '"etag"'})


@pytest.fixture
def in_a_bucket(newcomer: Newcomer) -> Callable[[str], None]:
    """Keeps the state at an S3."""

    def keep(url: str) -> None:
        newcomer.serve()
        newcomer.write(f'{INVENTORY}\n[state]\nlocation = "s3://state/fleets"\n')
        newcomer.setenv("AWS_ENDPOINT_URL_S3", url)

    return keep


def bucket(newcomer: Newcomer, s3: FakeS3) -> str:
    """Serves a bucket called `state`."""

    async def serve(request: web.Request) -> web.StreamResponse:
        key = request.path.removeprefix("/state").removeprefix("/")
        request.match_info["key"] = key
        return await s3.serve(request)

    return f"http://{newcomer.serve_http(serve)}"


def test_a_bucket_that_does_not_exist(
    newcomer: Newcomer, documented: Documented, in_a_bucket: Callable[[str], None], moto: str
) -> None:
    """It is never made by fleet-repl."""
    in_a_bucket(moto)
    documented("the state's bucket does not exist", newcomer.reads("apply", "fleet.toml", "--yes"))


def test_a_bucket_that_is_denied(
    newcomer: Newcomer, documented: Documented, in_a_bucket: Callable[[str], None]
) -> None:
    """With everything that a state takes."""
    s3 = FakeS3()
    s3.script.extend([s3.refuse("AccessDenied", 403, "Access Denied")] * 9)
    in_a_bucket(bucket(newcomer, s3))
    documented(
        "the base identity may not use the state's bucket",
        newcomer.reads("apply", "fleet.toml", "--yes"),
    )


def test_a_bucket_without_conditional_writes(
    newcomer: Newcomer, documented: Documented, in_a_bucket: Callable[[str], None]
) -> None:
    """Some stores that speak S3 ignore conditions."""
    in_a_bucket(bucket(newcomer, CarelessS3()))
    documented(
        "the store of the state ignores conditions of writes",
        newcomer.reads("apply", "fleet.toml", "--yes"),
    )


def test_a_lock_that_is_held(newcomer: Newcomer, documented: Documented) -> None:
    """By a run that lives, on another machine."""
    newcomer.serve()
    inventory = load_inventory(newcomer.folder / "fleet.toml", environ={})
    held = connect(inventory, clock=newcomer.clock, locked=True)
    with newcomer.portal.wrap_async_context_manager(held):
        documented(
            "another run of the fleet is writing", newcomer.reads("apply", "fleet.toml", "--yes")
        )


def test_a_fleet_that_is_frozen(newcomer: Newcomer, documented: Documented) -> None:
    """By somebody, for a reason."""
    newcomer.serve()
    newcomer.does("freeze", "fleet.toml", "--why", "migration until Friday")
    documented("somebody has frozen the fleet", newcomer.reads("apply", "fleet.toml", "--yes"))
