"""Explains why ECR could not deliver an image, and who has to do what about it.

Pure. AWS publishes no list of failure codes: what is known is explained, what is not is told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from fleet_repl.ecr.policy import CREATE_REPOSITORY, Grant, Policy, resource_of
from fleet_repl.ecr.policy.evaluate import in_force
from fleet_repl.planning.desired import Desired
from fleet_repl.runs.delivery.model import Delivery, DeliveryState
from fleet_repl.topology import Link
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Partition, Registry, repositories_arn, root_arn
from fleet_repl.values.prefixes import selects

ACCESS_DENIED: Final = "DESTINATION_REGISTRY_ACCESS_DENIED"

SAME_TAG: Final = "to push the same tag again sends nothing"
COPIED_BY: Final = f"fleet-repl repair or fleet-repl backfill --force copies it; {SAME_TAG}"
"""The remedy for an image that ECR will not send any more by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """The facts known about the destinations that failed."""

    partition: Partition
    actions: tuple[str, ...]
    """The actions that a link needs to be granted."""
    manages_grants: bool
    managed: Collection[AccountId]
    trusted: Mapping[AccountId, frozenset[str]] = field(default_factory=dict)
    """Sids of statements that somebody vouches for, by the account whose policies hold them."""
    policies: Mapping[Registry, Policy | Fault]
    """Registry policies of managed destinations, or why they were not read."""


def knowledge_of(desired: Desired, policies: Mapping[Registry, Policy | Fault]) -> Knowledge:
    """Returns what a fleet's desired state and the policies that were read tell."""
    return Knowledge(
        partition=desired.owner.partition,
        actions=desired.actions,
        manages_grants=desired.manages_grants,
        managed=desired.by_account,
        trusted=desired.trusted,
        policies=policies,
    )


def needs_policy(delivery: Delivery, link: Link, managed: Collection[AccountId]) -> bool:
    """Returns whether the destination's registry policy is to be read to explain it."""
    return (
        delivery.code == ACCESS_DENIED
        and link.crosses_accounts
        and link.destination.account in managed
    )


def explained(delivery: Delivery, link: Link, known: Knowledge) -> Delivery:
    """A failed delivery with what is behind it; any other one as it is."""
    if delivery.state is not DeliveryState.FAILED:
        return delivery
    because, hint = _explain(delivery, link, known)
    return replace(delivery, because=because, hint=hint)


def _explain(delivery: Delivery, link: Link, known: Knowledge) -> tuple[str, str]:
    if delivery.code == ACCESS_DENIED:
        return _denied(delivery.image.repository, link, known)
    if delivery.code is not None and "IMMUTABLE" in delivery.code:
        return (
            "a tag of it is another image's at the destination, where tags stay",
            "push under new tags only, or make the tags of the destination's repository mutable",
        )
    return "AWS publishes no list of these codes", f"{COPIED_BY}; ask AWS Support if it fails again"


def _denied(repository: str, link: Link, known: Knowledge) -> tuple[str, str]:
    if not link.crosses_accounts:
        hint = (
            f"see that {link.source.account} has enabled {link.destination.region}, and that its "
            "role AWSServiceRoleForECRReplication exists"
        )
        return "ECR was not let into another region of the same account", hint
    statement = _statement(repository, link, known)
    if link.destination.account not in known.managed:
        return (
            "the registry policy of the external destination does not let it in",
            f"its owner has to {statement}, and to deny none of it",
        )
    policy = known.policies.get(link.destination)
    if not isinstance(policy, Policy):
        kind = f" ({policy.kind})" if isinstance(policy, Fault) else ""
        return f"its registry policy was not read{kind}", f"it has to {statement}"
    return _by_policy(policy, repository, link, known, statement)


def _by_policy(
    policy: Policy, repository: str, link: Link, known: Knowledge, statement: str
) -> tuple[str, str]:
    trusted = known.trusted.get(link.destination.account, frozenset())
    permissions = in_force(policy, link.destination, known.partition, trusted)
    source = link.source.account
    lacking = permissions.lacks(source, repository, known.actions)
    if lacking is None:
        doubt = permissions.doubt(source, repository, known.actions, vouched=True)
        if doubt is not None:
            because = f"its registry policy grants it, unless {doubt[0]} denies it{doubt[1]}"
            hint = "trusted_statements says that it does not; take it out of there if it does"
            return because, hint
        since_then = "its registry policy grants it now, so it was changed after the push"
        if CREATE_REPOSITORY not in known.actions:
            since_then += ", or the repository is not there and nobody may create it"
        return since_then, COPIED_BY
    wanted = [Grant(source, repository, action) for action in known.actions]
    if any(permissions.denied_by(statement, wanted) for statement in permissions.statements):
        root = root_arn(known.partition, source)
        return lacking, f"have its writer exempt {root} from that statement"
    if not permissions.missing(wanted):
        return lacking, "have the writer of that statement see whether it does"
    if known.manages_grants:
        return lacking, f"fleet-repl apply does that: {statement}"
    return lacking, f"grants are off, so its owner has to {statement}"


def _statement(repository: str, link: Link, known: Knowledge) -> str:
    """Returns the missing grant, in words that can be written down as a statement."""
    prefix = next(prefix for prefix in link.prefixes if selects((prefix,), repository))
    resource = resource_of(prefix, repositories_arn(known.partition, link.destination))
    return (
        f"allow {root_arn(known.partition, link.source.account)} "
        f"{' and '.join(known.actions)} on {resource}"
    )
