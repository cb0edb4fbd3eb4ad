"""The IAM actions that our calls need: of the role in an account, of the state, of the
organization.

The only place that knows them; docs/permissions.md says the same to people. An action is listed
here because a call of ours asks for it, or because AWS documents that such a call does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fleet_repl.ecr.statements import Statement, among, escaped
from fleet_repl.inventory import Inventory
from fleet_repl.inventory.settings import Aws

OWN_PERMISSIONS: Final = "OwnPermissions"
"""The Sid of the statement that lets a role ask what it may do."""

_ROLES: Final = "arn:{partition}:iam::{account}:role/"
_MOST_ROLES: Final = 2_500
"""Characters of the ARNs of roles in one statement; a policy takes 6,144 in all."""


class Feature(StrEnum):
    """A feature that an inventory may use, and for which a role needs actions."""

    GRANTS = "grants"
    TEMPLATES = "templates"
    LIFECYCLE_POLICIES = "lifecycle-policies"
    REPOSITORY_POLICIES = "repository-policies"
    BACKFILL = "backfill"
    REGIONS = "regions"
    """The regions of accounts are asked for."""
    CLOUDFORMATION = "cloudformation"
    """CloudFormation is asked which stacks hold rules and policies. No inventory needs it."""
    IN_USE = "in-use"
    """Accounts are asked what they run. No inventory needs it."""
    CLOUDTRAIL = "cloudtrail"
    """CloudTrail is asked who has changed a registry. No inventory needs it."""
    REPUT = "reput"
    """`repair --reput` puts images again. No inventory needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """Actions that go into one statement, for every fleet or for one feature."""

    sid: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    resource: str = "*"
    feature: Feature | None = None
    service: str | None = None

    def statement(self, *, read_only: bool) -> Statement:
        return Statement(
            sid=self.sid,
            actions=self.reads if read_only else (*self.reads, *self.writes),
            resources=(self.resource,),
            service=self.service,
        )


def _linked_role(sid: str, service: str, feature: Feature | None = None) -> _Need:
    return _Need(
        sid=sid,
        writes=("iam:CreateServiceLinkedRole",),
        resource=f"{_ROLES}aws-service-role/{service}/*",
        feature=feature,
        service=service,
    )


_NEEDS: Final = (
    _Need(
        sid="Registries",
        reads=("ecr:DescribeRegistry", "ecr:GetRegistryPolicy"),
        writes=("ecr:PutReplicationConfiguration",),
    ),
    _Need(
        sid="Grants",
        reads=("ecr:GetAccountSetting",),
        writes=("ecr:PutRegistryPolicy", "ecr:DeleteRegistryPolicy"),
        feature=Feature.GRANTS,
    ),
    _Need(
        sid="Deliveries",
        reads=(
            "ecr:DescribeRepositories",
            "ecr:DescribeImages",
            "ecr:DescribeImageReplicationStatus",
        ),
    ),
    _Need(
        sid="Backfills",
        reads=("ecr:ListReplicationBackfills", "ecr:DescribeReplicationBackfillResults"),
        writes=("ecr:StartReplicationBackfill",),
        feature=Feature.BACKFILL,
    ),
    _Need(
        sid="ImagesPutAgain", writes=("ecr:BatchGetImage", "ecr:PutImage"), feature=Feature.REPUT
    ),
    _Need(
        sid="Templates",
        reads=("ecr:DescribeRepositoryCreationTemplates",),
        writes=(
            "ecr:CreateRepositoryCreationTemplate",
            "ecr:UpdateRepositoryCreationTemplate",
            "ecr:DeleteRepositoryCreationTemplate",
            "ecr:CreateRepository",
        ),
        feature=Feature.TEMPLATES,
    ),
    _Need(
        sid="LifecyclePoliciesOfTemplates",
        writes=("ecr:PutLifecyclePolicy",),
        feature=Feature.LIFECYCLE_POLICIES,
    ),
    _Need(
        sid="RepositoryPoliciesOfTemplates",
        writes=("ecr:SetRepositoryPolicy",),
        feature=Feature.REPOSITORY_POLICIES,
    ),
    _Need(
        sid="EnabledRegions",
        reads=("account:ListRegions", "ec2:DescribeRegions"),
        feature=Feature.REGIONS,
    ),
    _Need(
        sid="Stacks",
        reads=("cloudformation:DescribeStackResources",),
        feature=Feature.CLOUDFORMATION,
    ),
    _Need(
        sid="ImagesInUse",
        reads=(
            "ecs:ListClusters",
            "ecs:ListTasks",
            "ecs:DescribeTasks",
            "ecs:ListServices",
            "ecs:DescribeServices",
            "ecs:DescribeTaskDefinition",
            "lambda:ListFunctions",
            "lambda:GetFunction",
            "lambda:ListAliases",
        ),
        feature=Feature.IN_USE,
    ),
    _Need(sid="OutsideChanges", reads=("cloudtrail:LookupEvents",), feature=Feature.CLOUDTRAIL),
    _Need(
        sid=OWN_PERMISSIONS, reads=("iam:SimulatePrincipalPolicy",), resource=f"{_ROLES}{{role}}"
    ),
    _linked_role("ServiceLinkedRoleOfReplication", "replication.ecr.amazonaws.com"),
    _linked_role("ServiceLinkedRoleOfTemplates", "ecr.amazonaws.com", Feature.TEMPLATES),
)
_OF_ORGANIZATIONS: Final = (
    "DescribeOrganization",
    "DescribeOrganizationalUnit",
    "ListAccounts",
    "ListAccountsForParent",
    "ListOrganizationalUnitsForParent",
    "ListParents",
    "ListRoots",
    "ListTagsForResource",
)


