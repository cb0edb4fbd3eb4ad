"""Decides by the inventory alone where an image goes, and why it does not go elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from fleet_repl.inventory import Inventory
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.planning.explain.model import Carried, Explanation, NotCarried, Question, Reason
from fleet_repl.planning.explain.remedy import remedy_of
from fleet_repl.topology import Link, external_registries, find_registry
from fleet_repl.values.errors import FleetError
from fleet_repl.values.images import ImageName
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes, shared_letters
from fleet_repl.values.repositories import lists as selects_by_name
from fleet_repl.values.text import listed, named

_PREFIXES_SHOWN: Final = 3
EXTERNAL_FACT: Final = "its account is external: its owner has to let it in"
BY_NAME_FACT: Final = (
    "its prefixes follow from the repositories that the source has at each run: see --live"
)


def question_of(
    inventory: Inventory, what: str, *, source: str | None = None, destinations: Iterable[str] = ()
) -> Question:
    """Returns the question about an image that texts ask.

    `what`: a repository, `repository:tag` or `repository@sha256:…`. `source` and `destinations`:
    ACCOUNT/REGION, the account by id or name. Raises SelectionError, InventoryError, and FleetError
    for an inventory whose accounts are still to be discovered: it would seem to send nothing.
    """
    image = ImageName.parse(what)
    if inventory.needs_discovery:
        raise FleetError(
            f"the accounts of {inventory.name} are discovered, which was not done yet\n"
            "    await fleet_repl.discover(inventory) returns the inventory with its accounts"
        )
    desired, _ = desired_state(inventory)
    return Question(
        image=image,
        inventory=inventory,
        desired=desired,
        source=None if source is None else find_registry(inventory, source),
        destinations=tuple(find_registry(inventory, name) for name in destinations),
    )


def explain_image(
    inventory: Inventory, what: str, *, source: str | None = None, destination: str | None = None
) -> Explanation:
    """Returns where an image goes by the inventory alone, which lists its accounts or has them
    discovered. The arguments and errors are those of `question_of`."""
    ends = () if destination is None else (destination,)
    return explain(question_of(inventory, what, source=source, destinations=ends))


def explain(question: Question) -> Explanation:
    """Returns where the image goes by the inventory alone."""
    carried = tuple(_carried(question, link) for link in carrying(question))
    left_out = not_carried(question, {item.destination for item in carried})
    return Explanation(
        image=question.image,
        fleet=question.inventory.name,
        names=question.desired.names,
        carried=carried,
        not_carried=left_out,
        remedy=remedy_of(question, carried, left_out),
    )


def routes_carrying(question: Question, link: Link) -> tuple[str, ...]:
    """The routes that ask for the image on a link."""
    asking = question.asking
    return tuple(name for name in link.routes if name in asking)


def not_carried(question: Question, reached: Collection[Registry]) -> tuple[NotCarried, ...]:
    """Returns why the image gets to none of the registries that are not in `reached`, as far as the
    question is about them."""
    return tuple(
        why
        for destination in _destinations(question)
        if destination not in reached and (why := _why(question, destination)) is not None
    )


def carrying(question: Question) -> Iterator[Link]:
    """Yields the links that carry the image by the inventory, if the question is about them."""
    desired, asking = question.desired, question.asking
    sources = desired.outgoing if question.source is None else [question.source]
    for source in sources:
        for link in desired.outgoing.get(source, ()):
            if question.is_about(source, link.destination) and not asking.isdisjoint(link.routes):
                yield link


def _carried(question: Question, link: Link) -> Carried:
    external = link.destination.account not in question.desired.by_account
    carrying = routes_carrying(question, link)
    by_name = all(route.by_name for route in question.inventory.routes if route.name in carrying)
    facts = {EXTERNAL_FACT: external, BY_NAME_FACT: by_name}
    return Carried(
        source=link.source,
        destination=link.destination,
        routes=carrying,
        prefix=carrying_prefix(link.prefixes, question.repository),
        facts=tuple(fact for fact, holds in facts.items() if holds),
    )


def carrying_prefix(prefixes: Prefixes, repository: str) -> str:
    """The prefix of a link that the repository's name begins with."""
    return next(prefix for prefix in prefixes if repository.startswith(prefix))


def _destinations(question: Question) -> Iterable[Registry]:
    if question.destinations:
        return question.destinations
    external = external_registries(question.inventory)
    every = sorted({*question.desired.registries, *external})
    return (registry for registry in every if registry != question.source)


