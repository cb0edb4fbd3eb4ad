"""Limits that only the computed documents show: told offline, with the routes behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_repl import InventoryError, describe_fleet, load_inventory

HEAD = """version = 1
name = "limits"
[aws]
role = "fleet"
regions = ["eu-west-1"]
"""


def accounts(count: int) -> str:
    return "\n".join(f'[[accounts]]\nid = "{number:012}"' for number in range(1, count + 1)) + "\n"


def route(name: str, source: str, destinations: str, prefixes: str = "") -> str:
    return (
        f'[[routes]]\nname = "{name}"\nfrom = {{ accounts = {source} }}\n'
        f"to = {{ accounts = {destinations} }}\n{prefixes}\n"
    )


def problems_of(folder: Path, text: str) -> list[str]:
    path = folder / "limits.toml"
    path.write_text(text)
    with pytest.raises(InventoryError) as raised:
        load_inventory(path, environ={})
    return [
        f"{problem.key}: {problem.message}\n{problem.remedy}" for problem in raised.value.problems
    ]


def test_more_rules_than_a_registry_takes(tmp_path: Path) -> None:
    """Six destinations with different prefixes where five rules are allowed."""
    routes = "".join(
        route(
            f"r{number}", '["000000000001"]', f'["{number:012}"]', f'prefixes = ["team{number}/"]'
        )
        for number in range(2, 8)
    )
    text = HEAD + "[limits]\nrules = 5\n" + accounts(7) + routes
    assert problems_of(tmp_path, text) == [
        (
            "routes: 000000000001/eu-west-1 (000000000001) would need 6 replication rules, and ECR "
            "takes 5, because of routes r2, r3, r4, r5, r6, r7; it would fit without route "
            "r2 (5) or r3 (5) or r4 (5) or r5 (5) or r6 (5) or r7 (5)\n"
            "give destinations the same prefixes so that they share rules, or spread the routes "
            "over several source registries"
        )
    ]


def test_many_prefixes_of_one_link_take_several_rules(tmp_path: Path) -> None:
    """250 prefixes at 100 a rule are three rules; the summary counts them."""
    prefixes = "prefixes = [" + ", ".join(f'"team{number:03}/"' for number in range(250)) + "]"
    path = tmp_path / "limits.toml"
    path.write_text(
        HEAD
        + "[limits]\npolicy_bytes = 100000\n"
        + accounts(2)
        + route("many", '["000000000001"]', '["000000000002"]', prefixes)
    )
    assert describe_fleet(load_inventory(path, environ={})).rules == 3


def test_our_statements_alone_are_too_long(tmp_path: Path) -> None:
    """400 sources of one destination do not fit a policy, however they are grouped."""
    sources = "[" + ", ".join(f'"{number:012}"' for number in range(1, 401)) + "]"
    text = HEAD + accounts(401) + route("all", sources, '["000000000401"]')
    assert problems_of(tmp_path, text) == [
        (
            "routes: 000000000401/eu-west-1 (000000000401) would need a registry policy of 13,429 "
            "characters for 400 links into it, and ECR takes 10,240, because of route all\n"
            "give sources the same prefixes so that they share statements, or let fewer sources "
            "replicate into this registry"
        )
    ]


def test_a_policy_may_be_just_as_long_as_the_limit(tmp_path: Path) -> None:
    """An inventory that AWS would take is not refused; with one character less it is."""
    sources = "[" + ", ".join(f'"{number:012}"' for number in range(1, 401)) + "]"
    rest = accounts(401) + route("all", sources, '["000000000401"]')
    path = tmp_path / "fitting.toml"
    path.write_text(HEAD + "[limits]\npolicy_bytes = 13429\n" + rest)
    assert describe_fleet(load_inventory(path, environ={})).links == 400
    (problem,) = problems_of(tmp_path, HEAD + "[limits]\npolicy_bytes = 13428\n" + rest)
    assert "would need a registry policy of 13,429 characters" in problem


def test_long_prefixes_count_in_full(tmp_path: Path) -> None:
    """Twenty-five sources with one very long prefix each are too much as well."""
    routes = "".join(
        route(
            f"r{number}",
            f'["{number:012}"]',
            '["000000000026"]',
            f'prefixes = ["{chr(96 + number) * 250}/"]',
        )
        for number in range(1, 26)
    )
    (problem,) = problems_of(tmp_path, HEAD + accounts(26) + routes)
    assert "would need a registry policy of" in problem


def test_without_managed_grants_no_policy_is_too_long(tmp_path: Path) -> None:
    """Policies that are somebody else's to write are not measured."""
    sources = "[" + ", ".join(f'"{number:012}"' for number in range(1, 401)) + "]"
    path = tmp_path / "limits.toml"
    path.write_text(
        HEAD
        + '[ownership]\ngrants = "off"\n'
        + accounts(401)
        + route("all", sources, '["000000000401"]')
    )
    assert describe_fleet(load_inventory(path, environ={})).links == 400
