"""What importing leaves out: told with its place and reason, and kept by additive accounts."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from tests.planning.importing.conftest import Find
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import CREATE_REPOSITORY, REPLICATE_IMAGE, Grant, Owner, statements_for
from fleet_repl.planning.plan import State
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Partition, Registry

Rule = Callable[..., JsonObject]
Place = Callable[[str], Registry]

FLEET = """\
version = 1
name = "prod"

[aws]
role = "fleet-replication"
regions = ["eu-west-1"]

[[accounts]]
id = "111111111111"
name = "build"

[[accounts]]
id = "222222222222"
name = "shop"

[[accounts]]
id = "333333333333"
name = "old"
state = "retired"
"""
OWNER = Owner(fleet="prod", partition=Partition.AWS)
DELETES: JsonObject = {"enabled": True}


def reasons(fleet: Any) -> list[str]:
    """What is left out, without its place, after the law was checked."""
    result = fleet.imported()
    planned = fleet.planned(result.text)
    assert all(not registry.changes for registry in planned.registries)
    document = tomllib.loads(result.text)
    additive = {item["id"] for item in document["accounts"] if item.get("rules") == "additive"}
    assert additive == {entry.registry.account for entry in result.left_out}
    assert all(f"\n# - {item}\n" in result.text for item in result.left_out)
    return [item.because for item in result.left_out]


@pytest.mark.parametrize(
    ("end", "because"),
    [
        (
            "2/us-east-1",
            "the link to 222222222222/us-east-1 (base/): shop does not list that region",
        ),
        (
            "3/eu-west-1",
            "the link to 333333333333/eu-west-1 (base/): old is retired, and routes pass it over",
        ),
        (
            "1/eu-west-1",
            "the link to 111111111111/eu-west-1 (base/): a registry is never its own destination",
        ),
        (
            "9/cn-north-1",
            "the link to 999999999999/cn-north-1 (base/): that is no region of the partition aws",
        ),
    ],
)
def test_destinations(find: Find, make_rule: Rule, end: str, because: str) -> None:
    """Links to where no route can lead; the link beside it becomes one."""
    rules = [make_rule(end, filters=("base/",)), make_rule("2/eu-west-1")]
    fleet = find(FLEET, {"1/eu-west-1": rules})
    assert reasons(fleet) == [because]
    assert fleet.imported().links == 1


def test_prefixes_that_an_inventory_does_not_take(find: Find, make_rule: Rule) -> None:
    """Too short, or no prefix at all; the others of the same link become a route."""
    rules = [make_rule("2/eu-west-1", filters=("p", "Bad*", "base/"))]
    fleet = find(FLEET, {"1/eu-west-1": rules})
    assert reasons(fleet) == [
        "the link to 222222222222/eu-west-1 (Bad*, p): that is no prefix that ECR takes"
    ]
    assert 'prefixes = ["base/"]' in fleet.imported().text


def test_deletions_that_rules_disagree_on(find: Find, make_rule: Rule) -> None:
    """Two rules of which nobody says which holds."""
    rules = [
        make_rule("2/eu-west-1", filters=("base/",)),
        make_rule("2/eu-west-1", filters=("base/os/", "tmp/"), deleteReplication=DELETES),
    ]
    fleet = find(FLEET, {"1/eu-west-1": rules})
    assert reasons(fleet) == [
        (
            "the link to 222222222222/eu-west-1 (base/): its rules replicate it with deletions and "
            "without, and nobody says which of them holds"
        )
    ]
    assert 'prefixes = ["tmp/"]\nreplicate_deletes = true\n' in fleet.imported().text


def test_rules_with_unknown_fields(find: Find, make_rule: Rule) -> None:
    """Such a rule stays to the letter; the others become routes."""
    rules = [make_rule("2/eu-west-1", priority=1), make_rule("9/eu-west-1")]
    fleet = find(FLEET, {"1/eu-west-1": rules})
    assert reasons(fleet) == ["rules[0] holds what this version does not know: rules[0].priority"]
    assert fleet.imported().links == 1


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((), '{"destinations":[],"repositoryFilters":[{"filter":"base/",'),
        (("12/eu-west-1",), '{"destinations":[{"region":"eu-west-1","registryId":"12"}],'),
        (("2/EU", "2/eu-west-1"), '{"destinations":[{"region":"EU",'),
    ],
)
def test_rules_that_mean_no_link(
    find: Find, make_rule: Rule, ends: tuple[str, ...], text: str
) -> None:
    """Such a rule is listed and stays to the letter; the others become routes."""
    rules = [make_rule(*ends, filters=("base/",)), make_rule("9/eu-west-1")]
    fleet = find(FLEET, {"1/eu-west-1": rules})
    (line,) = reasons(fleet)
    assert line.startswith(f"rules[0] {text}")
    assert line.endswith(
        " means no link, or names what is no registry, and nobody can tell what ECR makes of it"
    )
    imported = fleet.imported()
    assert (imported.links, imported.routes) == (1, 1)
    assert 'rules = "additive"' in imported.text


def test_unknown_fields_beside_the_rules(find: Find, make_rule: Rule, make_registry: Place) -> None:
    """They are told, and the rules become routes all the same."""
    fleet = find(FLEET, {"1/eu-west-1": [make_rule("2/eu-west-1")]})
    fleet.answers[make_registry("1/eu-west-1")] = {"newField": 1}
    assert reasons(fleet) == ["it answers with fields that this version does not know: newField"]
    assert fleet.imported().links == 1


def test_a_rule_that_planning_cannot_reconcile(find: Find, make_rule: Rule) -> None:
    """A rule with unknown fields speaks against a route: the registry is left as it is."""
    rules = [
        make_rule("2/eu-west-1", filters=("base/",), priority=1),
        make_rule("2/eu-west-1", filters=("base/os/",), deleteReplication=DELETES),
    ]
    fleet = find(FLEET, {"1/eu-west-1": rules})
    at_odds = "routes for its links would be at odds with those of its rules that stay"
    assert reasons(fleet) == [
        f"{at_odds}, so none is made",
        "rules[0] holds what this version does not know: rules[0].priority",
    ]
    assert fleet.imported().routes == 0


@pytest.mark.parametrize(
    ("limits", "because"),
    [
        ("destinations = 1", "its 2 destinations are over the limit of 1"),
        ("rules = 1", "its links would need 2 rules, over the limit of 1"),
    ],
)
def test_more_than_the_limits_allow(find: Find, make_rule: Rule, limits: str, because: str) -> None:
    """An inventory that asked for it would be refused."""
    rules = [make_rule("2/eu-west-1", filters=("a/",)), make_rule("9/eu-west-1", filters=("b/",))]
    assert reasons(find(f"{FLEET}\n[limits]\n{limits}\n", {"1/eu-west-1": rules})) == [because]


def test_links_out_of_a_retired_account(find: Find, make_rule: Rule) -> None:
    """Routes pass it over; importing alone never withdraws them."""
    assert reasons(find(FLEET, {"3/eu-west-1": [make_rule("2/eu-west-1")]})) == [
        (
            "the link to 222222222222/eu-west-1 (every repository): the account is retired, and "
            "routes pass it over"
        )
    ]


def test_registries_that_do_not_answer(find: Find, make_rule: Rule, make_registry: Place) -> None:
    """Nothing of theirs is ever removed; what AWS says cannot break out of its comment."""
    fleet = find(FLEET, {"1/eu-west-1": [make_rule("2/eu-west-1")]})
    fleet.silent = frozenset({make_registry("2/eu-west-1"), make_registry("3/eu-west-1")})
    result = fleet.imported()
    # That a retired account is gone is no failure.
    assert result.unreadable == (make_registry("2/eu-west-1"),)
    assert [str(item) for item in result.left_out] == [
        f"{place}: it could not be read: AssumeRole: access-denied: no [[routes]]"
        for place in ("222222222222/eu-west-1 (shop)", "333333333333/eu-west-1 (old)")
    ]
    planned = fleet.planned(result.text).registries
    assert [item.state for item in planned] == [State.UNCHANGED, State.UNREADABLE, State.UNREADABLE]
    document = tomllib.loads(result.text)
    assert [item.get("rules") for item in document["accounts"]] == [None, "additive", "additive"]


def _granted(*actions: str, sources: str = "1") -> JsonObject:
    registry = registry_of("2")
    grants = [Grant(AccountId(source * 12), "", action) for source in sources for action in actions]
    return {"Version": "2012-10-17", "Statement": statements_for(grants, OWNER, registry)}


@pytest.mark.parametrize(
    ("policy", "ownership"),
    [
        (_granted(REPLICATE_IMAGE, CREATE_REPOSITORY), None),
        (_granted(REPLICATE_IMAGE), {"create_repositories": False}),
    ],
)
def test_grants_of_this_fleet_are_managed_as_they_were(
    find: Find, make_rule: Rule, make_registry: Place, policy: JsonObject, ownership: object
) -> None:
    """A fleet that lost its inventory gets it back, down to what it grants."""
    fleet = find(FLEET, {"1/eu-west-1": [make_rule("2/eu-west-1")]})
    fleet.policies[make_registry("2/eu-west-1")] = policy
    assert reasons(fleet) == []
    result = fleet.imported()
    assert tomllib.loads(result.text).get("ownership") == ownership
    assert result.notes == ()


@pytest.mark.parametrize(
    ("policy", "because"),
    [
        (None, "a plan would add grants in 1 registry, such as 222222222222/eu-west-1"),
        (
            _granted(REPLICATE_IMAGE, CREATE_REPOSITORY, sources="13"),
            "a plan would withdraw or rewrite grants in 1 registry, such as 222222222222/eu-west-1",
        ),
    ],
)
def test_other_grants_are_left_alone(
    find: Find, make_rule: Rule, make_registry: Place, policy: JsonObject | None, because: str
) -> None:
    """What managing them would do is told, and not asked for."""
    fleet = find(FLEET, {"1/eu-west-1": [make_rule("2/eu-west-1")]})
    if policy is not None:
        fleet.policies[make_registry("2/eu-west-1")] = policy
    assert reasons(fleet) == []
    result = fleet.imported()
    assert tomllib.loads(result.text)["ownership"] == {"grants": "off"}
    assert result.notes == (f'grants = "off", because with "managed" {because}',)


def test_a_link_that_managing_would_hold(find: Find, make_rule: Rule, make_registry: Place) -> None:
    """A Deny of somebody else: nothing would be written, but the link would be held."""
    deny: JsonObject = {
        "Sid": "No",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "*",
        "Resource": "*",
    }
    ours = _granted(REPLICATE_IMAGE, CREATE_REPOSITORY)
    fleet = find(FLEET, {"1/eu-west-1": [make_rule("2/eu-west-1")]})
    statements = [deny, *ours["Statement"]]  # type: ignore[misc]
    fleet.policies[make_registry("2/eu-west-1")] = {**ours, "Statement": statements}
    assert reasons(fleet) == []
    assert fleet.imported().notes == (
        (
            'grants = "off", because with "managed" a plan would hold a link out of '
            "111111111111/eu-west-1: 222222222222/eu-west-1: statement No of its registry policy "
            "denies it; its rule is in place and stays"
        ),
    )
