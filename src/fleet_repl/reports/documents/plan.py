"""Plans as JSON documents and back, and the digest that tells whether one was altered.

Pure. The keys are a promise. A plan that is read has its document again, byte for byte. Three facts
of a plan are in no document: how long each registry took to read, the number of links that were in
place, and a second error of a registry whose resources were refused for different reasons.

A fleet may have a hundred thousand registries, so digest and text are made in pieces, and the whole
document is never held as objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.plan import (
    Objection,
    Plan,
    PlannedAccount,
    RegistryPlan,
    Summary,
    Warning,
)
from fleet_repl.reports.documents.member_types import (
    Acknowledged,
    Digest,
    Labels,
    Timestamp,
)
from fleet_repl.reports.documents.plan_members import (
    AccountDocument,
    ResolvedDocument,
    SummaryDocument,
    VouchedDocument,
)
from fleet_repl.reports.documents.reader import (
    Document,
    MalformedError,
    converted,
    expect_schema,
    parsed,
    read_exact,
    read_items,
    shown,
    unusable,
    without_collection,
)
from fleet_repl.reports.documents.registry_plans import PlannedRegistry, RegistryDocument
from fleet_repl.reports.documents.shared import (
    InventoryDocument,
    ObjectionDocument,
    WarningDocument,
    given,
    label_members,
    moment,
    recast,
)
from fleet_repl.reports.documents.writer import canonical, digest_of, indented_pieces, pieces
from fleet_repl.values.canonical_json import JsonObject, digest
from fleet_repl.values.errors import FleetError
from fleet_repl.values.names import Registry
from fleet_repl.values.text import timestamp

PLAN_SCHEMA: Final = "fleet-repl/plan/1"


class PlanFormatError(FleetError):
    """A document that is not a plan, or that this version cannot read."""


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
    accounts: Annotated[
        tuple[AccountDocument, ...] | UnsetType,
        Meta(
            description="The accounts of the fleet, where they were discovered; the plan is for "
            "exactly these. Missing where the inventory lists them.",
            extra_json_schema={"minItems": 1},
        ),
    ] = UNSET
    labels: Labels = UNSET
    resolved: Annotated[
        tuple[ResolvedDocument, ...] | UnsetType,
        Meta(
            description="The prefixes of routes with `exclude` or `only`, as the repositories of "
            "their sources were when the plan was made. Missing where there are none.",
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
    registries: tuple[PlannedRegistry, ...]

    @classmethod
    def of(cls, plan: Plan) -> PlanDocument:
        """Returns the document of a plan with an empty list of registries.

        Members that earlier versions did not write are UNSET where they would say nothing, so that
        plans of those versions keep their digests.
        """
        return cls(
            digest=plan.digest,
            vouched=tuple(
                VouchedDocument(*statement.registry, statement.sid) for statement in plan.vouched
            )
            or UNSET,
            accounts=tuple(recast(account, AccountDocument) for account in plan.accounts) or UNSET,
            labels=label_members(plan.labels),
            resolved=tuple(
                ResolvedDocument(*item.source, item.route, item.prefixes) for item in plan.resolved
            )
            or UNSET,
            acknowledged=plan.acknowledged or UNSET,
            created_at=timestamp(plan.created_at),
            fleet=plan.fleet,
            inventory=recast(plan.inventory, InventoryDocument),
            rolls_back=plan.rolls_back,
            world=UNSET if plan.world is None else plan.world,
            summary=recast(plan.summary, SummaryDocument),
            objections=tuple(recast(objection, ObjectionDocument) for objection in plan.objections),
            warnings=tuple(recast(warning, WarningDocument) for warning in plan.warnings),
            registries=(),
        )

    def plan(self) -> Plan:
        return Plan(
            digest=self.digest,
            created_at=moment(self.created_at, "created_at"),
            fleet=self.fleet,
            inventory=recast(self.inventory, InventoryRef),
            summary=recast(self.summary, Summary),
            registries=_registries(self.registries),
            objections=tuple(recast(objection, Objection) for objection in self.objections),
            warnings=tuple(recast(warning, Warning) for warning in self.warnings),
            acknowledged=self.acknowledged or 0,
            vouched=tuple(map(VouchedDocument.vouched, self.vouched or ())),
            accounts=tuple(recast(account, PlannedAccount) for account in self.accounts or ()),
            labels=self.labels or {},
            resolved=tuple(map(ResolvedDocument.resolved, self.resolved or ())),
            rolls_back=self.rolls_back,
            world=given(self.world),
        )


def plan_document(plan: Plan) -> JsonObject:
    """Returns the document `fleet-repl/plan/1` of a plan."""
    return parsed(plan_content(plan))


def plan_content(plan: Plan) -> bytes:
    """Returns the document as one line of JSON without white space, as the state keeps it."""
    return b"".join(plan_pieces(plan))


def plan_pieces(plan: Plan) -> Iterator[bytes]:
    """Yields `plan_content` in pieces."""
    registries = map(RegistryDocument.of, plan.registries)
    yield from pieces(PlanDocument.of(plan), "registries", registries)
    yield b"\n"


def indented_plan(plan: Plan) -> Iterator[str]:
    """Yields the document as indented text, in pieces."""
    registries = map(RegistryDocument.of, plan.registries)
    return indented_pieces(PlanDocument.of(plan), "registries", registries)


def plan_digest(plan: Plan) -> str:
    """Returns the digest of a plan's document without its member `digest`."""
    return _digest(PlanDocument.of(plan), map(RegistryDocument.of, plan.registries))


