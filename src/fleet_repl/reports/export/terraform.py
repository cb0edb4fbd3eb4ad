"""Registries as Terraform resources, with a provider for each and `import` blocks.

The provider of AWS has no word for `deleteReplication`: rules that replicate deletions are written
without it, and said so.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from fleet_repl.inventory import Account
from fleet_repl.reports.export.model import RegistryContent, objects, replicates_deletions
from fleet_repl.reports.hcl import Item, block, expression, listed, quoted
from fleet_repl.values.canonical_json import Json, JsonObject, parse_json
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import visible

PROVIDERS: Final = "providers.tf"
_HEAD: Final = """\
# What is in place in the registries of {fleet}, written down by fleet-repl export. The import
# blocks take it into Terraform's state: terraform plan has to say that everything is to be
# imported, and that nothing is to be added, changed or destroyed. Delete them once it is applied.
# Let nobody apply the inventory of fleet-repl any more from then on.
"""
_REQUIRED: Final = """\
terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.8"
    }
  }
}
"""
_EXTERNAL_IDS: Final = """\
variable "external_ids" {
  description = "The external id of the role in each account that asks for one, by account."
  type        = map(string)
  sensitive   = true
}
"""
_LOST: Final = "replicates deletions, which the AWS provider cannot say"
_NOT_IN_A_NAME: Final = re.compile(r"[^a-z0-9_]+")
_TEXTS: Final = {
    "description": "description",
    "customRoleArn": "custom_role_arn",
    "imageTagMutability": "image_tag_mutability",
}
_DOCUMENTS: Final = {
    "lifecyclePolicy": "lifecycle_policy",
    "repositoryPolicy": "repository_policy",
}


def terraform_files(
    fleet: str,
    contents: Sequence[RegistryContent],
    accounts: Mapping[AccountId, Account],
    earlier: Collection[Registry] = (),
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Returns the files of a root module by name, and what Terraform cannot say of it.

    `earlier`: registries that have files already. Terraform can let a resource go only by the
    provider that it was made with, so these keep theirs. The file of a registry that holds nothing
    any more has no resource.
    """
    used = [content for content in contents if not content.is_empty]
    emptied = [content for content in contents if content.is_emptied(earlier)]
    known = {registry for registry in earlier if registry.account in accounts}
    registries = sorted({content.registry for content in used} | known)
    files = {PROVIDERS: _providers(fleet, registries, accounts)}
    files |= {
        f"{content.file_name}.tf": _registry_text(content)
        for content in sorted((*used, *emptied), key=lambda content: content.registry)
    }
    lost = (
        f"{content.registry}: rules[{number}] {_LOST}: the first change of the rules by Terraform "
        "turns that off"
        for content in used
        for number, rule in enumerate(content.rules)
        if replicates_deletions(rule)
    )
    return files, tuple(lost)


def _providers(
    fleet: str, registries: Collection[Registry], accounts: Mapping[AccountId, Account]
) -> str:
    parts = [_HEAD.format(fleet=visible(fleet)), _REQUIRED]
    if any(accounts[registry.account].external_id is not None for registry in registries):
        parts.append(_EXTERNAL_IDS)
    parts += (_text(_provider(registry, accounts[registry.account])) for registry in registries)
    return "\n".join(parts)


def _provider(registry: Registry, account: Account) -> list[str]:
    items: list[Item] = [
        ("alias", quoted(_name(registry))),
        ("region", quoted(registry.region)),
        ("allowed_account_ids", listed([registry.account])),
    ]
    if account.role is not None:
        role: list[Item] = [("role_arn", quoted(str(account.role)))]
        if account.external_id is not None:
            role.append(("external_id", f"var.external_ids[{quoted(registry.account)}]"))
        items.append(block("assume_role", role))
    return block('provider "aws"', items)


