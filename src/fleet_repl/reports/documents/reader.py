"""Members of JSON documents from outside, taken out one by one and checked.

Everything is strict: a member too many, too few or of another kind is told with its path.
Hand-written, because a plan of a hundred thousand registries is read in seconds so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar, cast

from fleet_repl.values.canonical_json import Json, JsonObject, parse_json
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry, is_account_id, is_region
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes

_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z", re.ASCII
)
_FAULT: Final = frozenset({"kind", "operation", "code", "message", "request_id", "hint"})

_T = TypeVar("_T")
_Choice = TypeVar("_Choice", bound=StrEnum)


class MalformedError(ValueError):
    """A document that says something else than it has to; `path` says where."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}" if path else reason)

    def below(self, place: str) -> MalformedError:
        """The same, seen from further out."""
        inner = self.path if not self.path or self.path.startswith("[") else f".{self.path}"
        return MalformedError(f"{place}{inner}", self.reason)


def parsed(content: bytes) -> JsonObject:
    """A JSON text that is an object. Raises MalformedError."""
    try:
        found = parse_json(content)
    except ValueError as error:
        raise MalformedError("", f"it is no JSON: {error}") from None
    return as_object(found)


def as_object(
    value: Json,
    *,
    keys: frozenset[str] | None = None,
    optional: frozenset[str] = frozenset(),
) -> JsonObject:
    """An object, with exactly these members if `keys` are given; it may lack `optional` ones."""
    # JSON that was read is made of dicts; the check of the abstract class is far slower.
    if not isinstance(value, dict):
        raise MalformedError("", f"an object is needed, not {_shown(value)}")
    if keys is not None and value.keys() != keys:
        for key in sorted(value.keys() - keys):
            raise MalformedError(_told(key), "this version does not know this member")
        for key in sorted(keys - value.keys() - optional):
            raise MalformedError(key, "it is missing")
    return value


def text(holder: JsonObject, key: str) -> str:
    value = _member(holder, key)
    if not isinstance(value, str):
        raise _wrong(key, "a text", value)
    return value


def optional_text(holder: JsonObject, key: str) -> str | None:
    return None if _member(holder, key) is None else text(holder, key)


def number(holder: JsonObject, key: str) -> int:
    value = _member(holder, key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _wrong(key, "a count", value)
    return value


def optional_number(holder: JsonObject, key: str) -> int | None:
    return None if _member(holder, key) is None else number(holder, key)


def truth(holder: JsonObject, key: str) -> bool:
    value = _member(holder, key)
    if not isinstance(value, bool):
        raise _wrong(key, "true or false", value)
    return value


def moment(holder: JsonObject, key: str) -> datetime:
    """A date and time in UTC, to the second or the millisecond."""
    value = _member(holder, key)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise _wrong(key, "a time such as 2026-11-23T08:00:00Z", value)


def optional_moment(holder: JsonObject, key: str) -> datetime | None:
    return None if _member(holder, key) is None else moment(holder, key)


def choice(holder: JsonObject, key: str, choices: type[_Choice]) -> _Choice:
    """One word of a list of words."""
    value = _member(holder, key)
    if isinstance(value, str):
        try:
            return choices(value)
        except ValueError:
            pass
    raise _wrong(key, f"one of {', '.join(choices)}", value)


def document(holder: JsonObject, key: str) -> JsonObject | None:
    """An AWS document as it is, or None."""
    value = _member(holder, key)
    if value is None or isinstance(value, dict):
        return value
    raise _wrong(key, "an object or null", value)


def named(holder: JsonObject, key: str) -> Registry:
    """A registry by its name."""
    try:
        return registry(_member(holder, key))
    except MalformedError as error:
        raise error.below(key) from None


def inner(holder: JsonObject, key: str, read: Callable[[JsonObject], _T]) -> _T:
    """An object that `read` understands."""
    value = _member(holder, key)
    try:
        return read(as_object(value))
    except MalformedError as error:
        raise error.below(key) from None


def optional_inner(holder: JsonObject, key: str, read: Callable[[JsonObject], _T]) -> _T | None:
    return None if _member(holder, key) is None else inner(holder, key, read)


def each(holder: JsonObject, key: str, read: Callable[[Json], _T]) -> tuple[_T, ...]:
    """Every item of a list."""
    value = _member(holder, key)
    if not isinstance(value, list):
        raise _wrong(key, "a list", value)
    found: list[_T] = []
    try:
        for item in value:
            found.append(read(item))  # noqa: PERF401 - its length tells which item was wrong
    except MalformedError as error:
        raise error.below(f"{key}[{len(found)}]") from None
    return tuple(found)


def mapping(holder: JsonObject, key: str) -> Mapping[str, Json]:
    """An object whose keys are names."""
    value = _member(holder, key)
    if not isinstance(value, dict):
        raise _wrong(key, "an object", value)
    return cast("Mapping[str, Json]", value)


def texts(holder: JsonObject, key: str) -> tuple[str, ...]:
    """A list of texts."""
    value = _member(holder, key)
    if not isinstance(value, list):
        raise _wrong(key, "a list", value)
    for nth, item in enumerate(value):
        if not isinstance(item, str):
            raise _wrong(f"{key}[{nth}]", "a text", item)
    return tuple(value)


def prefixes(holder: JsonObject, key: str) -> Prefixes:
    """A list of prefixes; null is every repository."""
    return EVERY_REPOSITORY if _member(holder, key) is None else texts(holder, key)


def registry(name: Json) -> Registry:
    """A registry by its name, such as `111111111111/eu-west-1`."""
    try:
        return Registry.parse(name if isinstance(name, str) else "")
    except ValueError:
        raise MalformedError("", f"{_shown(name)} is no registry") from None


def registry_of(holder: JsonObject) -> Registry:
    """The registry that an object's `account` and `region` are of."""
    account, region = text(holder, "account"), text(holder, "region")
    if not is_account_id(account):
        raise _wrong("account", "an account id", account)
    if not is_region(region):
        raise _wrong("region", "a region", region)
    return Registry(AccountId(account), Region(region))


def fault(value: JsonObject) -> Fault:
    """A failed call."""
    as_object(value, keys=_FAULT)
    return Fault(
        kind=choice(value, "kind", FaultKind),
        operation=text(value, "operation"),
        message=text(value, "message"),
        code=optional_text(value, "code"),
        request_id=optional_text(value, "request_id"),
        hint=optional_text(value, "hint"),
    )


def _member(holder: JsonObject, key: str) -> Json:
    try:
        return holder[key]
    except KeyError:
        raise MalformedError(key, "it is missing") from None


def _wrong(path: str, needed: str, value: Json) -> MalformedError:
    return MalformedError(path, f"{needed} is needed, not {_shown(value)}")


def _shown(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _told(json.dumps(value))
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return _told(str(value))


def _told(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
