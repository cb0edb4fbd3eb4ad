"""Notices: what the reader should know about the routes and what stops nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something about the routes that the reader should know and that stops nothing."""

    kind: str
    message: str
