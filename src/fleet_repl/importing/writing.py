"""Writing: what was imported as tables of an inventory, behind what stays of the operator's file.

Texts that came from AWS are checked or made harmless before they get here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fleet_repl.importing.choosing import Passage
from fleet_repl.importing.deciding import Decision
from fleet_repl.importing.describing import Choice
from fleet_repl.importing.editing import REMARK, Edited, edited
from fleet_repl.importing.leftovers import one_line
from fleet_repl.importing.places import Frame
from fleet_repl.importing.wording import Wording
from fleet_repl.inventory import External, Inventory
from fleet_repl.inventory.spelling import quoted

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The text of an inventory."""

    text: str
    notes: tuple[str, ...]
    """What else was changed, and what to do about it."""


def write(text: str, before: Inventory, decision: Decision, wording: Wording) -> Written:
    """`text` is the file that `before` was read from."""
    file = edited(text, before, decision.inventory)
    blocks = [
        file.text,
        *_ownership(file),
        *(_external(one, wording) for one in decision.inventory.externals),
        _comment(_remarks(decision, file.notes)),
        *_routes(decision, wording),
    ]
    return Written(text="\n\n".join(blocks) + "\n", notes=file.notes)


def _ownership(file: Edited) -> Iterator[str]:
    if file.ownership:
        lines = (f"{name} = {json.dumps(value)}" for name, value in file.ownership)
        yield "\n".join(["[ownership]", *lines])


def _external(one: External, wording: Wording) -> str:
    lines = ["[[external]]", f"id = {quoted(wording.id(one.id))}"]
    name = wording.account(one.id)
    if name != wording.id(one.id):
        lines.append(f"name = {quoted(name)}")
    return "\n".join([*lines, f"regions = {_list([wording.region(at) for at in one.regions])}"])


def _remarks(decision: Decision, notes: Sequence[str]) -> Iterator[str]:
    yield f"{REMARK}{_amount(decision.links, len(decision.passages))}."
    if decision.unmanaged is not None:
        yield ""
        yield f'grants = "off", because with "managed" {decision.unmanaged}.'
    if decision.left_out:
        yield ""
        yield 'No route stands for these. They stay, as their accounts have rules = "additive":'
        for one in decision.left_out:
            yield f"- {one_line(str(one))}"
    for note in notes:
        yield ""
        yield f"{note[0].upper()}{note[1:]}."


def _amount(links: int, routes: int) -> str:
    if not links:
        return "no route"
    return (
        f"{links:,} link{'' if links == 1 else 's'} in {routes:,} route{'' if routes == 1 else 's'}"
    )


def _comment(lines: Iterator[str]) -> str:
    return "\n".join(f"# {line}".rstrip() for line in lines)


def _routes(decision: Decision, wording: Wording) -> Iterator[str]:
    for route, passage in zip(decision.inventory.routes, decision.passages, strict=True):
        yield "\n".join(_route(route.name, passage, wording))


def _route(name: str, passage: Passage, wording: Wording) -> Iterator[str]:
    path = passage.path
    yield "[[routes]]"
    yield f"name = {quoted(name)}"
    yield f"from = {_selector(path.source, Frame.NOTHING, wording)}"
    yield f"to = {_selector(path.destination, path.frame, wording)}"
    if "" not in passage.prefixes:
        yield _folded("prefixes", passage.prefixes)
    if passage.deletes:
        yield "replicate_deletes = true"


def _selector(choice: Choice, frame: Frame, wording: Wording) -> str:
    parts = []
    if choice.accounts is not None:
        parts.append(f"accounts = {_some([wording.account(one) for one in choice.accounts])}")
    if choice.labels:
        labels = {
            label: [wording.value(label, one) for one in values] for label, values in choice.labels
        }
        pairs = (f"{_key(label)} = {_some(values)}" for label, values in labels.items())
        parts.append(f"labels = {{ {', '.join(pairs)} }}")
    if choice.regions is not None:
        parts.append(f"regions = {_some([wording.region(one) for one in choice.regions])}")
    if frame is not Frame.NOTHING:
        parts.append(f"same_{'account' if frame is Frame.ACCOUNT else 'region'} = true")
    return f"{{ {', '.join(parts)} }}" if parts else "{}"


def _folded(key: str, texts: Sequence[str]) -> str:
    """A list on one line, or with a line for each item."""
    line = f"{key} = {_list(texts)}"
    if len(line) <= _WIDTH:
        return line
    items = "".join(f"  {quoted(one)},\n" for one in texts)
    return f"{key} = [\n{items}]"


def _some(texts: Sequence[str]) -> str:
    """One text, or a list of them."""
    return quoted(texts[0]) if len(texts) == 1 else _list(texts)


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"


def _key(text: str) -> str:
    return text if _BARE_KEY.fullmatch(text) else quoted(text)
