"""Links that look as if they would pass images on are noticed, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleet_repl.topology import Topology

ACCOUNTS = "".join(
    f'[[accounts]]\nid = "{number:012d}"\nname = "{name}"\nlabels = {{ group = "{name[0]}" }}\n'
    for number, name in enumerate(["hub", "east", "e2", "west", "w2"], 1)
)


def _routes(*routes: tuple[str, str, str, str]) -> str:
    return "".join(
        f'[[routes]]\nname = "{name}"\nfrom = {{ {source} }}\nto = {{ {to} }}\n'
        + (f"prefixes = [{prefixes}]\n" if prefixes else "")
        for name, source, to, prefixes in routes
    )


@pytest.fixture
def notices(connected: Callable[[str], Topology]) -> Callable[..., list[str]]:
    """routes → the notices, after seeing that there is no problem."""

    def notices(*routes: tuple[str, str, str, str]) -> list[str]:
        topology = connected(ACCOUNTS + _routes(*routes))
        assert topology.problems == ()
        assert {notice.kind for notice in topology.notices} <= {"not-transitive"}
        return [notice.message for notice in topology.notices]

    return notices


IN = ("in", "accounts = 'hub'", "labels.group = 'e'", '"base/", "gold/"')


def test_a_chain_is_noticed_once(notices: Callable[..., list[str]]) -> None:
    """One notice for a pair of routes, however many links follow each other."""
    onward = ("on", "labels.group = 'e'", "labels.group = 'w'", "")
    assert notices(IN, onward) == [
        (
            "route on starts from 2 registries that route in replicates to, but ECR does not pass "
            "on what arrived by replication: 000000000001/us-east-1 → 000000000002/us-east-1 → "
            "000000000004/us-east-1 carries nothing of base/, gold/; let a route lead there from "
            "000000000001/us-east-1 if it should"
        )
    ]


def test_only_what_both_carry(notices: Callable[..., list[str]]) -> None:
    """The notice is about the prefixes that the routes share and the far end does not get."""
    onward = ("on", "accounts = 'east'", "accounts = 'west'", '"base/images/", "apps/", "gold/"')
    direct = ("direct", "accounts = 'hub'", "accounts = 'west'", '"gold/"')
    (message,) = notices(IN, onward, direct)
    assert "carries nothing of base/images/;" in message
    assert "from 1 registry that" in message


def test_every_repository(notices: Callable[..., list[str]]) -> None:
    """Without prefixes nothing at all goes on."""
    first = ("in", "accounts = 'hub'", "accounts = 'east'", "")
    onward = ("on", "accounts = 'east'", "accounts = 'west'", "")
    (message,) = notices(first, onward)
    assert "carries nothing; let" in message


def test_many_prefixes_are_cut_short(notices: Callable[..., list[str]]) -> None:
    """A few examples are enough."""
    many = ", ".join(f'"p{number}/"' for number in range(6))
    first = ("in", "accounts = 'hub'", "accounts = 'east'", many)
    onward = ("on", "accounts = 'east'", "accounts = 'west'", "")
    (message,) = notices(first, onward)
    assert "carries nothing of p0/, p1/, p2/ and 3 more;" in message


@pytest.mark.parametrize(
    "routes",
    [
        [("mesh", "", "", "")],
        [("there", "accounts = 'hub'", "accounts = 'east'", ""),
         ("back", "accounts = 'east'", "accounts = 'hub'", "")],
        [IN, ("on", "labels.group = 'e'", "labels.group = 'w'", '"apps/"')],
        [IN, ("on", "labels.group = 'e'", "labels.group = 'w'", ""),
         ("direct", "accounts = 'hub'", "labels.group = 'w'", '"base/", "gold/", "more/"')],
        [("spokes", "accounts = 'hub'", "not = { accounts = 'hub' }", "")],
        [("collect", "labels.group = 'e'", "accounts = 'hub'", '"logs/"'),
         ("spread", "accounts = 'hub'", "labels.group = 'w'", '"base/"')],
    ],
    ids=["mesh", "two-way", "other-prefixes", "direct-too", "spokes", "in-and-out"],
)  # fmt: skip
def test_what_is_meant_is_quiet(
    routes: list[tuple[str, str, str, str]], notices: Callable[..., list[str]]
) -> None:
    """No noise where every image gets where its routes say, or where prefixes differ."""
    assert notices(*routes) == []
