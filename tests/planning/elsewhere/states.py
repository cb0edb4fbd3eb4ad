"""Terraform states as Terraform writes them."""

from __future__ import annotations

import json
from typing import Any

SECRET = "hunter2-in-the-state"


def resource(type_: str, *instances: dict[str, Any], name: str = "this", **more: Any) -> Any:
    """A resource of a state, with its instances."""
    provider = 'provider["registry.terraform.io/hashicorp/aws"].eu'
    return {
        "mode": "managed",
        "type": type_,
        "name": name,
        "provider": provider,
        "instances": list(instances),
        **more,
    }


def instance(account: str = "111111111111", key: object = None, **attributes: Any) -> Any:
    """An instance with attributes, a secret among them."""
    whole = {"id": account, "registry_id": account, "password": SECRET, **attributes}
    keyed = {} if key is None else {"index_key": key}
    return {"schema_version": 0, "attributes": whole, "sensitive_attributes": [], **keyed}


def state(*resources: Any, **members: Any) -> bytes:
    """A state as `terraform state pull` prints it."""
    document = {
        "version": 4,
        "terraform_version": "1.9.8",
        "serial": 7,
        "lineage": "0c6d0f0e-0000-4000-8000-000000000001",
        "outputs": {"token": {"value": SECRET, "type": "string", "sensitive": True}},
        "resources": list(resources),
        "check_results": None,
        **members,
    }
    return json.dumps(document, indent=2).encode()
