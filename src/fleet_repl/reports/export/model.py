"""What an export writes down of each registry, and what it cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fleet_repl.ecr.rules import Replication
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import AccountId, Registry

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

    @property
    def is_empty(self) -> bool:
        """Returns whether there is nothing to write down."""
        return not (self.rules or self.policy or self.templates)

    @property
    def file_name(self) -> str:
        """`111111111111-eu-west-1`."""
        return f"{self.registry.account}-{self.registry.region}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The result of an export."""

    files: Mapping[str, str]
    """Texts by the name of their file, in order."""
    left_out: tuple[str, ...] = ()
    """What is in place and in none of them, a sentence each."""
    unreadable: tuple[Registry, ...] = ()
    """Registries that could not be read, in whole or in part."""

    between: str = "\n"
    """The text between two files that are written one after the other."""

    @property
    def text(self) -> str:
        """All files one after the other."""
        return self.between.join(self.files.values())


def contents_of(
    observation: Observation, names: Mapping[AccountId, str]
) -> tuple[tuple[RegistryContent, ...], tuple[Registry, ...]]:
    """Returns the content of each registry that was read, and the registries that were not, in
    whole or in part. `names`: those of the accounts."""
    contents, unreadable = [], []
    for registry, seen in sorted(observation.items()):
        if isinstance(seen, Unreadable):
            unreadable.append(registry)
            continue
        contents.append(_content(registry, names.get(registry.account, registry.account), seen))
        if seen.templates_error is not None:
            unreadable.append(registry)
    return tuple(contents), tuple(unreadable)


def _content(registry: Registry, name: str, seen: Observed) -> RegistryContent:
    replication, left_out = seen.replication, []
    rules = tuple(_rules(replication))
    if replication.unknown:
        members = ", ".join(replication.unknown)
        left_out.append(f"{registry}: its rules hold members that are not known: {members}")
        rules = ()
    if seen.templates_error is not None:
        left_out.append(f"{registry}: its creation templates: {seen.templates_error}")
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
