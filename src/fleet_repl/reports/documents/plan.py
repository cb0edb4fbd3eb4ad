"""Plans as JSON documents and back, and the digest that tells whether one was altered.

Pure. The keys are a promise. A plan that is read has that document again, byte for byte. What is
no part of it is lost: the effort of reading, and the links that were in place. Of several refused
resources each has the one error that the document tells.

A fleet may have a hundred thousand registries, so digest and text are made piece by piece and the
whole is never held as objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import (
    Action,
    Change,
    LinkEnd,
    Moved,
    Mover,
    Objection,
    Phase,
    Plan,
    RegistryPlan,
    Resource,
    State,
    Summary,
    Vouched,
    Warning,
)
from fleet_repl.reports.documents.fields import prefix_list
from fleet_repl.reports.documents.reader import (
    Document,
    MalformedError,
    converted,
    each,
    expect_schema,
    parsed,
    read_exact,
    shown,
    unusable,
    without_collection,
)
from fleet_repl.reports.documents.shared import (
    Account,
    AccountName,
    Acknowledged,
    AwsDocument,
    Count,
    Digest,
    ErrorDocument,
    HeldDocument,
    InventoryDocument,
    ObjectionDocument,
    PrefixList,
    RegionName,
    RegistryName,
    Timestamp,
    WarningDocument,
    alike,
    alike_or_none,
    given,
    held_documents,
    moment,
    prefixes_of,
    registry_named,
)
from fleet_repl.reports.documents.writer import canonical, digest_of, pieces
from fleet_repl.runs.drift import sentence
from fleet_repl.values.canonical_json import JsonObject, digest
from fleet_repl.values.errors import Fault, FleetError
from fleet_repl.values.names import Registry
from fleet_repl.values.text import timestamp

PLAN_SCHEMA: Final = "fleet-repl/plan/1"

_PHASES: Final = {
    Resource.CREATION_TEMPLATE: (Phase.TEMPLATES,),
    Resource.REGISTRY_POLICY: (Phase.GRANTS, Phase.WITHDRAWALS),
    Resource.REPLICATION_CONFIGURATION: (Phase.RULES,),
}
_UNIQUE: Final[Mapping[str, Any]] = {"uniqueItems": True}
_BY_STATE: Final[Mapping[str, Any]] = {
    "allOf": [
        {
            "if": {"properties": {"state": {"const": "unreadable"}}},
            "then": {
                "properties": {
                    "changes": {"maxItems": 0},
                    "held": {"maxItems": 0},
                    "error": {"type": "object"},
                }
            },
        },
        {
            "if": {"properties": {"state": {"const": "changed"}}},
            "then": {"properties": {"changes": {"minItems": 1}}},
            "else": {"properties": {"changes": {"maxItems": 0}}},
        },
    ]
}
"""What a registry's state says of its other members."""


class PlanFormatError(FleetError):
    """A document that is no plan, or none of this version."""


class LinkDocument(Document, frozen=True):
    """A link by its other end: a destination of a replication configuration, a source of a
    registry policy."""

    account: Account
    region: RegionName
    prefixes: PrefixList
    routes: Annotated[
        tuple[str, ...],
        Meta(
            description="Routes that ask for it; empty where none does.",
            extra_json_schema=_UNIQUE,
        ),
    ]

    def end(self) -> LinkEnd:
        return LinkEnd(
            registry=Registry(self.account, self.region),
            prefixes=prefixes_of(self.prefixes),
            routes=self.routes,
        )