def is_unaltered(plan: Plan) -> bool:
    """Returns whether a plan still has the content that its digest was made of."""
    return plan.digest == plan_digest(plan)


def parse_plan(
    content: bytes,
    where: str,
    *,
    error: type[FleetError] = PlanFormatError,
    altered: type[FleetError] | None = None,
) -> Plan:
    """Returns the plan in a document. Errors name the document as `where`.

    Raises `altered`, or `error` if `altered` is None, when the document's digest differs from that
    of its content, whatever else is wrong with the document. Raises `error` when it is not a plan
    of this version.
    """
    try:
        with without_collection():
            return _read(content).plan()
    except _AlteredError as stated:
        raise (altered or error)(
            f"the plan was altered after it was made: {where}: its content has another digest "
            f"than {stated}\n    plan again"
        ) from None
    except MalformedError as malformed:
        raise unusable(error, "plan", where, malformed) from None


class _AlteredError(Exception):
    """A document's content has another digest than its member `digest`, the text of this error."""


def _read(content: bytes) -> PlanDocument:
    document = read_exact(content, PlanDocument)
    if document is not None:
        if document.digest != _digest(document, document.registries):
            raise _AlteredError(document.digest)
        return document
    value = parsed(content)
    expect_schema(value, PlanDocument)
    stated = value.get("digest", UNSET)
    if not isinstance(stated, str):
        reason = "it is missing" if stated is UNSET else f"a text is needed, not {shown(stated)}"
        raise MalformedError("digest", reason)
    if stated != _digest_of_any(value):
        raise _AlteredError(stated)
    return converted(value, PlanDocument)


def _digest(frame: PlanDocument, registries: Iterable[RegistryDocument]) -> str:
    frame = msgspec.structs.replace(frame, digest=UNSET, registries=())
    return digest_of(pieces(frame, "registries", registries, canonical))


def _digest_of_any(value: JsonObject) -> str:
    try:
        return digest({key: value[key] for key in value if key != "digest"})
    except RecursionError:
        # Writing nested lists takes a little more room than reading them did.
        raise MalformedError("", "it is nested too deeply") from None


def _registries(documents: Iterable[RegistryDocument]) -> tuple[RegistryPlan, ...]:
    registries = read_items("registries", documents, RegistryDocument.plan)
    seen: set[Registry] = set()
    for nth, plan in enumerate(registries):
        if plan.registry in seen:
            raise MalformedError(f"registries[{nth}]", f"{plan.registry} is there already")
        seen.add(plan.registry)
    return registries
