"""Imported routes by example: what a reader gets to see for fleets that people have."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.planning.importing.conftest import Find

from fleet_repl.values.canonical_json import JsonObject

Rule = Callable[..., JsonObject]

FLEET = """\
version = 1
name = "prod"

[aws]
role = "fleet-replication"
regions = ["eu-west-1", "us-east-1"]

[[accounts]]
id = "111111111111"
name = "build"
labels = { tier = "hub", env = "shared" }

[[accounts]]
id = "222222222222"
name = "shop"
labels = { tier = "spoke", env = "prod" }

[[accounts]]
id = "333333333333"
name = "pay"
labels = { tier = "spoke", env = "prod" }

[[accounts]]
id = "444444444444"
name = "trial"
labels = { tier = "spoke", env = "stage" }
"""


@pytest.fixture
def routes(find: Find) -> Callable[..., str]:
    """What importing writes for these rules, from the first route on."""

    def write(rules: dict[str, list[JsonObject]], text: str = FLEET) -> str:
        written: str = find(text, rules).imported().text
        return written[written.index("[[routes]]") :]

    return write


def test_a_hub_and_its_spokes(routes: Callable[..., str], make_rule: Rule) -> None:
    """One route, by the labels that tell them apart."""
    ends = [f"{account}/{region}" for account in "234" for region in ("eu-west-1", "us-east-1")]
    rules = [make_rule(*ends, filters=("golden/", "base/"))]
    assert routes({"1/eu-west-1": rules}) == (
        "[[routes]]\n"
        'name = "hub-eu-west-1-to-spoke"\n'
        'from = { labels = { tier = "hub" }, regions = "eu-west-1" }\n'
        'to = { labels = { tier = "spoke" } }\n'
        'prefixes = ["base/", "golden/"]\n'
    )


def test_a_hub_in_each_region(routes: Callable[..., str], make_rule: Rule) -> None:
    """What sources and destinations have in common is said so."""
    assert routes(
        {
            f"1/{region}": [make_rule(*(f"{account}/{region}" for account in "23"))]
            for region in ("eu-west-1", "us-east-1")
        }
    ) == (
        "[[routes]]\n"
        'name = "hub-to-prod-nearby"\n'
        'from = { labels = { tier = "hub" } }\n'
        'to = { labels = { env = "prod" }, same_region = true }\n'
    )


def test_disaster_recovery(routes: Callable[..., str], make_rule: Rule) -> None:
    """Each account into its own other region."""
    assert routes(
        {f"{account}/eu-west-1": [make_rule(f"{account}/us-east-1")] for account in "23"}
    ) == (
        "[[routes]]\n"
        'name = "prod-to-own-us-east-1"\n'
        'from = { labels = { env = "prod" } }\n'
        'to = { regions = "us-east-1", same_account = true }\n'
    )


def test_a_mesh(routes: Callable[..., str], make_rule: Rule) -> None:
    """Everyone to everyone else is one route."""
    ends = [f"{account}/eu-west-1" for account in "1234"]
    assert routes(
        {end: [make_rule(*(other for other in ends if other != end))] for end in ends}
    ) == (
        "[[routes]]\n"
        'name = "eu-west-1-mesh"\n'
        'from = { regions = "eu-west-1" }\n'
        'to = { regions = "eu-west-1" }\n'
    )


def test_labels_that_do_not_tell_are_not_used(routes: Callable[..., str], make_rule: Rule) -> None:
    """A label that matches one registry too many gives way to names."""
    rules = [make_rule("2/eu-west-1", "4/eu-west-1", filters=("apps/",))]
    assert routes({"1/eu-west-1": rules}) == (
        "[[routes]]\n"
        'name = "hub-eu-west-1-to-shop-trial-eu-west-1"\n'
        'from = { labels = { tier = "hub" }, regions = "eu-west-1" }\n'
        'to = { accounts = ["shop", "trial"], regions = "eu-west-1" }\n'
        'prefixes = ["apps/"]\n'
    )


def test_prefixes_that_go_further_than_others(routes: Callable[..., str], make_rule: Rule) -> None:
    """What goes everywhere is one route, what goes only to some is another."""
    spokes = [f"{account}/eu-west-1" for account in "234"]
    assert routes(
        {
            "1/eu-west-1": [
                make_rule(*spokes, filters=("base/",)),
                make_rule(*spokes[:2], filters=("golden/", "secret/")),
            ]
        }
    ) == (
        "[[routes]]\n"
        'name = "hub-eu-west-1-to-spoke-eu-west-1"\n'
        'from = { labels = { tier = "hub" }, regions = "eu-west-1" }\n'
        'to = { labels = { tier = "spoke" }, regions = "eu-west-1" }\n'
        'prefixes = ["base/"]\n'
        "\n"
        "[[routes]]\n"
        'name = "hub-eu-west-1-to-prod-eu-west-1"\n'
        'from = { labels = { tier = "hub" }, regions = "eu-west-1" }\n'
        'to = { labels = { env = "prod" }, regions = "eu-west-1" }\n'
        'prefixes = ["golden/", "secret/"]\n'
    )


def test_delete_replication_is_a_route_of_its_own(
    routes: Callable[..., str], make_rule: Rule
) -> None:
    """Equal paths are told apart by what they carry."""
    ends = ("2/eu-west-1", "3/eu-west-1")
    deletes = {"enabled": True}
    assert routes(
        {
            "1/eu-west-1": [
                make_rule(*ends, filters=("base/",)),
                make_rule(*ends, filters=("tmp/",), deleteReplication=deletes),
            ]
        }
    ) == (
        "[[routes]]\n"
        'name = "hub-eu-west-1-to-prod-eu-west-1-base"\n'
        'from = { labels = { tier = "hub" }, regions = "eu-west-1" }\n'
        'to = { labels = { env = "prod" }, regions = "eu-west-1" }\n'
        'prefixes = ["base/"]\n'
        "\n"
        "[[routes]]\n"
        'name = "hub-eu-west-1-to-prod-eu-west-1-tmp-with-deletes"\n'
        'from = { labels = { tier = "hub" }, regions = "eu-west-1" }\n'
        'to = { labels = { env = "prod" }, regions = "eu-west-1" }\n'
        'prefixes = ["tmp/"]\n'
        "replicate_deletes = true\n"
    )


def test_a_foreign_account_is_named(
    routes: Callable[..., str], make_rule: Rule, find: Find
) -> None:
    """It becomes external, with the regions that are in use, and keeps the name it has."""
    partner = '\n[[external]]\nid = "999999999999"\nname = "partner"\nregions = ["eu-north-1"]\n'
    rules = [make_rule("9/eu-west-1", "8/us-east-1")]
    text = find(FLEET + partner, {"1/eu-west-1": rules}).imported().text
    assert (
        '[[external]]\nid = "888888888888"\nregions = ["us-east-1"]\n\n'
        '[[external]]\nid = "999999999999"\nname = "partner"\nregions = ["eu-west-1"]\n'
    ) in text
    assert 'to = { accounts = ["888888888888", "partner"] }\n' in text
    assert "eu-north-1" not in text


def test_names_that_would_be_equal_are_numbered(find: Find, make_rule: Rule) -> None:
    """Accounts and prefixes may differ in nothing but what names leave out."""
    text = FLEET.replace('name = "shop"', 'name = "a b"').replace('name = "pay"', 'name = "a-b"')
    rules = {
        "2/eu-west-1": [make_rule("4/eu-west-1", filters=("one/",))],
        "3/eu-west-1": [make_rule("4/eu-west-1", filters=("one-/",))],
    }
    result = find(text, rules).imported().text
    names = [line for line in result.splitlines() if "-to-" in line]
    assert names == [
        'name = "a-b-eu-west-1-to-stage-eu-west-1-one"',
        'name = "a-b-eu-west-1-to-stage-eu-west-1-one-2"',
    ]


def test_nothing_at_all(find: Find) -> None:
    """An empty fleet says so, and that nothing shall replicate."""
    text = find(FLEET).imported().text
    assert text.startswith('version = 1\nname = "prod"\nroutes = []\n')
    assert text.endswith("\n# Imported by fleet-repl: no route.\n")


def test_many_cells_are_a_route_each(find: Find, make_rule: Rule) -> None:
    """A hub in each of 20 cells with 9 spokes: 20 routes, and none by a list of names."""
    lines = ['version = 1\nname = "prod"\n[aws]\nrole = "r"\nregions = ["eu-west-1"]']
    rules: dict[str, list[JsonObject]] = {}
    for cell in range(20):
        ids = [f"{cell:06d}{number:06d}" for number in range(10)]
        for number, account in enumerate(ids):
            tier = "hub" if number == 0 else "spoke"
            labels = f'cell = "c{cell}", tier = "{tier}", owner = "o{cell * 10 + number}"'
            lines.append(
                f'[[accounts]]\nid = "{account}"\nname = "a{account}"\nlabels = {{ {labels} }}'
            )
        rules[f"{ids[0]}/eu-west-1"] = [make_rule(*(f"{id_}/eu-west-1" for id_ in ids[1:]))]
    result = find("\n\n".join(lines) + "\n", rules).imported()
    assert (result.links, result.routes) == (180, 20)
    assert 'to = { labels = { cell = "c0" } }\n' in result.text
    assert "accounts = [" not in result.text


def test_labels_for_most_and_names_for_the_rest(find: Find, make_rule: Rule) -> None:
    """Where a label explains all but a few, these few are a route of their own."""
    lines = ['version = 1\nname = "prod"\n[aws]\nrole = "r"\nregions = ["eu-west-1"]']
    for number in range(10):
        env = ("hub", "stage", "stage")[number] if number < 3 else "prod"
        lines.append(
            f'[[accounts]]\nid = "{str(number) * 12}"\nname = "{env}-{number}"\n'
            f'labels = {{ env = "{env}" }}'
        )
    ends = (f"{number}/eu-west-1" for number in range(2, 10))
    text = find("\n\n".join(lines) + "\n", {"0/eu-west-1": [make_rule(*ends)]}).imported().text
    assert text[text.index("[[routes]]") :] == (
        "[[routes]]\n"
        'name = "hub-to-prod"\n'
        'from = { labels = { env = "hub" } }\n'
        'to = { labels = { env = "prod" } }\n'
        "\n"
        "[[routes]]\n"
        'name = "hub-to-stage-2"\n'
        'from = { labels = { env = "hub" } }\n'
        'to = { accounts = "stage-2" }\n'
    )


def test_the_same_fleet_gives_the_same_text(find: Find, make_rule: Rule) -> None:
    """Whatever the order of rules, destinations and filters."""
    first = [
        make_rule("2/eu-west-1", "3/us-east-1", filters=("b/", "aa/")),
        make_rule("4/us-east-1"),
    ]
    second = [
        make_rule("4/us-east-1"),
        make_rule("3/us-east-1", "2/eu-west-1", filters=("aa/", "b/")),
    ]
    texts = {
        find(FLEET, {"1/eu-west-1": rules, "2/us-east-1": rules}).imported().text
        for rules in (first, second)
    }
    assert len(texts) == 1
