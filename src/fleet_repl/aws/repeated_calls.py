"""Calls that are made over and over: the SDK makes the first call, and the others repeat its
request.

The SDK spends more time on a call than the network does: it validates, resolves the endpoint, emits
a dozen events and builds header objects, with the same result each time. A read of ECR or
Organizations, an AssumeRole or a question to IAM differs from the one before only in its body and
its signature. So the first request of an operation, as the SDK has sent it, is the template of all
later ones: they go to the same URL with the same headers through the SDK's own HTTP session, signed
by the SDK's own signer. Forms and XML, and every error, are written and read by the SDK's
serializer and parser. Writes always go through the whole SDK.

For example, the second DescribeRegistry of a region takes the URL, `X-Amz-Target` and
`User-Agent` of the first, has the body `{}`, and is signed with the session of its own account.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.credentials import ReadOnlyCredentials
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from fleet_repl.aws.request import Answer, Call, UnparsedAnswerError

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
_SIGNED: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<headers>[^,]+), "
)


def may_be_repeated(call: Call) -> bool:
    """Whether a call is a read of one of those services, or takes a form for each account."""
    return (call.service in _SERVICES and not call.writes) or call.operation in _FORMS


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
    """A request as the SDK's signer and its HTTP session take one."""

    url: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"
    context: dict[str, object] = field(default_factory=dict)
    params: None = None
    stream_output: bool = False


class PlainSigner(SigV4Auth):  # type: ignore[misc]  # the SDK has no types
    """The SDK's signer, for headers in a plain dict with one value each: the same signature,
    without the header objects of the email package."""

    def __init__(
        self,
        credentials: ReadOnlyCredentials,
        service: str,
        region: str,
        *,
        unsigned: frozenset[str] = frozenset(),
    ) -> None:
        """`unsigned`: the names, in lower case, of headers that the signature does not cover."""
        super().__init__(credentials, service, region)
        self._unsigned = unsigned

    def headers_to_sign(self, request: _Request) -> dict[str, str]:
        """The headers that the signature covers, by their names in lower case."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        return {name: headers[name] for name in sorted(headers.keys() - self._unsigned)}

    def canonical_headers(self, headers_to_sign: Mapping[str, str]) -> str:
        """One line for each of these headers."""
        return "\n".join(
            f"{name}:{' '.join(value.split())}" for name, value in headers_to_sign.items()
        )

    def signed_headers(self, headers_to_sign: Mapping[str, str]) -> str:
        """The names of these headers."""
        return ";".join(headers_to_sign)


def repeated_call(
    session: HttpSession, first: AWSPreparedRequest, client: Client, operation: str
) -> RepeatedCall | None:
    """What repeats `first`, the first request as the SDK has signed it and handed it to its
    `session`; None where the SDK signs in a way that is not known here, and has to make all calls
    of the operation itself."""
    headers = {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in first.headers.items()
    }
    signed = _SIGNED.match(headers.get("Authorization", ""))
    if signed is None:
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
        self._region, self._service = signed["region"], signed["service"]
        self._headers = {
            name: value for name, value in headers.items() if name.lower() not in _OF_ONE_REQUEST
        }
        covered = signed["headers"].split(";")
        self._unsigned = frozenset(map(str.lower, self._headers)).difference(covered)
        self._model = client.meta.service_model.operation_model(operation)
        protocol = self._model.service_model.resolved_protocol
        self._is_json = protocol == "json"
        self._serializer = create_serializer(protocol, include_validation=False)
        self._parser = create_parser(protocol)

    async def send(self, call: Call, credentials: ReadOnlyCredentials) -> Answer:
        """Make one attempt, signed with `credentials`. Raises whatever the SDK raises."""
        request = _Request(self._url, {**self._headers}, self._body(call))
        signer = PlainSigner(credentials, self._service, self._region, unsigned=self._unsigned)
        signer.add_auth(request)
        response = await self._session.send(request)
        content: bytes = await response.content
        if self._is_json and response.status_code < 300:
            request_id = response.headers.get("x-amzn-requestid")
            return Answer(body=content, parsed={}, request_id=request_id)
        answer = {
            "status_code": response.status_code,
            "headers": response.headers,
            "body": content,
        }
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
        if self._is_json:
            return json.dumps({**call.parameters}).encode()
        serialized = self._serializer.serialize_to_request(call.parameters, self._model)
        return urlencode(serialized["body"], doseq=True).encode()
