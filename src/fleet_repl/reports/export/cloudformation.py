"""Registries as CloudFormation templates, one for each account and region.

CloudFormation knows `DeleteReplication` since November 2026, so nothing of a rule is lost.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from fleet_repl.reports.bootstrap.comments import bullets, commented, paragraph, shell
from fleet_repl.reports.bootstrap.yaml import Value, yaml_lines
from fleet_repl.reports.export.model import RegistryContent, objects
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.text import visible

_RETAINED: Final = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
_REFERENCE: Final = "{{resolve:"
"""The beginning of a dynamic reference, for which templates have no other spelling. Whoever may
write a description can have it read what only the owner of the stack may read."""
_FUNCTION: Final = re.compile(r"(?:Ref|Fn::\w*)\Z")
_REPLACED: Final = "in place of which CloudFormation would put a secret or a parameter"
_ID_LENGTH: Final = 240
"""Characters of a logical id, which may have 255, before a number that tells it from others."""
_NOT_IN_AN_ID: Final = re.compile(r"[^A-Za-z0-9]+")
_TEXTS: Final = {
    "description": "Description",
    "customRoleArn": "CustomRoleArn",
    "imageTagMutability": "ImageTagMutability",
    "lifecyclePolicy": "LifecyclePolicy",
    "repositoryPolicy": "RepositoryPolicy",
}
_EXCLUSION: Final = "ImageTagMutabilityExclusionFilter"


def cloudformation_files(
    fleet: str, contents: Sequence[RegistryContent]
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Returns the templates by the name of their file, and what must not be in any."""
    files: dict[str, str] = {}
    withheld: list[str] = []
    for content in contents:
        resources = dict(_resources(content))
        unsafe = {
            name: held for name, resource in resources.items() if (held := _evaluated(resource))
        }
        reasons = [f"{name} holds {held}, {_REPLACED}" for name, held in unsafe.items()]
        withheld += (f"{content.registry}: {reason}" for reason in reasons)
        written = {name: resources[name] for name in resources if name not in unsafe}
        if written:
            noted = replace(content, left_out=(*content.left_out, *reasons))
            files[f"{content.file_name}.yaml"] = _template(fleet, noted, written)
    return files, tuple(withheld)


def _evaluated(value: Value) -> str | None:
    """Returns the first thing that CloudFormation would evaluate, wherever in a value it stands: a
    dynamic reference, or the key of a function."""
    match value:
        case str():
            return _REFERENCE if _REFERENCE in value else None
        case Mapping():
            function = next((key for key in value if _FUNCTION.match(key)), None)
            return function or next(filter(None, map(_evaluated, (*value, *value.values()))), None)
        case list() | tuple():
            return next(filter(None, map(_evaluated, value)), None)
        case _:
            return None


def _template(
    fleet: str, content: RegistryContent, resources: Mapping[str, Mapping[str, Value]]
) -> str:
    document: dict[str, Value] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"ECR replication of {content.registry}.",
        "Resources": {**resources},
    }
    body = "\n".join(yaml_lines(document))
    return f"{commented(_comments(fleet, content, resources))}\n{body}\n"


def _comments(
    fleet: str, content: RegistryContent, resources: Mapping[str, Mapping[str, Value]]
) -> Iterator[str]:
    file = f"{content.file_name}.yaml"
    yield from paragraph(
        f"What is in place in {content.registry} ({visible(content.name)}) of {visible(fleet)}, "
        "written down by fleet-repl export. Import it into a stack of that account and region, and "
        "let nobody apply the inventory of fleet-repl any more from then on:"
    )
    imported = [_imported(content, name, resource) for name, resource in resources.items()]
    yield from shell(
        "aws cloudformation create-change-set",
        "--stack-name ecr-replication",
        "--change-set-name import",
        "--change-set-type IMPORT",
        f"--region {content.registry.region}",
        f"--template-body file://{file}",
        f"--resources-to-import {shlex.quote(json.dumps(imported))}",
    )
    if content.notes:
        yield from paragraph("Left out:")
        yield from bullets(map(visible, content.notes))


def _imported(content: RegistryContent, name: str, resource: Mapping[str, Value]) -> JsonObject:
    """A resource as an import names it."""
    properties = resource.get("Properties")
    prefix = properties.get("Prefix") if isinstance(properties, Mapping) else None
    identifier = (
        {"RegistryId": str(content.registry.account)} if prefix is None else {"Prefix": str(prefix)}
    )
    return {
        "ResourceType": str(resource["Type"]),
        "LogicalResourceId": name,
        "ResourceIdentifier": identifier,
    }


def _resources(content: RegistryContent) -> Iterator[tuple[str, Mapping[str, Value]]]:
    if content.rules:
        rules: Value = [_rule(rule) for rule in content.rules]
        properties: Mapping[str, Value] = {"ReplicationConfiguration": {"Rules": rules}}
        yield "ReplicationConfiguration", _resource("ReplicationConfiguration", properties)
    if content.policy:
        yield "RegistryPolicy", _resource("RegistryPolicy", {"PolicyText": content.policy})
    taken: set[str] = set()
    for template in content.templates:
        plain = "".join(
            part.capitalize() for part in _NOT_IN_AN_ID.split(str(template.get("prefix", "")))
        )
        first = name = f"Template{plain}"[:_ID_LENGTH]
        number = 2
        while name in taken:
            name, number = f"{first}{number}", number + 1
        taken.add(name)
        yield name, _resource("RepositoryCreationTemplate", _template_properties(template))


def _resource(type_: str, properties: Mapping[str, Value]) -> Mapping[str, Value]:
    return {"Type": f"AWS::ECR::{type_}", **_RETAINED, "Properties": properties}


def _rule(rule: JsonObject) -> Mapping[str, Value]:
    spelled: dict[str, Value] = {
        "Destinations": [
            {"Region": str(end.get("region")), "RegistryId": str(end.get("registryId"))}
            for end in objects(rule.get("destinations"))
        ]
    }
    filters = objects(rule.get("repositoryFilters"))
    if filters:
        spelled["RepositoryFilters"] = [
            {"Filter": str(item.get("filter")), "FilterType": str(item.get("filterType"))}
            for item in filters
        ]
    deletion = rule.get("deleteReplication")
    if isinstance(deletion, Mapping):
        spelled["DeleteReplication"] = {"Enabled": deletion.get("enabled") is True}
    return spelled


def _template_properties(template: JsonObject) -> Mapping[str, Value]:
    applied = template.get("appliedFor")
    properties: dict[str, Value] = {
        "Prefix": str(template.get("prefix", "")),
        "AppliedFor": list(map(str, applied)) if isinstance(applied, list) else [],
    }
    for member, name in _TEXTS.items():
        if template.get(member):
            properties[name] = str(template[member])
    encryption = template.get("encryptionConfiguration")
    if isinstance(encryption, Mapping):
        names = {"encryptionType": "EncryptionType", "kmsKey": "KmsKey"}
        properties["EncryptionConfiguration"] = {
            name: str(encryption[member])
            for member, name in names.items()
            if encryption.get(member)
        }
    tags = objects(template.get("resourceTags"))
    if tags:
        properties["ResourceTags"] = [
            {"Key": str(tag.get("Key")), "Value": str(tag.get("Value"))} for tag in tags
        ]
    exclusions = objects(template.get("imageTagMutabilityExclusionFilters"))
    if exclusions:
        properties[f"{_EXCLUSION}s"] = [
            {
                f"{_EXCLUSION}Type": str(item.get("filterType")),
                f"{_EXCLUSION}Value": str(item.get("filter")),
            }
            for item in exclusions
        ]
    return properties
