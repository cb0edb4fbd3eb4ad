"""Reads what is in place and writes it down as resources of another tool."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final, Literal, TypeAlias, assert_never

from fleet_repl.engine.observe import observe
from fleet_repl.fleet.context import RunContext
from fleet_repl.planning.enrolment import joining_accounts, young_accounts
from fleet_repl.planning.observed import refused_accounts
from fleet_repl.reports.export import (
    Exported,
    cloudformation_files,
    contents_of,
    left_out_of,
    terraform_files,
    unreadable_in,
)
from fleet_repl.values.names import AccountId, Registry

Target: TypeAlias = Literal["terraform", "cloudformation"]

_BETWEEN: Final[Mapping[Target, str]] = {"terraform": "\n", "cloudformation": "---\n"}
"""The text between two files on one page: documents of YAML need a mark."""
_ENDINGS: Final[Mapping[Target, str]] = {"terraform": ".tf", "cloudformation": ".yaml"}
"""The ending of the name of a registry's file."""


async def export_registries(
    scope: frozenset[Registry],
    target: Target,
    context: RunContext,
    *,
    earlier: Collection[Registry] = (),
) -> Exported | None:
    """Returns the rules, registry policies and creation templates in place, as resources of a tool;
    None after an interruption. Writes nothing. `earlier`: registries that have files already."""
    inventory = context.inventory
    # Policies are read even where grants are not managed.
    how = replace(context.observing({}, templates=scope), owner=context.desired.owner)
    observation, _ = await observe(scope, how)
    if context.stop.interrupted:
        return None
    accounts = {account.id: account for account in inventory.accounts}
    contents = contents_of(observation, {id_: account.name for id_, account in accounts.items()})
    match target:
        case "terraform":
            files, lost = terraform_files(inventory.name, contents, accounts, earlier)
        case "cloudformation":
            files, lost = cloudformation_files(inventory.name, contents)
        case _:
            assert_never(target)
    retired = {account.id for account in inventory.accounts if account.retired}
    young = young_accounts(inventory, how.clock.now())
    excused = {*refused_accounts(observation, retired), *joining_accounts(observation, young)}
    return Exported(
        files=files,
        left_out=(*left_out_of(contents), *lost, *_stranded(earlier, accounts)),
        unreadable=unreadable_in(observation, excused),
        emptied=tuple(
            f"{content.file_name}{_ENDINGS[target]}"
            for content in contents
            if content.is_emptied(earlier)
        ),
        between=_BETWEEN[target],
    )


def _stranded(earlier: Collection[Registry], accounts: Collection[AccountId]) -> Iterator[str]:
    """Yields a sentence about each file of an earlier export that nobody can write anew."""
    for registry in sorted(earlier):
        if registry.account not in accounts:
            yield (
                f"{registry}: an earlier export has written its file, and its account is not "
                "listed any more: the file stays as it is, and no provider is written for it"
            )
