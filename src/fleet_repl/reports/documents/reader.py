"""Reads documents from outside, and names what is wrong with one by its place in it.

msgspec reads fast, but of two members with the same name it silently keeps the last, and it refuses
some texts that Python's parser reads. So a document that msgspec read counts only if msgspec writes
it as the same text again. Any other text, from an editor or another tool, is read by Python's
parser first, which refuses a name that is there twice, and is then checked by msgspec.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import repeat
from types import UnionType
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from fleet_repl.reports.documents.writer import in_ascii
from fleet_repl.values.canonical_json import Json, JsonObject, parse_json
from fleet_repl.values.errors import FleetError
from fleet_repl.values.text import shortened

_KINDS: Final[Mapping[str, tuple[type | UnionType, str]]] = {
    "string": (str, "a text"),
    "integer": (int, "a count"),
    "number": (int | float, "a number"),
    "boolean": (bool, "true or false"),
    "array": (list, "a list"),
    "object": (dict, "an object"),
}
"""A type in a schema → the type in Python, and its name in messages."""
REGISTRY: Final = "a registry"
"""The title of members that name a registry, such as `111111111111/eu-west-1`."""
_LONGEST: Final = 60
"""The most characters of a value in a message."""

_OBJECT: Final = re.compile(rb"[\s\0\xef\xbb\xbf\xfe\xff]*\{")

_Schema: TypeAlias = Mapping[str, Any]
_T = TypeVar("_T")
_Item = TypeVar("_Item")
_Document = TypeVar("_Document", bound="Document")
_Error = TypeVar("_Error", bound=FleetError)


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A JSON object with exactly the declared members; only those that can be UNSET may be missing.

    A constraint with a `title` is checked when a document is read, and messages name it by its
    title. Constraints in `extra_json_schema` are only published in the schema.
    """


