"""How every document spells itself: its text and its digest.

Text is what Python's `json` writes, to the byte, but written by msgspec where the two agree.
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
"""Items that are spelled at a time: none of a long list's text is ever held twice."""
_NUMBERS: Final = bytes.maketrans(b"0123456789]}", b"0000000000,,")
"""After this translation every number ends with `0,`. Few parts of a plan have a number outside of
a text, and looking for these two letters is faster than any regular expression."""
_FRACTIONS: Final = (re.compile(rb"\.[0-9]+[],}]"), re.compile(rb"e-?[0-9]+[],}]"))
"""How a number ends that is not an integer. msgspec spells some of them otherwise than Python: 1e16
for 1e+16. Two expressions, because one that begins with a letter is found much faster."""

_OTHER_LETTERS: Final = re.compile(r"[^\x00-\x7f]+")

_T = TypeVar("_T")


def json_text(document: object) -> str:
    """Any document as text that people may open: indented, in ASCII, ending with a newline.

    In ASCII, so that no encoding and no terminal makes anything else of a name in it.
    """
    return indented(compact(document))


def indented(content: bytes) -> str:
    """The same of a document that is text already."""
    try:
        text = msgspec.json.format(content, indent=2).decode("ascii")
    except msgspec.DecodeError:
        # Half of a surrogate pair is no text for msgspec.
        text = json.dumps(json.loads(content), indent=2)
    # DEL is the one control character that JSON leaves as it is.
    return text.rstrip("\n").replace("\x7f", "\\u007f") + "\n"


def compact(document: object) -> bytes:
    """Any document as it is kept: the shortest text with the keys in the order given, in ASCII."""
    text = _spelled(document)
    if text is not None:
        return in_ascii(text)
    return json.dumps(msgspec.to_builtins(document), separators=(",", ":")).encode("ascii")


def in_ascii(text: bytes) -> bytes:
    """A JSON text with other letters escaped, as Python's `json` does it."""
    if text.isascii():
        return text
    return _OTHER_LETTERS.sub(lambda found: json.dumps(found[0])[1:-1], text.decode()).encode()


def line(document: msgspec.Struct) -> bytes:
    """A small document as it is kept: `compact`, ending with a newline."""
    return compact(document) + b"\n"


def line_in_utf8(document: msgspec.Struct) -> bytes:
    """The same where earlier versions wrote the letters of all languages as they are."""
    return msgspec.json.encode(document) + b"\n"


def as_json(document: msgspec.Struct) -> JsonObject:
    """The object that a document is, made of what JSON is made of."""
    found: JsonObject = json.loads(compact(document))
    return found


def canonical(document: object) -> bytes:
    """The text that digests are made of: `canonical_json` of the document."""
    text = _spelled(document, order="sorted")
    if text is not None:
        return text
    # Half of a surrogate pair is no valid UTF-8 but has a digest too.
    return canonical_json(msgspec.to_builtins(document)).encode("utf-8", "surrogatepass")


def pieces(
    frame: object,
    key: str,
    items: Iterable[object],
    spelled: Callable[[object], bytes] = compact,
) -> Iterator[bytes]:
    """The text of `frame` with `items` in its list `key`, which is empty, piece by piece."""
    before, opened, after = spelled(frame).partition(f'"{key}":['.encode())
    yield before + opened
    for nth, batch in enumerate(batches(items)):
        yield (b"," if nth else b"") + spelled(batch)[1:-1]
    yield after


def digest_of(text: Iterable[bytes]) -> str:
    """`sha256:` and the hex digest of a text in pieces."""
    found = hashlib.sha256()
    for piece in text:
        found.update(piece)
    return f"sha256:{found.hexdigest()}"


def batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    """A long list in parts that are handled at a time."""
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _spelled(document: object, *, order: Literal["sorted"] | None = None) -> bytes | None:
    """A document as msgspec writes it; None where Python might write it otherwise."""
    try:
        text = msgspec.json.encode(document, order=order)
    except UnicodeEncodeError:
        return None
    has_numbers = b"0," in text.translate(_NUMBERS)
    return None if has_numbers and any(end.search(text) for end in _FRACTIONS) else text
