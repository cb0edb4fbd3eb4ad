"""Groups of links that are held for the same reason. Pure.

The reason names the destination. A hundred destinations that cannot be read are one thing to see
to, so they are one paragraph and not a hundred: of links to several it says `the destination`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from fleet_repl.values.names import Registry

_Link = TypeVar("_Link")


def group_held(
    links: Iterable[_Link], reason: Callable[[_Link], tuple[str, Registry]]
) -> list[tuple[str, list[_Link]]]:
    """Returns links by the reason why they are held, the largest group first.

    `reason`: gives the reason of a link, and its destination. Of the reasons
    `111111111111/eu-west-1 could not be read` and `222222222222/eu-west-1 could not be read`, of
    links to these registries, it makes `the destination could not be read`.
    """
    groups: dict[str, list[tuple[str, _Link]]] = {}
    for link in links:
        because, destination = reason(link)
        general = because.replace(f"{destination}: its ", "the destination's ")
        general = general.replace(str(destination), "the destination")
        groups.setdefault(general, []).append((because, link))
    named = []
    for general, members in groups.items():
        reasons = {because for because, _ in members}
        shared = reasons.pop() if len(reasons) == 1 else general
        named.append((shared, [link for _, link in members]))
    return sorted(named, key=lambda group: (-len(group[1]), group[0]))
