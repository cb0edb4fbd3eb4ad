"""Calls that are made over and over: the SDK makes the first call, and the others repeat its
request.

The SDK spends more time on a call than the network does: it validates, resolves the endpoint, emits
a dozen events and builds header objects, with the same result each time. A call of ECR or
Organizations, an AssumeRole or a question to IAM differs from the one before only in its body and
its signature. So the first request of an operation, as the SDK has sent it, is the template of all
later ones: they go to the same URL with the same headers through the SDK's own HTTP session, and
are signed anew. Forms and XML, the parameters of writes, and every error are written, validated and
read by the SDK's serializer and parser.

For example, the second DescribeRegistry of a region takes the URL, `X-Amz-Target` and
`User-Agent` of the first, has the body `{}`, and is signed with the session of its own account.
The answer to the first need not have come: a hundred calls at once are one of the SDK's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote_plus, urlencode

from botocore.auth import SigV4Auth
from botocore.compat import get_current_datetime
from botocore.credentials import ReadOnlyCredentials
from botocore.parsers import ResponseParserFactory
from botocore.serialize import create_serializer
from botocore.utils import parse_timestamp

from fleet_repl.aws.request import Answer, Call, UnparsedAnswerError
from fleet_repl.aws.sigv4 import Signer

if TYPE_CHECKING:
    from aiobotocore.awsrequest import AioAWSResponse
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.model import ServiceModel

_SERVICES: Final = frozenset({"ecr", "organizations"})
"""Services whose requests are JSON in the body of a POST to one URL."""
_FORMS: Final = frozenset({"AssumeRole", "SimulatePrincipalPolicy"})
"""Operations that are made once for each account, and take a form."""
_OF_ONE_REQUEST: Final = frozenset(
    {
        "authorization",
        "content-length",
        "x-amz-date",
        "x-amz-security-token",
        # The SDK's own account of its retries, which are switched off.
        "amz-sdk-invocation-id",
        "amz-sdk-request",
    }
)
"""Headers that are never repeated."""
_OF_THE_BODY: Final = frozenset(
    {"content-encoding", "content-md5", "date", "x-amz-content-sha256", "x-amz-trailer"}
)
"""Headers of requests that cannot be repeated: only the SDK knows how it makes these."""
_SIGNED: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<headers>[^,]+), "
)

_quoted: Final = lru_cache(maxsize=256)(quote_plus)
"""Nearly all texts of a form are those of the form before, such as a session's policy."""


def _timestamp(text: str) -> object:
    """The time of an answer. ISO 8601, which AWS writes, is read by Python; any other spelling by
    the SDK, which takes ten times as long."""
    with suppress(ValueError):
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time
    return parse_timestamp(text)


_PARSERS: Final = ResponseParserFactory()
_PARSERS.set_parser_defaults(timestamp_parser=_timestamp)


def may_be_repeated(call: Call) -> bool:
    """Returns whether a call is one of those services, or takes a form for each account."""
    return call.service in _SERVICES or call.operation in _FORMS


class HttpSession(Protocol):
    """The SDK's HTTP session."""

    async def send(self, request: object) -> AioAWSResponse: ...


class _Meta(Protocol):
    service_model: ServiceModel


class _Exceptions(Protocol):
    def from_code(self, code: str) -> Callable[[object, str], Exception]: ...


class Client(Protocol):
    """A client of the SDK."""

    meta: _Meta
    exceptions: _Exceptions


@dataclass(slots=True)
class _Request:
    """A request as the SDK's HTTP session takes one."""

    url: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"
    context: dict[str, object] = field(default_factory=dict)
    stream_output: bool = False


def repeated_call(
    session: HttpSession, first: AWSPreparedRequest, client: Client, operation: str
) -> RepeatedCall | None:
    """What repeats `first`, the first request as the SDK has signed it and handed it to its
    `session`; None where the SDK signs in a way that is not known here, or its headers depend on
    the body, so that it has to make all calls of the operation itself."""
    headers = {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in first.headers.items()
    }
    signed = _SIGNED.match(headers.get("Authorization", ""))
    if signed is None or not _OF_THE_BODY.isdisjoint(map(str.lower, headers)):
        return None
    # The signer names the host, which the HTTP session sends by itself.
    headers.setdefault("Host", SigV4Auth(None, "", "").headers_to_sign(first)["host"])
    return RepeatedCall(session, first.url, headers, signed, client, operation)


class RepeatedCall:
    """An operation in a region, after the SDK has made it once."""

    def __init__(
        self,
        session: HttpSession,
        url: str,
        headers: Mapping[str, str],
        signed: re.Match[str],
        client: Client,
        operation: str,
    ) -> None:
        """`headers`: all those of the first request. `signed`: its signature, taken apart."""
        self._session = session
        self._client = client
        self._operation = operation
        self._url = url
        self._headers = {
            name: value for name, value in headers.items() if name.lower() not in _OF_ONE_REQUEST
        }
        covered = signed["headers"].split(";")
        unsigned = frozenset(map(str.lower, self._headers)).difference(covered)
        self._signer = Signer(
            url, self._headers, signed["region"], signed["service"], unsigned=unsigned
        )
        self._model = client.meta.service_model.operation_model(operation)
        protocol = self._model.service_model.resolved_protocol
        self._is_json = protocol == "json"
        self._serializer = create_serializer(protocol, include_validation=self._is_json)
        self._parser = _PARSERS.create_parser(protocol)

    async def send(self, call: Call, credentials: ReadOnlyCredentials) -> Answer:
        """Make one attempt, signed with `credentials`. Raises whatever the SDK raises."""
        body = self._body(call)
        own = self._signer.sign(body, credentials, get_current_datetime())
        response = await self._session.send(_Request(self._url, {**self._headers, **own}, body))
        content: bytes = await response.content
        if self._is_json and response.status_code < 300:
            request_id = response.headers.get("x-amzn-requestid")
            return Answer(body=content, parsed={}, request_id=request_id)
        answer = {"status_code": response.status_code, "headers": response.headers, "body": content}
        try:
            parsed = self._parser.parse(answer, self._model.output_shape)
            code = parsed.get("Error", {}).get("Code")
        except Exception:  # noqa: BLE001 - the SDK's parsers raise anything at a body they do not expect
            raise UnparsedAnswerError(response.status_code) from None
        if response.status_code < 300:
            request_id = parsed["ResponseMetadata"].get("RequestId")
            return Answer(body=content, parsed=parsed, request_id=request_id)
        raise self._client.exceptions.from_code(code)(parsed, self._operation)

    def _body(self, call: Call) -> bytes:
        if self._is_json and not call.writes:
            return json.dumps({**call.parameters}).encode()
        serialized = self._serializer.serialize_to_request({**call.parameters}, self._model)
        if not self._is_json:
            return urlencode(serialized["body"], doseq=True, quote_via=_quoted).encode()
        body: bytes = serialized["body"]
        return body