def _registry_text(content: RegistryContent) -> str:
    registry, name = content.registry, _name(content.registry)
    blocks = [[f"# {registry} ({visible(content.name)})"]]
    if content.is_empty:
        blocks.append(["# Nothing is in place there any more."])
    blocks += (_comment(reason) for reason in content.notes)
    if content.rules:
        type_ = "aws_ecr_replication_configuration"
        blocks += _imported(type_, name, registry.account, registry, _rule_items(content.rules))
    if content.policy:
        type_, policy = "aws_ecr_registry_policy", ("policy", _encoded(content.policy))
        blocks += _imported(type_, name, registry.account, registry, [policy])
    for template, label in _labelled(content.templates):
        type_, prefix = "aws_ecr_repository_creation_template", str(template.get("prefix", ""))
        items = list(_template_items(template))
        blocks += _imported(type_, f"{name}_{label}", prefix, registry, items)
    return "\n".join(map(_text, blocks))


def _imported(
    type_: str, name: str, id_: str, registry: Registry, items: Sequence[Item]
) -> Iterator[list[str]]:
    """Yields a resource that is there, and the block that imports it."""
    yield block("import", [("to", f"{type_}.{name}"), ("id", quoted(id_))])
    provider = ("provider", f"aws.{_name(registry)}")
    header, *lines, end = block(f'resource "{type_}" "{name}"', items)
    gap = [""] if lines else []
    yield [header, f"  {provider[0]} = {provider[1]}", *gap, *lines, end]


def _rule_items(rules: Sequence[JsonObject]) -> list[Item]:
    lines: list[Item] = []
    for rule in rules:
        inner: list[Item] = [
            block(
                "destination",
                [
                    ("region", quoted(str(end.get("region")))),
                    ("registry_id", quoted(str(end.get("registryId")))),
                ],
            )
            for end in objects(rule.get("destinations"))
        ]
        inner += (
            block(
                "repository_filter",
                [
                    ("filter", quoted(str(item.get("filter")))),
                    ("filter_type", quoted(str(item.get("filterType")))),
                ],
            )
            for item in objects(rule.get("repositoryFilters"))
        )
        note = [f"# This rule {_LOST}."] if replicates_deletions(rule) else []
        lines.append([*note, *block("rule", inner)])
    return [block("replication_configuration", lines)]


def _template_items(template: JsonObject) -> Iterator[Item]:
    yield "prefix", quoted(str(template.get("prefix", "")))
    applied = template.get("appliedFor")
    yield "applied_for", listed(list(map(str, applied)) if isinstance(applied, list) else [])
    for member, argument in _TEXTS.items():
        if template.get(member):
            yield argument, quoted(str(template[member]))
    tags = objects(template.get("resourceTags"))
    if tags:
        by_key: dict[str, Json] = {str(tag.get("Key")): tag.get("Value") for tag in tags}
        yield "resource_tags", expression(by_key, 2)
    for member, argument in _DOCUMENTS.items():
        if template.get(member):
            yield argument, _document(str(template[member]))
    encryption = template.get("encryptionConfiguration")
    if isinstance(encryption, Mapping):
        names = {"encryptionType": "encryption_type", "kmsKey": "kms_key"}
        yield block(
            "encryption_configuration",
            [
                (argument, quoted(str(encryption[member])))
                for member, argument in names.items()
                if encryption.get(member)
            ],
        )
    for exclusion in objects(template.get("imageTagMutabilityExclusionFilters")):
        yield block(
            "image_tag_mutability_exclusion_filter",
            [
                ("filter", quoted(str(exclusion.get("filter")))),
                ("filter_type", quoted(str(exclusion.get("filterType")))),
            ],
        )


def _labelled(templates: Sequence[JsonObject]) -> Iterator[tuple[JsonObject, str]]:
    """Yields templates with names for their resources, each name once."""
    taken: set[str] = set()
    for template in templates:
        prefix = str(template.get("prefix", "")).lower()
        plain = label = _NOT_IN_A_NAME.sub("_", prefix).strip("_") or "any"
        number = 2
        while label in taken:
            label, number = f"{plain}_{number}", number + 1
        taken.add(label)
        yield template, label


def _document(text: str) -> str:
    """A document that ECR keeps as a text, which Terraform shall see as a document."""
    try:
        return _encoded(parse_json(text))
    except ValueError:
        return quoted(text)


def _encoded(document: Json) -> str:
    if not isinstance(document, Mapping | list):
        return quoted(json.dumps(document))
    return f"jsonencode({expression(document, 2)})"


def _name(registry: Registry) -> str:
    return f"r{registry.account}_{registry.region.replace('-', '_')}"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(f"Left out: {visible(text)}", 98)]


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
