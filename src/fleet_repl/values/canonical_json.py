"""Canonical JSON: one text and one digest for one meaning, and one reading of texts from outside.

Key order and white space never matter to a digest here; the order of lists does, so
whoever builds a document sorts what has no order of its own.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn, TypeAlias, cast

from fleet_repl.values.names import ACCOUNT_ID

_PRINCIPALS: Final = frozenset({"Principal", "NotPrincipal"})
_SPELLED: Final = frozenset(
    {*_PRINCIPALS, "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
"""Members of a statement whose lists are sets."""
_ROOT_ARN: Final = re.compile(rf"\Aarn:aws[a-z-]*:iam::({ACCOUNT_ID}):root\Z")

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]


class RepeatedKeyError(ValueError):
    """A JSON text in which an object names a key twice."""


def parse_json(text: str | bytes) -> Json:
    """The value of a JSON text from outside.

    An object that names a key twice is refused at any depth: a parser that silently takes the
    last of the two loses content, and a document written back without it loses it for good.
    Raises RepeatedKeyError then, and ValueError for whatever else is no JSON, or cannot be written
    so that the same is read again: NaN, Infinity and numbers that are as large, halves of surrogate
    pairs that are not escaped, and what is nested too deeply to be read.
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
    found = dict(members)
    if len(found) != len(members):
        (key, _), *_ = Counter(key for key, _ in members).most_common(1)
        raise RepeatedKeyError(f"an object names the key {json.dumps(key[:60])} twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:60]} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unrepeated, parse_float=_finite, parse_constant=_no_number
)


def canonical_json(value: Json) -> str:
    """The shortest JSON text of `value`, keys sorted, non-ASCII kept."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def compact_json(value: Json) -> str:
    """The shortest JSON text of `value` with the keys in the order given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def unordered(value: Json) -> Json:
    """A policy's value in one spelling: a list of one is its item, and lists have no order.

    So it is in IAM's policies, whose statements are a set, and in lifecycle policies, whose rules
    go by their priority.
    """
    if isinstance(value, Mapping):
        return {key: unordered(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        if len(value) == 1:
            return unordered(value[0])
        return sorted((unordered(one) for one in value), key=canonical_json)
    return value


def policy_meaning(value: Json) -> Json:
    """A policy, or one of its statements, in one spelling: equal where IAM sees no difference.

    Beside `unordered`, an account may be named by its id or by the ARN of its root, nothing is
    meant twice by being listed twice, and a condition's values are texts.
    """
    return unordered(_spelled(value))


def _spelled(value: Json, within: str = "") -> Json:
    if isinstance(value, Mapping):
        return {
            key: _spelled(one, key if key in _SPELLED else within) for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        items = [_spelled(one, within) for one in value]
        return list({canonical_json(one): one for one in items}.values()) if within else items
    if within == "Condition" and isinstance(value, bool | int | float):
        return json.dumps(value)
    if within in _PRINCIPALS and isinstance(value, str):
        return _ROOT_ARN.sub(r"\1", value)
    return value


def digest(value: Json) -> str:
    """`sha256:` and the hex digest of the canonical text."""
    return "sha256:" + hashlib.sha256(_bytes(canonical_json(value))).hexdigest()


def short_hash(text: str) -> str:
    """The first 8 hex digits of the SHA-256 of `text`."""
    return hashlib.sha256(_bytes(text)).hexdigest()[:8]


def _bytes(text: str) -> bytes:
    # JSON may spell half of a surrogate pair, which is no valid UTF-8 but has a digest too.
    return text.encode("utf-8", "surrogatepass")
