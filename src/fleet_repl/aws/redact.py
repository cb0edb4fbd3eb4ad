"""Texts from outside made fit to be shown: no secrets, no control characters, not too long.

A secret is found however it is spelled: in another case, percent-encoded, escaped for JSON or
HTML, in base64, alone or within a longer text. For example, with the secret `ext/ernal-1`, each of
`ext%2Fernal-1`, `EXT&#47;ERNAL-1` and `ZXh0L2VybmFsLTE=` becomes `***`.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final
from urllib.parse import unquote

LONGEST: Final = 500
"""Characters of a message that are kept."""
HIDDEN: Final = "***"

SHORT: Final = 8
"""A secret of fewer characters may be part of an ordinary word."""

_READ: Final = 20_000
"""Characters that are searched for secrets: those after them are not shown in any case."""
_ROUNDS: Final = 6
"""The number of encodings, one within the other, that are undone."""
_WORD: Final = re.compile(r"""[^\s"'<>{}()\[\]|]+""")
"""A run of characters that an encoded secret cannot reach beyond."""
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_BACKSLASH: Final = re.compile(r"\\(?!u)")
_ENCODED: Final = re.compile(r"[\\%&]")
"""The characters of which each of these encodings needs at least one."""
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A request id of AWS, as every answer has: no encoded secret looks like that."""
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_STANDARD: Final = str.maketrans("-_", "+/")

_ACCESS_KEY: Final = re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}\b")
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/=_%-]{100,}")
"""A session token is a run of a hundred characters or more; no name is that long."""
_NAMED: Final = re.compile(
    r"(?i)(signature=|secret[_-]?access[_-]?key\W{1,5}|session[_-]?token\W{1,5})[\w/+=%-]{16,}"
)
_LOGIN: Final = re.compile(
    r"""(?<=://)[^\s"']{1,300}(?=@)|(?<![\w/.@-])[\w.%-]{1,100}:[^\s/"'@]{1,300}(?=@(?!sha256:))"""
)
"""The login in an address such as `http://user:password@proxy:8080`, also without `http://`: error
messages repeat addresses that are malformed. That of an image, `base:1@sha256:…`, has none."""
_CREDENTIAL: Final = re.compile(
    r"(?i)((?:pass|secret|token|api[_-]?key|authorization|cookie|assertion|saml)"
    r"[\w-]{0,40}[\"']?\s*[:=]\s*[\"']?(?:bearer\s+|basic\s+)?|\bbearer\s+)(?=[^\s\"',;]*\d|[^\s\"',;]{8})[^\s\"',;]+"
)
_SECRET_KEY: Final = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])")
"""A secret access key has forty characters."""
_SECRET_VARIABLE: Final = re.compile(
    r"(?i)(?:SECRET|TOKEN|PASSW|PASSPHRASE|_KEY)(?!.*_(?:FILE|URI)$)"
)


def clean(text: str, hidden: Iterable[str] = ()) -> str:
    """`text` on one line and cut short, without `hidden`, access keys, tokens and signatures."""
    text = text[:_READ]
    secrets = sorted(filter(None, set(hidden)), key=len, reverse=True)
    for secret in secrets:
        if secret.lower() in text.lower():
            text = _spelled(secret).sub(HIDDEN, text)
    if secrets and _UUID.fullmatch(text) is None:
        text = _WORD.sub(lambda word: HIDDEN if _hides(word[0], secrets) else word[0], text)
    text = _LOGIN.sub(HIDDEN, text)
    text = _ACCESS_KEY.sub(HIDDEN, text)
    text = _TOKEN.sub(HIDDEN, text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def clean_source(text: str, environ: Mapping[str, str], hidden: Iterable[str] = ()) -> str:
    """Returns the message of a source of credentials, such as a helper's stderr, without secrets
    and control characters.

    Its secrets are not known here, so everything that looks like a secret, or is the value of a
    secret variable in `environ`, is hidden too.
    """
    text = _CREDENTIAL.sub(rf"\1{HIDDEN}", text[:_READ])
    variables = (
        value
        for name, value in environ.items()
        if _SECRET_VARIABLE.search(name) and len(value) >= SHORT
    )
    return clean(_SECRET_KEY.sub(HIDDEN, text), (*hidden, *variables))


def _spelled(secret: str) -> re.Pattern[str]:
    """The pattern of a secret: a short one only as a whole word, as it may be part of others."""
    text = re.escape(secret)
    whole = text if len(secret) >= SHORT else rf"(?<!\w){text}(?!\w)"
    return re.compile(whole, re.IGNORECASE)


def _hides(word: str, secrets: Collection[str], rounds: int = 3) -> bool:
    """Returns whether a word holds one of the secrets in an encoded spelling."""
    decoded = _decoded(word)
    if decoded != word and any(_spelled(secret).search(decoded) for secret in secrets):
        return True
    long = [secret for secret in secrets if len(secret) >= SHORT]
    if not long:
        return False
    # A run that is too short for every secret need not be unpacked.
    least = min(map(len, long))
    runs = (run for run in _BASE64.findall(decoded) if 3 * len(run) >= 4 * least)
    texts = [text for run in runs for text in _unpacked(run)]
    if any(secret.lower() in text.lower() for text in texts for secret in long):
        return True
    return rounds > 1 and any(_hides(text, long, rounds - 1) for text in texts)


def _decoded(word: str) -> str:
    for _ in range(_ROUNDS):
        if _ENCODED.search(word) is None:
            break
        plain = _BACKSLASH.sub("", _ESCAPED.sub(lambda code: chr(int(code[1], 16)), word))
        plain = unquote(html.unescape(plain))
        if plain == word:
            break
        word = plain
    return word


def _unpacked(run: str) -> Iterable[str]:
    """The contents of a run of base64 characters, by each of four beginnings."""
    for start in range(4):
        digits = run[start:].translate(_STANDARD)
        digits = digits[: len(digits) - (len(digits) % 4 == 1)]
        yield base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("latin-1")
