"""Decides by what AWS answered where an image goes, and why it does not go elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from fleet_repl.ecr.policy import CREATE_REPOSITORY, REPLICATE_IMAGE, Policy, parse_policy
from fleet_repl.ecr.policy.evaluate import Verdict, verdicts_on
from fleet_repl.ecr.rules import Replication
from fleet_repl.planning.explain import (
    EXTERNAL_FACT,
    Carried,
    Explanation,
    NotCarried,
    Question,
    Reason,
    apply_command,
    carrying,
    carrying_prefix,
    not_carried,
    remedy_of,
    routes_carrying,
)
from fleet_repl.runs.delivery import (
    Arrival,
    Delivery,
    DeliveryState,
    Lookup,
    SampledImage,
    SourceSample,
    evidence_of,
    explained,
    judge,
    knowledge_of,
)
from fleet_repl.runs.remedies import pasteable
from fleet_repl.topology import Link
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry, repositories_arn, root_arn
from fleet_repl.values.prefixes import LinkScope, reduce, selects
from fleet_repl.values.text import joined, named


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """What AWS answered about an image, its rules and its destinations."""

    at: datetime
    replications: Mapping[Registry, Replication | Fault]
    """The rules of every registry that may be a source."""
    policies: Mapping[Registry, JsonObject | Fault | None] = field(default_factory=dict)
    """The policies of managed destinations in other accounts than their source."""
    repositories: Mapping[Registry, bool] = field(default_factory=dict)
    """Whether a managed destination in another account has the repository already."""
    images: Mapping[Registry, SampledImage | None] = field(default_factory=dict)
    """Source → the image there, None where it is not there. Empty for a whole repository."""
    arrivals: Mapping[Lookup, Arrival] = field(default_factory=dict)
    faults: Mapping[Registry, Fault] = field(default_factory=dict)
    """Registries that could not be read."""


def links_in_place(
    question: Question, replications: Mapping[Registry, Replication | Fault]
) -> Iterator[Link]:
    """Yields the links that rules in place make, and that may carry the repository. Their routes
    are those that ask for it: there may be none."""
    desired = question.desired
    for source, replication in sorted(replications.items(), key=lambda item: item[0]):
        if isinstance(replication, Fault):
            continue
        wanted = {link.destination: link for link in desired.outgoing.get(source, ())}
        for destination, prefixes in sorted(replication.may_use.items()):
            if selects(prefixes, question.repository) and question.is_about(source, destination):
                link = wanted.get(destination)
                yield Link(
                    source=source,
                    destination=destination,
                    scope=LinkScope(prefixes),
                    routes=() if link is None else routes_carrying(question, link),
                )


def explain_sightings(question: Question, seen: Sightings) -> Explanation:
    """Returns where the image goes as AWS has it."""
    in_place = list(links_in_place(question, seen.replications))
    answers = [_answer(question, link, seen) for link in in_place]
    ends = {(link.source, link.destination) for link in in_place}
    missing = [
        _without_rule(question, link, seen)
        for link in carrying(question)
        if (link.source, link.destination) not in ends
    ]
    carried = tuple(answer for answer in answers if isinstance(answer, Carried))
    blocked = [*missing, *(answer for answer in answers if isinstance(answer, NotCarried))]
    found = {link.destination for link in carried} | {why.destination for why in blocked}
    left_out = (*blocked, *_elsewhere(question, seen, found))
    return Explanation(
        image=question.image,
        fleet=question.inventory.name,
        names=question.desired.names,
        live=True,
        carried=carried,
        not_carried=tuple(sorted(left_out, key=lambda why: (why.destination, why.source))),
        unreadable=seen.faults,
        remedy=remedy_of(question, carried, left_out) or _remedy(question, carried, seen),
    )


def _elsewhere(question: Question, seen: Sightings, found: set[Registry]) -> Iterator[NotCarried]:
    """Yields the registries that neither a rule nor a route leads to."""
    for why in not_carried(question, found):
        fault = seen.replications.get(why.source)
        if isinstance(fault, Fault) and why.reason is not Reason.SAME_REGISTRY:
            yield replace(
                why, reason=Reason.UNREADABLE, because=_unread("rules of the source", fault)
            )
        else:
            yield why


def _unread(what: str, fault: Fault) -> str:
    return f"the {what} could not be read: {fault}"


def _without_rule(question: Question, link: Link, seen: Sightings) -> NotCarried:
    replication = seen.replications.get(link.source)
    if isinstance(replication, Fault):
        return _blocked(link, Reason.UNREADABLE, _unread("rules of the source", replication))
    because = (
        f"{named('route', routes_carrying(question, link))} asks for it, and no replication rule "
        "of the source carries it"
    )
    remedy = f"its rule is missing; this puts it in place:\n{apply_command(question)}"
    return _blocked(link, Reason.NO_RULE, because, remedy)


def _blocked(link: Link, reason: Reason, because: str, remedy: str | None = None) -> NotCarried:
    return NotCarried(
        source=link.source,
        destination=link.destination,
        reason=reason,
        because=because,
        remedy=remedy,
    )


def _answer(question: Question, link: Link, seen: Sightings) -> Carried | NotCarried:
    """Returns what the destination makes of what a rule in place sends to it."""
    facts = [*_rule_facts(question, link, seen)]
    delivery = _delivery(question, link, seen)
    if delivery is not None:
        words = (delivery.state.value, delivery.code, delivery.because)
        facts.append(f"{question.image} there: {': '.join(filter(None, words))}")
    elif question.image.is_image and seen.images.get(link.source, ...) is None:
        facts.append(f"{question.image} is not in the source")
    if link.destination.account not in question.desired.by_account:
        facts.append(EXTERNAL_FACT)
    elif link.crosses_accounts:
        policy = seen.policies.get(link.destination)
        if isinstance(policy, Fault):
            because = _unread("registry policy of the destination", policy)
            return replace(_blocked(link, Reason.UNREADABLE, because), facts=tuple(facts))
        actions = _actions(link, seen)
        verdicts = _verdicts(question, link, policy, actions)
        facts += [f"{verdict} there" for verdict in verdicts]
        refusal = _refusal(question, link, verdicts, actions)
        if refusal is not None:
            return replace(refusal, facts=tuple(facts))
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


def _actions(link: Link, seen: Sightings) -> tuple[str, ...]:
    """The actions that a copy needs: it makes its repository where there is none."""
    if seen.repositories.get(link.destination):
        return (REPLICATE_IMAGE,)
    return (REPLICATE_IMAGE, CREATE_REPOSITORY)


def _verdicts(
    question: Question, link: Link, policy: JsonObject | None, actions: tuple[str, ...]
) -> tuple[Verdict, ...]:
    return verdicts_on(
        policy,
        link.destination,
        question.desired.owner.partition,
        source=link.source.account,
        repository=question.repository,
        actions=actions,
    )


def _refusal(
    question: Question, link: Link, verdicts: tuple[Verdict, ...], actions: tuple[str, ...]
) -> NotCarried | None:
    """Returns why the registry policy does not surely let the image in, or None where it does."""
    desired = question.desired
    root = root_arn(desired.owner.partition, link.source.account)
    trusted = desired.trusted.get(link.destination.account, frozenset())
    denying = [verdict for verdict in verdicts if verdict.denies]
    sure = next((verdict for verdict in denying if verdict.surely), None)
    allowed = {action for v in verdicts if not v.denies for action in v.surely}
    lacking = [action for action in actions if action not in allowed]
    doubtful = next((verdict for verdict in denying if verdict.sid not in trusted), None)
    if sure is not None:
        because = f"{sure.name} of its registry policy denies it"
        remedy = f"have the writer of {sure.name} in {link.destination} exempt {root}"
    elif lacking:
        because = f"its registry policy does not grant {joined(lacking)}"
        remedy = _grant(question, link, actions)
    elif doubtful is not None:
        because = f"its registry policy grants it, but {doubtful}"
        remedy = f"have the writer of {doubtful.name} in {link.destination} see whether it does"
    else:
        return None
    return _blocked(link, Reason.NOT_GRANTED, because, remedy)


def _grant(question: Question, link: Link, actions: tuple[str, ...]) -> str:
    desired = question.desired
    ours = link.routes and desired.must_be_granted(link.source, link.destination)
    if ours and set(actions) <= {*desired.actions}:
        return f"its grant is missing; this puts it in place:\n{apply_command(question)}"
    partition = desired.owner.partition
    prefix = carrying_prefix(link.prefixes, question.repository)
    statement: JsonObject = {
        "Effect": "Allow",
        "Principal": {"AWS": root_arn(partition, link.source.account)},
        "Action": list(actions),
        "Resource": f"{repositories_arn(partition, link.destination)}{prefix}*",
    }
    return f"add this to the registry policy of {link.destination}:\n{pasteable([statement])}"


def _delivery(question: Question, link: Link, seen: Sightings) -> Delivery | None:
    """Returns what became of the image on a link, as `verify` judges it; None for a repository, and
    for an image that is not in the source."""
    sampled, replication = seen.images.get(link.source), seen.replications[link.source]
    if sampled is None or isinstance(replication, Fault):
        return None
    desired = question.desired
    incoming = desired.incoming.get(link.source, ())
    received = reduce(prefix for other in incoming for prefix in other.prefixes)
    sample = SourceSample(at=seen.at, replication=replication, images=(sampled,))
    evidence = evidence_of(sample, received, desired.by_account)
    ((delivery,),) = judge(sample, [link], replace(evidence, arrivals=seen.arrivals))
    policy = seen.policies.get(link.destination)
    known: Policy | Fault = (
        policy
        if isinstance(policy, Fault)
        else parse_policy(policy, desired.owner, link.destination)
    )
    return explained(delivery, link, knowledge_of(desired, {link.destination: known}))


def _remedy(question: Question, carried: tuple[Carried, ...], seen: Sightings) -> str | None:
    """Returns what to do about an image whose way is clear, and that has not arrived."""
    if question.image.is_image and seen.images and not any(seen.images.values()):
        source = min(seen.images)
        return f"push it to {source}: it is in no source of these links"
    states = {DeliveryState(link.status) for link in carried if link.status is not None}
    if DeliveryState.NOT_SENT in states:
        path = apply_command(question).replace(" apply ", " backfill ", 1)
        return f"it was there before its rule; this copies what is there already:\n{path}"
    if states & {DeliveryState.FAILED, DeliveryState.MISSING}:
        return "push it again, or copy it with fleet-repl backfill --force"
    return None
