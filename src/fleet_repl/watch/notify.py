"""Notifications: a round as JSON, posted to an address that may hold a token.

Only the host of the address is ever shown. A notification that cannot be delivered is logged, and
fails no round.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from fleet_repl._version import __version__
from fleet_repl.engine.retry import Pace
from fleet_repl.reports.log_entry import Log, LogEntry
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import CallError, Fault, FaultKind, FleetError
from fleet_repl.values.names import Secret

_TIMEOUT: Final = 10.0
"""Seconds that an attempt may take."""
_ATTEMPTS: Final = 5
_PATIENCE: Final = 60.0
"""Seconds after which a delivery is no longer retried."""
_BUSY: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """The address that notifications are posted to."""

    url: Secret
    host: str
    """The only part of the address that may be shown."""


def parse_webhook(text: str) -> Webhook:
    """The webhook at an address. Raises FleetError for a text that is no http(s) address."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    else:
        if parts.scheme not in ("http", "https"):
            host = None
    if not host or any(char.isspace() or not char.isprintable() for char in text):
        # The message does not repeat the address: it may hold a token.
        raise FleetError("notifications go to an address that begins with https:// or http://")
    return Webhook(url=Secret(text), host=host)


class Notifier:
    """Posts documents to a webhook."""

    def __init__(
        self,
        webhook: Webhook,
        *,
        log: Log,
        clock: Clock,
        uniform: Callable[[float, float], float],
    ) -> None:
        self._webhook = webhook
        self._log = log
        self._clock = clock
        self._uniform = uniform

    async def post(self, document: JsonObject) -> bool:
        """Deliver a document, with retries; returns whether that succeeded. Logs a failure."""
        body = json.dumps(document).encode()
        pace = Pace(
            attempts=_ATTEMPTS,
            timeout=_TIMEOUT,
            deadline=self._clock.monotonic() + _PATIENCE,
            clock=self._clock,
            uniform=self._uniform,
            first_delay=1,
            longest_delay=_PATIENCE / 4,
        )
        try:
            await pace.retry(lambda: pace.attempt("notify", lambda: self._send(body)))
        except CallError as error:
            host = self._webhook.host
            message = f"the notification to {host} was not delivered: {error.fault.message}"
            fields = {"host": host}
            entry = LogEntry(level="warning", event="notify-failed", message=message, fields=fields)
            self._log(entry)
            return False
        return True

    async def _send(self, body: bytes) -> None:
        # Imported only by watches with a webhook: it takes time.
        import aiohttp  # noqa: PLC0415

        headers = {"Content-Type": "application/json", "User-Agent": f"fleet-repl/{__version__}"}
        try:
            async with (
                aiohttp.ClientSession(trust_env=True) as session,
                # A redirect could send the token to another host.
                session.post(
                    self._webhook.url.reveal(), data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                status = response.status
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The texts of these errors repeat the address.
            raise _failure(FaultKind.NETWORK, _reason(error), transient=True) from None
        if status // 100 != 2:
            transient = status >= 500 or status in _BUSY
            raise _failure(FaultKind.SERVICE, _answer(status), transient=transient)


def _answer(status: int) -> str:
    if status // 100 == 3:
        return f"it answered {status}, a redirect, which is not followed"
    return f"it answered {status}"


def _reason(error: Exception) -> str:
    os_error = getattr(error, "os_error", error)
    reason = os_error.strerror if isinstance(os_error, OSError) else None
    return reason or type(error).__name__


def _failure(kind: FaultKind, message: str, *, transient: bool) -> CallError:
    fault = Fault(kind=kind, operation="notify", message=message)
    return CallError(fault, transient=transient)
