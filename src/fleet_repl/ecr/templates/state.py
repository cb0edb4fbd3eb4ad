"""States: a creation template as it was read, and what it means.

Never fails: what cannot be understood is named in `unknown`, and such a template is not ours
to overwrite. When it was made and changed is no part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from fleet_repl.ecr.templates.documents import WILDCARD
from fleet_repl.values.canonical_json import (
    Json,
    JsonObject,
    canonical_json,
    parse_json,
    policy_meaning,
)

_TIMES: Final = frozenset({"createdAt", "updatedAt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a template says, defaults filled in, without any order."""

    prefix: str
    """Without the slash at its end that ECR implies."""
    description: str
    encryption: str
    kms_key: str
    tags: frozenset[tuple[str, str]]
    mutability: str
    exclusions: frozenset[str]
    repository_policy: str
    lifecycle_policy: str
    applied_for: frozenset[str]
    role: str


MEMBERS: Final = {
    "prefix": "prefix",
    "description": "description",
    "encryption": "encryptionConfiguration.encryptionType",
    "kms_key": "encryptionConfiguration.kmsKey",
    "tags": "resourceTags",
    "mutability": "imageTagMutability",
    "exclusions": "imageTagMutabilityExclusionFilters",
    "repository_policy": "repositoryPolicy",
    "lifecycle_policy": "lifecyclePolicy",
    "applied_for": "appliedFor",
    "role": "customRoleArn",
}
"""Where ECR's document has what a field of `Meaning` holds."""
_KNOWN: Final = frozenset(one.partition(".")[0] for one in MEMBERS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateState:
    """One prefix of one registry: the template that is there, or that there is none."""

    document: JsonObject | None
    """As it was read, without its times; None for no template."""
    meaning: Meaning | None
    unknown: tuple[str, ...] = ()
    """Paths of what is not known here."""

    def same_as(self, other: TemplateState) -> bool:
        """Whether both mean the same; with something unknown, whether they are equal."""
        if self.unknown or other.unknown:
            return _literal(self.document) == _literal(other.document)
        return self.meaning == other.meaning

    def shows(self, written: TemplateState) -> bool:
        """Whether `written` is in place, which the service may have completed.

        It may add members that are not known here. And it may name the key that it uses where
        only KMS was asked for, so leaving the key out says nothing about it.
        """
        if written.unknown:
            return self.same_as(written)
        return not differences(self, written)


def differences(found: TemplateState, written: TemplateState) -> tuple[str, ...]:
    """The members in which `found` is not what was `written`; `prefix` where one is missing."""
    if found.meaning is None or written.meaning is None:
        return () if found.meaning is written.meaning else ("prefix",)
    meaning, wanted = found.meaning, written.meaning
    if not wanted.kms_key and wanted.encryption == meaning.encryption:
        meaning = replace(meaning, kms_key="")
    return tuple(
        MEMBERS[one.name]
        for one in fields(Meaning)
        if getattr(meaning, one.name) != getattr(wanted, one.name)
    )


def plain_prefix(template: JsonObject) -> str:
    """The prefix without the slash at its end that ECR implies; empty where there is none."""
    return _text(template, "prefix").removesuffix("/")


def template_at(found: Iterable[JsonObject], prefix: str) -> JsonObject | None:
    """The template for `prefix` among all that were read, however its slash is written."""
    wanted = prefix.removesuffix("/")
    return next((one for one in found if plain_prefix(one) == wanted), None)


def parse_template(raw: JsonObject | None) -> TemplateState:
    """A template as DescribeRepositoryCreationTemplates tells it, or as it is created."""
    if raw is None:
        return TemplateState(document=None, meaning=None)
    document = {key: value for key, value in raw.items() if key not in _TIMES}
    unknown = [key for key in document if key not in _KNOWN]
    if not plain_prefix(document):
        unknown.append("prefix")
    return TemplateState(
        document=document, meaning=_meaning(document, unknown), unknown=tuple(unknown)
    )


def _meaning(document: JsonObject, unknown: list[str]) -> Meaning:
    encryption = document.get("encryptionConfiguration") or {}
    if not isinstance(encryption, Mapping):
        unknown.append("encryptionConfiguration")
        encryption = {}
    unknown += _strange("encryptionConfiguration", encryption, "encryptionType", "kmsKey")
    mutability = _text(document, "imageTagMutability") or "MUTABLE"
    exclusions = frozenset(_exclusions(document, unknown))
    return Meaning(
        prefix=plain_prefix(document),
        description=_text(document, "description"),
        encryption=_text(encryption, "encryptionType") or "AES256",
        kms_key=_text(encryption, "kmsKey"),
        tags=frozenset(
            (_text(tag, "Key"), _text(tag, "Value"))
            for tag in _items(document, "resourceTags", ("Key", "Value"), unknown)
        ),
        mutability=mutability,
        # Without an exclusion they mean nothing, and an update cannot take them away.
        exclusions=exclusions if mutability.endswith("_WITH_EXCLUSION") else frozenset(),
        repository_policy=_policy(document, "repositoryPolicy"),
        lifecycle_policy=_policy(document, "lifecyclePolicy"),
        applied_for=frozenset(str(one) for one in _list(document, "appliedFor", unknown)),
        role=_text(document, "customRoleArn"),
    )


def _exclusions(document: JsonObject, unknown: list[str]) -> Iterator[str]:
    key = "imageTagMutabilityExclusionFilters"
    for index, item in enumerate(_items(document, key, ("filterType", "filter"), unknown)):
        if _text(item, "filterType") != WILDCARD:
            unknown.append(f"{key}[{index}].filterType")
        yield _text(item, "filter")


def _items(
    document: JsonObject, key: str, known: tuple[str, ...], unknown: list[str]
) -> Iterator[JsonObject]:
    for index, item in enumerate(_list(document, key, unknown)):
        if isinstance(item, Mapping):
            unknown += _strange(f"{key}[{index}]", item, *known)
            yield item
        else:
            unknown.append(f"{key}[{index}]")


def _list(document: JsonObject, key: str, unknown: list[str]) -> tuple[Json, ...]:
    value = document.get(key)
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return tuple(value)
    unknown.append(key)
    return ()


def _strange(place: str, item: JsonObject, *known: str) -> list[str]:
    return [f"{place}.{key}" for key in item if key not in known]


def _text(holder: JsonObject, key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def _policy(document: JsonObject, key: str) -> str:
    """A policy's text in a form that is equal where the policy is."""
    text = _text(document, key)
    try:
        return canonical_json(policy_meaning(parse_json(text))) if text else ""
    except (ValueError, RecursionError):
        return text


def _literal(document: JsonObject | None) -> str:
    return canonical_json(document)
