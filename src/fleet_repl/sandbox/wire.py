"""Bytes of answers as AWS writes them: XML for STS, IAM, EC2 and CloudFormation, else JSON."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Final

from fleet_repl.sandbox.aws_errors import AwsError, Service
from fleet_repl.sandbox.sts import Result
from fleet_repl.values.canonical_json import JsonObject

_JSON: Final = "application/x-amz-json-1.1"
_OLDER: Final = "application/x-amz-json-1.0"
_XML: Final = "text/xml"
_XMLNS: Final = {
    Service.CLOUDFORMATION: "http://cloudformation.amazonaws.com/doc/2010-05-15/",
    Service.EC2: "http://ec2.amazonaws.com/doc/2016-11-15/",
    Service.IAM: "https://iam.amazonaws.com/doc/2010-05-08/",
    Service.STS: "https://sts.amazonaws.com/doc/2011-06-15/",
}
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
    error: str | None = None
    """The error's code, for protocols that have it in a header as well."""


def json_reply(service: Service, members: JsonObject, request_id: str) -> Reply:
    # Escaped ASCII, because texts of a request may hold characters that UTF-8 cannot encode.
    body = json.dumps(members, separators=(",", ":")).encode()
    return Reply(content_type=_json_type(service), body=body, request_id=request_id)


def xml_reply(service: Service, operation: str, result: Result, request_id: str) -> Reply:
    if service is Service.EC2:
        inner = f"<requestId>{request_id}</requestId>{_xml(result, 'item')}"
    else:
        inner = (
            f"<{operation}Result>{_xml(result)}</{operation}Result>"
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        )
    body = f'<{operation}Response xmlns="{_XMLNS[service]}">{inner}</{operation}Response>'
    return Reply(content_type=_XML, body=body.encode(), request_id=request_id)


def error_reply(service: Service, error: AwsError, request_id: str) -> Reply:
    if service.speaks_json:
        body, content_type = _json_error(error), _json_type(service)
    else:
        body, content_type = _xml_error(service, error, request_id), _XML
    return Reply(
        status=error.status,
        content_type=content_type,
        body=body.encode(),
        request_id=request_id,
        error=error.code if service in (Service.ACCOUNT, Service.LAMBDA) else None,
    )


def garbage_reply() -> Reply:
    """Returns the answer of a proxy or captive portal in AWS's place."""
    return Reply(content_type="text/html", body=_GARBAGE, request_id=None)


def _json_type(service: Service) -> str:
    return _OLDER if service is Service.SQS else _JSON


def _json_error(error: AwsError) -> str:
    message = {"message": error.message} if error.message else {}
    return json.dumps({"__type": error.code, **message}, separators=(",", ":"))


def _xml_error(service: Service, error: AwsError, request_id: str) -> str:
    if service is Service.EC2:
        members: Result = {"Code": error.code, "Message": error.message}
        return (
            f"<Response><Errors><Error>{_xml(members)}</Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    side = "Receiver" if error.status >= 500 else "Sender"
    members = {"Type": side, "Code": error.code, "Message": error.message}
    return (
        f'<ErrorResponse xmlns="{_XMLNS[service]}"><Error>{_xml(members)}</Error>'
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def _xml(value: Result | list[Result] | str, item: str = "member") -> str:
    """Returns a value as XML; `item` is the name of the items of lists."""
    if isinstance(value, str):
        return html.escape(value, quote=False)
    if isinstance(value, list):
        return "".join(f"<{item}>{_xml(inner, item)}</{item}>" for inner in value)
    return "".join(f"<{name}>{_xml(inner, item)}</{name}>" for name, inner in value.items())
