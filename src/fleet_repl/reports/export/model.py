"""What an export writes down of each registry, and what it cannot."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fleet_repl.ecr.rules import Replication
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry, is_account_id, is_region
from fleet_repl.values.text import listed

_SHOWN: Final = 5
"""Registries that one sentence names."""
_TIMES: Final = frozenset({"createdAt", "updatedAt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryContent:
    """The documents of a registry that hold anything."""

    registry: Registry
    name: str
    """The account's."""
    rules: tuple[JsonObject, ...] = ()
    policy: JsonObject | None = None
    templates: tuple[JsonObject, ...] = ()
    left_out: tuple[str, ...] = ()
    """What of it has no place in the result, and why."""
    templates_fault: Fault | None = None
    """The fault that kept its creation templates from being read."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is missing of it in its own file."""
        fault = self.templates_fault
        return self.left_out if fault is None else (*self.left_out, f"its templates: {fault}")

    @property
    def is_empty(self) -> bool:
        """Returns whether there is nothing to write down."""
        return not (self.rules or self.policy or self.templates)

    def is_emptied(self, earlier: Collection[Registry]) -> bool:
        """Returns whether it holds nothing any more, for sure, and is one of those that an
        `earlier` export has written files of."""
        return self.is_empty and not self.notes and self.registry in earlier

    @property
    def file_name(self) -> str:
        """`111111111111-eu-west-1`."""
        return file_name(self.registry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The result of an export."""

    files: Mapping[str, str]
    """Texts by the name of their file, in order."""
    left_out: tuple[str, ...] = ()
    """What is in place and in none of them, a sentence each."""
    unreadable: tuple[Registry, ...] = ()
    """Registries that could not be read, in whole or in part."""
    emptied: tuple[str, ...] = ()
    """Files of an earlier export whose registries hold nothing any more. Those of Terraform are in
    `files`, without a resource; those of CloudFormation, which takes no template without one, are
    to be removed."""
    between: str = "\n"
    """The text between two files that are written one after the other."""

    @property
    def text(self) -> str:
        """All files one after the other."""
        return self.between.join(self.files.values())


def file_name(registry: Registry) -> str:
    """`111111111111-eu-west-1`."""
    return f"{registry.account}-{registry.region}"


def registry_of(name: str) -> Registry | None:
    """Returns the registry whose file an export would name so, without its ending; None for other
    names."""
    account, _, region = name.partition("-")
    known = is_account_id(account) and is_region(region)
    return Registry(AccountId(account), Region(region)) if known else None


def contents_of(
    observation: Observation, names: Mapping[AccountId, str]
) -> tuple[RegistryContent, ...]:
    """Returns the content of each registry that was read. `names`: those of the accounts."""
    return tuple(
        _content(registry, names.get(registry.account, registry.account), seen)
        for registry, seen in sorted(observation.items())
        if isinstance(seen, Observed)
    )


def unreadable_in(observation: Observation, excused: Collection[AccountId]) -> tuple[Registry, ...]:
    """Returns the registries that could not be read, in whole or in part, but for those of
    `excused` accounts. Reading templates takes a permission that not every fleet needs, so a denial
    of it is none of these."""
    return tuple(
        registry
        for registry, seen in sorted(observation.items())
        if registry.account not in excused
        and (fault := seen.error if isinstance(seen, Unreadable) else seen.templates_error)
        and (isinstance(seen, Unreadable) or fault.kind is not FaultKind.ACCESS_DENIED)
    )


def left_out_of(contents: Iterable[RegistryContent]) -> Iterator[str]:
    """Yields what is in place and has no place in the result; registries whose templates could not
    be read for the same reason share a sentence."""
    alike: dict[tuple[FaultKind, str | None], list[RegistryContent]] = {}
    for content in contents:
        yield from (f"{content.registry}: {reason}" for reason in content.left_out)
        if (fault := content.templates_fault) is not None:
            alike.setdefault((fault.kind, fault.code), []).append(content)
    for some in alike.values():
        registries = listed([content.registry for content in some], _SHOWN)
        yield f"the creation templates of {registries}: {some[0].templates_fault}"


def _content(registry: Registry, name: str, seen: Observed) -> RegistryContent:
    replication, left_out = seen.replication, []
    rules = tuple(_rules(replication))
    if replication.unknown:
        members = ", ".join(replication.unknown)
        left_out.append(f"its rules hold members that are not known: {members}")
        rules = ()
    document = None if seen.policy is None else seen.policy.document
    return RegistryContent(
        registry=registry,
        name=name,
        rules=rules,
        policy=document,
        templates=tuple(
            {key: value for key, value in template.items() if key not in _TIMES}
            for template in seen.templates or ()
        ),
        left_out=tuple(left_out),
        templates_fault=seen.templates_error,
    )


def _rules(replication: Replication) -> Iterator[JsonObject]:
    yield from objects((replication.document or {}).get("rules"))


def objects(value: Json) -> tuple[JsonObject, ...]:
    """The objects in a list of JSON."""
    items: Iterable[Json] = value if isinstance(value, list | tuple) else ()
    return tuple(item for item in items if isinstance(item, Mapping))


def replicates_deletions(rule: JsonObject) -> bool:
    """Returns whether a rule replicates deletions."""
    deletion = rule.get("deleteReplication")
    return isinstance(deletion, Mapping) and deletion.get("enabled") is True
