"""Grants written as statements of a registry policy, beside the statements of others.

A hub is granted the same in many registries, and their statements differ only in the ARN that each
resource starts with. So all else of a statement is made once: its text is kept in the parts between
these ARNs, as every statement has to be hashed and counted. For the prefixes `a/` and `b/`:

    {"Action":…,"Effect":"Allow","Principal":{"AWS":…},"Resource":["      a/*","      b/*"]}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fleet_repl.ecr.policy.grouping import Block, Lengths, shortest
from fleet_repl.ecr.policy.model import NO_POLICY, Grant, Owner, Policy, policy_size, reduced
from fleet_repl.ecr.policy.parse import is_pattern, parse_policy, resource_of
from fleet_repl.ecr.statements import VERSION, alone
from fleet_repl.values.canonical_json import (
    Json,
    JsonObject,
    canonical_json,
    compact_json,
    short_hash,
)
from fleet_repl.values.names import AccountId, Partition, Registry, repositories_arn, root_arn

_NO_STATEMENTS: Final[JsonObject] = {"Version": VERSION, "Statement": ()}
_NO_STATEMENTS_SIZE: Final = len(compact_json(_NO_STATEMENTS))

_SID: Final = len('"Sid":"FleetRepl",') + 8 + 8
"""Characters of a statement's Sid, which ends in two short hashes."""
_FRAME: Final = len('{"Effect":"Allow","Principal":{"AWS":},"Action":,"Resource":},') + _SID
"""Characters of a statement without its lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """A statement without the ARNs of a registry."""

    content: JsonObject
    """All members but its Sid and its resources."""
    endings: tuple[str, ...]
    """The resources, without the ARN that each starts with."""
    text: tuple[str, ...]
    """The parts of its canonical text between these ARNs."""

    def statement(self, base: str, sid_prefix: str) -> JsonObject:
        """The statement of the registry with this ARN."""
        sid = sid_prefix + short_hash(base.join(self.text))
        resources = alone([base + ending for ending in self.endings])
        return {"Sid": sid, **self.content, "Resource": resources}

    def size(self, base: int) -> int:
        """Characters of the statement of a registry whose ARN has `base` characters."""
        return _SID + sum(map(len, self.text)) + base * len(self.endings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Forms:
    """The statements that give some grants, in registries whose ARN has some length."""

    statements: tuple[_Form, ...]
    size: int
    """Characters of all statements, with a comma behind each."""
    exact: bool
    """True if each statement says what its grants do. A prefix with a `*` does not."""

    def of(self, owner: Owner, registry: Registry) -> tuple[JsonObject, ...]:
        """The statements of a registry, sorted by Sid."""
        base, sid_prefix = repositories_arn(owner.partition, registry), owner.sid_prefix
        statements = [form.statement(base, sid_prefix) for form in self.statements]
        return tuple(sorted(statements, key=lambda statement: str(statement["Sid"])))


_TIDY: Final[Mapping[str, object]] = {"opaque": (), "implied": frozenset(), "outdated": False}
"""The members of a policy whose statements of ours nobody has edited."""


class ComposedPolicy(Policy):
    """A policy as `compose` makes it.

    Its document is filled in whenever somebody asks for it. Few policies of a large fleet are ever
    looked at more than once, and each document takes ten times what is kept here.
    """

    __slots__ = ("_beside", "_forms", "_owner", "_registry", "frame")
    _beside: int
    _forms: _Forms
    _owner: Owner
    _registry: Registry
    frame: JsonObject
    """A document with the members that it has beside its statements."""

    def __init__(
        self,
        *,
        grants: frozenset[Grant],
        foreign: tuple[JsonObject, ...],
        forms: _Forms,
        frame: JsonObject,
        beside: int,
        owner: Owner,
        registry: Registry,
    ) -> None:
        """`beside`: characters of its document with the foreign statements alone."""
        members: dict[str, object] = {
            **_TIDY,
            "grants": grants,
            "foreign": foreign,
            "frame": frame,
            "_forms": forms,
            "_beside": beside,
            "_owner": owner,
            "_registry": registry,
        }
        for name, value in members.items():
            object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[object, ...]:
        # Composed anew where it arrives, it shares its parts with the policies that are there.
        frame = Policy(document=self.frame, foreign=self.foreign)
        return compose, (frame, self.grants, self._owner, self._registry)

    @property
    def document(self) -> JsonObject:
        """The policy as it will be sent."""
        ours = self._forms.of(self._owner, self._registry)
        return {**self.frame, "Statement": (*self.foreign, *ours)}

    @property
    def is_missing(self) -> bool:
        """False."""
        return False

    @property
    def size(self) -> int:
        """Characters of its text as it is sent."""
        # Without foreign statements, no comma is behind the last statement of ours.
        return self._beside + self._forms.size - (0 if self.foreign else 1)


def statements_for(
    grants: Iterable[Grant], owner: Owner, registry: Registry
) -> tuple[JsonObject, ...]:
    """Least-privilege statements for exactly these grants in an empty policy, sorted by Sid."""
    return _forms(reduced(grants), owner, registry, _NO_STATEMENTS_SIZE).of(owner, registry)


def compose(policy: Policy, grants: Iterable[Grant], owner: Owner, registry: Registry) -> Policy:
    """The policy with exactly `grants` as ours; without a document if it would have no statement.

    Foreign statements and all else that the document holds stay as they are.
    """
    wanted, foreign = reduced(grants), policy.foreign
    frame, beside = _NO_STATEMENTS, _NO_STATEMENTS_SIZE
    if not policy.is_missing:
        frame = policy.frame if isinstance(policy, ComposedPolicy) else policy.document or {}
        beside = policy_size({**frame, "Statement": foreign})
    forms = _forms(wanted, owner, registry, beside)
    if not forms.statements and not foreign:
        return NO_POLICY
    composed = ComposedPolicy(
        grants=wanted,
        foreign=foreign,
        forms=forms,
        frame=frame,
        beside=beside,
        owner=owner,
        registry=registry,
    )
    return composed if forms.exact else parse_policy(composed.document, owner, registry)


def as_composed(policy: Policy, owner: Owner, registry: Registry) -> Policy:
    """A policy that was read, as `compose` makes it where both have the same text, and else as it
    is. In a fleet that is in place most are as composed, and take a tenth of the memory."""
    if policy.is_missing or policy.foreign or policy.is_untidy:
        return policy
    composed = compose(NO_POLICY, policy.grants, owner, registry)
    same = compact_json(composed.document) == compact_json(policy.document)
    return composed if same else policy


def _forms(grants: frozenset[Grant], owner: Owner, registry: Registry, beside: int) -> _Forms:
    """The statements that give `grants`, in a policy of `beside` characters without them."""
    base = len(repositories_arn(owner.partition, registry))
    return _known_forms(grants, owner.partition, base, owner.policy_bytes - beside)


@lru_cache(maxsize=1_024)
def _known_forms(grants: frozenset[Grant], partition: Partition, base: int, room: int) -> _Forms:
    """`_forms`, kept: a hub is granted the same in hundreds of registries."""
    # Each has two quotes and a comma; the resource that matches anything ends with a `*`.
    source = len(root_arn(partition, AccountId("0" * 12))) + 3
    lengths = Lengths(statement=_FRAME, source=source, resource=base + len(resource_of("", "")) + 3)
    blocks = shortest(grants, lengths, room)
    statements = tuple(_form(block, partition) for block in blocks)
    return _Forms(
        statements=statements,
        size=sum(form.size(base) + 1 for form in statements),
        exact=not any(is_pattern(prefix) for block in blocks for prefix in block.prefixes),
    )


def _form(block: Block, partition: Partition) -> _Form:
    sources = [root_arn(partition, source) for source in block.sources]
    content: dict[str, Json] = {
        "Effect": "Allow",
        "Principal": {"AWS": alone(sources)},
        "Action": alone(block.actions),
    }
    endings = tuple(resource_of(prefix, "") for prefix in block.prefixes)
    # The resources come last in canonical text, too.
    head = canonical_json(content).removesuffix("}") + ',"Resource":'
    opened, closed = ('"', "}") if len(endings) == 1 else ('["', "]}")
    *ends, last = (canonical_json(ending)[1:] for ending in endings)
    return _Form(
        content=content,
        endings=endings,
        text=(head + opened, *(f'{end},"' for end in ends), last + closed),
    )
