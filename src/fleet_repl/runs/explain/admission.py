"""Decides whether the registry policy of a destination lets an image in, statement by statement.

Pure.
"""

from __future__ import annotations

from dataclasses import replace

from fleet_repl.ecr.policy import CREATE_REPOSITORY, REPLICATE_IMAGE
from fleet_repl.ecr.policy.evaluate import Verdict, verdicts_on
from fleet_repl.inventory.advice import command_of
from fleet_repl.planning.explain import NotCarried, Question, Reason, carrying_prefix
from fleet_repl.runs.explain.sightings import Sightings
from fleet_repl.runs.remedies import pasteable
from fleet_repl.topology import Link
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import repositories_arn, root_arn
from fleet_repl.values.text import joined


def refusal(question: Question, link: Link, seen: Sightings) -> NotCarried | None:
    """Returns why the registry policy of a destination in another account does not surely let the
    image in, or None where it does. Its facts are the statements that count."""
    policy = seen.policies.get(link.destination)
    if isinstance(policy, Fault):
        because = unread("registry policy of the destination", policy)
        return blocked(link, Reason.UNREADABLE, because)
    verdicts = verdicts_of(question, link, seen)
    refused = _refused(question, link, verdicts, seen)
    facts = tuple(f"{verdict} there" for verdict in verdicts)
    return None if refused is None else replace(refused, facts=facts)


def verdicts_of(question: Question, link: Link, seen: Sightings) -> tuple[Verdict, ...]:
    """Returns the statements of the destination's registry policy that count for the image."""
    policy = seen.policies.get(link.destination)
    return verdicts_on(
        None if isinstance(policy, Fault) else policy,
        link.destination,
        question.desired.owner.partition,
        source=link.source.account,
        repository=question.repository,
        actions=_actions(link, seen),
    )


def unread(what: str, fault: Fault) -> str:
    """Returns the sentence that something could not be read."""
    return f"the {what} could not be read: {fault}"


def blocked(link: Link, reason: Reason, because: str, remedy: str | None = None) -> NotCarried:
    """Returns that a link does not carry the image, and why."""
    return NotCarried(
        source=link.source,
        destination=link.destination,
        reason=reason,
        because=because,
        remedy=remedy,
    )


def _actions(link: Link, seen: Sightings) -> tuple[str, ...]:
    """The actions that a copy needs: it makes its repository where there is none."""
    if seen.repositories.get(link.destination) is True:
        return (REPLICATE_IMAGE,)
    return (REPLICATE_IMAGE, CREATE_REPOSITORY)


def _refused(
    question: Question, link: Link, verdicts: tuple[Verdict, ...], seen: Sightings
) -> NotCarried | None:
    desired, actions = question.desired, _actions(link, seen)
    root = root_arn(desired.owner.partition, link.source.account)
    trusted = desired.trusted.get(link.destination.account, frozenset())
    denying = [verdict for verdict in verdicts if verdict.denies]
    sure = next((verdict for verdict in denying if verdict.surely), None)
    allowed = {action for v in verdicts if not v.denies for action in v.surely}
    lacking = [action for action in actions if action not in allowed]
    doubtful = next((verdict for verdict in denying if verdict.sid not in trusted), None)
    unknown = seen.repositories.get(link.destination)
    if sure is not None:
        because = f"{sure.name} of its registry policy denies it"
        remedy = f"have the writer of {sure.name} in {link.destination} exempt {root}"
    elif lacking == [CREATE_REPOSITORY] and isinstance(unknown, Fault):
        because = unread("list of its repositories, one of which it needs,", unknown)
        return blocked(link, Reason.UNREADABLE, because)
    elif lacking:
        because = f"its registry policy does not grant {joined(lacking)}"
        remedy = _grant(question, link, actions)
    elif doubtful is not None:
        because = f"its registry policy grants it, but {doubtful}"
        remedy = f"have the writer of {doubtful.name} in {link.destination} see whether it does"
        return replace(blocked(link, Reason.NOT_GRANTED, because, remedy), certain=False)
    else:
        return None
    return blocked(link, Reason.NOT_GRANTED, because, remedy)


def _grant(question: Question, link: Link, actions: tuple[str, ...]) -> str:
    desired = question.desired
    ours = link.routes and desired.must_be_granted(link.source, link.destination)
    if ours and set(actions) <= {*desired.actions}:
        apply = command_of(question.inventory, "apply")
        return f"its grant is missing; this puts it in place:\n{apply}"
    partition = desired.owner.partition
    prefix = carrying_prefix(link.prefixes, question.repository)
    statement: JsonObject = {
        "Effect": "Allow",
        "Principal": {"AWS": root_arn(partition, link.source.account)},
        "Action": list(actions),
        "Resource": f"{repositories_arn(partition, link.destination)}{prefix}*",
    }
    return f"add this to the registry policy of {link.destination}:\n{pasteable([statement])}"
