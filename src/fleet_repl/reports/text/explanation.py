"""Where an image goes, for people: links that carry it, registries it does not get to, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from fleet_repl.planning.explain import (
    Awaited,
    Carried,
    Explanation,
    NotCarried,
    Reason,
    Waited,
)
from fleet_repl.reports.text.labels import label, route_list
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted, day_and_time, elapsed

_Cause: TypeAlias = tuple[str, tuple[str, ...]]
"""Why images do not get to some registries, and facts about it."""


def explanation_text(
    explanation: Explanation, *, full: bool = False, colour: bool = False, width: int | None = None
) -> str:
    """Returns an explanation as text. Registries that the image does not get to for the same reason
    are listed together."""
    page = Page(full=full)
    known = "as AWS has it" if explanation.live else "by the inventory"
    page.add((f"{explanation.image} in {explanation.fleet}, {known}", Style.HEADING))
    if explanation.waited is not None:
        _add_waited(page, explanation, explanation.waited)
        if explanation.waited.complete:
            # Its reader has what was waited for.
            return page.render(colour=colour, width=width)
    _add_carried(page, explanation)
    _add_not_carried(page, explanation)
    page.gap()
    if explanation.interrupted:
        page.add("Interrupted: this is what was known by then.")
    elif explanation.remedy is not None:
        sentence, *lines = explanation.remedy.split("\n")
        page.add((f"→ {sentence}", Style.HEADING))
        for line in lines:
            page.add((line, Style.PASTED), indent=1)
    elif explanation.carried or explanation.not_carried:
        page.add("Nothing to do.")
    else:
        page.add("There is no other registry that it could get to.")
    if page.cut:
        page.add(("--verbose lists all of it.", Style.FAINT))
    return page.render(colour=colour, width=width)


def _add_waited(page: Page, explanation: Explanation, waited: Waited) -> None:
    there = len(waited.images) - len(waited.lacking)
    asked = counted(len(waited.images), "registry")
    found = f"There in {there:,} of {asked}" if waited.images else "No link carries it"
    time = f"{elapsed(waited.seconds)} of at most {elapsed(waited.within)}"
    page.heading(f"{found}, after {time}")
    for move in waited.moves:
        moved = f"the tag moved in {move.source}: from {move.before} to {move.after}"
        page.add((moved, Style.CHANGED), indent=1)
    images = sorted(waited.images, key=lambda image: list(Awaited).index(image.state), reverse=True)
    shown = page.within(images, 25)
    for image in shown:
        account = explanation.names.get(image.destination.account)
        state = image.state.value.replace("-", " ")
        is_there = image.state is Awaited.THERE
        lacks_since = None if is_there else image.pushed_at
        parts = [
            image.because,
            None if image.seconds is None else f"after {elapsed(image.seconds)}",
            None if lacks_since is None else f"pushed on {day_and_time(lacks_since)}",
        ]
        page.add(
            f"{label(image.destination, account)}: ",
            (state, Style.ADDED if is_there else Style.REMOVED),
            "".join(f", {part}" for part in parts if part),
            indent=1,
        )
    page.more(len(images) - len(shown), indent=1)


def _add_carried(page: Page, explanation: Explanation) -> None:
    if not explanation.carried:
        page.heading("Carried by no link")
        return
    page.heading(f"Carried: {counted(len(explanation.carried), 'link')}")
    shown = page.within(explanation.carried, 25)
    for carried in shown:
        state = f": {carried.status}" if carried.status else ""
        page.add((f"{_link(explanation, carried)}{state}", Style.ADDED), indent=1)
        page.add(f"{route_list(carried.routes)}, {_prefix(carried)}", indent=2)
        for fact in carried.facts:
            page.add(fact, indent=2)
    page.more(len(explanation.carried) - len(shown), indent=1)


def _prefix(carried: Carried) -> str:
    return f"prefix {carried.prefix}" if carried.prefix else "every repository"


def _add_not_carried(page: Page, explanation: Explanation) -> None:
    if not explanation.not_carried:
        return
    page.heading(f"Not carried: {counted(len(explanation.not_carried), 'registry')}")
    groups = sorted(
        _groups(explanation.not_carried).items(),
        key=lambda item: list(Reason).index(item[1][0].reason),
    )
    for (because, facts), alike in groups:
        page.add((because, Style.REMOVED), f": {counted(len(alike), 'registry')}", indent=1)
        shown = page.examples(alike)
        for why in shown:
            page.add(_link(explanation, why), indent=2)
        page.more(len(alike) - len(shown), indent=2)
        for fact in facts:
            page.add(fact, indent=2)


def _groups(left_out: Iterable[NotCarried]) -> Mapping[_Cause, list[NotCarried]]:
    groups: dict[_Cause, list[NotCarried]] = defaultdict(list)
    for why in left_out:
        groups[why.because, why.facts].append(why)
    return groups


def _link(explanation: Explanation, link: Carried | NotCarried) -> str:
    def end(registry: Registry) -> str:
        return label(registry, explanation.names.get(registry.account))

    return f"{end(link.source)} → {end(link.destination)}"
