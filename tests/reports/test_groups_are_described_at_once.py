"""A page of a large fleet describes hundreds of groups by labels, and looks at the fleet once."""

from __future__ import annotations

from typing import Any

from tests.support.registries import registry_of

from fleet_repl.reports.text.census import Census
from fleet_repl.values.names import AccountId

CELL, CELLS = 20, 50


class Counted(dict[AccountId, dict[str, str]]):
    """Labels of accounts that count how often somebody asks for those of one."""

    asked = 0

    def get(self, *arguments: Any) -> Any:
        self.asked += 1
        return super().get(*arguments)

    def __getitem__(self, account: AccountId) -> dict[str, str]:
        self.asked += 1
        return super().__getitem__(account)


def test_the_work_grows_with_the_fleet_and_not_with_its_groups() -> None:
    """A thousand registries in fifty cells: to ask each of them about each cell takes minutes in a
    fleet of 100,000."""
    cells = [[registry_of(cell * CELL + n) for n in range(CELL)] for cell in range(CELLS)]
    labels = Counted(
        {
            registry.account: {"cell": f"c{cell}", "tier": "leaf"}
            for cell, members in enumerate(cells)
            for registry in members
        }
    )
    everyone = frozenset(registry for members in cells for registry in members)
    census = Census(names={}, registries=everyone, labels=labels)
    for cell, members in enumerate(cells):
        assert census.count(members) == f"{CELL} registries of cell=c{cell}"
        assert census.count(members[1:]).startswith(f"{CELL - 1} registries of cell=c{cell} but ")
    assert census.count(everyone) == "1,000 registries, all of the fleet"
    assert labels.asked < 12 * len(everyone)
