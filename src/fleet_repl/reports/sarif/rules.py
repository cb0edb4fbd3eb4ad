"""The rules of findings: for each kind, what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fleet_repl.planning.explain import Awaited, Reason
from fleet_repl.runs.delivery import DeliveryState

INVALID: Final = "invalid-inventory"
HELD: Final = "held"
DRIFT: Final = "drift"
SHORT: Final = "backfill-short"
IMAGES: Final = "images-"
"""The beginning of the kind of links that images have not arrived on; the state follows."""

OBJECTIVE: Final = "objective-missed"
MISSING: Final = "repositories-missing"
UNROUTED: Final = "in-no-route"
UNMATCHED: Final = "prefix-unmatched"
IN_USE: Final = "in-use-nowhere-else"
AWAITED: Final = "awaited-"
"""The beginning of the kind of registries that an image was awaited in; the state follows."""
NOT_CARRIED: Final = "not-carried-"
"""The beginning of the kind of registries that an image does not get to; the reason follows."""

_OBJECTIONS: Final = {
    "foreign-rules": "Links would be removed or narrowed that are not on record as the fleet's.",
    "unknown-rule": "A rule of unknown meaning is in place, or would be removed.",
    "max-removals": "More links would be removed or narrowed than [safety] max_removals allows.",
    "max-changed": "More registries would be changed than [safety] max_changed allows.",
    "max-unreadable": "More registries could not be read than [safety] max_unreadable allows.",
    "protected": "A link would be removed or narrowed out of a protected registry.",
    "collateral": "A route cannot carry a repository without another that it leaves out.",
    "rolled-back": "This version of the inventory was applied, and that run was rolled back.",
}
_WARNINGS: Final = {
    "not-transitive": "A route starts where another ends, and images do not travel on.",
    "acknowledged-nothing": "An acknowledgement in the inventory matches no warning.",
    "unset-variable": "An external id names a variable of the environment that is not set.",
    "not-discovered": "The accounts are discovered, and none were yet.",
    "cached-discovery": "The accounts are those of the last discovery.",
    "discovery-not-kept": "The discovered accounts could not be kept for the next run.",
    "unknown-regions": "An account does not say which regions it has enabled.",
    "joining": "An account that is joining does not say yet which regions it has enabled.",
    "retired-route": "A route links nothing any more, because all its accounts are retired.",
    "no-repository": "A route asks for repositories, and a source has none of them.",
    "left-repositories": "A route leaves repositories out that were created later.",
    "idle-wave": "A wave has nothing to write.",
    "unused-wave": "A plan of the whole fleet writes nothing in an earlier wave.",
    "later-wave": "Links change later than in their own wave, for ECR's limits.",
    "early-grants": "Grants are put before the wave of their links, for ECR's limits.",
    "delete-replication": "Links start to replicate deletions.",
    "backfill": "Backfills follow the apply.",
    "unfinished-run": "A run ended without a report.",
    "unreadable-state": "A document in the state is damaged or of another version.",
    "unlisted": "A registry has rules of the fleet, and the inventory lists it no longer.",
    "given-up": "A registry has rules of the fleet, and its retired account counts as gone.",
    "not-recorded": "Something that a run has to remember could not be kept.",
    "no-room": "A registry policy is too full for grants of the fleet.",
    "grant-kept": "A registry keeps a grant that no route asks for.",
    "unknown-caller": "CloudTrail does not say who has changed registries outside.",
    "unknown-fields": "A registry answers with fields that this version does not know.",
    "managed-elsewhere": "Terraform or CloudFormation manages a resource, too.",
    "malformed-resource": "A statement names a resource that no repository matches.",
    "breaking-condition": "A statement allows replication under a condition that breaks it.",
    "denied": "A Deny hits what the routes need, or may hit it.",
    "trusted-nothing": "trusted_statements has a Sid that no registry policy has.",
    "already-granted": "A statement of somebody else already allows what is to be granted.",
    "policy-scope": "A statement is about actions that ECR does not enforce.",
    "grants-in-use": "A policy keeps grants that rules of the fleet use.",
    "grants-taken": "Grants go that rules of somebody else use.",
    "ungranted": "Links come back that their destination will not let in.",
}
_FAULTS: Final = {
    "access-denied": "A role or a permission is missing.",
    "throttled": "AWS asked to slow down, too often.",
    "invalid": "AWS does not take the request.",
    "conflict": "Somebody else writes, too.",
    "wrong-account": "The role, or the base identity, is of another account.",
    "region-disabled": "The account has not enabled the region.",
    "timeout": "There was no answer in time, or the deadline has passed.",
    "network": "There was no connection to AWS.",
    "expired": "Credentials have expired, or the clock is off.",
    "service": "The failure is on AWS's side, or on the way.",
    "internal": "A defect of fleet-repl.",
}
_PROBLEMS: Final = {
    "role-refused": "AWS refuses the role of an account.",
    "via-refused": "AWS refuses a role of [aws] via, so that no account was reached.",
    "role-failed": "The identity of an account could not be had.",
    "read-denied": "Reads that the inventory needs are denied.",
    "read-failed": "A read failed, or was not made in time.",
    "write-denied": "IAM would deny writes that the inventory needs.",
    "base-is-root": "The base identity is a root user, which may assume no role.",
    "base-expires": "The credentials of the base identity end within minutes.",
    "clock": "The clock of this machine is off.",
    "state": "The state location cannot be read or written.",
    "queue": "The queue of deliveries cannot be looked at.",
}
_OWN: Final = {
    INVALID: "The inventory has a mistake.",
    HELD: "A link is left out, because its destination does not grant it.",
    DRIFT: "A registry differs from the inventory.",
    SHORT: "A backfill has failed, or copies of it have.",
    f"{IMAGES}{DeliveryState.FAILED}": "ECR says that images failed to replicate.",
    f"{IMAGES}{DeliveryState.MISSING}": "Images should have been sent, and have not arrived.",
    f"{IMAGES}{DeliveryState.NO_RULE}": "A link is wanted, and no rule carries it.",
    f"{IMAGES}{DeliveryState.NOT_SENT}": "An image was pushed before its rule was in place.",
    OBJECTIVE: "A route falls short of its objective.",
    MISSING: "A destination lacks what a route sends it.",
    UNROUTED: "A source has repositories that no route carries.",
    UNMATCHED: "A prefix of a route matches no repository.",
    IN_USE: "A running image is in one region only.",
    f"{AWAITED}{Awaited.ON_ITS_WAY}": "An image has not arrived in time.",
    f"{AWAITED}{Awaited.NOT_PUSHED}": "An image is in none of the registries that send it.",
    f"{AWAITED}{Awaited.CANNOT_COME}": "An image cannot get to a registry.",
    **{f"{NOT_CARRIED}{reason}": "An image does not get to a registry." for reason in Reason},
}
RULES: Final[Mapping[str, str]] = _OBJECTIONS | _WARNINGS | _FAULTS | _PROBLEMS | _OWN
"""By kind, what it means. A document of a later version may have kinds beyond these."""
OTHER: Final = "A kind that this version does not know."
