"""Drift causes: whether a registry differs because the inventory changed or the registry did.

Pure. A fingerprint holds digests of what the documents of a registry meant when a run of the fleet
last wrote them: its rules, its policy and its creation templates. Where the documents in place have
the same digests, the inventory has changed since. Otherwise somebody else has changed the registry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeAlias, assert_never

from fleet_repl.ecr.content import Content
from fleet_repl.ecr.policy import PolicyDocument
from fleet_repl.ecr.rules import Outgoing, Replication, deletes_of, prefixes_of
from fleet_repl.ecr.templates import KMS_KEY, TemplateState
from fleet_repl.planning.attribution import Attribution, Moved, Mover, RecordedCall
from fleet_repl.planning.change import Change, Resource
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.runs.history import Fingerprint, Fingerprints
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome
from fleet_repl.runs.overwritten import prefix_of
from fleet_repl.values.canonical_json import Json, policy_meaning, short_digest, unordered
from fleet_repl.values.names import Registry
from fleet_repl.values.text import day_and_time

NOT_YET: Final = "the call that changed it is not in CloudTrail yet, which lags by some minutes"


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
        member: value if isinstance(value, str) else sorted(map(list, value))
        for member, value in template.meaning.items()
    }
    return short_digest(meaning), short_digest({**meaning, KMS_KEY: ""})


_UNKNOWN: Final = Moved(by=Mover.UNKNOWN)
_Place: TypeAlias = tuple[Resource, str | None]
"""A document of a registry: a creation template goes by its prefix."""


def _place(change: Change | ChangeOutcome) -> _Place:
    prefix = prefix_of(change)
    # ECR implies the slash at the end of a prefix.
    return change.resource, None if prefix is None else prefix.removesuffix("/")


def moved(registry_plan: RegistryPlan, fingerprint: Fingerprint | None) -> Moved | None:
    """Returns why a registry has to change, or None for a registry that does not.

    Only what a run has written is compared.
    """
    if registry_plan.state is not State.CHANGED:
        return None
    left = {} if fingerprint is None else _as_left(registry_plan, fingerprint)
    if fingerprint is None or not left:
        return _UNKNOWN
    by = Mover.INVENTORY if all(left.values()) else Mover.FLEET
    return Moved(by=by, run_id=fingerprint.run_id, at=fingerprint.at)


def changed_outside(registry_plan: RegistryPlan, fingerprint: Fingerprint) -> frozenset[Resource]:
    """Returns the resources of a registry that others have changed since a run wrote them. Creation
    templates that differ count, too, where their fingerprint is not known: earlier versions kept
    none of them."""
    left = _as_left(registry_plan, fingerprint)
    changed = {resource for (resource, _), is_left in left.items() if not is_left}
    template = Resource.CREATION_TEMPLATE
    if any(
        change.resource is template and _place(change) not in left
        for change in registry_plan.changes
    ):
        changed.add(template)
    return frozenset(changed)


def _as_left(registry_plan: RegistryPlan, fingerprint: Fingerprint) -> Mapping[_Place, bool]:
    """Returns whether each changing document with a known fingerprint is as the run left it."""
    befores: dict[_Place, Content] = {}
    for change in registry_plan.changes:
        # Later changes expect the content that earlier changes leave.
        befores.setdefault(_place(change), change.before)
    digests = _known(fingerprint)
    return {
        place: digests[place] in _digests(before)
        for place, before in befores.items()
        if place in digests
    }


def _known(fingerprint: Fingerprint) -> Mapping[_Place, str]:
    """Returns the digests of a fingerprint."""
    known: dict[_Place, str | None] = {
        (Resource.REPLICATION_CONFIGURATION, None): fingerprint.rules,
        (Resource.REGISTRY_POLICY, None): fingerprint.policy,
    }
    templates = fingerprint.templates.items()
    known |= {(Resource.CREATION_TEMPLATE, prefix): digest for prefix, digest in templates}
    return {place: digest for place, digest in known.items() if digest is not None}


def attributed(
    registries: Iterable[RegistryPlan],
    fingerprints: Fingerprints,
    *,
    inventory: str = "",
    by_name: Collection[Registry] = (),
) -> tuple[RegistryPlan, ...]:
    """Returns the registries of a plan, with the cause for those that have to change.

    `inventory`: the digest of the inventory. `by_name`: registries whose links follow from the
    repositories that there are, too.
    """

    def cause(registry_plan: RegistryPlan) -> Moved | None:
        registry = registry_plan.registry
        fingerprint = fingerprints.get(registry)
        change = moved(registry_plan, fingerprint)
        if change is None or change.by is not Mover.INVENTORY or fingerprint is None:
            return change
        # Of a run that did not finish, the rest is what differs, whatever repositories there are.
        same = fingerprint.inventory == inventory and fingerprint.whole
        return replace(change, by_repositories=True) if same and registry in by_name else change

    return tuple(
        replace(registry_plan, moved=cause(registry_plan))
        if registry_plan.state is State.CHANGED
        else registry_plan
        for registry_plan in registries
    )


def sentence(moved: Moved) -> str:
    """Returns why a registry differs, for people."""
    match moved.by:
        case Mover.FLEET:
            return f"changed outside: last applied by {_run(moved)}"
        case Mover.INVENTORY if moved.by_repositories:
            return (
                "its routes need other prefixes, because repositories have changed since they were "
                f"applied by {_run(moved)}"
            )
        case Mover.INVENTORY:
            return f"the inventory asks for something else than was applied by {_run(moved)}"
        case Mover.UNKNOWN:
            return "no remembered run has written what differs"
        case _:
            assert_never(moved.by)


def call_sentences(attribution: Attribution | None) -> tuple[str, ...]:
    """Returns who has changed a registry since, for people: a sentence for each resource, or why
    nobody can tell. Nothing where CloudTrail was not asked."""
    if attribution is None:
        return ()
    if attribution.unknown is not None:
        return (f"who changed it is not known: {attribution.unknown}",)
    return tuple(map(_call_sentence, attribution.calls)) or (NOT_YET,)


def issuer_words(issuer: str | None) -> str:
    """`role deploy`, `user alice`, `the root user`, or the name of a service."""
    if issuer is None:
        return "somebody"
    kind, slash, path = issuer.rpartition(":")[2].partition("/")
    if slash:
        return f"{kind} {path.rpartition('/')[2]}"
    return "the root user" if kind == "root" else issuer


def _call_sentence(call: RecordedCall) -> str:
    session = f", session {call.session}" if call.session is not None else ""
    source = f", source identity {call.source_identity}" if call.source_identity else ""
    tool = f" ({call.tool})" if call.tool is not None else ""
    return (
        f"changed by {issuer_words(call.issuer)}{session}{source}{tool}: {call.operation} on "
        f"{day_and_time(call.at)}"
    )


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
        known = {**({} if old is None else _known(old)), **written}
        if any(known.values()):
            by_registry[outcome.registry] = _with_digests(fingerprint, known)
        else:
            by_registry.pop(outcome.registry, None)
    return by_registry


def _with_digests(fingerprint: Fingerprint, known: Mapping[_Place, str | None]) -> Fingerprint:
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


def _written(outcome: RegistryOutcome) -> Mapping[_Place, str | None]:
    """The digests of what a run left in a registry; None where a write has an unknown outcome."""
    digests: dict[_Place, str | None] = {}
    for change in outcome.changes:
        if change.outcome is Outcome.APPLIED:
            digests[_place(change)], *_ = _digests(change.after)
        elif change.in_doubt:
            digests[_place(change)] = None
    return digests


def _digests(content: Content) -> tuple[str, ...]:
    """The digest that a fingerprint holds of a content, and that of earlier versions."""
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


def _run(moved: Moved) -> str:
    at = f" on {moved.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moved.at is not None else ""
    return f"run {moved.run_id}{at}"


def _links(links: Outgoing) -> Json:
    return {str(end): list(prefixes) for end, prefixes in links.items()}