class ChangeDocument(Document, frozen=True):
    resource: Resource
    action: Action
    phase: Annotated[
        Phase,
        Meta(
            description="When it is written within its wave: all templates come first, then all "
            "grants, then all rules, then all withdrawals."
        ),
    ]
    wave: Annotated[str, Meta(description="When it is written: waves come one after another.")]
    before: AwsDocument
    after: AwsDocument
    links_added: tuple[LinkDocument, ...]
    links_removed: tuple[LinkDocument, ...]
    deletes_started: Annotated[
        tuple[LinkDocument, ...],
        Meta(description="Links whose deletions will travel from now on."),
    ]
    deletes_stopped: Annotated[
        tuple[LinkDocument, ...], Meta(description="Links whose deletions travel no more.")
    ]
    needs: Annotated[
        tuple[RegistryName, ...],
        Meta(
            description="Registries whose rules have to be written before this, withdrawals only.",
            extra_json_schema=_UNIQUE,
        ),
    ]

    @classmethod
    def of(cls, change: Change) -> ChangeDocument:
        return cls(
            resource=change.resource,
            action=change.action,
            phase=change.phase,
            wave=change.wave,
            before=change.before,
            after=change.after,
            links_added=_links(change.links_added),
            links_removed=_links(change.links_removed),
            deletes_started=_links(change.deletes_started),
            deletes_stopped=_links(change.deletes_stopped),
            needs=tuple(sorted(map(str, change.needs))) if change.needs else (),
        )

    def change(self) -> Change:
        if self.phase not in _PHASES[self.resource]:
            raise MalformedError("phase", f"no {self.resource} is written among the {self.phase}")
        return Change(
            resource=self.resource,
            action=self.action,
            phase=self.phase,
            wave=self.wave,
            before=self.before,
            after=self.after,
            links_added=_ends(self.links_added),
            links_removed=_ends(self.links_removed),
            needs=frozenset(map(registry_named, self.needs)) if self.needs else frozenset(),
            deletes_started=_ends(self.deletes_started),
            deletes_stopped=_ends(self.deletes_stopped),
        )


class OwnedDocument(Document, frozen=True):
    links: Annotated[
        dict[
            RegistryName,
            Annotated[tuple[str, ...] | None, Meta(extra_json_schema={"minItems": 1, **_UNIQUE})],
        ],
        Meta(
            description="Destinations, each with the prefixes that the fleet's rules list for "
            "it; null for every repository."
        ),
    ]
    templates: Annotated[
        tuple[str, ...],
        Meta(description="Prefixes of the fleet's creation templates.", extra_json_schema=_UNIQUE),
    ]

    @classmethod
    def of(cls, applied: Applied) -> OwnedDocument | None:
        """None for nothing, as it often is."""
        if not applied.links and not applied.templates:
            return None
        links = {str(end): prefix_list(prefixes) for end, prefixes in sorted(applied.links.items())}
        return cls(links=links, templates=applied.templates)

    def applied(self) -> Applied:
        links = {registry_named(end): prefixes_of(listed) for end, listed in self.links.items()}
        return Applied(links=links, templates=self.templates)


class MovedDocument(Document, frozen=True):
    by: Annotated[
        Mover,
        Meta(
            description="What is no longer as it was when a run last wrote the registry: what is "
            "in place (fleet), or what is wanted (inventory)."
        ),
    ]
    run: Annotated[str | None, Meta(description="The run that last wrote it.")]
    at: Annotated[Timestamp | None, Meta(description="When that was.")]
    message: str

    @classmethod
    def of(cls, moved: Moved) -> MovedDocument:
        return cls(
            by=moved.by,
            run=moved.run_id,
            at=timestamp(moved.at) if moved.at is not None else None,
            message=sentence(moved),
        )

    def moved(self) -> Moved:
        at = moment(self.at, "moved.at") if self.at is not None else None
        return Moved(by=self.by, run_id=self.run, at=at)


