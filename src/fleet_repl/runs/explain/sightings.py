"""AWS's answers about an image: the links that its rules make, and what became of the image there.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from fleet_repl.ecr.policy import Policy, parse_policy
from fleet_repl.ecr.rules import Replication
from fleet_repl.planning.explain import Question, routes_carrying
from fleet_repl.planning.repository_routes import There
from fleet_repl.runs.delivery import (
    Arrival,
    Delivery,
    Lookup,
    SampledImage,
    SourceSample,
    evidence_of,
    explained,
    judge,
    knowledge_of,
)
from fleet_repl.topology import Link
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import LinkScope, reduce, selects


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """AWS's answers about an image, its rules and its destinations."""

    at: datetime
    replications: Mapping[Registry, Replication | Fault]
    """The rules of every registry that may be a source."""
    policies: Mapping[Registry, JsonObject | Fault | None] = field(default_factory=dict)
    """The policies of managed destinations in other accounts than their source."""
    repositories: Mapping[Registry, bool | Fault] = field(default_factory=dict)
    """True for each managed destination in another account that has the repository already."""
    images: Mapping[Registry, SampledImage | None] = field(default_factory=dict)
    """Source → the image there, None where it is not there. Empty for a whole repository."""
    arrivals: Mapping[Lookup, Arrival] = field(default_factory=dict)
    faults: Mapping[Registry, Fault] = field(default_factory=dict)
    """Registries that could not be read."""
    joining: Mapping[AccountId, str] = field(default_factory=dict)
    """Accounts whose registries were not read because they are joining, each with a sentence."""
    there: There = field(default_factory=dict)
    """The repositories that count, of routes that leave new ones."""
    interrupted: bool = False
    """True if somebody stopped the run before everything was read."""


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


def delivery_on(question: Question, link: Link, seen: Sightings) -> Delivery | None:
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
