"""Grants: the links into one registry as statements of its registry policy, and back.

Statements whose Sid starts with the fleet's prefix are ours. Every other statement is foreign and
stays as it is, in its place. Policies are compared by their meaning, so nothing is written only
because it could be grouped otherwise.
"""

from fleet_repl.ecr.policy.model import (
    CREATE_REPOSITORY as CREATE_REPOSITORY,
    NO_POLICY as NO_POLICY,
    REPLICATE_IMAGE as REPLICATE_IMAGE,
    Grant as Grant,
    GrantIndex as GrantIndex,
    Owner as Owner,
    Policy as Policy,
    PolicyDocument as PolicyDocument,
    actions_for as actions_for,
    foreign_sids as foreign_sids,
    grants_for as grants_for,
    named as named,
    policy_size as policy_size,
    reduced as reduced,
)
from fleet_repl.ecr.policy.parse import (
    account_of as account_of,
    as_tuple as as_tuple,
    parse_policy as parse_policy,
    resource_of as resource_of,
)
from fleet_repl.ecr.policy.render import (
    as_composed as as_composed,
    compose as compose,
    statements_for as statements_for,
)
from fleet_repl.ecr.statements import VERSION as VERSION