class RegistryDocument(Document, frozen=True, kw_only=True):
    account: Account
    region: RegionName
    name: AccountName
    wave: Annotated[str, Meta(description="The registry's own wave.")]
    state: State
    changes: Annotated[
        tuple[ChangeDocument, ...], Meta(description="In the order they are written.")
    ]
    refused: Annotated[
        tuple[Resource, ...],
        Meta(
            description="Resources whose changes are shown but must not be written; error says "
            "why.",
            extra_json_schema=_UNIQUE,
        ),
    ]
    held: tuple[HeldDocument, ...]
    error: ErrorDocument | None
    owned: Annotated[
        OwnedDocument | None,
        Meta(
            description="What of the registry is the fleet's own once all is done; null for "
            "nothing."
        ),
    ]
    retired: Annotated[bool, Meta(description="Whether its account is retired.")]
    gone: Annotated[
        bool | UnsetType,
        Meta(
            description="True where that account counts as gone: AWS refused its role twice, "
            "seconds apart, and nothing of it answered. Missing otherwise."
        ),
    ] = UNSET
    moved: Annotated[
        MovedDocument | None,
        Meta(
            description="Why it differs from the inventory, as far as remembered runs tell; null "
            "where it does not, or nobody asked."
        ),
    ]

    @classmethod
    def of(cls, plan: RegistryPlan) -> RegistryDocument:
        return cls(
            account=plan.registry.account,
            region=plan.registry.region,
            name=plan.name,
            wave=plan.wave,
            state=plan.state,
            changes=tuple(map(ChangeDocument.of, plan.changes)),
            refused=tuple(sorted(plan.refused)) if plan.refused else (),
            held=held_documents(plan.held) if plan.held else (),
            error=alike_or_none(plan.error, ErrorDocument),
            owned=OwnedDocument.of(plan.owned),
            retired=plan.retired,
            gone=plan.gone or UNSET,
            moved=MovedDocument.of(plan.moved) if plan.moved is not None else None,
        )

    def plan(self) -> RegistryPlan:
        error = alike_or_none(self.error, Fault)
        if self.refused and error is None:
            raise MalformedError("error", "it has to say why resources are refused")
        return RegistryPlan(
            registry=Registry(self.account, self.region),
            name=self.name,
            wave=self.wave,
            state=self.state,
            changes=each("changes", self.changes, ChangeDocument.change),
            held=tuple(map(HeldDocument.link, self.held)),
            error=error,
            refused={resource: error for resource in self.refused if error is not None},
            owned=self.owned.applied() if self.owned is not None else Applied(),
            retired=self.retired,
            gone=self.gone is True,
            moved=self.moved.moved() if self.moved is not None else None,
        )


class SummaryDocument(Document, frozen=True):
    registries: Count
    changed: Count
    unchanged: Count
    unreadable: Count
    held: Count
    links_added: Count
    links_removed: Count


class VouchedDocument(Document, frozen=True):
    account: Account
    region: RegionName
    sid: str

    def vouched(self) -> Vouched:
        return Vouched(registry=Registry(self.account, self.region), sid=self.sid)


class PlanDocument(Document, frozen=True, kw_only=True, tag_field="schema", tag=PLAN_SCHEMA):
    """Everything that a run would do. Every registry in scope is listed exactly once."""

    digest: Annotated[Digest, Meta(description="Over this whole document without this key.")]
    vouched: Annotated[
        tuple[VouchedDocument, ...] | UnsetType,
        Meta(
            description="Statements of others of which nobody can tell whether they keep images "
            "out, and that do not because trusted_statements says so. Missing where there are "
            "none.",
            extra_json_schema={"minItems": 1},
        ),
    ] = UNSET
    acknowledged: Acknowledged = UNSET
    created_at: Timestamp
    fleet: str
    inventory: InventoryDocument
    rolls_back: Annotated[
        str | None,
        Meta(description="The run whose writes it takes back; null for a plan of the inventory."),
    ]
    world: Annotated[
        str | UnsetType,
        Meta(
            description="The AWS that it was made of, by its endpoint's host and port; absent "
            "for AWS itself."
        ),
    ] = UNSET
    summary: SummaryDocument
    objections: tuple[ObjectionDocument, ...]
    warnings: tuple[WarningDocument, ...]
    registries: tuple[Annotated[RegistryDocument, Meta(extra_json_schema=_BY_STATE)], ...]

    @classmethod
    def of(cls, plan: Plan) -> PlanDocument:
        """The document without its registries, which are many.

        What is missing where there is none was not there in earlier versions, of whose plans the
        digest has to stay what it is.
        """
        return cls(
            digest=plan.digest,
            vouched=tuple(
                VouchedDocument(one.registry.account, one.registry.region, one.sid)
                for one in plan.vouched
            )
            or UNSET,
            acknowledged=plan.acknowledged or UNSET,
            created_at=timestamp(plan.created_at),
            fleet=plan.fleet,
            inventory=alike(plan.inventory, InventoryDocument),
            rolls_back=plan.rolls_back,
            world=UNSET if plan.world is None else plan.world,
            summary=alike(plan.summary, SummaryDocument),
            objections=tuple(alike(one, ObjectionDocument) for one in plan.objections),
            warnings=tuple(alike(one, WarningDocument) for one in plan.warnings),
            registries=(),
        )

    def plan(self) -> Plan:
        return Plan(
            digest=self.digest,
            created_at=moment(self.created_at, "created_at"),
            fleet=self.fleet,
            inventory=alike(self.inventory, InventoryRef),
            summary=alike(self.summary, Summary),
            registries=_registries(self.registries),
            objections=tuple(alike(one, Objection) for one in self.objections),
            warnings=tuple(alike(one, Warning) for one in self.warnings),
            acknowledged=self.acknowledged or 0,
            vouched=tuple(map(VouchedDocument.vouched, self.vouched or ())),
            rolls_back=self.rolls_back,
            world=given(self.world),
        )


