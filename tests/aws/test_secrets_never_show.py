"""Whatever AWS says back, no secret of the run is in an error, an event or a repr."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

import pytest

from fleet_repl.inventory.settings import Aws
from fleet_repl.values.errors import CallError
from fleet_repl.values.names import Secret

if TYPE_CHECKING:
    from aiohttp import web
    from tests.aws.conftest import Edge, Request

HUB_ID, ACCOUNT_ID = "hub-external-id-1", "spoke-external-id-2"


def echo(edge: Edge, code: str) -> object:
    """An error that repeats everything that was sent, as some of AWS's do."""

    async def step(request: Request) -> web.Response:
        sent = f"{dict(request.http.headers)} {request.parameters}".replace("<", "")
        return await edge.aws.refuse(code, sent.replace("&", ""))(request)

    return step


async def failures(edge: Edge) -> list[CallError]:
    """What a chain of roles and a registry fail with, each echoing."""
    inventory = edge.inventory(
        edge.account(1, external_id=Secret(ACCOUNT_ID)),
        aws=Aws(via=(edge.role(8),), external_id=Secret(HUB_ID)),
    )
    caught: list[CallError] = []
    for operation, steps in {
        "AssumeRole": [echo(edge, "AccessDenied")] * 4,
        "DescribeRegistry": [echo(edge, "ServerException")] * 4,
        "PutRegistryPolicy": [echo(edge, "ValidationException")],
    }.items():
        async with edge.open(inventory) as registries:
            if operation == "AssumeRole":
                # The account's own role; the one before it is given.
                edge.aws.script(operation, edge.aws.answer)
            edge.aws.script(operation, *steps)  # type: ignore[arg-type]
            call = (
                registries.put_policy(edge.registry(), {"Statement": []})
                if operation == "PutRegistryPolicy"
                else registries.describe(edge.registry())
            )
            with pytest.raises(CallError) as error:
                await call
            caught.append(error.value)
    return caught


async def test_neither_errors_nor_events_nor_logs_hold_a_secret(
    edge: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does a traceback, with whatever hangs on the exception."""
    caplog.set_level(logging.DEBUG)
    caught = await failures(edge)
    texts = [repr(edge.events), caplog.text]
    for error in caught:
        assert error.__cause__ is None
        texts += [repr(error), repr(error.fault), *traceback.format_exception(error)]
    text = "\n".join(texts)
    assert "ServerException" in text
    for secret in (HUB_ID, ACCOUNT_ID, "AKIABASE", "ASIA0000", "secret of", "token of"):
        assert secret not in text


async def test_no_exception_of_the_sdk_hangs_on_an_error(edge: Edge) -> None:
    """It would hold the request, headers and all."""
    for error in await failures(edge):
        context: BaseException | None = error
        while context is not None:
            assert isinstance(context, CallError)
            context = context.__context__
