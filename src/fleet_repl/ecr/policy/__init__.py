"""Grants: the links into one registry as statements of its registry policy, and back.

Statements whose Sid starts with the fleet's prefix are ours. Every other statement is foreign and
stays as it is, in its place. Policies are compared by their meaning, so nothing is written only
because it could be grouped otherwise.
"""

from fleet_repl.ecr.policy.model import (
    CREATE_REPOSITORY,
    NO_POLICY,
    REPLICATE_IMAGE,
    Grant,
    GrantIndex,
    Owner,
    Policy,
    PolicyDocument,
    actions_for,
    foreign_sids,
    grants_for,
    named,
    policy_size,
    reduced,
)
from fleet_repl.ecr.policy.parse import account_of, as_tuple, parse_policy
from fleet_repl.ecr.policy.render import VERSION, as_composed, compose, statements_for
from fleet_repl.ecr.policy.resources import resource_of

__all__ = [
    "CREATE_REPOSITORY",
    "NO_POLICY",
    "REPLICATE_IMAGE",
    "VERSION",
    "Grant",
    "GrantIndex",
    "Owner",
    "Policy",
    "PolicyDocument",
    "account_of",
    "actions_for",
    "as_composed",
    "as_tuple",
    "compose",
    "foreign_sids",
    "grants_for",
    "named",
    "parse_policy",
    "policy_size",
    "reduced",
    "resource_of",
    "statements_for",
]
