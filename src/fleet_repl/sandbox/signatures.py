"""Signature Version 4: finds the key that signed a request, and checks the signature.

Region and service are taken from the credential scope, because everything is on one endpoint.
The signing time is not compared with a clock: clients sign by the wall clock, while a sandbox may
run on another clock.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fleet_repl.sandbox.aws_errors import Common, Service, common
from fleet_repl.sandbox.keys import AccessKey, Keyring
from fleet_repl.values.names import Region

_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)"
    r"/(?P<service>[^/,\s]+)/aws4_request,\s*SignedHeaders=(?P<headers>[^,\s]+),"
    r"\s*Signature=(?P<signature>[0-9a-f]{64})\s*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request as it was sent."""

    method: str
    path: str
    """Still percent-encoded, without the query."""
    query: str
    headers: Mapping[str, str]
    """Names in lower case; values of a repeated header joined by commas."""
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The content of an Authorization header."""

    key_id: str
    date: str
    region: Region
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def claim_of(request: Request) -> Claim | None:
    """Returns the claim of a request, or None where the header is absent or malformed."""
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        return None
    return Claim(
        key_id=match["key"],
        date=match["date"],
        region=Region(match["region"]),
        service=match["service"],
        signed_headers=tuple(match["headers"].split(";")),
        signature=match["signature"],
    )


def verified(request: Request, claim: Claim, service: Service, keyring: Keyring) -> AccessKey:
    """Returns the key that signed the request.

    Raises AwsError, as AWS does, for a key that was not issued here, a session token that is not
    the key's, or a signature made with another secret or over another request.
    """
    key = keyring.find(claim.key_id)
    token = request.headers.get("x-amz-security-token")
    if key is None or not hmac.compare_digest((key.token or "").encode(), (token or "").encode()):
        raise common(service, Common.UNKNOWN_KEY)
    signed_at = request.headers.get("x-amz-date", "")
    if not signed_at.startswith(claim.date):
        raise common(
            service,
            Common.WRONG_SIGNATURE,
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
            f"from HTTP: '{claim.date}' != '{signed_at[:8]}'.",
        )
    required = {"host", "x-amz-date"} | ({"x-amz-security-token"} if token else set())
    if missing := required.difference(claim.signed_headers):
        raise common(
            service,
            Common.WRONG_SIGNATURE,
            f"'{min(missing)}' must be a 'SignedHeader' in the AWS Authorization.",
        )
    expected = _signature(request, claim, signed_at, key)
    if not hmac.compare_digest(expected, claim.signature):
        raise common(service, Common.WRONG_SIGNATURE)
    return key


def _signature(request: Request, claim: Claim, signed_at: str, key: AccessKey) -> str:
    scope = f"{claim.date}/{claim.region}/{claim.service}/aws4_request"
    canonical = hashlib.sha256(_canonical_request(request, claim).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{signed_at}\n{scope}\n{canonical}"
    signing_key = key.signing_key(claim.date, claim.region, claim.service)
    return hmac.digest(signing_key, text.encode(), "sha256").hex()


def _canonical_request(request: Request, claim: Claim) -> str:
    headers = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n"
        for name in claim.signed_headers
    )
    query = "&".join(sorted(request.query.split("&")))
    payload = hashlib.sha256(request.body).hexdigest()
    names = ";".join(claim.signed_headers)
    return f"{request.method}\n{request.path}\n{query}\n{headers}\n{names}\n{payload}"
