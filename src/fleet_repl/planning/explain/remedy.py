"""Decides on the one thing to do, so that an image gets where somebody asks it to get."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fleet_repl.inventory import Route
from fleet_repl.inventory.advice import command_of
from fleet_repl.planning.explain.model import Carried, NotCarried, Question, Reason
from fleet_repl.topology import connect
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import shared_letters
from fleet_repl.values.repositories import lists
from fleet_repl.values.text import quoted

_WORTH: Final = (
    Reason.NOT_GRANTED,
    Reason.NO_RULE,
    Reason.OTHER_PREFIX,
    Reason.NOT_TRANSITIVE,
    Reason.NO_ROUTE,
    Reason.NO_SOURCE,
    Reason.EXTERNAL,
    Reason.RETIRED,
)
"""The reasons that a remedy is known for, the one that is nearest to the image's arrival first."""


def remedy_of(
    question: Question, carried: Sequence[Carried], not_carried: Sequence[NotCarried]
) -> str | None:
    """Returns the remedy for registries that the image does not get to; None where none is needed.

    An image that goes somewhere goes elsewhere only on purpose: that is asked for with a
    destination. What a route asks for and AWS does not do is always to be remedied.
    """
    known = [why for why in not_carried if why.reason in _WORTH]
    first = min(
        known,
        key=lambda why: (_WORTH.index(why.reason), -_nearness(question, why)),
        default=None,
    )
    if first is None:
        return None
    if first.remedy is not None or not carried or question.destinations:
        return first.remedy or _remedy(question, first)
    return None


def _nearness(question: Question, why: NotCarried) -> int:
    """How many letters the repository has in common with what a route carries there."""
    return max(
        (
            shared_letters(prefix, question.repository)
            for link in question.desired.outgoing.get(why.source, ())
            if link.destination == why.destination
            for prefix in link.prefixes
        ),
        default=0,
    )


def _remedy(question: Question, why: NotCarried) -> str | None:
    match why.reason:
        case Reason.RETIRED:
            return _active_again(question, why)
        case Reason.OTHER_PREFIX:
            return _wider_route(question, why)
        case _:
            incoming = question.desired.incoming.get(why.destination, ())
            for link in incoming if why.reason is not Reason.NOT_TRANSITIVE else ():
                if not question.asking.isdisjoint(link.routes):
                    return f"push it to {link.source}, from which a route carries it there"
            return (
                f"add this to the inventory if it should get there, and run "
                f"{command_of(question.inventory, 'apply')}:\n{_new_route(question, why)}"
            )


def _active_again(question: Question, why: NotCarried) -> str:
    """The account without its state, and a route where none would carry the image even then."""
    inventory, ends = question.inventory, {why.source, why.destination}
    retired = {registry.account for registry in ends}
    accounts = tuple(
        replace(account, retired=account.retired and account.id not in retired)
        for account in inventory.accounts
    )
    links = connect(replace(inventory, accounts=accounts)).links
    remedy = 'take state = "retired" off the account in the inventory'
    if any(
        (link.source, link.destination) == (why.source, why.destination)
        and not question.asking.isdisjoint(link.routes)
        for link in links
    ):
        return f"{remedy}, and run:\n{command_of(inventory, 'apply')}"
    return (
        f"{remedy} and add this if it should get there, and run {command_of(inventory, 'apply')}:\n"
        f"{_new_route(question, why)}"
    )


def _wider_route(question: Question, why: NotCarried) -> str:
    """The prefixes of the first route of the link, with that of the repository among them."""
    links = question.desired.outgoing[why.source]
    link = next(link for link in links if link.destination == why.destination)
    if (by_name := question.route_by_name(link)) is not None:
        return _asking_by_name(question, by_name)
    route = next(route for route in question.inventory.routes if route.name == link.routes[0])
    prefixes = json.dumps([*route.prefixes, _folder(question.repository)])
    return (
        f"widen route {route.name} in the inventory if it should get there, and run "
        f"{command_of(question.inventory, 'apply')}:\nprefixes = {prefixes}"
    )


def _asking_by_name(question: Question, route: Route) -> str:
    """The lists of a route that let it ask for the repository."""
    repository = question.repository
    exclude = [entry for entry in route.exclude if not lists((entry,), repository)]
    only = [*route.only, *([] if lists(route.only, repository) else [repository])]
    changed = [
        f"{key} = {json.dumps(entries)}" if entries else f"# without {key}"
        for key, entries, before in (
            ("exclude", exclude, route.exclude),
            ("only", only, route.only),
        )
        if before and entries != [*before]
    ]
    if not exclude and not route.only and route.new_repositories == "leave":
        changed.append("# without new_repositories")
    return (
        f"let route {route.name} ask for it in the inventory if it should get there, and run "
        f"{command_of(question.inventory, 'apply')}:\n" + "\n".join(changed)
    )


def _new_route(question: Question, why: NotCarried) -> str:
    taken = {route.name for route in question.inventory.routes}
    folder = _folder(question.repository)
    base = folder.strip("/").replace("/", "-")
    candidates = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
    name = next(name for name in candidates if name not in taken)
    names = question.desired.names

    def selector(registry: Registry) -> str:
        account = quoted(names[registry.account])
        return f"{{ accounts = {account}, regions = {quoted(registry.region)} }}"

    return (
        f"[[routes]]\nname = {quoted(name)}\nfrom = {selector(why.source)}\n"
        f"to = {selector(why.destination)}\nprefixes = [{quoted(folder)}]"
    )


def _folder(repository: str) -> str:
    """The first part of a repository's name with its slash; a name without parts as it is."""
    first, slash, _ = repository.partition("/")
    return first + slash
