"""The ECR resources in a Terraform state.

A state holds the attributes of every resource in plain text, passwords among them. Only the type,
the address, and of the three types that are looked for the account, the region and the prefix are
taken out of it; no message repeats anything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from fleet_repl.planning.change import Resource
from fleet_repl.planning.elsewhere.model import HeldResource, Holder
from fleet_repl.values.canonical_json import parse_json
from fleet_repl.values.errors import FleetError
from fleet_repl.values.names import AccountId, Region, is_account_id, is_region
from fleet_repl.values.text import visible

VERSION: Final = 4
"""The version of the state's format that Terraform has written since 0.12, and OpenTofu too."""
_TYPES: Final = {
    "aws_ecr_replication_configuration": Resource.REPLICATION_CONFIGURATION,
    "aws_ecr_registry_policy": Resource.REGISTRY_POLICY,
    "aws_ecr_repository_creation_template": Resource.CREATION_TEMPLATE,
}
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_-]*"
"""Terraform takes letters of any script, but nobody names a resource so."""
_KEY: Final = r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]'
_MODULES: Final = re.compile(rf"module\.{_NAME}(?:{_KEY})?(?:\.module\.{_NAME}(?:{_KEY})?)*")
_IDENTIFIER: Final = re.compile(_NAME)
_KEYS: Final = re.compile(_KEY)
_PREFIX: Final = re.compile(r"[a-z0-9._/-]{2,256}|ROOT")
_REGION_IN_ARN: Final = re.compile(r"arn:aws[a-z-]*:(?:ecr|kms):(?P<region>[a-z0-9-]{2,25}):")


class StateFileError(FleetError):
    """A Terraform state cannot be used; the text names it and says what to do."""


def parse_terraform_state(content: bytes, source: str) -> tuple[HeldResource, ...]:
    """Returns the replication configurations, registry policies and creation templates that a
    state manages, in its order.

    `source`: the name of the state in messages. Raises StateFileError for a text that is no
    state, is encrypted, or is of another version.
    """
    document = _document(content, source)
    resources = document.get("resources")
    if not isinstance(resources, list):
        raise StateFileError(f"{source} is no Terraform state: it has no resources")
    return tuple(
        held
        for number, resource in enumerate(resources)
        if isinstance(resource, Mapping) and resource.get("mode") == "managed"
        for held in _held(resource, number, source)
    )


def _document(content: bytes, source: str) -> Mapping[str, object]:
    try:
        document = parse_json(content)
    except ValueError:
        document = None
    if not isinstance(document, Mapping):
        raise StateFileError(
            f"{source} is no Terraform state: it is no JSON object\n    "
            "terraform state pull prints the state"
        )
    if "encrypted_data" in document:
        raise StateFileError(
            f"{source}: the state is encrypted\n    tofu state pull prints it decrypted"
        )
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        said = version if isinstance(version, int) else "none"
        raise StateFileError(
            f"{source} is a Terraform state of version {said}, and only version {VERSION} is "
            "known here\n    terraform state pull, with a Terraform of 0.12 or later, prints that"
        )
    return document


def _held(resource: Mapping[str, object], number: int, source: str) -> Iterator[HeldResource]:
    """Yields the instances of a resource, without those that are deposed."""
    type_ = resource.get("type")
    kind = _TYPES.get(type_) if isinstance(type_, str) else None
    if kind is None:
        return
    address, instances = _address(resource), resource.get("instances")
    if address is None or not isinstance(instances, list):
        raise StateFileError(f"{source} is malformed: resources[{number}] has no address")
    for instance in instances:
        if not isinstance(instance, Mapping) or instance.get("deposed") is not None:
            continue
        attributes = instance.get("attributes")
        values = attributes if isinstance(attributes, Mapping) else {}
        account = values.get("registry_id") or values.get("id")
        if not isinstance(account, str) or not is_account_id(account):
            raise StateFileError(f"{source} is malformed: {visible(address)} has no registry_id")
        yield HeldResource(
            holder=Holder.TERRAFORM,
            resource=kind,
            account=AccountId(account),
            region=_region(values),
            prefix=_prefix(values) if kind is Resource.CREATION_TEMPLATE else None,
            address=f"{visible(address)}{_key(instance.get('index_key'))}",
            target=_KEYS.sub("", address),
            source=source,
        )


def _address(resource: Mapping[str, object]) -> str | None:
    """The address of a resource, with the keys of its modules; None where it has none."""
    module, name = resource.get("module", ""), resource.get("name")
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    if _IDENTIFIER.fullmatch(name) is None or (module and _MODULES.fullmatch(module) is None):
        return None
    return f"{module}.{resource['type']}.{name}" if module else f"{resource['type']}.{name}"


def _region(values: Mapping[str, object]) -> Region | None:
    """The region of an instance: an attribute since version 6 of the provider; before, only ARNs
    in a policy or of a key name it."""
    region = values.get("region")
    if isinstance(region, str) and is_region(region):
        return Region(region)
    texts = [values.get("policy"), json.dumps(values.get("encryption_configuration"))]
    named = {
        match["region"]
        for text in texts
        if isinstance(text, str)
        for match in _REGION_IN_ARN.finditer(text)
    }
    return Region(named.pop()) if len(named) == 1 and all(map(is_region, named)) else None


def _prefix(values: Mapping[str, object]) -> str | None:
    prefix = values.get("prefix")
    return prefix if isinstance(prefix, str) and _PREFIX.fullmatch(prefix) else None


def _key(index: object) -> str:
    """The key of an instance as it stands in an address."""
    if isinstance(index, int):
        return f"[{index}]"
    return f"[{visible(json.dumps(index, ensure_ascii=False))}]" if isinstance(index, str) else ""
