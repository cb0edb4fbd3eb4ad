"""Answers of bounded size, so that no server and no proxy can fill the memory.

The SDK reads every body whole before anything looks at it; here reading stops at a limit. Only the
content of an S3 object, which may be large, is read as a stream, with a limit of its own.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Final

import aiohttp
from aiobotocore.httpsession import AIOHTTPSession
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from fleet_repl.aws.request import OversizedAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiobotocore.awsrequest import AioAWSResponse
    from aiobotocore.response import StreamingBody
    from botocore.awsrequest import AWSPreparedRequest

    from fleet_repl.aws.repeated_calls import HttpSession

LARGEST_ANSWER: Final = 8 * 1024**2
"""Bytes: a page of a thousand images with many tags takes one or two million."""
LARGEST_OBJECT: Final = 4 * 1024**3
_PIECE: Final = 1024**2


class Exchange:
    """The call of the SDK's client that the running task is making."""

    __slots__ = ("body", "credentials", "on_sent", "status")

    def __init__(
        self,
        credentials: ReadOnlyCredentials,
        on_sent: Callable[[HttpSession, AWSPreparedRequest], object],
    ) -> None:
        """`on_sent` is called with the SDK's HTTP session, and the request that it gets."""
        self.credentials = credentials
        self.on_sent = on_sent
        self.status: int | None = None
        self.body = b""
        """The body as it came: the SDK's parser drops every field that it does not know."""


EXCHANGE: Final[ContextVar[Exchange]] = ContextVar("fleet_repl_exchange")
"""Not set for calls that the SDK makes of its own, to renew the base identity."""


class BoundedSession(AIOHTTPSession):  # type: ignore[misc]  # the SDK has no types
    """The SDK's HTTP session, which reads no more of a body than an answer can have."""

    async def send(self, request: AWSPreparedRequest) -> AioAWSResponse:
        """Send a request. Raises what the SDK raises, and OversizedAnswerError."""
        is_stream = request.stream_output
        request.stream_output = True
        exchange = EXCHANGE.get(None)
        if exchange is not None:
            exchange.on_sent(self, request)
        response: AioAWSResponse = await super().send(request)
        if not is_stream or response.status_code >= 300:
            response._content = await _body(response.raw, request)
            if exchange is not None:
                exchange.body, exchange.status = response._content, response.status_code
        return response

    async def _get_session(self, proxy_url: str | None) -> _Straight:
        return _Straight(await super()._get_session(proxy_url))


class _Straight:
    """A connection pool without redirects: AWS sends none but S3's, which the SDK signs anew.

    Followed, a write would be more than one attempt, and a session token would go to whatever
    host an answer names.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.request: Final = partial(session.request, allow_redirects=False)


async def _body(raw: aiohttp.ClientResponse, request: AWSPreparedRequest) -> bytes:
    try:
        return await _whole(raw)
    except TimeoutError as error:
        raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
    except aiohttp.ClientError as error:
        raise ConnectionClosedError(
            endpoint_url=request.url, request=request, error=error
        ) from error
    finally:
        # Cancelled too: what is half read is no connection for another call.
        if not raw.content.at_eof():
            raw.close()


async def _whole(raw: aiohttp.ClientResponse) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in raw.content.iter_any():
        size += len(piece)
        if size > LARGEST_ANSWER:
            raise OversizedAnswerError(LARGEST_ANSWER)
        pieces.append(piece)
    return b"".join(pieces)


async def read_object(stream: StreamingBody) -> bytes:
    """The whole content of an object. Raises what the SDK raises, and OversizedAnswerError."""
    pieces: list[bytes] = []
    size = 0
    # The empty piece is read too: only then the SDK compares length and checksum.
    while piece := await stream.read(_PIECE):
        size += len(piece)
        if size > LARGEST_OBJECT:
            stream.close()
            raise OversizedAnswerError(LARGEST_OBJECT)
        pieces.append(piece)
    return b"".join(pieces)
