"""Kept repositories: those that the routes which leave new ones were first applied for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from fleet_repl.engine.stores import Store
from fleet_repl.planning.repository_routes import Kept, KeptRoute
from fleet_repl.reports.documents.reader import Document, MalformedError, read, read_items
from fleet_repl.reports.documents.shared import PlaceDocument
from fleet_repl.reports.documents.writer import line
from fleet_repl.state.revise import revise_readable
from fleet_repl.values.errors import UnreadableStateError
from fleet_repl.values.names import Registry

REPOSITORIES_SCHEMA: Final = "fleet-repl/repositories/1"


class KeptRouteDocument(PlaceDocument, frozen=True):
    """A route out of a source."""

    route: str
    asked: str
    repositories: tuple[str, ...]


class RepositoriesDocument(Document, frozen=True, tag_field="schema", tag=REPOSITORIES_SCHEMA):
    """The routes of a fleet that leave new repositories."""

    routes: tuple[KeptRouteDocument, ...]


async def read_repositories(store: Store, names: Sequence[str]) -> Kept:
    """Returns what is kept under the first of a fleet's names that has anything: the present one,
    then the former ones. Raises StateError, and UnreadableStateError if malformed."""
    for fleet in names:
        content = await store.read(_name(fleet))
        if content is not None:
            return _parsed(content, store, fleet)
    return {}


async def revise_repositories(
    store: Store, names: Sequence[str], change: Callable[[Kept], Kept]
) -> None:
    """Changes what is kept now, and keeps it under the first of a fleet's names from then on. An
    unreadable document is kept under another name, and replaced by a new one. Raises StateError."""
    fleet, *formerly = names
    former = await read_repositories(store, formerly)

    def revised(content: bytes | None) -> bytes | None:
        before = former if content is None else _parsed(content, store, fleet)
        after = change(before)
        is_kept = after == (before if content is not None else {})
        return None if is_kept else _content(after)

    await revise_readable(store, _name(fleet), revised, empty=_content({}))


def _content(kept: Kept) -> bytes:
    return line(
        RepositoriesDocument(
            tuple(
                KeptRouteDocument(*source, route, made_for.asked, made_for.repositories)
                for source, by_route in sorted(kept.items())
                for route, made_for in sorted(by_route.items())
            )
        )
    )


def _parsed(content: bytes, store: Store, fleet: str) -> Kept:
    try:
        routes = read_items("routes", read(content, RepositoriesDocument).routes, _item)
    except MalformedError as malformed:
        raise UnreadableStateError(
            "the repositories that routes were first applied for cannot be read: "
            f"{store}/{_name(fleet)}: {malformed}\n    move it away to go on without it: routes "
            "that leave new repositories then take in all that are there"
        ) from None
    kept: dict[Registry, dict[str, KeptRoute]] = {}
    for source, route, made_for in routes:
        kept.setdefault(source, {})[route] = made_for
    return kept


def _item(document: KeptRouteDocument) -> tuple[Registry, str, KeptRoute]:
    made_for = KeptRoute(document.asked, document.repositories)
    return document.registry, document.route, made_for


def _name(fleet: str) -> str:
    return f"{fleet}/repositories.json"
