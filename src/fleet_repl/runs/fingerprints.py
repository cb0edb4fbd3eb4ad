"""Last-applied fingerprints: digests of what the documents of a registry meant when a run of the
fleet last wrote them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias, assert_never

from fleet_repl.ecr.content import Content
from fleet_repl.ecr.policy import PolicyDocument
from fleet_repl.ecr.rules import Outgoing, Replication, deletes_of, prefixes_of
from fleet_repl.ecr.templates import KMS_KEY, TemplateState
from fleet_repl.planning.change import Change, Resource
from fleet_repl.runs.history import Fingerprint, Fingerprints
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome
from fleet_repl.runs.overwritten import prefix_of
from fleet_repl.values.canonical_json import Json, policy_meaning, short_digest, unordered

Place: TypeAlias = tuple[Resource, str | None]
"""A document of a registry: a creation template goes by its prefix."""


def rules_digest(replication: Replication) -> str:
    """Returns 16 hex digits that are equal where replication configurations mean the same.

    Configurations with unknown fields have equal digests only where their texts are equal.
    """
    if replication.unknown:
        return short_digest(replication.document)
    links, unknown = replication.meaning
    return short_digest([_links(prefixes_of(links)), _links(deletes_of(links)), *unknown])


def policy_digest(policy: PolicyDocument) -> str:
    """Returns a digest of a registry policy's meaning. A missing policy has its own."""
    return short_digest(policy_meaning(policy.document))


def template_digests(template: TemplateState) -> tuple[str, ...]:
    """Returns the digests of a creation template's meaning, or of there being none. The second
    leaves the KMS key open: ECR names the key that it uses where only KMS was asked for."""
    if template.meaning is None:
        return (short_digest(None),)
    meaning: dict[str, Json] = {
        member: value
        if isinstance(value, str)
        else sorted([item] if isinstance(item, str) else [*item] for item in value)
        for member, value in template.meaning.items()
    }
    return short_digest(meaning), short_digest({**meaning, KMS_KEY: ""})


def place_of(change: Change | ChangeOutcome) -> Place:
    """Returns the document that a change writes."""
    prefix = prefix_of(change)
    # ECR implies the slash at the end of a prefix.
    return change.resource, None if prefix is None else prefix.removesuffix("/")


def known_digests(fingerprint: Fingerprint) -> Mapping[Place, str]:
    """Returns the digests of a fingerprint."""
    known: dict[Place, str | None] = {
        (Resource.REPLICATION_CONFIGURATION, None): fingerprint.rules,
        (Resource.REGISTRY_POLICY, None): fingerprint.policy,
    }
    templates = fingerprint.templates.items()
    known |= {(Resource.CREATION_TEMPLATE, prefix): digest for prefix, digest in templates}
    return {place: digest for place, digest in known.items() if digest is not None}


def fingerprinted(
    fingerprints: Fingerprints,
    outcomes: Iterable[RegistryOutcome],
    *,
    run_id: str,
    at: datetime,
    inventory_digest: str,
) -> Fingerprints:
    """Returns the fingerprints after a run, with the digests of the documents that it has written.
    A document whose write has an unknown outcome has no digest any more."""
    by_registry = dict(fingerprints)
    for outcome in outcomes:
        written = _written(outcome)
        if not written:
            continue
        whole = outcome.outcome is Outcome.APPLIED and not outcome.held
        new = Fingerprint(run_id=run_id, at=at, inventory=inventory_digest, whole=whole)
        old = fingerprints.get(outcome.registry)
        # The registry is as the earlier run left it if no write of this run surely took place.
        fingerprint = new if old is None or any(written.values()) else old
        known = {**({} if old is None else known_digests(old)), **written}
        if any(known.values()):
            by_registry[outcome.registry] = _with_digests(fingerprint, known)
        else:
            by_registry.pop(outcome.registry, None)
    return by_registry


def _with_digests(fingerprint: Fingerprint, known: Mapping[Place, str | None]) -> Fingerprint:
    """Returns a fingerprint with these digests and no others."""
    return replace(
        fingerprint,
        rules=known.get((Resource.REPLICATION_CONFIGURATION, None)),
        policy=known.get((Resource.REGISTRY_POLICY, None)),
        templates={
            prefix: digest
            for (_, prefix), digest in sorted(known.items(), key=lambda item: item[0][1] or "")
            if prefix is not None and digest is not None
        },
    )


def _written(outcome: RegistryOutcome) -> Mapping[Place, str | None]:
    """The digests of what a run left in a registry; None where a write has an unknown outcome."""
    digests: dict[Place, str | None] = {}
    for change in outcome.changes:
        if change.outcome is Outcome.APPLIED:
            digests[place_of(change)], *_ = digests_of(change.after)
        elif change.in_doubt:
            digests[place_of(change)] = None
    return digests


def digests_of(content: Content) -> tuple[str, ...]:
    """The digest that a fingerprint holds of a content, and others that it may hold: that of
    earlier versions, or that of a template whose key was left open."""
    match content:
        case Replication():
            return (rules_digest(content),)
        case PolicyDocument():
            # That of earlier versions differs between two spellings that ECR may answer alike.
            return policy_digest(content), short_digest(unordered(content.document))
        case TemplateState():
            return template_digests(content)
        case _:
            assert_never(content)


def _links(links: Outgoing) -> Json:
    return {str(end): list(prefixes) for end, prefixes in links.items()}
