"""Plans as JSON documents, and the digest that tells whether one was altered.

Pure. The keys are a promise. A fleet may have a hundred thousand registries, so digest and text
are made piece by piece and the whole is never held as objects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import Change, LinkEnd, Moved, Plan, RegistryPlan, Vouched
from fleet_repl.reports.documents.shared import (
    acknowledged_document,
    held_document,
    inventory_document,
    notes_document,
)
from fleet_repl.reports.documents.writer import (
    batches,
    compact_pieces,
    fault_document,
    prefixes_document,
    timestamp,
)
from fleet_repl.runs.drift import sentence
from fleet_repl.values.canonical_json import Json, JsonObject, canonical_json

PLAN_SCHEMA: Final = "fleet-repl/plan/1"

_Members: TypeAlias = dict[str, Json]


def plan_document(plan: Plan) -> JsonObject:
    """The document `fleet-repl/plan/1` of a plan."""
    return {**_digested_frame(plan), "registries": list(_registries(plan))}


def plan_content(plan: Plan) -> bytes:
    """The document as it is kept: without any white space."""
    return b"".join(compact_pieces(_digested_frame(plan), "registries", _registries(plan)))


def plan_digest(plan: Plan) -> str:
    """The digest of everything that a plan's document says; `plan.digest` does not count."""
    found = hashlib.sha256()
    for piece in _canonical_pieces({"schema": PLAN_SCHEMA, **_frame(plan)}, _registries(plan)):
        # Half of a surrogate pair is no valid UTF-8 but has a digest too.
        found.update(piece.encode("utf-8", "surrogatepass"))
    return f"sha256:{found.hexdigest()}"


def is_unaltered(plan: Plan) -> bool:
    """Whether a plan still says what it said when it was made."""
    return plan.digest == plan_digest(plan)


def _canonical_pieces(frame: _Members, registries: Iterable[Json]) -> Iterator[str]:
    """The canonical text of `frame` with its registries, piece by piece."""
    key = "registries"
    before = {name: value for name, value in frame.items() if name < key}
    after = {name: value for name, value in frame.items() if name > key}
    yield f'{canonical_json(before)[:-1]},"{key}":['
    for nth, batch in enumerate(batches(registries)):
        yield ("," if nth else "") + canonical_json(batch)[1:-1]
    yield f"],{canonical_json(after)[1:]}"


def _digested_frame(plan: Plan) -> _Members:
    return {"schema": PLAN_SCHEMA, "digest": plan.digest, **_frame(plan)}


def _frame(plan: Plan) -> _Members:
    summary = plan.summary
    # A plan from before there was any trust does not say so, and has to be read back as it is.
    vouched: _Members = {"vouched": list(map(_vouched, plan.vouched))} if plan.vouched else {}
    return {
        **vouched,
        **acknowledged_document(plan.acknowledged),
        "created_at": timestamp(plan.created_at),
        "fleet": plan.fleet,
        "inventory": inventory_document(plan.inventory),
        "rolls_back": plan.rolls_back,
        **({} if plan.world is None else {"world": plan.world}),
        "summary": {
            "registries": summary.registries,
            "changed": summary.changed,
            "unchanged": summary.unchanged,
            "unreadable": summary.unreadable,
            "held": summary.held,
            "links_added": summary.links_added,
            "links_removed": summary.links_removed,
        },
        "objections": notes_document(plan.objections),
        "warnings": notes_document(plan.warnings),
    }


def _vouched(one: Vouched) -> Json:
    return {"account": one.registry.account, "region": one.registry.region, "sid": one.sid}


def _registries(plan: Plan) -> Iterator[Json]:
    return map(_registry, plan.registries)


def _registry(one: RegistryPlan) -> Json:
    return {
        "account": one.registry.account,
        "region": one.registry.region,
        "name": one.name,
        "wave": one.wave,
        "state": one.state.value,
        "changes": [_change(change) for change in one.changes],
        "refused": sorted(resource.value for resource in one.refused),
        "held": held_document(one.held),
        "error": fault_document(one.error),
        "owned": _owned(one.owned),
        "retired": one.retired,
        # As with `vouched`: the digest of a plan from before is that of what it says.
        **({"gone": True} if one.gone else {}),
        "moved": _moved(one.moved),
    }


def _change(change: Change) -> JsonObject:
    return {
        "resource": change.resource.value,
        "action": change.action.value,
        "phase": change.phase.value,
        "wave": change.wave,
        "before": change.before,
        "after": change.after,
        "links_added": _links(change.links_added),
        "links_removed": _links(change.links_removed),
        "deletes_started": _links(change.deletes_started),
        "deletes_stopped": _links(change.deletes_stopped),
        "needs": sorted(map(str, change.needs)),
    }


def _links(ends: tuple[LinkEnd, ...]) -> list[Json]:
    return [
        {
            "account": end.registry.account,
            "region": end.registry.region,
            "prefixes": prefixes_document(end.prefixes),
            "routes": list(end.routes),
        }
        for end in sorted(ends, key=lambda end: (end.registry, end.prefixes, end.routes))
    ]


def _owned(applied: Applied) -> Json:
    """What a run puts on record as the fleet's own; null for nothing, as it often is."""
    if not applied.links and not applied.templates:
        return None
    return {
        "links": {
            str(end): prefixes_document(prefixes) for end, prefixes in sorted(applied.links.items())
        },
        "templates": list(applied.templates),
    }


def _moved(moved: Moved | None) -> Json:
    if moved is None:
        return None
    return {
        "by": moved.by.value,
        "run": moved.run_id,
        "at": timestamp(moved.at) if moved.at is not None else None,
        "message": sentence(moved),
    }
