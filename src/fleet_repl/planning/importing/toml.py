"""Writes imported accounts and routes as tables of an inventory, after the kept part of the
operator's file.

Texts that came from AWS are checked or made harmless before they get here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from fleet_repl.inventory import External, Route, Selector
from fleet_repl.inventory.findings import child
from fleet_repl.planning.elsewhere import HeldResource
from fleet_repl.planning.importing.decide import Decision
from fleet_repl.planning.importing.edit import REMARK, Edited
from fleet_repl.planning.importing.file_texts import FileTexts
from fleet_repl.planning.importing.left_out import one_line
from fleet_repl.values.text import counted, quoted

_WIDTH: Final = 100


def document(
    file: Edited, decision: Decision, file_texts: FileTexts, held: Sequence[HeldResource] = ()
) -> str:
    """The text of the whole inventory. `held`: resources that other tools manage."""
    blocks = [
        file.text,
        *_ownership(file),
        *(_external(external, file_texts) for external in decision.inventory.externals),
        "\n".join(f"# {line}".rstrip() for line in _remarks(decision, file.notes, held)),
        *("\n".join(_route(route, file_texts)) for route in decision.inventory.routes),
    ]
    return "\n\n".join(blocks) + "\n"


def _ownership(file: Edited) -> Iterator[str]:
    if file.ownership:
        lines = (f"{name} = {json.dumps(value)}" for name, value in file.ownership.items())
        yield "\n".join(["[ownership]", *lines])


def _external(external: External, file_texts: FileTexts) -> str:
    lines = ["[[external]]", f"id = {quoted(file_texts.id(external.id))}"]
    name = file_texts.account(external.id)
    if name != file_texts.id(external.id):
        lines.append(f"name = {quoted(name)}")
    regions = [file_texts.region(region) for region in external.regions]
    return "\n".join([*lines, f"regions = {_list(regions)}"])


def _remarks(
    decision: Decision, notes: Sequence[str], held: Sequence[HeldResource]
) -> Iterator[str]:
    links, routes = (
        counted(decision.links, "link"),
        counted(len(decision.inventory.routes), "route"),
    )
    yield f"{REMARK}{f'{links} in {routes}' if decision.links else 'no route'}."
    if decision.unmanaged is not None:
        yield ""
        yield f'grants = "off", because with "managed" {decision.unmanaged}.'
    if decision.left_out:
        yield ""
        yield 'No route stands for these. They stay, as their accounts have rules = "additive":'
        for left in decision.left_out:
            yield f"- {one_line(str(left))}"
    if held:
        yield ""
        yield "Managed elsewhere. Let them go there before this inventory is applied:"
        yield from (f"- {one_line(str(resource))}" for resource in held)
    for note in notes:
        yield ""
        yield f"{note[0].upper()}{note[1:]}."


def _route(route: Route, file_texts: FileTexts) -> Iterator[str]:
    yield "[[routes]]"
    yield f"name = {quoted(route.name)}"
    yield f"from = {_selector(route.source, file_texts)}"
    yield f"to = {_selector(route.destination, file_texts)}"
    if "" not in route.prefixes:
        line = f"prefixes = {_list(route.prefixes)}"
        items = "".join(f"  {quoted(prefix)},\n" for prefix in route.prefixes)
        yield line if len(line) <= _WIDTH else f"prefixes = [\n{items}]"
    if route.replicate_deletes:
        yield "replicate_deletes = true"


def _selector(selector: Selector, file_texts: FileTexts) -> str:
    match, parts = selector.match, list[str]()
    if match.accounts is not None:
        parts.append(f"accounts = {_one_or_list(map(file_texts.account, sorted(match.accounts)))}")
    if match.labels:
        pairs = (
            f"{child('', label)} = "
            f"{_one_or_list(file_texts.value(label, value) for value in sorted(values))}"
            for label, values in match.labels.items()
        )
        parts.append(f"labels = {{ {', '.join(pairs)} }}")
    if match.regions is not None:
        parts.append(f"regions = {_one_or_list(map(file_texts.region, sorted(match.regions)))}")
    if selector.same_account:
        parts.append("same_account = true")
    if selector.same_region:
        parts.append("same_region = true")
    return f"{{ {', '.join(parts)} }}" if parts else "{}"


def _one_or_list(texts: Iterable[str]) -> str:
    first, *others = texts
    return _list([first, *others]) if others else quoted(first)


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"
