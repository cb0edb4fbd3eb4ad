"""Whoever does what `explain` says ends up with an inventory that carries the image."""

from __future__ import annotations

import json
import re
import tomllib
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import assume, example, given, strategies as st

from fleet_repl import InventoryError, explain_image, load_inventory

NAMES = ("build", "shop", "old")
REGIONS = ("eu-west-1", "us-east-1")
REGISTRIES = [f"{name}/{region}" for name in (*NAMES, "partner") for region in REGIONS]
REPOSITORIES = ("base/a", "base/ab", "base/private/k", "team/x", "tools", "zz", "base")
HEAD = 'version = 1\nname = "fleet"\n[aws]\nrole = "r"\nregions = ["eu-west-1", "us-east-1"]\n'


def some(*items: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(items), min_size=1, max_size=2, unique=True)


routes = st.fixed_dictionaries(
    {"from": some(*NAMES), "to": some(*NAMES, "partner")},
    optional={
        "prefixes": some("base/", "base/a", "team/", "tools"),
        "only": some("base/a", "base/ab", "team/", "tools"),
        "exclude": some("base/a", "base/private/", "team/x"),
        "new_repositories": st.sampled_from(["include", "leave"]),
    },
)


def text(accounts: dict[str, str], drawn: list[dict[str, Any]]) -> str:
    """The inventory with accounts by name and state, a partner, and routes r0, r1 and so on."""
    tables = [
        f'[[accounts]]\nid = "{number * 12}"\nname = "{name}"\nstate = "{state}"\n'
        for number, (name, state) in zip("123", accounts.items(), strict=True)
    ]
    tables.append(
        f'[[external]]\nid = "{"4" * 12}"\nname = "partner"\nregions = {json.dumps(REGIONS)}\n'
    )
    for number, route in enumerate(drawn):
        ends = {end: f"{{ accounts = {json.dumps(route[end])} }}" for end in ("from", "to")}
        keys = {key: json.dumps(value) for key, value in route.items()} | ends
        lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
        tables.append(f'[[routes]]\nname = "r{number}"\n{lines}')
    return HEAD + "".join(tables)


LEAVE = {
    "from": ["build"],
    "to": ["shop"],
    "exclude": ["base/private/"],
    "new_repositories": "leave",
}


@example([LEAVE], False, REGISTRIES[0], REGISTRIES[2], "base/private/k")
@given(
    st.lists(routes, min_size=1, max_size=3),
    st.booleans(),
    st.sampled_from(REGISTRIES),
    st.sampled_from(REGISTRIES),
    st.sampled_from(REPOSITORIES),
)
def test_a_remedy_carries_the_image(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[dict[str, Any]],
    retired: bool,
    source: str,
    destination: str,
    repository: str,
) -> None:
    """Widened, changed and added routes, accounts that are active again, and another source."""
    path = tmp_path_factory.getbasetemp() / "fleet.toml"
    accounts = dict.fromkeys(NAMES, "active")
    if retired:
        accounts["old"] = "retired"

    def answered(content: str, start: str) -> tuple[bool, str | None]:
        path.write_text(content, encoding="utf-8")
        explanation = explain_image(
            load_inventory(path), repository, source=start, destination=destination
        )
        return bool(explanation.carried), explanation.remedy

    try:
        carried, remedy = answered(text(accounts, drawn), source)
    except InventoryError:
        assume(False)
    if carried or remedy is None:
        return
    followed, added, start = _followed(remedy, drawn, accounts)
    assert answered(text(accounts, followed) + added, start or source)[0], remedy


def _followed(
    remedy: str, drawn: list[dict[str, Any]], accounts: dict[str, str]
) -> tuple[list[dict[str, Any]], str, str | None]:
    """Does what a remedy says: the routes, what is added to the file, and where to push."""
    head, *lines = remedy.split("\n")
    changed = deepcopy(drawn)
    if "take state" in head:
        accounts["old"] = "active"
    if (pushed := re.match(r"push it to (\S+),", head)) is not None:
        return changed, "", pushed[1]
    if (route := re.match(r"(?:widen|let) route r(\d)", head)) is not None:
        for line in lines:
            if line.startswith("# without "):
                changed[int(route[1])].pop(line.removeprefix("# without "))
            else:
                changed[int(route[1])] |= tomllib.loads(line)
        return changed, "", None
    return changed, "\n".join(lines) if "[[routes]]" in lines else "", None
