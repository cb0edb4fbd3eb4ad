"""A repository creation template as it was read, and what it means.

Reading never fails: members that are not understood are named in `unknown`, and the fleet does not
overwrite such a template. The times at which it was made and changed are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from fleet_repl.ecr.templates.documents import WILDCARD
from fleet_repl.values.canonical_json import (
    Json,
    JsonObject,
    canonical_json,
    parse_json,
    policy_meaning,
)

Meaning: TypeAlias = Mapping[str, "str | frozenset[str] | frozenset[tuple[str, str]]"]
"""The value of each member by its path in ECR's document, with defaults and without any order."""

_TIMES: Final = frozenset({"createdAt", "updatedAt"})
_ENCRYPTION: Final = "encryptionConfiguration.encryptionType"
KMS_KEY: Final = "encryptionConfiguration.kmsKey"
"""The member of a meaning that ECR may complete."""
_EXCLUSIONS: Final = "imageTagMutabilityExclusionFilters"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateState:
    """The template for a prefix of a registry, or that there is none."""

    document: JsonObject | None
    """The template as it was read, without its times; None for no template."""
    meaning: Meaning | None
    unknown: tuple[str, ...] = ()
    """Paths of the members that are not known here."""

    def same_as(self, other: TemplateState) -> bool:
        """Returns whether both mean the same; with unknown members, whether texts are equal."""
        if self.unknown or other.unknown:
            return self._untimed == other._untimed
        return self.meaning == other.meaning

    @property
    def _untimed(self) -> str:
        """The text of the document without its times."""
        return canonical_json(self.document and _timeless(self.document))

    def shows(self, written: TemplateState) -> bool:
        """Returns whether this is what ECR answers after `written`, which it may have completed.

        ECR may add members that are not known here. And it may name the key that it uses where
        only KMS was asked for, so a document without the key leaves it open.
        """
        if written.unknown:
            return self.same_as(written)
        return not differences(self, written)


def differences(present: TemplateState, written: TemplateState) -> tuple[str, ...]:
    """The members in which the templates differ; `prefix` where a template is missing."""
    there, wanted = present.meaning, written.meaning
    if there is None or wanted is None:
        return () if there is wanted else ("prefix",)
    key_is_open = not wanted[KMS_KEY] and wanted[_ENCRYPTION] == there[_ENCRYPTION]
    return tuple(
        member
        for member, value in wanted.items()
        if there[member] != value and not (member == KMS_KEY and key_is_open)
    )


def plain_prefix(template: JsonObject) -> str:
    """The prefix without the slash at its end, which ECR implies; empty for no prefix."""
    return _text(template, "prefix").removesuffix("/")


def template_at(templates: Iterable[JsonObject], prefix: str) -> JsonObject | None:
    """The template for `prefix` among those of a registry, with or without a slash at its end."""
    wanted = prefix.removesuffix("/")
    return next((template for template in templates if plain_prefix(template) == wanted), None)


def parse_template(raw: JsonObject | None) -> TemplateState:
    """Read a template as DescribeRepositoryCreationTemplates answers it, or as it is created."""
    if raw is None:
        return TemplateState(document=None, meaning=None)
    document = _timeless(raw)
    unknown = [key for key in document if key not in _KNOWN]
    if not plain_prefix(document):
        unknown.append("prefix")
    return TemplateState(
        document=document, meaning=_meaning(document, unknown), unknown=tuple(unknown)
    )


def parse_stored_template(raw: JsonObject | None) -> TemplateState:
    """Read a template out of a plan, journal or report, whose document it keeps whole."""
    return replace(parse_template(raw), document=raw)


def _timeless(document: JsonObject) -> JsonObject:
    return {key: value for key, value in document.items() if key not in _TIMES}


def _meaning(document: JsonObject, unknown: list[str]) -> Meaning:
    encryption = document.get("encryptionConfiguration") or {}
    if not isinstance(encryption, Mapping):
        unknown.append("encryptionConfiguration")
        encryption = {}
    unknown += _unknown_fields("encryptionConfiguration", encryption, "encryptionType", "kmsKey")
    mutability = _text(document, "imageTagMutability") or "MUTABLE"
    exclusions = frozenset(_exclusions(document, unknown))
    return {
        "prefix": plain_prefix(document),
        "description": _text(document, "description"),
        _ENCRYPTION: _text(encryption, "encryptionType") or "AES256",
        KMS_KEY: _text(encryption, "kmsKey"),
        "resourceTags": frozenset(
            (_text(tag, "Key"), _text(tag, "Value"))
            for tag in _items(document, "resourceTags", ("Key", "Value"), unknown)
        ),
        "imageTagMutability": mutability,
        # Without a mutability that has exclusions they mean nothing, and no update removes them.
        _EXCLUSIONS: exclusions if mutability.endswith("_WITH_EXCLUSION") else frozenset(),
        "repositoryPolicy": _policy(document, "repositoryPolicy"),
        "lifecyclePolicy": _policy(document, "lifecyclePolicy"),
        "appliedFor": frozenset(map(str, _list(document, "appliedFor", unknown))),
        "customRoleArn": _text(document, "customRoleArn"),
    }


def _exclusions(document: JsonObject, unknown: list[str]) -> Iterator[str]:
    known = ("filterType", "filter")
    for index, item in enumerate(_items(document, _EXCLUSIONS, known, unknown)):
        if _text(item, "filterType") != WILDCARD:
            unknown.append(f"{_EXCLUSIONS}[{index}].filterType")
        yield _text(item, "filter")


def _items(
    document: JsonObject, key: str, known: tuple[str, ...], unknown: list[str]
) -> Iterator[JsonObject]:
    for index, item in enumerate(_list(document, key, unknown)):
        if isinstance(item, Mapping):
            unknown += _unknown_fields(f"{key}[{index}]", item, *known)
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


def _unknown_fields(place: str, item: JsonObject, *known: str) -> list[str]:
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


_KNOWN: Final = frozenset(member.partition(".")[0] for member in _meaning({}, []))
"""The members of ECR's document."""
