"""Plan documents read back: every one that can be written gives the plan it was made of.

Pure. What is no part of the document is lost: the effort of reading, and the links that were in
place. Of several refused resources each has the one error that the document tells.
"""

from __future__ import annotations

from typing import Final

from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import (
    Action,
    Change,
    LinkEnd,
    Moved,
    Mover,
    Phase,
    Plan,
    RegistryPlan,
    Resource,
    State,
    Summary,
    Vouched,
)
from fleet_repl.reports.documents import reader as members
from fleet_repl.reports.documents.plan import PLAN_SCHEMA
from fleet_repl.reports.documents.reader import MalformedError, as_object
from fleet_repl.reports.documents.reading_shared import (
    acknowledged,
    expect_schema,
    held_link,
    inventory_reference,
    objection,
    unusable,
    warning,
)
from fleet_repl.values.canonical_json import Json, JsonObject, digest
from fleet_repl.values.errors import FleetError
from fleet_repl.values.names import Registry

_PLAN: Final = frozenset(
    [
        "schema",
        "digest",
        "created_at",
        "fleet",
        "inventory",
        "rolls_back",
        "summary",
        "registries",
        "objections",
        "warnings",
    ]
)
_SUMMARY: Final = frozenset(
    ["registries", "changed", "unchanged", "unreadable", "held", "links_added", "links_removed"]
)
_VOUCHED: Final = frozenset({"account", "region", "sid"})
_REGISTRY: Final = frozenset(
    [
        "account",
        "region",
        "name",
        "wave",
        "state",
        "changes",
        "refused",
        "held",
        "error",
        "owned",
        "retired",
        "gone",
        "moved",
    ]
)
_YOUNGER: Final = frozenset({"gone"})
"""What plans of earlier versions lack."""
_CHANGE: Final = frozenset(
    [
        "resource",
        "action",
        "phase",
        "wave",
        "before",
        "after",
        "links_added",
        "links_removed",
        "deletes_started",
        "deletes_stopped",
        "needs",
    ]
)
_PHASES: Final = {
    Resource.CREATION_TEMPLATE: (Phase.TEMPLATES,),
    Resource.REGISTRY_POLICY: (Phase.GRANTS, Phase.WITHDRAWALS),
    Resource.REPLICATION_CONFIGURATION: (Phase.RULES,),
}
_LINK: Final = frozenset({"account", "region", "prefixes", "routes"})
_OWNED: Final = frozenset({"links", "templates"})
_MOVED: Final = frozenset({"by", "run", "at", "message"})


class PlanFormatError(FleetError):
    """A document that is no plan, or none of this version."""


def parse_plan(
    content: bytes,
    where: str,
    *,
    error: type[FleetError] = PlanFormatError,
    altered: type[FleetError] | None = None,
) -> Plan:
    """The plan in a document, which is named as `where` in what is raised.

    Raises `altered` (`error` without one) where the document's digest is not that of its
    content, whatever else is wrong with it; `error` where it is no plan of this version.
    """
    try:
        found = members.parsed(content)
        expect_schema(found, PLAN_SCHEMA)
        told = members.text(found, "digest")
    except MalformedError as malformed:
        raise unusable(error, "plan", where, malformed) from None
    if told != _digest_of(found, where, error):
        raise (altered or error)(
            f"the plan was altered after it was made: {where}: its content has another digest "
            f"than {told}\n    plan again"
        )
    try:
        return _plan(found)
    except MalformedError as malformed:
        raise unusable(error, "plan", where, malformed) from None


def _digest_of(found: JsonObject, where: str, error: type[FleetError]) -> str:
    try:
        return digest({key: value for key, value in found.items() if key != "digest"})
    except RecursionError:
        # Writing nested lists takes a little more room than reading them did.
        malformed = MalformedError("", "it is nested too deeply")
    raise unusable(error, "plan", where, malformed)


