"""One small organization in three clouds: the sandbox, moto and MiniStack.

Below the root are the management account, `beta`, the closed account `gone`, and the unit
Workloads with the unit Prod in it, which holds `alpha`. The base identity is a user of the
management account. The role `fleet` of alpha and beta may do everything but put registry policies.
Only who knows the external id may assume it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from botocore.client import BaseClient
from botocore.session import get_session
from tests.support.ministack import MANAGEMENT, SECRET

from fleet_repl import load_inventory
from fleet_repl.aws import Endpoint
from fleet_repl.sandbox import (
    AccountScenario,
    MemberScenario,
    OrganizationScenario,
    Scenario,
    UnitScenario,
    serve,
    world_of,
)
from fleet_repl.values.names import AccountId, Region, Secret

EXTERNAL_ID: Final = "open-sesame"
NAMES: Final = ("alpha", "beta", "gone")
DENIED: Final = "ecr:PutRegistryPolicy"
FLEET: Final = """
version = 1
name = "clouds"
[aws]
role = "fleet"
external_id = "open-sesame"
source_identity = "platform"
session_tags = { team = "platform", "cost center" = "" }
regions = ["us-east-1"]
[organization]
labels_from_tags = ["env"]
[[routes]]
name = "all"
from = { accounts = ["alpha"] }
to = { accounts = ["beta"] }
"""
_ROOT: Final = f"arn:aws:iam::{MANAGEMENT}:root"
_TRUST: Final = [
    {
        "Effect": "Allow",
        "Principal": {"AWS": _ROOT},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    },
    {
        "Effect": "Allow",
        "Principal": {"AWS": _ROOT},
        "Action": ["sts:TagSession", "sts:SetSourceIdentity"],
    },
]
_EVERYTHING: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}

ClientOf: TypeAlias = Callable[[str, str], Any]
"""The client of a service for the root of an account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A cloud with the organization in it."""

    name: str
    endpoint: Endpoint
    """Its credentials are those of the base identity."""
    accounts: Mapping[str, AccountId]
    """By name, without the management account."""

    def role(self, name: str) -> str:
        """The ARN of the role of alpha or beta."""
        return f"arn:aws:iam::{self.accounts[name]}:role/fleet"

    def assume(self, name: str, **parameters: Any) -> Mapping[str, str]:
        """Credentials of the role of alpha or beta. Raises ClientError."""
        key, secret = self.endpoint.access_key_id, self.endpoint.secret_access_key.reveal()
        sts: Any = _client("sts", self.endpoint.url, key, secret)
        asked = {"RoleSessionName": "test", "ExternalId": EXTERNAL_ID, **parameters}
        credentials: Mapping[str, str] = sts.assume_role(**{"RoleArn": self.role(name), **asked})[
            "Credentials"
        ]
        return credentials


@asynccontextmanager
async def sandbox_cloud(folder: Path) -> AsyncIterator[Cloud]:
    """The organization in the sandbox. An inventory is written to `folder`, for its roles."""
    accounts = {name: AccountId(f"{number:012}") for number, name in enumerate(NAMES, 1)}
    base, unit = "9" * 12, "ou-test-0000000"
    places = {
        "alpha": {"unit": f"{unit}2", "tags": {"env": "prod"}},
        "gone": {"state": "SUSPENDED"},
    }
    members = [
        MemberScenario(id=account, name=name, **places.get(name, {}))  # type: ignore[arg-type]
        for name, account in {"management": base, **accounts}.items()
    ]
    organization = OrganizationScenario(
        management=base,
        units=(
            UnitScenario(id=f"{unit}1", name="Workloads"),
            UnitScenario(id=f"{unit}2", name="Prod", parent=f"{unit}1"),
        ),
        members=members,
    )
    lacking = tuple(
        AccountScenario(id=account, denied_actions=(DENIED,)) for account in accounts.values()
    )
    path = folder / "roles.toml"
    path.write_text(FLEET)
    world = world_of(
        load_inventory(path, environ={}),
        scenario=Scenario(organization=organization, accounts=lacking),
    )
    async with serve(world) as server:
        endpoint = _endpoint(server.url, server.access_key_id, server.secret_access_key)
        yield Cloud(name="sandbox", endpoint=endpoint, accounts=accounts)


def moto_cloud(url: str) -> Cloud:
    """The organization in moto, where other tests use other accounts."""

    def client_of(service: str, account: str) -> Any:
        sts: Any = _client("sts", url, "AKIA", "x")
        role = f"arn:aws:iam::{account}:role/admin"
        key = sts.assume_role(RoleArn=role, RoleSessionName="admin")["Credentials"]
        return _client(service, url, key["AccessKeyId"], key["SecretAccessKey"])

    return _built("moto", url, client_of)


def ministack_cloud(url: str) -> Cloud:
    """The organization in MiniStack."""
    return _built("ministack", url, lambda service, account: _client(service, url, account, SECRET))


@cache
def _client(service: str, url: str, key: str, secret: str) -> BaseClient:
    """A client that is none of fleet-repl's."""
    return _session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


_session = cache(get_session)


def _built(name: str, url: str, client_of: ClientOf) -> Cloud:
    """Makes the organization, its roles and the base identity."""
    organizations = client_of("organizations", MANAGEMENT)
    if name == "moto":
        # MiniStack makes one when it is first asked.
        organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    parent = root
    for unit in ("Workloads", "Prod"):
        made = organizations.create_organizational_unit(ParentId=parent, Name=unit)
        parent = made["OrganizationalUnit"]["Id"]
    accounts = {}
    for member in NAMES:
        made = organizations.create_account(Email=f"{member}@example.com", AccountName=member)
        accounts[member] = AccountId(made["CreateAccountStatus"]["AccountId"])
    alpha = accounts["alpha"]
    organizations.move_account(AccountId=alpha, SourceParentId=root, DestinationParentId=parent)
    organizations.tag_resource(ResourceId=alpha, Tags=[{"Key": "env", "Value": "prod"}])
    organizations.close_account(AccountId=accounts["gone"])
    for member in ("alpha", "beta"):
        iam = client_of("iam", accounts[member])
        lacking = {"Effect": "Deny", "Action": DENIED, "Resource": "*"}
        iam.create_role(RoleName="fleet", AssumeRolePolicyDocument=_policy(*_TRUST))
        policy = _policy(_EVERYTHING, lacking)
        iam.put_role_policy(RoleName="fleet", PolicyName="fleet", PolicyDocument=policy)
    iam = client_of("iam", MANAGEMENT)
    iam.create_user(UserName="sandbox")
    policy = _policy(_EVERYTHING)
    iam.put_user_policy(UserName="sandbox", PolicyName="all", PolicyDocument=policy)
    key = iam.create_access_key(UserName="sandbox")["AccessKey"]
    endpoint = _endpoint(url, key["AccessKeyId"], key["SecretAccessKey"])
    return Cloud(name=name, endpoint=endpoint, accounts=accounts)


def _policy(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _endpoint(url: str, key: str, secret: str) -> Endpoint:
    return Endpoint(
        url=url,
        access_key_id=key,
        secret_access_key=Secret(secret),
        region=Region("us-east-1"),
    )
