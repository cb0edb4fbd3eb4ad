"""An empty match is a problem that says what it nearly matched; it never means "all"."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleet_repl.topology import Topology

ACCOUNTS = """\
[[accounts]]
id = "000000000001"
name = "build"
labels = { tier = "hub" }
[[accounts]]
id = "000000000002"
name = "shop"
labels = { env = "prod" }
regions = ["us-east-1", "us-west-2"]
[[accounts]]
id = "000000000003"
name = "search"
labels = { env = "prod" }
[[external]]
id = "000000000009"
name = "partner"
regions = ["eu-west-1"]
[[routes]]
name = "r"
"""
REMEDY = "\n    compare its conditions with the labels and regions of the accounts"


@pytest.mark.parametrize(
    ("source", "to", "expected"),
    [
        (
            "labels.tier = 'hubb'",
            "",
            (
                '23: routes[0].from: matches no registry: no account has tier = "hubb" '
                '(did you mean "hub"?)'
            ),
        ),
        (
            "labels.teir = 'hub'",
            "",
            (
                "23: routes[0].from: matches no registry: no account has a label teir "
                '(did you mean "tier"?)'
            ),
        ),
        (
            "labels = { tier = 'hub', env = 'prod' }",
            "",
            "23: routes[0].from: matches no registry: no account has all of this together",
        ),
        (
            "labels.'a b' = \"x\\u001b\"",
            "",
            '23: routes[0].from: matches no registry: no account has a label "a b"',
        ),
        (
            "accounts = 'build', labels.env = 'prod'",
            "",
            "23: routes[0].from: matches no registry: 1 account is named but without these labels",
        ),
        (
            "accounts = ['shop', 'search'], regions = 'eu-west-1'",
            "",
            "23: routes[0].from: matches no registry: 2 accounts match but list no eu-west-1",
        ),
        (
            "labels.tier = 'hub', regions = 'us-west-2'",
            "",
            "23: routes[0].from: matches no registry: 1 account matches but lists no us-west-2",
        ),
        (
            "regions = 'us-west-1'",
            "",
            (
                "23: routes[0].from: matches no registry: no account lists us-west-1 "
                '(did you mean "us-west-2"?)'
            ),
        ),
        (
            "labels.env = 'prod', not = { accounts = ['shop', 'search'] }",
            "",
            "23: routes[0].from: matches no registry: `not` takes away all 2 that match",
        ),
        (
            "",
            "accounts = 'partner', labels.env = 'prod'",
            "24: routes[0].to: matches no registry: 1 account is named but without these labels",
        ),
        (
            "",
            "accounts = 'partner', regions = 'us-east-1'",
            "24: routes[0].to: matches no registry: 1 account matches but lists no us-east-1",
        ),
        (
            "accounts = 'build'",
            "accounts = 'build'",
            (
                "21: routes[0]: links no registries: 000000000001/us-east-1 is its only source and "
                "its only destination"
            ),
        ),
        (
            "accounts = 'build'",
            "same_account = true",
            (
                "21: routes[0]: links no registries: no source's account has another registry "
                "among the destinations"
            ),
        ),
        (
            "regions = 'us-west-2'",
            "same_region = true",
            (
                "21: routes[0]: links no registries: no source's region has another registry "
                "among the destinations"
            ),
        ),
        (
            "",
            "same_account = true, same_region = true",
            (
                "21: routes[0]: links no registries: only a registry itself has both its account "
                "and its region"
            ),
        ),
    ],
)
def test_why_a_route_does_nothing(
    source: str, to: str, expected: str, connected: Callable[[str], Topology]
) -> None:
    """Where it is, and what would have had to be otherwise."""
    topology = connected(f"{ACCOUNTS}from = {{ {source} }}\nto = {{ {to} }}\n")
    assert [str(problem) for problem in topology.problems] == [f"fleet.toml:{expected}{REMEDY}"]
    assert topology.links == ()


def test_both_ends_at_once(connected: Callable[[str], Topology]) -> None:
    """All problems of all routes are told, by line."""
    topology = connected(
        ACCOUNTS
        + "from.labels.tier = 'x'\nto.labels.env = 'y'\n"
        + "[[routes]]\nname = 's'\nfrom.labels.tier = 'z'\nto = {}\n"
    )
    assert [(problem.line, problem.key) for problem in topology.problems] == [
        (23, "routes[0].from"),
        (24, "routes[0].to"),
        (27, "routes[1].from"),
    ]


def test_near_misses_of_a_good_route(connected: Callable[[str], Topology]) -> None:
    """A route that links something still says what it nearly linked."""
    topology = connected(
        ACCOUNTS
        + "from = { labels.env = ['prod', 'prood'], regions = 'us-east-1' }\n"
        + "to = { same_account = true, regions = 'us-west-2' }\n"
    )
    (route,) = topology.routes
    assert (route.sources, route.destinations, route.links) == (1, 1, 1)
    assert route.near_misses == (
        'from: no account has env = "prood" (did you mean "prod"?)',
        "to: 1 account matches but lists no us-west-2",
        "1 source has no destination, such as 000000000003/us-east-1",
    )


def test_a_mesh_has_no_near_misses(connected: Callable[[str], Topology]) -> None:
    """That a registry is not its own destination is how a mesh is meant."""
    topology = connected(ACCOUNTS + "from = {}\nto = { accounts = 'build' }\n")
    (route,) = topology.routes
    assert (route.sources, route.destinations, route.links) == (3, 1, 3)
    assert route.near_misses == ()
