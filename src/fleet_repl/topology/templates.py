"""Repository creation templates: which registries get which of them.

The problems that only show once selectors are resolved are found here: a selector matches nothing,
a registry gets two templates for one prefix, or a role or key does not fit a selected registry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fleet_repl.inventory import Inventory, Template
from fleet_repl.topology.index import Fleet, index
from fleet_repl.topology.near_misses import unmatched
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedTemplates:
    """The templates of each registry, and the problems with them."""

    templates: Mapping[Registry, tuple[Template, ...]]
    """In order of the prefix; a registry without any is missing."""
    problems: tuple[Problem, ...] = ()
    """With any, the templates are not to be used."""


def place_templates(inventory: Inventory, fleet: Fleet) -> PlacedTemplates:
    """Resolves the selectors of all templates."""
    by_registry: dict[Registry, list[Template]] = defaultdict(list)
    problems: list[Problem] = []
    clashes: dict[tuple[int, int], list[Registry]] = defaultdict(list)
    first: dict[tuple[Registry, str], int] = {}
    for number, template in enumerate(inventory.templates):
        selected = fleet.sources(template.select)
        problems += _misfits(number, template, selected, inventory, fleet)
        for registry in selected:
            earlier = first.setdefault((registry, template.prefix), number)
            if earlier != number:
                clashes[earlier, number].append(registry)
            by_registry[registry].append(template)
    problems += (_clash(*pair, shared, inventory, fleet) for pair, shared in clashes.items())
    return PlacedTemplates(
        templates={
            registry: tuple(sorted(templates, key=lambda template: template.prefix))
            for registry, templates in by_registry.items()
        },
        problems=tuple(problems),
    )


def _misfits(
    number: int,
    template: Template,
    selected: Sequence[Registry],
    inventory: Inventory,
    fleet: Fleet,
) -> Iterator[Problem]:
    key = f"templates[{number}]"
    if not selected and not _selects_retired(template, inventory):
        yield unmatched(f"{key}.select", template.select, inventory, fleet)
    role = template.role
    if role is not None:
        misfits = [registry for registry in selected if not role.fits(registry.account)]
        yield from _misfit_problems(
            inventory,
            f"{key}.role",
            f"is the ARN of a role in {role.account}, and ECR takes only one of the registry's "
            "own account",
            "write {account} in place of the account id",
            _such_as(misfits, fleet),
        )
    region = _key_region(template)
    if region is not None:
        misfits = [registry for registry in selected if registry.region != region]
        yield from _misfit_problems(
            inventory,
            f"{key}.kms_key",
            f"is a key in {region}, and ECR takes only one in the registry's own region",
            "write {region} in place of the region; a multi-Region key has the same id in each",
            _such_as(misfits, fleet),
        )


def _selects_retired(template: Template, inventory: Inventory) -> bool:
    if not any(account.retired for account in inventory.accounts):
        return False
    return bool(index(inventory, with_retired=True).sources(template.select))


def _key_region(template: Template) -> str | None:
    """The region of a key that is the same for every registry."""
    if template.kms_key is None:
        return None
    region = template.kms_key.split(":")[3]
    return None if region == "{region}" else region


def _misfit_problems(
    inventory: Inventory, key: str, message: str, remedy: str, examples: str
) -> Iterator[Problem]:
    if examples:
        yield inventory.problem(key, f"{message}; `select` matches {examples}", remedy)


def _clash(
    earlier: int, later: int, shared: Sequence[Registry], inventory: Inventory, fleet: Fleet
) -> Problem:
    prefix, name = inventory.templates[later].prefix, inventory.templates[earlier].name
    return inventory.problem(
        f"templates[{later}].prefix",
        f"template {name} has the prefix {prefix} already, and a registry has one template for "
        f"each; both select {_such_as(shared, fleet)}",
        "narrow `select` of one of them, or give them different prefixes",
    )


def _such_as(registries: Sequence[Registry], fleet: Fleet) -> str:
    """The first registry and how many more there are; the empty text for no registry."""
    if not registries:
        return ""
    example = registries[0]
    others = counted(len(registries) - 1, "other registry")
    more = f" and {others}" if registries[1:] else ""
    return f"{example} ({fleet.accounts[example.account].name}){more}"
