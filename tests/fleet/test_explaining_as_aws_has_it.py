"""`explain` as AWS has it: an image gets to a registry if and only if a push makes it arrive."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.support.registries import registry_of
from tests.support.simulated import Simulated, simulate

from fleet_repl import (
    Event,
    Explanation,
    FaultKind,
    Fleet,
    Registry,
    RegistryRead,
    SelectionError,
    to_json,
)
from fleet_repl.planning.explain import Reason
from fleet_repl.reports.exit_codes import explanation_exit
from fleet_repl.reports.text.explanation import explanation_text
from fleet_repl.runs.delivery import DeliveryState
from fleet_repl.sandbox import AccountScenario, Scenario
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.exit_code import ExitCode

FLEET = """
version = 1
name = "law"
[aws]
role = "fleet"
regions = ["eu-west-1"]
[ownership]
rules = "additive"
[[accounts]]
id = "111111111111"
name = "build"
[[accounts]]
id = "222222222222"
name = "shop"
[[accounts]]
id = "333333333333"
name = "search"
[[external]]
id = "444444444444"
name = "partner"
regions = ["eu-west-1"]
[[routes]]
name = "golden"
from = { accounts = "build" }
to = { accounts = ["shop", "search"] }
prefixes = ["prod", "base/"]
"""
BUILD, SHOP, SEARCH, PARTNER = map(registry_of, "1234")
MANAGED = (BUILD, SHOP, SEARCH)
REPOSITORIES = ("prod", "production/x", "base/go", "team/a")
RULES: JsonObject = {
    "rules": [{"destinations": [{"registryId": SHOP.account, "region": SHOP.region}]}]
}
IMAGE, CREATE = "ecr:ReplicateImage", "ecr:CreateRepository"


def statements(registry: Registry) -> st.SearchStrategy[JsonObject]:
    """A statement that anybody may have written: a certain answer for each copy."""
    base = f"arn:aws:ecr:eu-west-1:{registry.account}:repository/"
    resources = ("*", "prod*", "prod", "base/*", "base/go", "team/*", "production*")
    return st.fixed_dictionaries(
        {
            "Effect": st.sampled_from(("Allow", "Allow", "Deny")),
            "Principal": st.sampled_from(
                [{"AWS": "*"}, *({"AWS": f"arn:aws:iam::{n * 12}:root"} for n in "123")]
            ),
            "Action": st.sampled_from((IMAGE, CREATE, [IMAGE, CREATE], "ecr:*")),
            "Resource": st.sampled_from([base + resource for resource in resources]),
        }
    )


def rules_of(registry: Registry) -> st.SearchStrategy[JsonObject]:
    """Rules that somebody wrote."""
    ends = [{"registryId": end.account, "region": end.region} for end in MANAGED if end != registry]
    rule = st.fixed_dictionaries(
        {"destinations": st.lists(st.sampled_from(ends), min_size=1, max_size=2)},
        optional={
            "repositoryFilters": st.sampled_from(("prod", "prod/", "team/", "base/")).map(
                lambda prefix: [{"filter": prefix, "filterType": "PREFIX_MATCH"}]
            )
        },
    )
    return st.lists(rule, max_size=2).map(lambda rules: {"rules": rules})


@settings(max_examples=10)
@given(data=st.data(), applied=st.booleans())
async def test_an_image_gets_where_the_explanation_says(data: Any, applied: bool) -> None:
    """With rules and statements of others beside ours, with our own or before they are in place,
    and where some repositories are there already."""
    async with simulate(FLEET) as aws:
        for registry in MANAGED:
            aws.world.set_replication(registry, data.draw(rules_of(registry)))
            drawn = data.draw(st.lists(statements(registry), max_size=3))
            if drawn:
                policy = {"Version": "2012-10-17", "Statement": drawn}
                aws.world.set_policy(registry, policy)
            for name in data.draw(st.lists(st.sampled_from(REPOSITORIES), max_size=1)):
                aws.world.have_repository(registry, name)
        if applied:
            await aws.applied(force=True)
        await check(aws)


async def check(aws: Simulated) -> None:
    """Ask about every repository in every source, and push it there."""
    async with aws.connected(purpose=None) as fleet:
        for source, repository in product(MANAGED, REPOSITORIES):
            said = await fleet.explain(repository, source=str(source))
            image = aws.world.push(source, repository, "1")
            arrived = {
                end
                for end in MANAGED
                if end != source
                and any(kept.digest == image.digest for kept in aws.world.images(end, repository))
            }
            assert {link.destination for link in said.carried} == arrived, said
            left_out = {why.destination for why in said.not_carried}
            assert left_out | arrived == {*MANAGED, PARTNER} - {source}
            assert not left_out & arrived


async def explained(aws: Simulated, what: str, **how: Any) -> Explanation:
    """The answer of a new connection, which writes nothing."""
    written = list(aws.world.writes)
    async with aws.connected(purpose=None) as fleet:
        explanation = await fleet.explain(what, **how)
    assert aws.world.writes == written
    return explanation


async def test_before_apply_the_rule_is_missing() -> None:
    """A route asks for it, and what to do is apply."""
    async with simulate(FLEET) as aws:
        said = await explained(
            aws, "prod/a", destination="shop/eu-west-1", source="build/eu-west-1"
        )
        (why,) = said.not_carried
        assert (why.reason, said.carried) == (Reason.NO_RULE, ())
        assert why.because.startswith("route golden asks for it, and no replication rule")
        assert said.remedy == (
            f"its rule is missing; this puts it in place:\nfleet-repl apply {aws.inventory.path}"
        )


async def test_an_image_from_before_its_rule_needs_a_backfill() -> None:
    """By tag and by digest it is told that it was not sent; a later one is complete, and an
    archived one counts as there."""
    async with simulate(FLEET) as aws:
        early = aws.world.push(BUILD, "base/go", "early")
        await aws.applied()
        aws.world.push(BUILD, "base/go", "late")
        for what in ("base/go:early", f"base/go@{early.digest}"):
            said = await explained(aws, what)
            assert {link.status for link in said.carried} == {DeliveryState.NOT_SENT}
            assert said.remedy is not None
            assert said.remedy.endswith(f":\nfleet-repl backfill {aws.inventory.path}")
        aws.world.archive(SHOP, "base/go", "late")
        said = await explained(aws, "base/go:late")
        assert {link.status for link in said.carried} == {DeliveryState.COMPLETE}
        (shop,) = [link for link in said.carried if link.destination == SHOP]
        assert any("archived at the destination" in fact for fact in shop.facts)
        assert said.remedy is None
        said = await explained(aws, "base/go:none")
        assert {link.status for link in said.carried} == {None}
        assert said.remedy == f"push it to {BUILD}: it is in no source of these links"


async def test_an_image_that_failed_is_copied_and_not_pushed_again() -> None:
    """The grant is there by now, and ECR takes no second push of the same tag."""
    async with simulate(FLEET) as aws:
        await aws.applied()
        policy = aws.world.policy(SHOP)
        aws.world.set_policy(SHOP, None)
        aws.world.push(BUILD, "base/go", "1.25")
        aws.world.set_policy(SHOP, policy)
        said = await explained(aws, "base/go:1.25", destination="shop/eu-west-1")
        assert {link.status for link in said.carried} == {DeliveryState.FAILED}
        assert said.remedy == (
            "this copies it; to push the same tag again sends nothing:\n"
            f"fleet-repl backfill {aws.inventory.path} --force"
        )


async def test_statements_are_listed_each_with_what_it_does() -> None:
    """The Allow that lets it in, the Deny that keeps it out, and the Deny that may."""
    async with simulate(FLEET) as aws:
        await aws.applied()
        policy: Any = aws.world.policy(SHOP)
        deny: dict[str, Any] = {
            "Sid": "OrgOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "ecr:*",
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}},
        }
        aws.world.set_policy(SHOP, {**policy, "Statement": [*policy["Statement"], deny]})
        how = {"source": "build/eu-west-1", "destination": "shop/eu-west-1"}
        (why,) = (said := await explained(aws, "base/go", **how)).not_carried
        assert why.reason is Reason.NOT_GRANTED
        assert why.because == (
            "its registry policy grants it, but statement OrgOnly may deny ecr:ReplicateImage and "
            "ecr:CreateRepository, depending on aws:PrincipalOrgID"
        )
        assert why.facts[0] == "rules[0] of the source carries it"
        assert "allows ecr:ReplicateImage and ecr:CreateRepository there" in why.facts[1]
        assert why.facts[2].startswith("statement OrgOnly may deny")
        assert said.remedy == f"have the writer of statement OrgOnly in {SHOP} see whether it does"
        del deny["Condition"]
        aws.world.set_policy(SHOP, {**policy, "Statement": [*policy["Statement"], deny]})
        said = await explained(aws, "base/go", **how)
        assert said.not_carried[0].because == "statement OrgOnly of its registry policy denies it"
        aws.world.set_policy(SHOP, None)
        said = await explained(aws, "base/go", **how)
        assert said.not_carried[0].because == (
            "its registry policy does not grant ecr:ReplicateImage and ecr:CreateRepository"
        )
        assert said.remedy is not None
        assert said.remedy.startswith("its grant is missing")


async def test_a_rule_of_somebody_else_lacks_a_statement_to_paste() -> None:
    """No route asks for it, so apply would not grant it."""
    async with simulate(FLEET) as aws:
        ends = [{"registryId": SEARCH.account, "region": SEARCH.region}]
        aws.world.set_replication(SHOP, {"rules": [{"destinations": ends}]})
        said = await explained(aws, "team/a", source="shop/eu-west-1")
        assert said.remedy == (
            "add this to the registry policy of 333333333333/eu-west-1:\n"
            '{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},'
            '"Action":["ecr:ReplicateImage","ecr:CreateRepository"],'
            '"Resource":"arn:aws:ecr:eu-west-1:333333333333:repository/*"}'
        )


async def test_a_rule_into_an_account_that_nobody_listed() -> None:
    """It is not called external, as the inventory says nothing of it."""
    unlisted = registry_of("5")
    for destination, fact in (
        (PARTNER, "its account is external: its owner has to let it in"),
        (unlisted, "its account is not in the inventory, so nobody here knows whether its policy "),
    ):
        async with simulate(FLEET) as aws:
            end = {"registryId": destination.account, "region": destination.region}
            aws.world.set_replication(BUILD, {"rules": [{"destinations": [end]}]})
            explanation = await explained(aws, "base/go")
            (link,) = (link for link in explanation.carried if link.destination == destination)
            assert any(said.startswith(fact) for said in link.facts)


async def test_registries_that_cannot_be_read_are_values() -> None:
    """The source, or the policy of a destination; what can be told is told."""
    mute = AccountScenario(id=SHOP.account, denied_actions=("ecr:GetRegistryPolicy",))
    async with simulate(FLEET, Scenario(accounts=(mute,))) as aws:
        aws.world.set_replication(BUILD, RULES)
        said = await explained(aws, "base/go", source="build/eu-west-1")
        assert {why.destination: why.reason for why in said.not_carried}[SHOP] is Reason.UNREADABLE
        assert said.unreadable.keys() == {SHOP}
        ends = [{"registryId": SEARCH.account, "region": SEARCH.region}]
        aws.world.set_replication(SHOP, {"rules": [{"destinations": ends}]})
        said = await explained(aws, "base/go")
        (why,) = [
            why for why in said.not_carried if (why.source, why.destination) == (SHOP, SEARCH)
        ]
        # The repository is asked about, and no image of it.
        assert not any("image" in fact for fact in why.facts)
    locked = AccountScenario(id=BUILD.account, denied=True)
    async with simulate(FLEET, Scenario(accounts=(locked,))) as aws:
        said = await explained(aws, "base/go", source="build/eu-west-1")
        assert said.carried == ()
        assert {why.reason for why in said.not_carried} == {Reason.UNREADABLE}


async def test_wrong_questions_are_refused_before_anything_is_read() -> None:
    """As on the command line."""
    async with simulate(FLEET) as aws, aws.connected(purpose=None) as fleet:
        with pytest.raises(SelectionError):
            await fleet.explain("Base/Go")
        with pytest.raises(SelectionError):
            await fleet.explain("base/go", destination="shop/eu-west-9")


async def test_an_interruption_leaves_what_is_known() -> None:
    """The rules that were read by then count, nobody is blamed, and nothing is advised."""
    async with simulate(FLEET) as aws:
        await aws.applied()
        aws.world.push(BUILD, "base/go", "1")
        fleets: list[Fleet] = []

        def stopping(event: Event) -> None:
            if isinstance(event, RegistryRead) and event.registry == BUILD:
                fleets[0].stop()

        async with aws.connected(stopping, purpose=None) as fleet:
            fleets.append(fleet)
            said = await fleet.explain("base/go:1", source="build/eu-west-1")
    assert (said.status, explanation_exit(said)) == ("interrupted", ExitCode.INTERRUPTED)
    assert (said.unreadable, said.remedy) == ({}, None)
    reasons = {why.destination: why for why in said.not_carried}
    assert {reasons[end].reason for end in (SHOP, SEARCH)} == {Reason.UNREADABLE}
    assert "interrupted before it was started" in reasons[SHOP].because
    assert explanation_text(said).endswith("\nInterrupted: this is what was known by then.\n")
    assert json.loads(to_json(said))["status"] == "interrupted"


async def test_a_deadline_leaves_faults() -> None:
    """A registry that was not read in time is one that could not be read."""
    async with simulate(FLEET.replace("[aws]", '[apply]\ndeadline = "60s"\n[aws]', 1)) as aws:
        await aws.applied()
        async with aws.connected(purpose=None) as fleet:
            aws.clock.seconds += 61
            said = await fleet.explain("base/go:1")
    assert (said.status, explanation_exit(said)) == ("partial", ExitCode.PARTIAL)
    assert {fault.kind for fault in said.unreadable.values()} == {FaultKind.TIMEOUT}
    assert said.unreadable.keys() == {*MANAGED}


async def test_a_repository_that_cannot_be_looked_up_is_no_missing_grant() -> None:
    """Where only a new repository would not be let in, it is not known whether the image is."""
    statement: JsonObject = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{BUILD.account}:root"},
        "Action": IMAGE,
        "Resource": "*",
    }
    mute = AccountScenario(id=SHOP.account, denied_actions=("ecr:DescribeRepositories",))
    async with simulate(FLEET, Scenario(accounts=(mute,))) as aws:
        aws.world.set_replication(BUILD, RULES)
        aws.world.set_policy(SHOP, {"Version": "2012-10-17", "Statement": [statement]})
        how = {"source": "build/eu-west-1", "destination": "shop/eu-west-1"}
        (why,) = (said := await explained(aws, "base/go", **how)).not_carried
        assert (why.reason, said.status) == (Reason.UNREADABLE, "partial")
        assert why.because.startswith("the list of its repositories, one of which it needs, could")
        aws.relent()
        (why,) = (await explained(aws, "base/go", **how)).not_carried
        assert why.because == "its registry policy does not grant ecr:CreateRepository"
