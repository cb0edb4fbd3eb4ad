"""Writes documents as text, and computes their digests.

A text is, to the byte, that of Python's `json`. msgspec, which is much faster, writes it wherever
the two agree.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, Literal, TypeVar

import msgspec

from fleet_repl.values.canonical_json import JsonObject, canonical_json

_BATCH: Final = 256
"""The number of list items that are written at a time, so that a long list is never held twice."""
_NUMBERS: Final = bytes.maketrans(b"0123456789]}", b"0000000000,,")
"""After this translation every number ends with `0,`. Few parts of a plan have a number outside of
a text, and looking for these two letters is faster than any regular expression."""
_FRACTIONS: Final = (re.compile(rb"\.[0-9]+[],}]"), re.compile(rb"e-?[0-9]+[],}]"))
"""How a number ends that is not an integer. msgspec spells some of them otherwise than Python: 1e16
for 1e+16. Two expressions, because one that begins with a letter is found much faster."""

_OTHER_LETTERS: Final = re.compile(r"[^\x00-\x7f]+")

_T = TypeVar("_T")


def json_text(document: object) -> str:
    """Returns a document as text for people: indented, in ASCII, ending with a newline.

    In ASCII, so that neither an encoding nor a terminal can change a name in it.
    """
    return indented(compact(document))


def indented(content: bytes) -> str:
    """Returns a document that is compact text already as indented text."""
    try:
        text = msgspec.json.format(content, indent=2).decode("ascii")
    except msgspec.DecodeError:
        # msgspec refuses half of a surrogate pair, which Python's `json` writes as an escape.
        text = json.dumps(json.loads(content), indent=2)
    # DEL is the one control character that JSON leaves as it is.
    return text.rstrip("\n").replace("\x7f", "\\u007f") + "\n"


def compact(document: object) -> bytes:
    """Returns the shortest text of a document, with its keys in their order, in ASCII."""
    text = _spelled(document)
    if text is not None:
        return in_ascii(text)
    return json.dumps(msgspec.to_builtins(document), separators=(",", ":")).encode("ascii")


def in_ascii(text: bytes) -> bytes:
    """Returns a JSON text with all letters beyond ASCII escaped, as Python's `json` does it."""
    if text.isascii():
        return text
    return _OTHER_LETTERS.sub(lambda letters: json.dumps(letters[0])[1:-1], text.decode()).encode()


def line(document: msgspec.Struct) -> bytes:
    """Returns `compact` with a newline, as small documents are kept in files."""
    return compact(document) + b"\n"


def line_in_utf8(document: msgspec.Struct) -> bytes:
    """Returns a document as one line, with letters beyond ASCII as they are, as earlier versions
    wrote it."""
    return msgspec.json.encode(document) + b"\n"


def as_json(document: msgspec.Struct) -> JsonObject:
    """Returns a document as an object of dicts, lists and texts."""
    value: JsonObject = json.loads(compact(document))
    return value


def canonical(document: object) -> bytes:
    """Returns the text that digests are made of: `canonical_json` of the document."""
    text = _spelled(document, order="sorted")
    if text is not None:
        return text
    # Half of a surrogate pair is not valid UTF-8, but a document that has one needs a digest too.
    return canonical_json(msgspec.to_builtins(document)).encode("utf-8", "surrogatepass")


def pieces(
    frame: object,
    key: str,
    items: Iterable[object],
    spelled: Callable[[object], bytes] = compact,
) -> Iterator[bytes]:
    """Yields, in pieces, the text of `frame` with `items` in its list `key`, which is empty."""
    before, opened, after = spelled(frame).partition(f'"{key}":['.encode())
    yield before + opened
    for nth, batch in enumerate(batches(items)):
        yield (b"," if nth else b"") + spelled(batch)[1:-1]
    yield after


def member_pieces(
    frame: object, key: str, members: Iterable[tuple[str, object]]
) -> Iterator[bytes]:
    """Yields, in pieces, the text of `frame` with `members` in its object `key`, which is empty."""
    before, opened, after = compact(frame).partition(f'"{key}":{{'.encode())
    yield before + opened
    for nth, batch in enumerate(batches(members)):
        yield (b"," if nth else b"") + compact(dict(batch))[1:-1]
    yield after


def indented_pieces(frame: object, key: str, items: Iterable[object]) -> Iterator[str]:
    """Yields, in pieces, `json_text` of `frame` with `items` in its list `key`, which is empty."""
    before, opened, after = json_text(frame).partition(f'"{key}": [')
    yield before + opened
    end = ""
    for nth, batch in enumerate(batches(items)):
        # The list of a batch, without its brackets, one level deeper. No text holds a line break.
        listed = json_text(batch)[1:].removesuffix("\n]\n").replace("\n", "\n  ")
        yield f",{listed}" if nth else listed
        end = "\n  "
    yield end + after


def digest_of(text: Iterable[bytes]) -> str:
    """Returns `sha256:` and the hex digest of a text in pieces."""
    digest = hashlib.sha256()
    for piece in text:
        digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


def batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    """Yields a long list in parts."""
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _spelled(document: object, *, order: Literal["sorted"] | None = None) -> bytes | None:
    """Returns a document as msgspec writes it; None where Python might write another text."""
    try:
        text = msgspec.json.encode(document, order=order)
    except UnicodeEncodeError:
        return None
    has_numbers = b"0," in text.translate(_NUMBERS)
    return None if has_numbers and any(end.search(text) for end in _FRACTIONS) else text
