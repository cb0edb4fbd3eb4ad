"""A second opinion on Organizations: moto lists units, accounts and tags as they are read here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.moto import moto_client, moto_server

from fleet_repl import discover, load_inventory
from fleet_repl.aws import Endpoint
from fleet_repl.values.names import Region, Secret

FLEET = """
version = 1
name = "moto"
routes = []
[aws]
role = "fleet"
regions = ["eu-west-1"]
[organization]
labels_from_tags = ["env"]
"""

moto = pytest.fixture(scope="module")(moto_server)


async def test_the_accounts_of_an_organization(moto: str, tmp_path: Path) -> None:
    """More than a page of them, in nested units."""
    aws: Any = moto_client("organizations", moto)
    organization = aws.create_organization(FeatureSet="ALL")["Organization"]
    (root,) = aws.list_roots()["Roots"]
    workloads = aws.create_organizational_unit(ParentId=root["Id"], Name="Workloads")
    parent = workloads["OrganizationalUnit"]["Id"]
    prod = aws.create_organizational_unit(ParentId=parent, Name="Prod")["OrganizationalUnit"]["Id"]
    created = [
        aws.create_account(Email=f"{number}@example.com", AccountName=f"account-{number}")
        for number in range(25)
    ]
    ids = [answer["CreateAccountStatus"]["AccountId"] for answer in created]
    aws.move_account(AccountId=ids[0], SourceParentId=root["Id"], DestinationParentId=prod)
    aws.tag_resource(ResourceId=ids[0], Tags=[{"Key": "env", "Value": "prod"}])
    path = tmp_path / "fleet.toml"
    path.write_text(FLEET)
    inventory = await discover(
        load_inventory(path, environ={}),
        endpoint=Endpoint(
            url=moto,
            access_key_id="AKIAIOSFODNN7EXAMPLE",
            secret_access_key=Secret("secret"),
            region=Region("eu-west-1"),
        ),
    )
    accounts = {str(account.id): account for account in inventory.accounts}
    assert accounts.keys() == {*ids, organization["MasterAccountId"]}
    assert accounts[ids[0]].labels == {"env": "prod", "ou": "Prod", "ou_path": "Workloads/Prod"}
    assert accounts[ids[1]].labels == {"ou": "Root", "ou_path": "Root"}
    assert accounts[ids[1]].name == "account-1"
