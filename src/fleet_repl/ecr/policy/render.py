"""Grants written as statements of a registry policy, beside the statements of others.

A hub is granted the same in many registries, and their statements differ only in the ARN that each
resource starts with. So all else of a statement is made once: its text is kept in the parts between
these ARNs, as every statement has to be hashed and counted. For the prefixes `a/` and `b/`:

    {"Action":…,"Effect":"Allow","Principal":{"AWS":…},"Resource":["      a/*","      b/*"]}
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fleet_repl.ecr.policy.grouping import Block, Lengths, shortest
from fleet_repl.ecr.policy.model import NO_POLICY, Grant, Owner, Policy, policy_size, reduced
from fleet_repl.ecr.policy.parse import parse_policy
from fleet_repl.ecr.policy.resources import is_pattern, resource_of
from fleet_repl.values.canonical_json import (
    Json,
    JsonObject,
    canonical_json,
    compact_json,
    short_hash,
)
from fleet_repl.values.names import AccountId, Partition, Registry, repositories_arn, root_arn

VERSION: Final = "2012-10-17"
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

    def statement(self, base: str, sid_prefix: str) -> tuple[JsonObject, int]:
        """The statement of the registry with this ARN, and its characters."""
        text = base.join(self.text)
        resources = _one_or_list([base + ending for ending in self.endings])
        sid = sid_prefix + short_hash(text)
        return {"Sid": sid, **self.content, "Resource": resources}, _SID + len(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Forms:
    """The statements that give some grants."""

    statements: tuple[_Form, ...]
    exact: bool
    """Whether each statement says what its grants do. A prefix with a `*` does not."""


def statements_for(
    grants: Iterable[Grant], owner: Owner, registry: Registry, *, beside: int = _NO_STATEMENTS_SIZE
) -> tuple[JsonObject, ...]:
    """Least-privilege statements for exactly these grants, sorted by Sid.

    They stay plain as long as they fit into a policy that takes `beside` characters without them.
    """
    base = repositories_arn(owner.partition, registry)
    forms = _forms(reduced(grants), owner.partition, len(base), owner.policy_bytes - beside)
    return tuple(statement for statement, _ in _statements(forms, base, owner))


def compose(policy: Policy, grants: Iterable[Grant], owner: Owner, registry: Registry) -> Policy:
    """The policy with exactly `grants` as ours; without a document where it would have no
    statement.

    Foreign statements and all else that the document holds stay as they are.
    """
    wanted, foreign = reduced(grants), policy.foreign
    others, beside = _NO_STATEMENTS, _NO_STATEMENTS_SIZE
    if policy.document is not None:
        others = {**policy.document, "Statement": foreign}
        beside = policy_size(others)
    base = repositories_arn(owner.partition, registry)
    forms = _forms(wanted, owner.partition, len(base), owner.policy_bytes - beside)
    written = _statements(forms, base, owner)
    if not written and not foreign:
        return NO_POLICY
    document: JsonObject = {
        **others,
        "Statement": (*foreign, *[statement for statement, _ in written]),
    }
    if not forms.exact:
        return parse_policy(document, owner, registry)
    commas = len(written) if foreign else len(written) - 1
    size = beside + sum([size for _, size in written]) + commas
    return Policy(document=document, grants=wanted, foreign=foreign, counted=size)


def _statements(forms: _Forms, base: str, owner: Owner) -> list[tuple[JsonObject, int]]:
    """The statements of a registry, each with its characters."""
    sid_prefix = owner.sid_prefix
    statements = [form.statement(base, sid_prefix) for form in forms.statements]
    if len(statements) > 1:
        statements.sort(key=lambda statement: str(statement[0]["Sid"]))
    return statements


@lru_cache(maxsize=1_024)
def _forms(grants: frozenset[Grant], partition: Partition, base: int, room: int) -> _Forms:
    """The statements that give `grants`, in registries whose ARN has `base` characters."""
    # Each has two quotes and a comma; the resource that matches anything ends with a `*`.
    source = len(root_arn(partition, AccountId("0" * 12))) + 3
    lengths = Lengths(statement=_FRAME, source=source, resource=base + len(resource_of("", "")) + 3)
    blocks = shortest(grants, lengths, room)
    return _Forms(
        statements=tuple(_form(block, partition) for block in blocks),
        exact=not any(is_pattern(prefix) for block in blocks for prefix in block.prefixes),
    )


def _form(block: Block, partition: Partition) -> _Form:
    sources = [root_arn(partition, source) for source in block.sources]
    content: dict[str, Json] = {
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_list(sources)},
        "Action": _one_or_list(block.actions),
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


def _one_or_list(items: Sequence[str]) -> Json:
    return items[0] if len(items) == 1 else list(items)