def plan_document(plan: Plan) -> JsonObject:
    """The document `fleet-repl/plan/1` of a plan."""
    return parsed(plan_content(plan))


def plan_content(plan: Plan) -> bytes:
    """The document as it is kept: without any white space, ending with a newline."""
    registries = map(RegistryDocument.of, plan.registries)
    return b"".join(pieces(PlanDocument.of(plan), "registries", registries)) + b"\n"


def plan_digest(plan: Plan) -> str:
    """The digest of everything that a plan's document says; `plan.digest` does not count."""
    return _digest(PlanDocument.of(plan), map(RegistryDocument.of, plan.registries))


def is_unaltered(plan: Plan) -> bool:
    """Whether a plan still says what it said when it was made."""
    return plan.digest == plan_digest(plan)


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
        with without_collection():
            return _read(content).plan()
    except _AlteredError as told:
        raise (altered or error)(
            f"the plan was altered after it was made: {where}: its content has another digest "
            f"than {told}\n    plan again"
        ) from None
    except MalformedError as malformed:
        raise unusable(error, "plan", where, malformed) from None


class _AlteredError(Exception):
    """Its text is the digest that the document tells."""


def _read(content: bytes) -> PlanDocument:
    document = read_exact(content, PlanDocument)
    if document is not None:
        if document.digest != _digest(document, document.registries):
            raise _AlteredError(document.digest)
        return document
    value = parsed(content)
    expect_schema(value, PlanDocument)
    told = value.get("digest", UNSET)
    if not isinstance(told, str):
        reason = "it is missing" if told is UNSET else f"a text is needed, not {shown(told)}"
        raise MalformedError("digest", reason)
    if told != _digest_of_any(value):
        raise _AlteredError(told)
    return converted(value, PlanDocument)


def _digest(frame: PlanDocument, registries: Iterable[RegistryDocument]) -> str:
    frame = msgspec.structs.replace(frame, digest="", registries=())
    return digest_of(_without_digest(pieces(frame, "registries", registries, canonical)))


def _without_digest(text: Iterable[bytes]) -> Iterator[bytes]:
    """A canonical text without its first digest, which is empty: it is in the first piece, after
    `created_at` and before everything that could hold another one."""
    for nth, piece in enumerate(text):
        yield piece if nth else piece.replace(b'"digest":"",', b"", 1)


def _digest_of_any(value: JsonObject) -> str:
    try:
        return digest({key: value[key] for key in value if key != "digest"})
    except RecursionError:
        # Writing nested lists takes a little more room than reading them did.
        raise MalformedError("", "it is nested too deeply") from None


def _registries(documents: Iterable[RegistryDocument]) -> tuple[RegistryPlan, ...]:
    registries = each("registries", documents, RegistryDocument.plan)
    seen: set[Registry] = set()
    for nth, plan in enumerate(registries):
        if plan.registry in seen:
            raise MalformedError(f"registries[{nth}]", f"{plan.registry} is there already")
        seen.add(plan.registry)
    return registries


def _links(ends: tuple[LinkEnd, ...]) -> tuple[LinkDocument, ...]:
    if not ends:
        return ()
    return tuple(
        LinkDocument(
            account=end.registry.account,
            region=end.registry.region,
            prefixes=prefix_list(end.prefixes),
            routes=end.routes,
        )
        for end in sorted(ends, key=lambda end: (end.registry, end.prefixes, end.routes))
    )


def _ends(links: tuple[LinkDocument, ...]) -> tuple[LinkEnd, ...]:
    return tuple(map(LinkDocument.end, links)) if links else ()
