"""Texts from outside made fit to be shown: no secrets, no control characters, not too long."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 300
"""Characters of a message that are kept."""
HIDDEN: Final = "***"

SHORT: Final = 8
"""A secret of fewer characters may be part of an ordinary word."""

_ACCESS_KEY: Final = re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}\b")
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/=_%-]{100,}")
"""Session tokens come as one run of a hundred characters and more; no name is that long."""
_NAMED: Final = re.compile(
    r"(?i)(signature=|secret[_-]?access[_-]?key\W{1,5}|session[_-]?token\W{1,5})[\w/+=%-]{16,}"
)


def _spelled(secret: str) -> re.Pattern[str]:
    """Where a secret stands: a short one only as a word, or every message would be stars."""
    text = re.escape(secret)
    return re.compile(text if len(secret) >= SHORT else rf"(?<!\w){text}(?!\w)")


def clean(text: str, hidden: Iterable[str] = ()) -> str:
    """`text` on one line and cut short, without `hidden`, access keys, tokens and signatures."""
    for secret in sorted(filter(None, set(hidden)), key=len, reverse=True):
        text = _spelled(secret).sub(HIDDEN, text)
    text = _ACCESS_KEY.sub(HIDDEN, text)
    text = _TOKEN.sub(HIDDEN, text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    text = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
