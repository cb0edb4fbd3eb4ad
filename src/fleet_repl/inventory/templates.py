"""Templates: [[templates]], checked one by one.

Whether two of them meet on one registry, and whether a role or key fits the registries that
are selected, is for `topology` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from fleet_repl.inventory.fields import check_names, plain, shown_name
from fleet_repl.inventory.findings import MISSING, BadValueError, Findings, KeyPath
from fleet_repl.inventory.kinds import DISTINCT, NOT_EMPTY, Context, Kind, text_schema
from fleet_repl.inventory.policies import LIFECYCLE, REPOSITORY, Policies
from fleet_repl.inventory.roles import BASE_IDENTITY, RoleTemplate, foreign, read_role
from fleet_repl.inventory.routes import Select
from fleet_repl.inventory.tables import Table
from fleet_repl.values import limits
from fleet_repl.values.text import quoted

if TYPE_CHECKING:
    from pydantic import ValidationInfo

TagMutability: TypeAlias = Literal[
    "mutable", "immutable", "mutable-with-exclusion", "immutable-with-exclusion"
]
Encryption: TypeAlias = Literal["aes256", "kms", "kms-dsse"]
AppliedFor: TypeAlias = Literal["replication", "pull-through-cache", "create-on-push"]
"""The reasons for which ECR creates a repository."""

ROOT: Final = "ROOT"
"""The prefix of the template for repositories that no other template fits."""
LONGEST_NAME: Final = 128
"""Characters; the name stands in the template's description, with the fleet's name and
signature."""

_EXCLUSION: Final = r"[0-9a-zA-Z._*-]{1,128}"
"""ECR's own pattern for tags that a repository's tag mutability does not hold for."""
_KMS_KEY: Final = (
    r"arn:(?:\{partition\}|aws[a-z0-9-]*):kms:(?:\{region\}|[a-z0-9-]+):"
    r"(?:\{account\}|[0-9]{12}):key/[a-z0-9-]+"
)
"""ECR's own pattern for keys, as an inventory writes it for many registries."""


def _name(text: str) -> str:
    if len(shown_name(text)) > LONGEST_NAME:
        raise BadValueError(f"must be at most {LONGEST_NAME} characters long")
    return text


def _prefix(text: str) -> str:
    """A prefix without the slash at the end that ECR implies anyway."""
    shortest, longest = limits.TEMPLATE_PREFIX_LENGTH
    if not shortest <= len(text) <= longest:
        raise BadValueError(f"must be {shortest} to {longest} characters long")
    if limits.TEMPLATE_PREFIX_PATTERN.fullmatch(text) is None:
        raise BadValueError(
            "is not a prefix that a creation template can have",
            f'a namespace such as "team/base/", or "{ROOT}" for every repository that no other '
            "template fits",
        )
    return text.removesuffix("/")


def _kms_key(text: str, info: ValidationInfo[Context]) -> str | None:
    """The ARN of a key with the partition filled in."""
    partition = info.context.regions.partition
    if re.fullmatch(_KMS_KEY, text) is None or len(text) > limits.KMS_KEY_LENGTH:
        raise BadValueError(
            "is not the ARN of a KMS key",
            'write it like "arn:{partition}:kms:{region}:{account}:key/…", not as an alias',
        )
    if partition is None:
        return None
    key = text.replace("{partition}", partition)
    if not key.startswith(f"arn:{partition}:"):
        raise foreign(partition)
    return key


def _role(text: str, info: ValidationInfo[Context]) -> RoleTemplate | None:
    if text == BASE_IDENTITY:
        raise BadValueError(
            "is no role: ECR cannot be the base identity",
            "leave it out for ECR's service-linked role",
        )
    partition = info.context.regions.partition
    return None if partition is None else read_role(text, partition)


def _exclusion(text: str) -> str:
    if re.fullmatch(_EXCLUSION, text) is None:
        remedy = "1 to 128 letters, digits and . _ -, with * as a wildcard"
        raise BadValueError("is not a filter for tags", remedy)
    if text.count("*") > limits.TAG_EXCLUSION_WILDCARDS:
        raise BadValueError(f"must have at most {limits.TAG_EXCLUSION_WILDCARDS} wildcards")
    return text