def _plan(found: JsonObject) -> Plan:
    as_object(found, keys=_PLAN | ({"acknowledged", "vouched", "world"} & found.keys()))
    return Plan(
        digest=members.text(found, "digest"),
        created_at=members.moment(found, "created_at"),
        fleet=members.text(found, "fleet"),
        inventory=members.inner(found, "inventory", inventory_reference),
        summary=members.inner(found, "summary", _summary),
        registries=_registries(found),
        objections=members.each(found, "objections", objection),
        warnings=members.each(found, "warnings", warning),
        acknowledged=acknowledged(found),
        vouched=members.each(found, "vouched", _vouched) if "vouched" in found else (),
        rolls_back=members.optional_text(found, "rolls_back"),
        world=members.text(found, "world") if "world" in found else None,
    )


def _vouched(item: Json) -> Vouched:
    found = as_object(item, keys=_VOUCHED)
    return Vouched(registry=members.registry_of(found), sid=members.text(found, "sid"))


def _summary(found: JsonObject) -> Summary:
    as_object(found, keys=_SUMMARY)
    return Summary(**{key: members.number(found, key) for key in _SUMMARY})


def _registries(found: JsonObject) -> tuple[RegistryPlan, ...]:
    registries = members.each(found, "registries", _registry)
    seen: set[Registry] = set()
    for nth, one in enumerate(registries):
        if one.registry in seen:
            raise MalformedError(f"registries[{nth}]", f"{one.registry} is there already")
        seen.add(one.registry)
    return registries


def _registry(item: Json) -> RegistryPlan:
    found = as_object(item, keys=_REGISTRY, optional=_YOUNGER)
    error = members.optional_inner(found, "error", members.fault)
    refused = members.each(found, "refused", _resource)
    if refused and error is None:
        raise MalformedError("error", "it has to say why resources are refused")
    return RegistryPlan(
        registry=members.registry_of(found),
        name=members.text(found, "name"),
        wave=members.text(found, "wave"),
        state=members.choice(found, "state", State),
        changes=members.each(found, "changes", _change),
        held=members.each(found, "held", held_link),
        error=error,
        refused={resource: error for resource in refused if error is not None},
        owned=members.optional_inner(found, "owned", _owned) or Applied(),
        retired=members.truth(found, "retired"),
        gone="gone" in found and members.truth(found, "gone"),
        moved=members.optional_inner(found, "moved", _moved),
    )


def _change(item: Json) -> Change:
    found = as_object(item, keys=_CHANGE)
    resource = members.choice(found, "resource", Resource)
    phase = members.choice(found, "phase", Phase)
    if phase not in _PHASES[resource]:
        raise MalformedError("phase", f"no {resource} is written among the {phase}")
    return Change(
        resource=resource,
        action=members.choice(found, "action", Action),
        phase=phase,
        wave=members.text(found, "wave"),
        before=members.document(found, "before"),
        after=members.document(found, "after"),
        links_added=members.each(found, "links_added", _link),
        links_removed=members.each(found, "links_removed", _link),
        needs=frozenset(members.each(found, "needs", members.registry)),
        deletes_started=members.each(found, "deletes_started", _link),
        deletes_stopped=members.each(found, "deletes_stopped", _link),
    )


def _link(item: Json) -> LinkEnd:
    found = as_object(item, keys=_LINK)
    return LinkEnd(
        registry=members.registry_of(found),
        prefixes=members.prefixes(found, "prefixes"),
        routes=members.texts(found, "routes"),
    )


def _resource(item: Json) -> Resource:
    return members.choice({"resource": item}, "resource", Resource)


def _owned(found: JsonObject) -> Applied:
    as_object(found, keys=_OWNED)
    links = members.mapping(found, "links")
    return Applied(
        links={_named(end): members.prefixes(links, end) for end in links},
        templates=members.texts(found, "templates"),
    )


def _named(end: str) -> Registry:
    try:
        return members.registry(end)
    except MalformedError as error:
        raise error.below("links") from None


def _moved(found: JsonObject) -> Moved:
    as_object(found, keys=_MOVED)
    return Moved(
        by=members.choice(found, "by", Mover),
        run_id=members.optional_text(found, "run"),
        at=members.optional_moment(found, "at"),
    )
