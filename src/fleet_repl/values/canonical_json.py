"""Canonical JSON: equal values have one text and one digest; and a strict parser of JSON texts.

Key order and white space never change a digest; the order of a list does, so a document sorts
every list that has no order of its own.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from sys import intern
from typing import Final, NoReturn, TypeAlias, cast

from fleet_repl.values.names import ACCOUNT_ID

_PRINCIPALS: Final = frozenset({"Principal", "NotPrincipal"})
_SPELLED: Final = frozenset(
    {*_PRINCIPALS, "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
"""Members of a statement whose lists are sets."""
_SHORT: Final = 32
"""The most characters of a text that is kept once: the ARN of an account's root has 31."""
_ROOT_ARN: Final = re.compile(rf"\Aarn:aws[a-z-]*:iam::({ACCOUNT_ID}):root\Z")

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]


class RepeatedKeyError(ValueError):
    """An object in a JSON text names a key twice."""


def parse_json(text: str | bytes) -> Json:
    """The value of a JSON text from outside.

    Raises RepeatedKeyError for an object, at any depth, that names a key twice: a parser that
    silently takes the last of the two loses content, and writing the document back would lose it
    for good. Raises ValueError for any other text that is no JSON, and for JSON that could not be
    written and read again: NaN, Infinity, numbers as large as that, unescaped halves of surrogate
    pairs, and nesting that is too deep.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text))
    elif not text.isascii():
        text.encode()
    try:
        return cast("Json", _DECODER.decode(text))
    except RecursionError:
        raise ValueError("lists or objects are nested too deeply") from None


def _unrepeated(members: list[tuple[str, Json]]) -> JsonObject:
    # The documents of a fleet repeat few keys, account ids, regions and actions: each is kept once.
    document: dict[str, Json] = {}
    for key, value in members:
        if isinstance(value, str) and len(value) <= _SHORT:
            document[intern(key)] = intern(value)
        else:
            document[intern(key)] = _with_items_kept_once(value)
    if len(document) != len(members):
        (key, _), *_ = Counter(key for key, _ in members).most_common(1)
        raise RepeatedKeyError(f"an object names the key {json.dumps(key[:60])} twice")
    return document


def _with_items_kept_once(value: Json) -> Json:
    if not isinstance(value, list):
        return value
    return [
        intern(item) if isinstance(item, str) and len(item) <= _SHORT else item for item in value
    ]


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:60]} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unrepeated, parse_float=_finite, parse_constant=_no_number
)


# `json.dumps` would make an encoder for each text.
_COMPACT: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical_json(value: Json) -> str:
    """The shortest JSON text of `value`, keys sorted, non-ASCII kept."""
    return _CANONICAL.encode(value)


def compact_json(value: Json) -> str:
    """The shortest JSON text of `value` with the keys in the order given."""
    return _COMPACT.encode(value)


def unordered(value: Json) -> Json:
    """A value of a policy in one spelling: a list of one item is that item, and lists are sorted.

    Policies mean the same either way: the statements of IAM's policies are a set, and the rules of
    lifecycle policies are ordered by their priority.
    """
    if isinstance(value, Mapping):
        return {key: unordered(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        if len(value) == 1:
            return unordered(value[0])
        return sorted(map(unordered, value), key=canonical_json)
    return value


def policy_meaning(value: Json) -> Json:
    """A policy, or one of its statements, in one spelling: equal where IAM sees no difference.

    Besides `unordered`: the ARN of an account's root becomes the account's id, repeated items of a
    list are dropped, and the values of a condition become texts. For example,
    `{"Action": ["a", "a"], "Principal": {"AWS": ["arn:aws:iam::111111111111:root"]}}` becomes
    `{"Action": "a", "Principal": {"AWS": "111111111111"}}`.
    """
    return unordered(_spelled(value))


def _spelled(value: Json, within: str = "") -> Json:
    """The value in one spelling. `within`: the member of the statement that it is part of."""
    if isinstance(value, Mapping):
        return {
            key: _spelled(member, key if key in _SPELLED else within)
            for key, member in value.items()
        }
    if isinstance(value, list | tuple):
        items = [_spelled(item, within) for item in value]
        return list({canonical_json(item): item for item in items}.values()) if within else items
    if within == "Condition" and isinstance(value, bool | int | float):
        return json.dumps(value)
    if within in _PRINCIPALS and isinstance(value, str):
        return _ROOT_ARN.sub(r"\1", value)
    return value


def digest(value: Json) -> str:
    """`sha256:` and the hex digest of the canonical text."""
    return "sha256:" + hashlib.sha256(_bytes(canonical_json(value))).hexdigest()


def short_digest(value: Json) -> str:
    """The first 16 hex digits of the digest."""
    return digest(value).removeprefix("sha256:")[:16]


def short_hash(text: str) -> str:
    """The first 8 hex digits of the SHA-256 of `text`."""
    return hashlib.sha256(_bytes(text)).hexdigest()[:8]


def _bytes(text: str) -> bytes:
    # JSON may escape half of a surrogate pair, which is no valid UTF-8 but needs a digest too.
    return text.encode("utf-8", "surrogatepass")