def _in_order(texts: Iterable[Any]) -> tuple[object, ...]:
    return tuple(sorted(texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(Table):
    """What ECR gives to repositories that it creates itself, in every selected registry."""

    name: Annotated[str, Kind(_name)] = field(
        metadata={"missing": "give each template a name of its own"}
    )
    """A unique name, shown in plans and in the description in AWS."""
    prefix: Annotated[
        str,
        Kind(
            _prefix,
            **text_schema(limits.TEMPLATE_PREFIX_PATTERN.pattern, limits.TEMPLATE_PREFIX_LENGTH),
        ),
    ] = field(metadata={"missing": 'write prefix = "ROOT" for every repository'})
    """The namespace of the repositories, with or without the slash that ECR puts at its end; ROOT
    for all that no other template fits."""
    select: Select = field(metadata={"missing": "write select = {} for every registry"})
    """The managed registries that get the template."""
    tag_mutability: TagMutability = "mutable"
    """Whether tags can be moved to another image. Default: mutable."""
    tag_mutability_exclusions: Annotated[
        tuple[Annotated[str, Kind(_exclusion, **text_schema(_EXCLUSION))], ...],
        NOT_EMPTY,
        DISTINCT,
        Kind(_in_order, maxItems=limits.TAG_EXCLUSIONS),
    ] = ()
    """Tags that `tag_mutability` does not hold for; * is a wildcard."""
    encryption: Encryption = "aes256"
    """How images are encrypted. Default: aes256."""
    kms_key: Annotated[str, Kind(_kms_key, **text_schema(_KMS_KEY))] | None = None
    """The ARN of a KMS key, with {account}, {region} and {partition} filled in for each registry;
    without it the key that AWS keeps for ECR is used."""
    lifecycle_policy: str | None = None
    """The repositories' lifecycle policy, as JSON."""
    repository_policy: str | None = None
    """The repositories' own policy, as JSON."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of the repositories. They need `role`."""
    role: Annotated[RoleTemplate, Kind(_role, reads=str)] | None = None
    """The role that ECR assumes to create a repository: a name, path/name, or an ARN with {account}
    in it. Tags and KMS need it."""
    applied_for: Annotated[tuple[AppliedFor, ...], NOT_EMPTY, DISTINCT, Kind(_in_order)] = (
        "replication",
    )
    """What ECR creates repositories for: replication, pull-through-cache or create-on-push.
    Default: replication alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateTable(Template):
    """What ECR gives to repositories that it creates itself, in every selected registry."""

    lifecycle_policy_file: str | None = None
    """The file that holds it, relative to this one."""
    repository_policy_file: str | None = None
    """The file that holds it, relative to this one."""


def resolve_templates(
    tables: Sequence[TemplateTable], policies: Policies, findings: Findings
) -> tuple[Template, ...]:
    """Every template, in the file's order, with the policies that stand in files."""
    check_names("templates", (table.name for table in tables), "template", findings)
    templates = []
    for index, table in enumerate(tables):
        _check(("templates", index), table, findings)
        values = {column.name: getattr(table, column.name) for column in fields(Template)}
        for kind in (LIFECYCLE, REPOSITORY):
            file = getattr(table, f"{kind.key}_file")
            values[kind.key] = policies.read(index, kind, values[kind.key], file)
        templates.append(Template(**values))
    return tuple(templates)


def _check(path: KeyPath, table: TemplateTable, findings: Findings) -> None:
    """Report keys of a template that do not fit together."""
    _check_exclusions((*path, "tag_mutability_exclusions"), table, findings)
    _check_tags((*path, "tags"), table.tags, findings)
    is_plain, key = table.encryption == "aes256", findings.raw((*path, "kms_key"))
    if key is not None and is_plain and not findings.has_problem((*path, "encryption")):
        fault = "means nothing without KMS"
        findings.report((*path, "kms_key"), fault, remedy='write encryption = "kms" with it')
    # ECR's own role can neither tag repositories nor use KMS keys.
    needing = ["tags"] if table.tags else []
    if not is_plain:
        needing.append(f"encryption = {quoted(table.encryption)}")
    if needing and findings.raw((*path, "role")) is None:
        findings.report(
            (*path, "role"),
            f"{MISSING}, and ECR needs one for {' and '.join(needing)}",
            remedy='write role = "ecr-template-role": a role in the same account',
        )


def _check_exclusions(path: KeyPath, table: TemplateTable, findings: Findings) -> None:
    """Report exclusions that the tag mutability does not take, and missing ones that it needs."""
    mutability, exclusions = table.tag_mutability, table.tag_mutability_exclusions
    takes_some = mutability.endswith("-with-exclusion")
    if findings.has_problem((*path[:-1], "tag_mutability")):
        pass
    elif takes_some and not exclusions and not findings.has_problem(path):
        fault = f'{MISSING}, and tag_mutability = "{mutability}" needs it'
        findings.report(path, fault, remedy='list the tags, such as ["latest", "dev-*"]')
    elif exclusions and not takes_some:
        fault = f'means nothing with tag_mutability = "{mutability}"'
        remedy = f'write tag_mutability = "{mutability}-with-exclusion"'
        findings.report(path, fault, remedy=remedy)
    if len(exclusions) > limits.TAG_EXCLUSIONS:
        findings.report(path, f"must be at most {limits.TAG_EXCLUSIONS}")


def _check_tags(path: KeyPath, tags: Mapping[str, str], findings: Findings) -> None:
    """Report what makes `tags` unfit for repositories."""
    if len(tags) > limits.TAGS:
        findings.report(path, f"must be at most {limits.TAGS} tags, and are {len(tags)}")
    for key, value in tags.items():
        where = (*path, key)
        for text, name, (shortest, longest) in (
            (key, "key", limits.TAG_KEY_LENGTH),
            (value, "value", limits.TAG_VALUE_LENGTH),
        ):
            findings.check(where, plain, text)
            if not shortest <= len(text) <= longest:
                fault = f"has a {name} that is not {shortest} to {longest} characters"
                findings.report(where, fault)
        if key.lower().startswith(limits.RESERVED_TAGS):
            fault = f"starts with {limits.RESERVED_TAGS}, which AWS keeps for itself"
            findings.report(where, fault)
