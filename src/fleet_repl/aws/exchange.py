"""The call that the running task is making: its credentials, and what went out and came back."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from botocore.credentials import ReadOnlyCredentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.awsrequest import AWSPreparedRequest

    from fleet_repl.aws.repeated_calls import HttpSession


class Exchange:
    """One call of the SDK's client."""

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
