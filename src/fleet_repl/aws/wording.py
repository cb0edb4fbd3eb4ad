"""Texts from outside made fit to be shown: no secrets, no control characters, not too long."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 300
"""Characters of a message that are kept."""
HIDDEN: Final = "***"

_ACCESS_KEY: Final = re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}\b")
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/=_%-]{100,}")
"""Session tokens come as one run of a hundred characters and more; no name is that long."""
_NAMED: Final = re.compile(
    r"(?i)(signature=|secret[_-]?access[_-]?key\W{1,5}|session[_-]?token\W{1,5})[\w/+=%-]{16,}"
)


def clean(text: str, hidden: Iterable[str] = ()) -> str:
    """`text` on one line and cut short, without `hidden`, access keys, tokens and signatures."""
    for secret in sorted(set(hidden), key=len, reverse=True):
        if secret:
            text = text.replace(secret, HIDDEN)
    text = _ACCESS_KEY.sub(HIDDEN, text)
    text = _TOKEN.sub(HIDDEN, text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    text = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
