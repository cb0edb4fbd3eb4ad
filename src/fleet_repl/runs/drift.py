"""Drift causes: whether a registry differs because the inventory changed or the registry did.

Pure. Where the documents in place mean what the last run left by its fingerprint, the inventory has
changed since. Otherwise somebody else has changed the registry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC
from typing import Final, assert_never

from fleet_repl.ecr.content import Content
from fleet_repl.planning.attribution import Attribution, Moved, Mover, RecordedCall
from fleet_repl.planning.change import Resource
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.runs.fingerprints import Place, digests_of, known_digests, place_of
from fleet_repl.runs.history import Fingerprint, Fingerprints
from fleet_repl.values.names import Registry
from fleet_repl.values.text import day_and_time

NOT_YET: Final = "the call that changed it is not in CloudTrail yet, which lags by some minutes"


_UNKNOWN: Final = Moved(by=Mover.UNKNOWN)


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
        change.resource is template and place_of(change) not in left
        for change in registry_plan.changes
    ):
        changed.add(template)
    return frozenset(changed)


def _as_left(registry_plan: RegistryPlan, fingerprint: Fingerprint) -> Mapping[Place, bool]:
    """Returns whether each changing document with a known fingerprint is as the run left it."""
    befores: dict[Place, Content] = {}
    for change in registry_plan.changes:
        # Later changes expect the content that earlier changes leave.
        befores.setdefault(place_of(change), change.before)
    digests = known_digests(fingerprint)
    return {
        place: digests[place] in digests_of(before)
        for place, before in befores.items()
        if place in digests
    }


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


def _run(moved: Moved) -> str:
    at = f" on {moved.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moved.at is not None else ""
    return f"run {moved.run_id}{at}"
