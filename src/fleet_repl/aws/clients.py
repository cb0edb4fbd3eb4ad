"""One client per service and region, for all accounts: credentials are chosen call by call.

A client per account would cost fifty times the processor time. Failures leave this module as the
SDK raises them; `faults` translates them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import anyio
from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioCredentials
from aiobotocore.response import StreamingBody
from aiobotocore.session import AioSession
from botocore import xform_name
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError, InvalidConfigError

from fleet_repl.aws.bounded import EXCHANGE, Exchange, read_object
from fleet_repl.aws.configuration import Endpoint
from fleet_repl.aws.redact import clean
from fleet_repl.aws.repeated_calls import Client, RepeatedCall, may_be_repeated, repeated_call
from fleet_repl.aws.request import Answer, Call, OversizedAnswerError, Service, UnparsedAnswerError
from fleet_repl.values.names import Region

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

    from fleet_repl.aws.repeated_calls import HttpSession

_Operation: TypeAlias = Callable[..., Awaitable[Mapping[str, object]]]

_CLOSING_SECONDS: Final = 5.0
_REQUEST_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""AWS's request ids: no key or token that AWS issues looks like one."""


class _CredentialsOfTheCall:
    """Credentials as the SDK knows them, different in each task: those of the task's call.

    Every other attribute that the SDK reads comes from a plain pair that signs nothing.
    """

    def __init__(self) -> None:
        self._plain = AioCredentials("chosen-per-call", "chosen-per-call")

    def __getattr__(self, name: str) -> object:
        return getattr(self._plain, name)

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return EXCHANGE.get().credentials


class _Resolver:
    """The SDK's credential chain, replaced by the credentials of the call."""

    async def load_credentials(self) -> _CredentialsOfTheCall:
        return _CredentialsOfTheCall()


class Clients:
    """The clients of one run, each made once, when it is first needed."""

    def __init__(
        self,
        session: AioSession,
        config: AioConfig,
        endpoint: Endpoint | None,
        stack: AsyncExitStack,
    ) -> None:
        self._session = session
        self._config = config
        self._endpoint = endpoint
        self._stack = stack
        self._clients: dict[tuple[Service, Region], Client] = {}
        self._repeated: dict[tuple[Service, Region, str], RepeatedCall] = {}
        """Calls that the SDK has sent once, and that may be repeated."""
        self._making = anyio.Lock()

    async def send(self, call: Call, credentials: ReadOnlyCredentials) -> Answer:
        """Make one attempt, signed with `credentials`. Raises whatever the SDK raises."""
        key = (call.service, call.region, call.operation)
        if key not in self._repeated:
            # Meanwhile another task may send the first call.
            await self.prepare(call.service, call.region)
        repeated = self._repeated.get(key)
        try:
            answer = await (
                self._send_by_sdk(call, credentials)
                if repeated is None
                else repeated.send(call, credentials)
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code", "") != call.absent:
                raise
            return Answer(body=b"", parsed={}, request_id=None, absent=True)
        request_id, own = answer.request_id, [secret.reveal() for secret in call.hidden]
        if request_id is None:
            return answer
        if _REQUEST_ID.fullmatch(request_id) and not any(secret in request_id for secret in own):
            return answer
        hidden = [secret for secret in (*credentials[:3], *own) if secret]
        return replace(answer, request_id=_request_id(request_id, hidden))

    async def _send_by_sdk(self, call: Call, credentials: ReadOnlyCredentials) -> Answer:
        client = self._clients[call.service, call.region]
        operation: _Operation = getattr(client, xform_name(call.operation))
        exchange = Exchange(credentials, partial(self._keep, call))
        token = EXCHANGE.set(exchange)
        try:
            parsed = await operation(**call.parameters)
            stream = parsed.get("Body")
            if isinstance(stream, StreamingBody):
                async with stream:
                    exchange.body = await read_object(stream)
        except (BotoCoreError, ClientError, OversizedAnswerError):
            raise
        except Exception:
            # The SDK's parsers raise anything at a body they do not expect.
            if exchange.status is not None:
                raise UnparsedAnswerError(exchange.status) from None
            raise
        finally:
            EXCHANGE.reset(token)
        metadata = parsed.get("ResponseMetadata")
        request_id = metadata.get("RequestId") if isinstance(metadata, Mapping) else None
        request_id = request_id if isinstance(request_id, str) else None
        return Answer(body=exchange.body, parsed=parsed, request_id=request_id)

    def _keep(self, call: Call, session: HttpSession, request: AWSPreparedRequest) -> None:
        """Keep the request of a call that may be repeated: calls that are made while its answer is
        still to come repeat it already."""
        if may_be_repeated(call):
            client = self._clients[call.service, call.region]
            repeated = repeated_call(session, request, client, call.operation)
            if repeated is not None:
                self._repeated[call.service, call.region, call.operation] = repeated

    async def prepare(self, service: Service, region: Region) -> None:
        """Make the client unless it exists. Raises what the SDK raises for its settings."""
        if (service, region) in self._clients:
            return
        async with self._making:
            if (service, region) not in self._clients:
                self._clients[service, region] = await self._make(service, region)

    async def _make(self, service: Service, region: Region) -> Client:
        endpoint = self._endpoint
        plain = endpoint is not None and endpoint.url.startswith("http:")
        try:
            opening = self._session.create_client(
                service,
                region_name=region,
                config=self._config,
                endpoint_url=endpoint.url if endpoint is not None else None,
                # Loading certificates takes longer than all the rest of making a client.
                verify=False if plain else None,
            )
            client: Client = await self._stack.enter_async_context(opening)
        except ValueError as error:
            # The SDK raises ValueError for an AWS_ENDPOINT_URL that is no URL.
            raise InvalidConfigError(error_msg=str(error)) from None
        return client


def _request_id(text: str, hidden: Sequence[str]) -> str | None:
    """AWS's request id without secrets; None where it is missing or too long to be one."""
    return clean(text, hidden) if 0 < len(text) < 100 else None


@asynccontextmanager
async def open_clients(
    session: AioSession, config: AioConfig, endpoint: Endpoint | None
) -> AsyncIterator[Clients]:
    """Clients made by `session`, which from now on resolves no credentials of its own."""
    session.register_component("credential_provider", _Resolver())
    stack = AsyncExitStack()
    try:
        yield Clients(session, config, endpoint, stack)
    finally:
        # Shielded: connections are closed also while the run is being cancelled.
        with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
            await stack.aclose()