class MalformedError(ValueError):
    """A document with a wrong member, whose place is `path`, such as `registries[3].error.kind`."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}" if path else reason)

    def below(self, place: str) -> MalformedError:
        """Returns the error with a path that begins at `place`, which holds the present one."""
        inner = self.path if not self.path or self.path.startswith("[") else f".{self.path}"
        return MalformedError(f"{place}{inner}", self.reason)


def unusable(error: type[_Error], document: str, where: str, malformed: MalformedError) -> _Error:
    """Returns an error for the reader: which document cannot be read, and why."""
    return error(f"the {document} cannot be read: {where}: {malformed}")


def begins_as_object(content: bytes) -> bool:
    """Returns whether a file begins as a JSON object does, in any encoding: an inventory that was
    given in place of a document does not."""
    return _OBJECT.match(content) is not None


class _Tagged(msgspec.Struct):
    schema: str = ""


def schema_of(content: bytes) -> str:
    """Returns the schema that a JSON text names; an empty text where it names none."""
    try:
        return msgspec.json.decode(content, type=_Tagged).schema
    except (ValueError, RecursionError):
        return ""


def read(content: bytes, kind: type[_Document]) -> _Document:
    """Returns the document in a JSON text. Raises MalformedError."""
    document = read_exact(content, kind)
    return converted(parsed(content), kind) if document is None else document


def read_exact(content: bytes, kind: type[_Document]) -> _Document | None:
    """Returns the document in a text that this package wrote, indented or not; None for any other.

    A document that is written as the same text again has lost nothing of it.
    """
    try:
        document = _decoder(kind).decode(content)
        text, written = msgspec.json.format(content, indent=-1), msgspec.json.encode(document)
        exact = text in (written, in_ascii(written))
    except (ValueError, RecursionError):
        return None
    return document if exact else None


def parsed(content: bytes) -> JsonObject:
    """Returns the object in any JSON text. Raises MalformedError, also for a repeated key."""
    try:
        value = parse_json(content)
    except ValueError as error:
        raise MalformedError("", f"it is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise MalformedError("", f"an object is needed, not {shown(value)}")
    return value


def converted(value: JsonObject, kind: type[_Document]) -> _Document:
    """Returns an object as a document. Raises MalformedError."""
    expect_schema(value, kind)
    try:
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError) as error:
        schema = msgspec.json.schema(kind)
        problem = next(_problems(value, schema, schema["$defs"]), MalformedError("", str(error)))
    raise problem


def expect_schema(value: JsonObject, kind: type[_Document]) -> None:
    """Raises MalformedError for a document of another kind, or of another version."""
    config, stated = kind.__struct_config__, value.get("schema")
    schema = config.tag
    if config.tag_field != "schema" or not isinstance(schema, str) or stated == schema:
        return
    name, _, version = schema.rpartition("/")
    if isinstance(stated, str) and stated.rpartition("/")[0] == name:
        raise MalformedError("schema", f"this version reads {name} of version {version} only")
    raise MalformedError("schema", f"it is no {schema}")


def read_items(name: str, items: Iterable[_Item], read: Callable[[_Item], _T]) -> tuple[_T, ...]:
    """Returns `read` of every item of the list `name`. Errors name the item that was wrong."""
    results: list[_T] = []
    try:
        for item in items:
            results.append(read(item))  # noqa: PERF401 - the length is the number of the wrong item
    except MalformedError as error:
        raise error.below(f"{name}[{len(results)}]") from None
    return tuple(results)


@contextmanager
def without_collection() -> Iterator[None]:
    """Turns garbage collection off. All objects of a large document stay in use, and examining them
    again and again takes longer than reading the document."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def shown(value: Json) -> str:
    """Returns a value as messages show it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return shortened(json.dumps(value), _LONGEST)
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return shortened(str(value), _LONGEST)


@cache
def _decoder(kind: type[_Document]) -> msgspec.json.Decoder[_Document]:
    return msgspec.json.Decoder(kind)


def _problems(
    value: Json, node: _Schema, defs: _Schema, or_null: str = ""
) -> Iterator[MalformedError]:
    """Yields where a value differs from its schema, as far as msgspec checks it."""
    if "$ref" in node:
        node = {**defs[node["$ref"].rpartition("/")[2]], **node}
    if "anyOf" in node:
        if value is not None:
            needed = next(option for option in node["anyOf"] if option != {"type": "null"})
            yield from _problems(value, needed, defs, " or null")
    elif (needed := _needed(value, node)) == REGISTRY:
        yield MalformedError("", f"{shown(value)} is no registry")
    elif needed is not None:
        yield MalformedError("", f"{needed}{or_null} is needed, not {shown(value)}")
    elif isinstance(value, dict):
        yield from _problems_of_object(value, node, defs)
    elif isinstance(value, list):
        parts = node.get("prefixItems") or repeat(node.get("items", {}))
        for nth, (item, part) in enumerate(zip(value, parts, strict=False)):
            yield from _below(f"[{nth}]", _problems(item, part, defs))


def _problems_of_object(
    value: JsonObject, node: _Schema, defs: _Schema
) -> Iterator[MalformedError]:
    members: dict[str, _Schema] = node.get("properties", {})
    if members:
        for key in sorted(value.keys() - members.keys()):
            yield MalformedError(shortened(key, _LONGEST), "this version does not know this member")
    elif "additionalProperties" in node:
        names: _Schema = node.get("propertyNames", {})
        if not names.keys() & {"$ref", "enum"}:
            names = {"type": "string", **names}
        for key in value:
            yield from _problems(key, names, defs)
        rest: _Schema = node["additionalProperties"]
        members = dict.fromkeys(value, rest)
    for key, member in members.items():
        if key in value:
            yield from _below(key, _problems(value[key], member, defs))
        elif key in node["required"]:
            yield MalformedError(key, "it is missing")


def _below(place: str, problems: Iterable[MalformedError]) -> Iterator[MalformedError]:
    return (problem.below(place) for problem in problems)


def _needed(value: Json, node: _Schema) -> str | None:
    """Returns what is needed in place of a value; None if it fits, whatever its own members are."""
    if "type" not in node:
        choices = node.get("enum", [value])
        return None if value in choices else f"one of {', '.join(choices)}"
    kind, noun = _KINDS[node["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return noun
    if isinstance(value, int) and value < node.get("minimum", value):
        return noun
    if isinstance(value, list) and len(value) != len(node.get("prefixItems", value)):
        return str(node["title"])
    if isinstance(value, str) and "title" in node and not re.search(node["pattern"], value):
        return str(node["title"])
    return None