def features_of(inventory: Inventory) -> frozenset[Feature]:
    """The features that an inventory uses."""
    templates = inventory.templates
    used = {
        Feature.GRANTS: inventory.ownership.grants == "managed",
        Feature.TEMPLATES: bool(templates),
        Feature.LIFECYCLE_POLICIES: any(template.lifecycle_policy for template in templates),
        Feature.REPOSITORY_POLICIES: any(template.repository_policy for template in templates),
        Feature.REGIONS: inventory.asks_regions,
        Feature.BACKFILL: any(route.backfill != "off" for route in inventory.routes),
    }
    return frozenset(feature for feature, is_used in used.items() if is_used)


def account_statements(
    inventory: Inventory, *, more: Collection[Feature] = (), read_only: bool = False
) -> tuple[Statement, ...]:
    """Returns the statements of each account's role, for the inventory's features and `more`.
    `read_only`: only what a run asks for that writes nothing."""
    wanted = {None, *features_of(inventory), *more}
    needed = [need.statement(read_only=read_only) for need in _NEEDS if need.feature in wanted]
    # Creation templates hand their roles to ECR, which takes none that does not trust it.
    roles = (template.role for template in inventory.templates if not read_only)
    if passed := role_resources(role.path for role in roles if role is not None):
        needed.append(
            Statement(sid="RolesOfTemplates", actions=("iam:PassRole",), resources=passed)
        )
    return tuple(statement for statement in needed if statement.actions)


def every_statement(*, read_only: bool = False, puts_images: bool = True) -> tuple[Statement, ...]:
    """Returns the statements of the role in each account, for all features of any inventory;
    without `puts_images`, all but that of images which are put again."""
    return tuple(
        need.statement(read_only=read_only)
        for need in _NEEDS
        if puts_images or need.feature is not Feature.REPUT
    )


def statements_of(action: str) -> tuple[Statement, ...]:
    """The statements that allow an action, in any fleet."""
    known = among((*every_statement(), *organization_statements()), (action,))
    return known or (Statement(sid="", actions=(action,)),)


def role_resources(paths: Iterable[str]) -> tuple[str, ...]:
    """Roles by path as resources of a statement; any role where a policy could not list them."""
    arns = tuple(_ROLES + escaped(path) for path in sorted(set(paths)))
    return arns if sum(map(len, arns)) <= _MOST_ROLES else (f"{_ROLES}*",)


def state_statements(location: str) -> tuple[Statement, ...]:
    """Returns the statements of the base identity for a state at `bucket/prefix`."""
    bucket, _, prefix = location.partition("/")
    objects = f"{bucket}/{escaped(prefix.strip('/'))}".rstrip("/")
    return (
        Statement(
            sid="WhatTheFleetRemembers",
            actions=("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
            resources=(f"arn:{{partition}}:s3:::{objects}/*",),
        ),
        Statement(
            sid="WhatThereIsOfIt",
            actions=("s3:ListBucket",),
            resources=(f"arn:{{partition}}:s3:::{bucket}",),
        ),
    )


def queue_statement(arn: str, *, examined: bool = False) -> Statement:
    """Returns the statement of the base identity for a queue that `watch --deliveries` reads, and
    that `doctor` looks at, if `examined`."""
    actions = ("sqs:ReceiveMessage", "sqs:DeleteMessage")
    looks = ("sqs:GetQueueAttributes",) if examined else ()
    return Statement(sid="ReportedDeliveries", actions=(*actions, *looks), resources=(arn,))


def organization_statements() -> tuple[Statement, ...]:
    """Returns the statements of the identity that lists the organization."""
    actions = tuple(f"organizations:{operation}" for operation in _OF_ORGANIZATIONS)
    return (Statement(sid="Organization", actions=actions),)


def assuming_actions(aws: Aws) -> tuple[str, ...]:
    """Returns the actions that a session needs to assume a role of this fleet, with everything that
    its AssumeRole carries."""
    actions = {
        "sts:AssumeRole": True,
        "sts:SetSourceIdentity": aws.source_identity is not None,
        "sts:TagSession": bool(aws.session_tags),
    }
    return tuple(action for action, is_needed in actions.items() if is_needed)
