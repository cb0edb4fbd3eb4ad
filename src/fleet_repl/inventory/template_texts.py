"""Short texts of templates: prefixes, tags, filters for tags, KMS keys, as ECR takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from fleet_repl import limits
from fleet_repl.inventory import schema
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.patterns import KMS_KEY, TAG_EXCLUSION, TEMPLATE_PREFIX
from fleet_repl.inventory.texts import MISSING, check_plain
from fleet_repl.names import Partition

ROOT: Final = "ROOT"
"""The prefix of the template for repositories that no other template fits."""

_PREFIX: Final = re.compile(TEMPLATE_PREFIX)
_EXCLUSION: Final = re.compile(TAG_EXCLUSION)
_KMS_KEY: Final = re.compile(KMS_KEY)
_PARTITION: Final = "{partition}"
_RESERVED: Final = "aws:"


def plain_prefix(text: str) -> str:
    """Without the slash at the end that ECR implies anyway."""
    return text.removesuffix("/")


def check_prefix(path: KeyPath, text: str | None, findings: Findings) -> None:
    """Tell what makes `text` no prefix of a creation template."""
    if text is None:
        return
    shortest, longest = limits.TEMPLATE_PREFIX_LENGTH
    if not shortest <= len(text) <= longest:
        findings.tell(path, f"must be {shortest} to {longest} characters long")
    elif _PREFIX.fullmatch(text) is None:
        findings.tell(
            path,
            "is not a prefix that a creation template can have",
            remedy=f'a namespace such as "team/base/", or "{ROOT}" for every repository that no '
            "other template fits",
        )


def check_tags(path: KeyPath, tags: Mapping[str, str], findings: Findings) -> None:
    """Tell what makes `tags` unfit for repositories."""
    if len(tags) > limits.TAGS:
        findings.tell(path, f"must be at most {limits.TAGS} tags, and are {len(tags)}")
    for key, value in tags.items():
        where = (*path, key)
        for text, name, (shortest, longest) in (
            (key, "key", limits.TAG_KEY_LENGTH),
            (value, "value", limits.TAG_VALUE_LENGTH),
        ):
            check_plain(where, text, findings)
            if not shortest <= len(text) <= longest:
                findings.tell(where, f"has a {name} that is not {shortest} to {longest} characters")
        if key.lower().startswith(_RESERVED):
            findings.tell(where, f"starts with {_RESERVED}, which AWS keeps for itself")


def resolve_exclusions(
    where: KeyPath, table: schema.TemplateTable, findings: Findings
) -> tuple[str, ...]:
    """The tags that the mutability does not hold for; some exactly where it says so."""
    path = (*where, "tag_mutability_exclusions")
    mutability = table.tag_mutability or "mutable"
    filters = table.tag_mutability_exclusions
    takes_some = mutability.endswith("-with-exclusion")
    if findings.about((*where, "tag_mutability")):
        pass
    elif filters is None and takes_some:
        remedy = 'list the tags, such as ["latest", "dev-*"]'
        findings.tell(
            path, f'{MISSING}, and tag_mutability = "{mutability}" needs it', remedy=remedy
        )
    elif filters is not None and not takes_some:
        findings.tell(
            path,
            f'means nothing with tag_mutability = "{mutability}"',
            remedy=f'write tag_mutability = "{mutability}-with-exclusion"',
        )
    for index, text in enumerate(filters or ()):
        _check_exclusion((*path, index), text, findings)
        if text in (filters or ())[:index]:
            findings.tell((*path, index), "is in the list twice")
    if len(filters or ()) > limits.TAG_EXCLUSIONS:
        findings.tell(path, f"must be at most {limits.TAG_EXCLUSIONS}")
    return tuple(sorted(filters or ()))


def _check_exclusion(path: KeyPath, text: str, findings: Findings) -> None:
    if _EXCLUSION.fullmatch(text) is None:
        findings.tell(
            path,
            "is not a filter for tags",
            remedy="1 to 128 letters, digits and . _ -, with * as a wildcard",
        )
    elif text.count("*") > limits.TAG_EXCLUSION_WILDCARDS:
        findings.tell(path, f"must have at most {limits.TAG_EXCLUSION_WILDCARDS} wildcards")


def resolve_kms_key(
    where: KeyPath, table: schema.TemplateTable, partition: Partition | None, findings: Findings
) -> str | None:
    """The key's ARN with the partition filled in."""
    path, text = (*where, "kms_key"), table.kms_key
    if text is None:
        return None
    if table.encryption in (None, "aes256") and not findings.about((*where, "encryption")):
        findings.tell(path, "means nothing without KMS", remedy='write encryption = "kms" with it')
    if _KMS_KEY.fullmatch(text) is None or len(text) > limits.KMS_KEY_LENGTH:
        findings.tell(
            path,
            "is not the ARN of a KMS key",
            remedy='write it like "arn:{partition}:kms:{region}:{account}:key/…", not as an alias',
        )
        return None
    if partition is None:
        return None
    key = text.replace(_PARTITION, partition)
    if not key.startswith(f"arn:{partition}:"):
        findings.tell(
            path,
            f"is an ARN of another partition than {partition}",
            remedy=f'write "arn:{partition}:…", or set aws.partition',
        )
    return key
