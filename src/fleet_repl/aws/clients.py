"""One client per service and region, for all accounts: credentials are chosen call by call.

A client per account would cost fifty times the processor time. Failures leave this module as the
SDK raises them; `faults` translates them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import Final, TypeAlias

import anyio
from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioCredentials
from aiobotocore.response import StreamingBody
from aiobotocore.session import AioSession
from botocore import xform_name
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError, InvalidConfigError

from fleet_repl.aws.bounded import read_object
from fleet_repl.aws.configuration import Endpoint
from fleet_repl.aws.redact import clean
from fleet_repl.aws.request import Answer, Call, OversizedAnswerError, Service, UnparsedAnswerError
from fleet_repl.values.names import Region

_Operation: TypeAlias = Callable[..., Awaitable[Mapping[str, object]]]

_CLOSING_SECONDS: Final = 5.0


class _Exchange:
    """The call that the running task is making: its credentials, and what came back."""

    __slots__ = ("body", "credentials", "status")

    def __init__(self, credentials: ReadOnlyCredentials) -> None:
        self.credentials = credentials
        self.status: int | None = None
        self.body = b""


_EXCHANGE: Final[ContextVar[_Exchange]] = ContextVar("fleet_repl_exchange")


class _CredentialsOfTheCall:
    """Credentials as the SDK knows them, different in each task: those of the task's call.

    Every other attribute that the SDK reads comes from a plain pair that signs nothing.
    """

    def __init__(self) -> None:
        self._plain = AioCredentials("chosen-per-call", "chosen-per-call")

    def __getattr__(self, name: str) -> object:
        return getattr(self._plain, name)

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return _EXCHANGE.get().credentials


class _Resolver:
    """The SDK's credential chain, replaced by the credentials of the call."""

    async def load_credentials(self) -> _CredentialsOfTheCall:
        return _CredentialsOfTheCall()


def _keep_body(response_dict: Mapping[str, object], **_: object) -> None:
    """Keep the body as it came: the SDK's parser drops every field that it does not know."""
    # The SDK makes calls of its own to renew the base identity; no exchange is set for those.
    exchange = _EXCHANGE.get(None)
    body, status = response_dict.get("body"), response_dict.get("status_code")
    if exchange is not None and isinstance(body, bytes) and isinstance(status, int):
        exchange.body, exchange.status = body, status


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
        self._clients: dict[tuple[Service, Region], object] = {}
        self._operations: dict[tuple[Service, Region, str], _Operation] = {}
        self._making = anyio.Lock()

    async def send(self, call: Call, credentials: ReadOnlyCredentials) -> Answer:
        """Make one attempt, signed with `credentials`. Raises whatever the SDK raises."""
        operation = await self._operation(call.service, call.region, call.operation)
        exchange = _Exchange(credentials)
        token = _EXCHANGE.set(exchange)
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
            _EXCHANGE.reset(token)
        hidden = (*credentials[:3], *(secret.reveal() for secret in call.hidden))
        request_id = _request_id(parsed, [secret for secret in hidden if secret])
        return Answer(body=exchange.body, parsed=parsed, request_id=request_id)

    async def prepare(self, service: Service, region: Region) -> None:
        """Make the client unless it exists. Raises what the SDK raises for its settings."""
        async with self._making:
            if (service, region) not in self._clients:
                self._clients[service, region] = await self._make(service, region)

    async def _operation(self, service: Service, region: Region, name: str) -> _Operation:
        key = (service, region, name)
        if key not in self._operations:
            await self.prepare(service, region)
            self._operations[key] = getattr(self._clients[service, region], xform_name(name))
        return self._operations[key]

    async def _make(self, service: Service, region: Region) -> object:
        endpoint = self._endpoint
        plain = endpoint is not None and endpoint.url.startswith("http:")
        try:
            return await self._stack.enter_async_context(
                self._session.create_client(
                    service,
                    region_name=region,
                    config=self._config,
                    endpoint_url=endpoint.url if endpoint is not None else None,
                    # Loading certificates takes longer than all the rest of making a client.
                    verify=False if plain else None,
                )
            )
        except ValueError as error:
            # The SDK raises ValueError for an AWS_ENDPOINT_URL that is no URL.
            raise InvalidConfigError(error_msg=str(error)) from None


def _request_id(parsed: Mapping[str, object], hidden: Sequence[str]) -> str | None:
    """AWS's request id without secrets; None where it is missing or too long to be one."""
    metadata = parsed.get("ResponseMetadata")
    request_id = metadata.get("RequestId") if isinstance(metadata, Mapping) else None
    return (
        clean(request_id, hidden)
        if isinstance(request_id, str) and 0 < len(request_id) < 100
        else None
    )


@asynccontextmanager
async def open_clients(
    session: AioSession, config: AioConfig, endpoint: Endpoint | None
) -> AsyncIterator[Clients]:
    """Clients made by `session`, which from now on resolves no credentials of its own."""
    session.register_component("credential_provider", _Resolver())
    session.register("before-parse", _keep_body)
    stack = AsyncExitStack()
    try:
        yield Clients(session, config, endpoint, stack)
    finally:
        # Shielded: connections are closed also while the run is being cancelled.
        with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
            await stack.aclose()
