"""Decides by what AWS answered where an image goes, and why it does not go elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from fleet_repl.ecr.rules import Replication
from fleet_repl.inventory import Route
from fleet_repl.inventory.advice import command_of
from fleet_repl.planning.enrolment import joining_sentence
from fleet_repl.planning.explain import (
    EXTERNAL_FACT,
    Carried,
    Explanation,
    NotCarried,
    Question,
    Reason,
    carrying,
    carrying_prefix,
    not_carried,
    remedy_of,
    routes_carrying,
)
from fleet_repl.runs.delivery import Delivery, DeliveryState
from fleet_repl.runs.delivery.explain import SAME_TAG
from fleet_repl.runs.explain.admission import blocked, refusal, unread, verdicts_of
from fleet_repl.runs.explain.sightings import Sightings, delivery_on, links_in_place
from fleet_repl.topology import Link
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import selects
from fleet_repl.values.text import named

_UNLISTED_FACT: Final = (
    "its account is not in the inventory, so nobody here knows whether its policy lets it in"
)


def explain_sightings(question: Question, seen: Sightings) -> Explanation:
    """Returns where the image goes as AWS has it."""
    carried, stopped = answers_on_links(question, seen)
    reached = {link.destination for link in carried} | {why.destination for why in stopped}
    left_out = (*stopped, *_elsewhere(question, seen, reached))
    remedy = remedy_of(question, carried, left_out) or _remedy(question, carried, seen)
    return Explanation(
        image=question.image,
        fleet=question.inventory.name,
        names=question.desired.names,
        live=True,
        carried=carried,
        not_carried=tuple(sorted(left_out, key=lambda why: (why.destination, why.source))),
        unreadable=seen.faults,
        interrupted=seen.interrupted,
        # Half an answer is no ground to act on.
        remedy=None if seen.interrupted else remedy,
    )


def answers_on_links(
    question: Question, seen: Sightings
) -> tuple[tuple[Carried, ...], tuple[NotCarried, ...]]:
    """Returns the links that carry the image, and those that are asked to and do not."""
    in_place = list(links_in_place(question, seen.replications))
    answers = [_answer(question, link, seen) for link in in_place]
    ends = {(link.source, link.destination) for link in in_place}
    missing = [
        _without_rule(question, link, seen)
        for link in carrying(question)
        if (link.source, link.destination) not in ends
    ]
    stopped = (answer for answer in answers if isinstance(answer, NotCarried))
    carried = (answer for answer in answers if isinstance(answer, Carried))
    return tuple(carried), (*missing, *stopped)


def _elsewhere(question: Question, seen: Sightings, reached: set[Registry]) -> Iterator[NotCarried]:
    """Yields the registries that neither a rule nor a route leads to."""
    for why in not_carried(question, reached):
        fault = seen.replications.get(why.source)
        joining = seen.joining.get(why.source.account)
        if why.reason is Reason.SAME_REGISTRY:
            yield why
        elif joining is not None:
            yield replace(why, reason=Reason.JOINING, because=joining)
        elif isinstance(fault, Fault):
            because = unread("rules of the source", fault)
            yield replace(why, reason=Reason.UNREADABLE, because=because)
        else:
            yield why


def _without_rule(question: Question, link: Link, seen: Sightings) -> NotCarried:
    replication = seen.replications.get(link.source)
    if (joining := joining_sentence(seen.joining, link.source, link.destination)) is not None:
        return blocked(link, Reason.JOINING, joining)
    if isinstance(replication, Fault):
        return blocked(link, Reason.UNREADABLE, unread("rules of the source", replication))
    asking = routes_carrying(question, link)
    because = (
        f"{named('route', asking)} asks for it, and no replication rule of the source carries it"
    )
    routes = [route for route in question.inventory.routes if route.name in asking]
    if all(_leaves(route, link.source, question.repository, seen) for route in routes):
        because += ", as of a repository that was created after the route was first applied there"
        lines = (
            'if the repository is newer than the rules, write new_repositories = "include", and run'
        )
    elif all(route.by_name for route in routes):
        lines = "its rule is missing; this puts it in place where the source has the repository"
    else:
        lines = "its rule is missing; this puts it in place"
    remedy = f"{lines}:\n{command_of(question.inventory, 'apply')}"
    return blocked(link, Reason.NO_RULE, because, remedy)


def _leaves(route: Route, source: Registry, repository: str, seen: Sightings) -> bool:
    """Returns whether a route leaves a repository because it is new."""
    there = seen.there.get(source, {}).get(route.name)
    return there is not None and repository not in there


def _answer(question: Question, link: Link, seen: Sightings) -> Carried | NotCarried:
    """Returns what the destination makes of what a rule in place sends to it."""
    delivery = delivery_on(question, link, seen)
    facts = [*_rule_facts(question, link, seen), *_image_facts(question, link, delivery, seen)]
    if (joining := joining_sentence(seen.joining, link.source, link.destination)) is not None:
        return replace(blocked(link, Reason.JOINING, joining), facts=tuple(facts))
    if link.destination.account not in question.desired.by_account:
        is_listed = link.destination.account in question.desired.names
        facts.append(EXTERNAL_FACT if is_listed else _UNLISTED_FACT)
    elif link.crosses_accounts:
        if (refused := refusal(question, link, seen)) is not None:
            return replace(refused, facts=(*facts, *refused.facts))
        facts += [f"{verdict} there" for verdict in verdicts_of(question, link, seen)]
    return Carried(
        source=link.source,
        destination=link.destination,
        routes=link.routes,
        prefix=carrying_prefix(link.prefixes, question.repository),
        status=None if delivery is None else delivery.state,
        facts=tuple(facts),
    )


def _rule_facts(question: Question, link: Link, seen: Sightings) -> Iterator[str]:
    replication = seen.replications[link.source]
    rules = replication.rules if isinstance(replication, Replication) else ()
    for number, rule in enumerate(rules):
        if link.destination in rule.destinations:
            if not rule.understood:
                yield f"rules[{number}] of the source may carry it: its meaning is not known"
            elif selects(rule.prefixes, question.repository):
                yield f"rules[{number}] of the source carries it"
    if not link.routes:
        yield "no route asks for it: somebody else made the rule, or apply has not run since"


def _image_facts(
    question: Question, link: Link, delivery: Delivery | None, seen: Sightings
) -> Iterator[str]:
    image = question.image
    fault = seen.faults.get(link.source)
    if delivery is not None:
        words = (delivery.state.value, delivery.code, delivery.because)
        yield f"{image} there: {': '.join(filter(None, words))}"
    elif image.is_image and link.source in seen.images:
        yield f"{image} is not in the source"
    elif image.is_image and fault is not None:
        yield unread("image in the source", fault)


def _remedy(question: Question, carried: tuple[Carried, ...], seen: Sightings) -> str | None:
    """Returns what to do about an image whose way is clear, and that has not arrived."""
    if question.image.is_image and seen.images and not any(seen.images.values()):
        source = min(seen.images)
        return f"push it to {source}: it is in no source of these links"
    states = {DeliveryState(link.status) for link in carried if link.status is not None}
    backfill = command_of(question.inventory, "backfill")
    if DeliveryState.NOT_SENT in states:
        return f"it was there before its rule; this copies what is there already:\n{backfill}"
    if states & {DeliveryState.FAILED, DeliveryState.MISSING}:
        return f"this copies it; {SAME_TAG}:\n{backfill} --force"
    return None
