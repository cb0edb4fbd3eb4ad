"""Bytes of answers, exactly as AWS writes them: JSON 1.1 for ECR, query XML for STS."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fleet_repl.sandbox.aws_errors import AwsError, Service
from fleet_repl.sandbox.sts import Result
from fleet_repl.values.canonical_json import JsonObject

_JSON: Final = "application/x-amz-json-1.1"
_XML: Final = "text/xml"
_XMLNS: Final = "https://sts.amazonaws.com/doc/2011-06-15/"
_GARBAGE: Final = (
    b"<!DOCTYPE html><html><head><title>Welcome</title></head>"
    b"<body><p>Please sign in to use this network.</p></body></html>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer."""

    status: int = 200
    content_type: str
    body: bytes
    request_id: str | None
    """None where the answer is not from AWS."""


def json_reply(members: JsonObject, request_id: str) -> Reply:
    # Escaped ASCII, because texts of a request may hold characters that UTF-8 cannot encode.
    body = json.dumps(members, separators=(",", ":")).encode()
    return Reply(content_type=_JSON, body=body, request_id=request_id)


def xml_reply(operation: str, result: Result, request_id: str) -> Reply:
    body = (
        f'<{operation}Response xmlns="{_XMLNS}"><{operation}Result>{_xml(result)}'
        f"</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId>"
        f"</ResponseMetadata></{operation}Response>"
    )
    return Reply(content_type=_XML, body=body.encode(), request_id=request_id)


def error_reply(service: Service, error: AwsError, request_id: str) -> Reply:
    if service is Service.ECR:
        body, content_type = _json_error(error), _JSON
    else:
        body, content_type = _xml_error(error, request_id), _XML
    return Reply(
        status=error.status, content_type=content_type, body=body.encode(), request_id=request_id
    )


def garbage_reply() -> Reply:
    """Returns the answer of a proxy or captive portal in AWS's place."""
    return Reply(content_type="text/html", body=_GARBAGE, request_id=None)


def _json_error(error: AwsError) -> str:
    message = {"message": error.message} if error.message else {}
    return json.dumps({"__type": error.code, **message}, separators=(",", ":"))


def _xml_error(error: AwsError, request_id: str) -> str:
    side = "Receiver" if error.status >= 500 else "Sender"
    members = {"Type": side, "Code": error.code, "Message": error.message}
    return (
        f'<ErrorResponse xmlns="{_XMLNS}"><Error>{_xml(members)}</Error>'
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def _xml(value: Result | str) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(inner)}</{name}>" for name, inner in value.items())
    return html.escape(value, quote=False)