def _why(question: Question, destination: Registry) -> NotCarried | None:
    source = question.source or _nearest_source(question, destination)
    if source is None:
        return None
    reason, because = _reason(question, source, destination)
    return NotCarried(source=source, destination=destination, reason=reason, because=because)


def _nearest_source(question: Question, destination: Registry) -> Registry | None:
    """The source from which the image comes nearest to a registry that no registry carries it to:
    one with a link there, else one that carries it elsewhere, else any; None for a fleet of one
    registry."""
    desired, asking = question.desired, question.asking
    incoming = desired.incoming.get(destination, ())
    if incoming:
        nearest = _nearest(
            tuple(prefix for link in incoming for prefix in link.prefixes), question.repository
        )
        return next(link.source for link in incoming if nearest in link.prefixes)
    carrying = (
        source
        for source, links in desired.outgoing.items()
        if any(not asking.isdisjoint(link.routes) for link in links)
    )
    for sources in (carrying, desired.outgoing, desired.registries):
        other = next((source for source in sources if source != destination), None)
        if other is not None:
            return other
    return None


def _nearest(prefixes: Prefixes, repository: str) -> str:
    """The prefix that has the most letters in common with a repository."""
    return max(prefixes, key=lambda prefix: shared_letters(prefix, repository))


def _reason(question: Question, source: Registry, destination: Registry) -> tuple[Reason, str]:
    """Returns the first reason why no link carries the image between the two registries."""
    desired = question.desired
    if source == destination:
        return Reason.SAME_REGISTRY, "it is the same registry: what is pushed there is there"
    if source.account not in desired.by_account:
        return Reason.EXTERNAL_SOURCE, "the source is of an external account, which only receives"
    for end, registry in (("source", source), ("destination", destination)):
        if registry.account in desired.retired:
            return Reason.RETIRED, f"the account of the {end} is retired, so routes pass it over"
    return _lack_of_route(question, source, destination)


def _lack_of_route(
    question: Question, source: Registry, destination: Registry
) -> tuple[Reason, str]:
    desired = question.desired
    outgoing = desired.outgoing.get(source, ())
    link = next((link for link in outgoing if link.destination == destination), None)
    if link is not None:
        return Reason.OTHER_PREFIX, _other_prefix(question, link)
    middle = _middle(question, outgoing, destination)
    if middle is not None:
        return Reason.NOT_TRANSITIVE, (
            f"replication is not transitive: it gets to {middle}, which passes on only what is "
            "pushed there directly"
        )
    if not outgoing:
        receives = "it only receives" if desired.incoming.get(source) else "nothing leaves it"
        return Reason.NO_SOURCE, f"no route starts from the source: {receives}"
    if destination.account not in desired.by_account:
        return (
            Reason.EXTERNAL,
            "it is of an external account, and no route from the source names it",
        )
    others = " from the source" if desired.incoming.get(destination) else ""
    return Reason.NO_ROUTE, f"no route leads there{others}"


def _other_prefix(question: Question, link: Link) -> str:
    repository, prefixes = question.repository, link.prefixes
    route = question.route_by_name(link)
    if route is not None:
        lists = f"excludes {listed(route.exclude, _PREFIXES_SHOWN)}"
        if route.only and not selects_by_name(route.only, repository):
            lists = f"asks only for {listed(route.only, _PREFIXES_SHOWN)}"
        return f"route {route.name} leads there, but {lists}"
    nearest = _nearest(prefixes, repository)
    shown = listed(prefixes, _PREFIXES_SHOWN)
    several = len(prefixes) > 1
    alike = several and shared_letters(nearest, repository) > 0
    which = f", of which {nearest} comes nearest" if alike else ""
    verb = "leads" if len(link.routes) == 1 else "lead"
    return (
        f"{named('route', link.routes)} {verb} there, but only with {shown}{which}: "
        f"{repository} does not begin with {'any of them' if several else 'it'}"
    )


def _middle(question: Question, outgoing: Iterable[Link], destination: Registry) -> Registry | None:
    """The registry that the image gets to, and would get on from if it were pushed there."""
    asking = question.asking
    onward = {
        link.source
        for link in question.desired.incoming.get(destination, ())
        if not asking.isdisjoint(link.routes)
    }
    reached = (link.destination for link in outgoing if not asking.isdisjoint(link.routes))
    return next((registry for registry in reached if registry in onward), None)
