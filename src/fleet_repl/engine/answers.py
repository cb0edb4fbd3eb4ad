"""Answers of AWS as values: what a call has returned, or the fault with which it has failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from fleet_repl.values.errors import CallError, Fault, unforeseen

T = TypeVar("T")

GONE: Final = frozenset({"ImageNotFoundException", "RepositoryNotFoundException"})
"""The codes for an image or repository that has been deleted since it was listed: no failure."""


async def answer_of(operation: str, call: Awaitable[T]) -> T | Fault:
    """Returns the answer of a call, or its fault. Only a cancellation passes through."""
    try:
        return await call
    except CallError as error:
        return error.fault
    except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
        return unforeseen(operation, error)


async def asked_again(read: Callable[[], Awaitable[T]]) -> T:
    """Returns the answer of a read, asked for again if its failure is transient: AWS may refuse a
    fresh session once. Raises CallError."""
    try:
        return await read()
    except CallError as error:
        if not error.transient:
            raise
    return await read()
