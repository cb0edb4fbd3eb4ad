"""Grants written as statements of a registry policy, beside whatever else it holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from fleet_repl.canonical import Json, JsonObject, canonical_json, compact_json, short_hash
from fleet_repl.grants.blocks import Block, Lengths
from fleet_repl.grants.model import Grant, Owner, Policy, reduced
from fleet_repl.grants.search import shortest
from fleet_repl.names import AccountId, Registry, repositories_arn, root_arn

VERSION: Final = "2012-10-17"

_BARE: Final = '{"Sid":"FleetRepl","Effect":"Allow","Principal":{"AWS":},"Action":,"Resource":},'
_FRAME: Final = len(_BARE) + 8 + 8
"""Characters of a statement without its lists: a Sid ends in two short hashes."""


def statements_for(
    grants: Iterable[Grant], owner: Owner, registry: Registry
) -> tuple[JsonObject, ...]:
    """Least-privilege statements for exactly these grants, in the shortest text found."""
    found: dict[AccountId, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for source, prefix, action in reduced(grants):
        actions = found[source].get(prefix, ())
        found[source][prefix] = tuple(sorted((*actions, action), reverse=True))
    lengths = _lengths(owner, registry)
    statements = (_statement(block, owner, registry) for block in shortest(found, lengths))
    return tuple(sorted(statements, key=lambda statement: str(statement["Sid"])))


def compose(
    policy: Policy, grants: Iterable[Grant], owner: Owner, registry: Registry
) -> JsonObject | None:
    """The policy with exactly `grants` as ours; None where nothing is left to say.

    Foreign statements and whatever else the document holds stay as they are.
    """
    statements = (*policy.foreign, *statements_for(grants, owner, registry))
    if not statements:
        return None
    frame = dict(policy.document) if policy.document is not None else {"Version": VERSION}
    return {**frame, "Statement": statements}


def policy_size(document: JsonObject | None) -> int:
    """Characters of the policy text as it is sent."""
    return 0 if document is None else len(compact_json(document))


def _statement(block: Block, owner: Owner, registry: Registry) -> JsonObject:
    base = repositories_arn(owner.partition, registry)
    content: dict[str, Json] = {
        "Effect": "Allow",
        "Principal": {
            "AWS": _one_or_list([root_arn(owner.partition, one) for one in block.sources])
        },
        "Action": _one_or_list(block.actions),
        "Resource": _one_or_list([f"{base}{prefix}*" for prefix in block.prefixes]),
    }
    return {"Sid": owner.mark + short_hash(canonical_json(content)), **content}


def _lengths(owner: Owner, registry: Registry) -> Lengths:
    """What `_statement` makes of the parts of a block, in characters."""
    nobody = root_arn(owner.partition, AccountId("0" * 12))
    anything = f"{repositories_arn(owner.partition, registry)}*"
    # Each has two quotes and a comma.
    return Lengths(statement=_FRAME, source=len(nobody) + 3, resource=len(anything) + 3)


def _one_or_list(items: Iterable[str]) -> Json:
    found = list(items)
    return found[0] if len(found) == 1 else found
