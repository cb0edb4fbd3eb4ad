"""Grants written as statements of a registry policy, beside the statements of others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from fleet_repl.ecr.policy.grouping import Block, Lengths, shortest
from fleet_repl.ecr.policy.model import Grant, Owner, Policy, reduced
from fleet_repl.ecr.policy.parse import parse_policy
from fleet_repl.ecr.policy.resources import is_pattern, resource_of
from fleet_repl.values.canonical_json import (
    Json,
    JsonObject,
    canonical_json,
    compact_json,
    short_hash,
)
from fleet_repl.values.names import AccountId, Registry, repositories_arn, root_arn

VERSION: Final = "2012-10-17"
_NO_STATEMENTS: Final[JsonObject] = {"Version": VERSION, "Statement": ()}
_NO_STATEMENTS_SIZE: Final = len(compact_json(_NO_STATEMENTS))

_BARE: Final = '{"Sid":"FleetRepl","Effect":"Allow","Principal":{"AWS":},"Action":,"Resource":},'
_FRAME: Final = len(_BARE) + 8 + 8
"""Characters of a statement without its lists: a Sid ends in two short hashes."""


def statements_for(
    grants: Iterable[Grant], owner: Owner, registry: Registry, *, beside: int = _NO_STATEMENTS_SIZE
) -> tuple[JsonObject, ...]:
    """Least-privilege statements for exactly these grants, sorted by Sid.

    They stay plain as long as they fit into a policy that takes `beside` characters without them.
    """
    room = owner.policy_bytes - beside
    blocks = shortest(reduced(grants), _lengths(owner, registry), room)
    statements = (_statement(block, owner, registry) for block in blocks)
    return tuple(sorted(statements, key=lambda statement: str(statement["Sid"])))


def compose(policy: Policy, grants: Iterable[Grant], owner: Owner, registry: Registry) -> Policy:
    """The policy with exactly `grants` as ours; without a document where it would have no
    statement.

    Foreign statements and all else that the document holds stay as they are.
    """
    wanted = reduced(grants)
    frame = _NO_STATEMENTS if policy.document is None else policy.document
    others: JsonObject = {**frame, "Statement": policy.foreign}
    beside = _NO_STATEMENTS_SIZE if others == _NO_STATEMENTS else policy_size(others)
    statements = statements_for(wanted, owner, registry, beside=beside)
    if not statements and not policy.foreign:
        return Policy(document=None)
    document: JsonObject = {**others, "Statement": (*policy.foreign, *statements)}
    if any(map(is_pattern, {grant.prefix for grant in wanted})):
        # A statement of such a prefix does not say what the grant does.
        return parse_policy(document, owner, registry)
    return Policy(document=document, grants=wanted, foreign=policy.foreign)


def policy_size(document: JsonObject | None) -> int:
    """Characters of the policy text as it is sent."""
    return 0 if document is None else len(compact_json(document))


def _statement(block: Block, owner: Owner, registry: Registry) -> JsonObject:
    base = repositories_arn(owner.partition, registry)
    content: dict[str, Json] = {
        "Effect": "Allow",
        "Principal": {
            "AWS": _one_or_list([root_arn(owner.partition, source) for source in block.sources])
        },
        "Action": _one_or_list(block.actions),
        "Resource": _one_or_list([resource_of(prefix, base) for prefix in block.prefixes]),
    }
    return {"Sid": owner.sid_prefix + short_hash(canonical_json(content)), **content}


def _lengths(owner: Owner, registry: Registry) -> Lengths:
    """Returns the lengths of the texts that `_statement` makes of the parts of a block."""
    nobody = root_arn(owner.partition, AccountId("0" * 12))
    anything = resource_of("", repositories_arn(owner.partition, registry))
    # Each has two quotes and a comma.
    return Lengths(statement=_FRAME, source=len(nobody) + 3, resource=len(anything) + 3)


def _one_or_list(items: Sequence[str]) -> Json:
    return items[0] if len(items) == 1 else list(items)
