"""`wait` ends as soon as an image is everywhere that it has to get to, or cannot come any more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.fleet.test_explaining_as_aws_has_it import (
    BUILD,
    FLEET,
    MANAGED,
    PARTNER,
    REPOSITORIES,
    RULES,
    SEARCH,
    SHOP,
    rules_of,
    statements,
)
from tests.support.simulated import Simulated, simulate

from fleet_repl import (
    Awaited,
    Event,
    Explanation,
    Fleet,
    ImageArrived,
    ImageAwaited,
    ImageFound,
    SelectionError,
    TagMove,
)
from fleet_repl.engine.wait import LONGEST_DELAY
from fleet_repl.planning.explain import EXTERNAL_FACT, Reason
from fleet_repl.reports.exit_codes import explanation_exit
from fleet_repl.reports.text.explanation import explanation_text
from fleet_repl.runs.delivery import DeliveryState
from fleet_repl.sandbox import AccountScenario, FaultRule, Mishap, Scenario
from fleet_repl.sandbox.images import Delivery
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.exit_code import ExitCode

SLOW = Scenario(replication_ms=20_000)


class Waiting:
    """A wait under way: what it reports, and what happens after its nth look."""

    def __init__(self, aws: Simulated) -> None:
        self.aws = aws
        self.fleet: Fleet | None = None
        self.events: list[Event] = []
        self.looks = 0
        self.after: dict[int, Callable[[], object]] = {}

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, ImageAwaited):
            self.looks += 1
            self.after.get(self.looks, lambda: None)()

    def seen(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def slept(self) -> list[float]:
        """The delays between looks; a call waits for nothing."""
        return [delay for delay in self.aws.clock.slept if delay]

    async def run(self, what: str, *, within: float = 600, **how: Any) -> Explanation:
        """The result, of a new connection, which writes nothing and sleeps as the clock says."""
        written = list(self.aws.world.writes)
        async with self.aws.connected(self, purpose=None) as fleet:
            self.fleet = fleet
            self.aws.clock.slept.clear()
            self.aws.world.calls.clear()
            explanation = await fleet.wait(what, within=timedelta(seconds=within), **how)
        assert self.aws.world.writes == written
        return explanation


@asynccontextmanager
async def waiting(
    scenario: Scenario | None = None, text: str = FLEET
) -> AsyncIterator[tuple[Simulated, Waiting]]:
    """A fleet as its inventory wants it, and a wait in it."""
    async with simulate(text, scenario or Scenario()) as aws:
        await aws.applied()
        yield aws, Waiting(aws)


def states(said: Explanation) -> dict[str, str]:
    """The state at each registry, by the first digit of its account."""
    assert said.waited is not None
    return {image.destination.account[0]: image.state.value for image in said.waited.images}


@settings(max_examples=15)
@given(data=st.data())
async def test_it_succeeds_if_and_only_if_a_push_arrives(data: Any) -> None:
    """Whatever rules and statements are in place, and without waiting out the time: by the
    simulated replication, which shares no code with the decision."""
    async with simulate(FLEET) as aws:
        for registry in MANAGED:
            aws.world.set_replication(registry, data.draw(rules_of(registry)))
            if drawn := data.draw(st.lists(statements(registry), max_size=3)):
                aws.world.set_policy(registry, {"Version": "2012-10-17", "Statement": drawn})
        async with aws.connected(purpose=None) as fleet:
            for source, repository in product(MANAGED, REPOSITORIES[:2]):
                image = aws.world.push(source, repository, "1")
                aws.clock.slept.clear()
                for end in {*MANAGED} - {source}:
                    there = any(
                        kept.digest == image.digest for kept in aws.world.images(end, repository)
                    )
                    said = await fleet.wait(
                        f"{repository}:1", source=str(source), destinations=[str(end)]
                    )
                    # A statement may deny an account to look into its own registry.
                    assert (said.status == "ok") is (there and not said.unreadable), said
                # Of each destination ECR is asked twice at the most.
                assert len(list(filter(None, aws.clock.slept))) <= 2


async def test_an_image_on_its_way_is_waited_for() -> None:
    """Politely: delays grow, and destinations are asked once, when ECR says that it is there."""
    async with waiting(SLOW) as (aws, wait):
        image = aws.world.push(BUILD, "base/go", "1")
        said = await wait.run("base/go:1")
        assert (states(said), said.status) == ({"2": "there", "3": "there"}, "ok")
        assert explanation_exit(said) is ExitCode.OK
        assert said.remedy is None
        slept = wait.slept
        assert all(1.5 * 1.5**nth <= delay <= 2.5 * 1.5**nth for nth, delay in enumerate(slept))
        assert aws.world.calls["DescribeImages"] == wait.looks + 2
        assert aws.world.calls["DescribeImageReplicationStatus"] == wait.looks
        assert aws.world.calls["DescribeRegistry"] == len(MANAGED)
        found, *_ = wait.seen(ImageFound)
        assert (found.source, found.digest, found.before) == (BUILD, image.digest, None)
        assert {event.destination for event in wait.seen(ImageArrived)} == {SHOP, SEARCH}
        assert wait.seen(ImageAwaited)[-1] == ImageAwaited(there=2, asked=2)
        assert said.waited is not None
        assert {image.seconds for image in said.waited.images} == {said.waited.seconds}
        assert 20 <= said.waited.seconds < 20 + LONGEST_DELAY
        text = explanation_text(said)
        assert "\nThere in 2 of 2 registries, after " in text
        assert "Carried" not in text


async def test_a_push_is_waited_for() -> None:
    """As long as the image is in no source, nothing else is asked."""
    async with waiting() as (aws, wait):
        wait.after[3] = lambda: aws.world.push(BUILD, "base/go", "1")
        said = await wait.run("base/go:1", destinations=["shop/eu-west-1"])
        assert states(said) == {"2": "there"}
        assert wait.looks == 4
        assert aws.world.calls["DescribeImages"] == 4 + 1
        assert aws.world.calls["DescribeImageReplicationStatus"] == 1


async def test_destinations_that_have_it_are_asked_no_more() -> None:
    """And the one that lacks it only once ECR does not call it in progress any more."""
    async with waiting() as (aws, wait):
        image = aws.world.push(BUILD, "base/go", "1")
        sources, search = (aws.world.repository(end, "base/go") for end in (BUILD, SEARCH))
        assert sources is not None
        assert search is not None
        kept = search.images.pop(image.digest)
        sources.record(image.digest, Delivery(destination=SEARCH, pending=True))

        def arrive() -> None:
            search.images[image.digest] = kept
            sources.record(image.digest, Delivery(destination=SEARCH))

        wait.after[4] = arrive
        said = await wait.run("base/go:1")
        assert said.status == "ok"
        assert wait.looks == 5
        # Each look one in the source, and one in each destination.
        assert aws.world.calls["DescribeImages"] == 5 + 2


async def test_the_time_is_up() -> None:
    """The explanation names what lacks it and since when, and that it is on its way."""
    async with waiting(Scenario(replication_ms=3_600_000)) as (aws, wait):
        image = aws.world.push(BUILD, "base/go", "1")
        said = await wait.run(f"base/go@{image.digest}", within=300)
        assert (states(said), said.status) == ({"2": "on-its-way", "3": "on-its-way"}, "partial")
        assert explanation_exit(said) is ExitCode.PARTIAL
        assert said.waited is not None
        assert said.waited.seconds == pytest.approx(300)
        assert sum(wait.slept) == pytest.approx(300)
        assert max(wait.slept) <= LONGEST_DELAY * 1.25
        assert {lacking.pushed_at for lacking in said.waited.lacking} == {image.pushed_at}
        assert said.remedy == "it is on its way: wait longer for it, with --within"
        assert {link.status for link in said.carried} == {DeliveryState.IN_PROGRESS}


async def test_an_image_that_is_never_pushed() -> None:
    """Once the time is up, what to do is push it."""
    async with waiting() as (_, wait):
        said = await wait.run("base/go:1", within=30)
        assert states(said) == {"2": "not-pushed", "3": "not-pushed"}
        assert said.remedy == f"push it to {BUILD}: it is in no source of these links"


async def test_a_tag_that_moves_is_followed() -> None:
    """The registry that had the earlier image waits again, and the result tells of it."""
    async with waiting(SLOW) as (aws, wait):
        first = aws.world.push(BUILD, "base/go", "latest")
        aws.clock.seconds += 30
        aws.world.run_due()
        pushed = []

        def move() -> None:
            pushed.append(aws.world.push(BUILD, "base/go", "latest"))

        # One destination lacks the first image, so the wait goes on.
        search = aws.world.repository(SEARCH, "base/go")
        source = aws.world.repository(BUILD, "base/go")
        assert search is not None
        assert source is not None
        del search.images[first.digest]
        source.record(first.digest, Delivery(destination=SEARCH, pending=True))
        wait.after[2] = move
        said = await wait.run("base/go:latest")
        (second,) = pushed
        assert said.status == "ok"
        assert said.waited is not None
        moved = TagMove(source=BUILD, before=first.digest, after=second.digest)
        assert said.waited.moves == (moved,)
        assert {image.digest for image in said.waited.images} == {second.digest}
        assert [event.destination for event in wait.seen(ImageArrived)].count(SHOP) == 2
        assert f"the tag moved in {BUILD}: from {first.digest} to" in explanation_text(said)


async def test_a_tag_that_moves_in_a_source_whose_destinations_have_it() -> None:
    """Of two sources, one has delivered. Its tag moves while the other is waited for: its
    destination lacks what the tag means by then."""
    text = f"""{FLEET.replace('["shop", "search"]', '"shop"')}
[[routes]]
name = "second"
from = {{ accounts = "search" }}
to = {{ accounts = "partner" }}
prefixes = ["base/"]
"""
    async with waiting(Scenario(replication_ms=5_000), text) as (aws, wait):
        everybody: Any = {"Effect": "Allow", "Principal": "*", "Action": "ecr:*", "Resource": "*"}
        aws.world.set_policy(PARTNER, {"Version": "2012-10-17", "Statement": [everybody]})
        first = aws.world.push(BUILD, "base/go", "1")
        aws.clock.seconds += 30
        aws.world.run_due()
        aws.world.push(SEARCH, "base/go", "1")
        wait.after[1] = lambda: aws.world.push(BUILD, "base/go", "1")
        said = await wait.run("base/go:1")
        assert said.waited is not None
        (moved,) = said.waited.moves
        assert (moved.source, moved.before) == (BUILD, first.digest)
        digests = {image.destination: image.digest for image in said.waited.images}
        assert (said.status, digests[SHOP]) == ("ok", moved.after)


async def test_what_cannot_come_is_not_waited_for() -> None:
    """Without a link, a rule or a grant, and after a failure, it ends with the first look, and the
    explanation is that of `explain --live`."""
    how: dict[str, Any] = {"source": "build/eu-west-1", "destinations": ["shop/eu-west-1"]}

    async def refused(wait: Waiting, what: str = "base/go:1", **others: Any) -> Explanation:
        said = await wait.run(what, **{**how, **others})
        assert (wait.slept, said.status) == ([], "partial")
        assert explanation_exit(said) is ExitCode.PARTIAL
        assert {*states(said).values()} <= {Awaited.CANNOT_COME}
        return said

    async with waiting() as (aws, wait):
        aws.world.push(BUILD, "base/go", "1")
        failed = aws.world.repository(BUILD, "base/go")
        assert failed is not None
        (digest,) = failed.images
        shop = aws.world.repository(SHOP, "base/go")
        assert shop is not None
        shop.images.clear()
        failed.record(digest, Delivery(destination=SHOP, failure="SOME_CODE"))
        said = await refused(wait)
        assert said.waited is not None
        assert said.waited.images[0].because == "SOME_CODE: AWS publishes no list of these codes"
        aws.world.set_policy(SHOP, None)
        (why,) = (await refused(wait)).not_carried
        assert why.reason is Reason.NOT_GRANTED
        aws.world.set_replication(BUILD, {"rules": []})
        said = await refused(wait)
        assert said.not_carried[0].reason is Reason.NO_RULE
        assert said.remedy is not None
        assert said.remedy.startswith("its rule is missing")
        said = await refused(wait, "team/a:1", destinations=[])
        assert said.waited is not None
        assert (said.waited.images, said.waited.complete) == ((), False)
        assert "No link carries it, after" in explanation_text(said)
        assert said.remedy is not None


async def test_an_image_from_before_its_rule() -> None:
    """It is old, so that ECR would list it: there is nothing to wait for but a backfill. Of one
    that was pushed just now, ECR is asked twice."""
    for age, looks in ((120, 1), (10, 2)):
        async with simulate(FLEET) as aws:
            aws.world.push(BUILD, "base/go", "1")
            await aws.applied()
            aws.clock.seconds = age
            wait = Waiting(aws)
            said = await wait.run("base/go:1")
            assert states(said) == {"2": "cannot-come", "3": "cannot-come"}
            assert wait.looks == looks
            assert said.remedy is not None
            assert said.remedy.endswith(f"\nfleet-repl backfill {aws.inventory.path}")


async def test_an_archived_image_cannot_be_pulled() -> None:
    """It is there, and a deploy would fail all the same."""
    async with waiting() as (aws, wait):
        aws.world.push(BUILD, "base/go", "1")
        aws.world.archive(SHOP, "base/go", "1")
        said = await wait.run("base/go:1")
        assert states(said) == {"2": "cannot-come", "3": "there"}
        assert said.waited is not None
        assert "archived at the destination" in (said.waited.images[0].because or "")


CHAIN = (
    FLEET
    + """
[[routes]]
name = "on"
from = { accounts = "shop" }
to = { accounts = "search" }
prefixes = ["chain/"]
[[routes]]
name = "first"
from = { accounts = "build" }
to = { accounts = "shop" }
prefixes = ["chain/"]
"""
)


async def test_what_arrives_by_replication_is_not_passed_on() -> None:
    """So the second hop of a chain is awaited only where it is asked for, and then in vain. What is
    pushed in the middle goes on from there."""
    async with waiting(text=CHAIN) as (aws, wait):
        aws.world.push(BUILD, "chain/a", "1")
        assert states(await wait.run("chain/a:1")) == {"2": "there"}
        aws.clock.seconds += 120
        said = await wait.run("chain/a:1", destinations=["search/eu-west-1"])
        assert states(said) == {"3": "cannot-come"}
        aws.world.push(SHOP, "chain/b", "1")
        assert states(await wait.run("chain/b:1")) == {"3": "there"}
        said = await wait.run("chain/none:1", within=5)
        assert states(said) == {"2": "not-pushed"}


async def test_a_statement_that_may_deny_is_waited_out() -> None:
    """Whether it does is known once ECR says that the copy has failed."""
    async with waiting(SLOW) as (aws, wait):
        policy: Any = aws.world.policy(SHOP)
        deny: JsonObject = {
            "Sid": "OrgOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "ecr:ReplicateImage",
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}},
        }
        aws.world.set_policy(SHOP, {**policy, "Statement": [*policy["Statement"], deny]})
        aws.world.push(BUILD, "base/go", "1")
        said = await wait.run("base/go:1", destinations=["shop/eu-west-1"])
        assert states(said) == {"2": "cannot-come"}
        assert wait.looks > 1
        assert said.waited is not None
        assert said.waited.seconds >= 20
        (why,) = said.not_carried
        assert (why.reason, why.certain) == (Reason.NOT_GRANTED, False)


async def test_an_external_registry_counts_by_what_ecr_says() -> None:
    """Nobody can look there."""
    text = FLEET.replace('accounts = ["shop", "search"]', 'accounts = "partner"')
    async with waiting(text=text) as (aws, wait):
        aws.world.push(BUILD, "base/go", "1")
        source = aws.world.repository(BUILD, "base/go")
        assert source is not None
        (digest,) = source.images
        source.record(digest, Delivery(destination=PARTNER))
        said = await wait.run("base/go:1")
        assert states(said) == {"4": "there"}
        assert EXTERNAL_FACT in said.carried[0].facts


async def test_a_destination_that_cannot_be_read() -> None:
    """Without permission it stays so, and there is nothing to wait for."""
    mute = AccountScenario(id=SHOP.account, denied_actions=("ecr:DescribeImages",))
    async with simulate(FLEET, Scenario(accounts=(mute,))) as aws:
        await aws.applied()
        aws.world.push(BUILD, "base/go", "1")
        wait = Waiting(aws)
        said = await wait.run("base/go:1")
        assert (states(said), wait.slept) == ({"2": "cannot-come", "3": "there"}, [])
        assert said.waited is not None
        because = said.waited.images[0].because or ""
        assert because.startswith(
            "the destination could not be read: DescribeImages: access-denied"
        )


async def test_a_policy_that_could_not_be_read_for_once() -> None:
    """AWS failed, and may answer the next time: that is waited for."""
    failing = FaultRule(
        kind=Mishap.SERVER_ERROR,
        first=2,
        operations=("GetRegistryPolicy",),
        accounts=(SHOP.account,),
    )
    text = FLEET.replace("[aws]", "[apply]\nattempts = 2\n[aws]", 1)
    async with simulate(text, Scenario(faults=(failing,))) as aws:
        aws.world.set_replication(BUILD, RULES)
        statement: Any = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{BUILD.account}:root"},
            "Action": "ecr:*",
            "Resource": "*",
        }
        aws.world.set_policy(SHOP, {"Version": "2012-10-17", "Statement": [statement]})
        wait = Waiting(aws)
        wait.after[2] = lambda: aws.world.push(BUILD, "base/go", "1")
        said = await wait.run("base/go:1", destinations=["shop/eu-west-1"])
        assert states(said) == {"2": "there"}
        assert wait.looks == 3


async def test_one_of_two_sources_suffices() -> None:
    """The image may still be pushed to the one whose rule is there."""
    text = f"""{FLEET}
[[routes]]
name = "two"
from = {{ accounts = ["build", "search"] }}
to = {{ accounts = "shop" }}
prefixes = ["two/"]
"""
    async with waiting(text=text) as (aws, wait):
        aws.world.set_replication(SEARCH, {"rules": []})
        wait.after[2] = lambda: aws.world.push(BUILD, "two/a", "1")
        assert states(await wait.run("two/a:1")) == {"2": "there"}
        assert wait.looks == 3


async def test_a_rule_of_somebody_else_counts_if_it_is_asked_for() -> None:
    """By name of the registry, and not otherwise."""
    async with waiting() as (aws, wait):
        aws.world.set_replication(SEARCH, RULES)
        statement: Any = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{SEARCH.account}:root"},
            "Action": "ecr:*",
            "Resource": "*",
        }
        aws.world.set_policy(SHOP, {"Version": "2012-10-17", "Statement": [statement]})
        aws.world.push(SEARCH, "team/a", "1")
        assert states(await wait.run("team/a:1")) == {}
        assert states(await wait.run("team/a:1", destinations=["shop/eu-west-1"])) == {"2": "there"}


async def test_an_interruption_ends_it() -> None:
    """In the middle of a delay; the answer says what was known by then."""
    async with waiting(SLOW) as (aws, wait):
        aws.world.push(BUILD, "base/go", "1")

        def stop() -> None:
            assert wait.fleet is not None
            wait.fleet.stop()

        wait.after[2] = stop
        said = await wait.run("base/go:1")
        assert (wait.looks, said.status) == (2, "interrupted")
        assert explanation_exit(said) is ExitCode.INTERRUPTED
        assert states(said) == {"2": "on-its-way", "3": "on-its-way"}
        assert said.remedy is None


@pytest.mark.parametrize(
    ("what", "how", "message"),
    [
        ("base/go", {}, "base/go is a whole repository: name an image to wait for, such as base/g"),
        (
            "base/go:1",
            {"source": "shop/eu-west-1", "destinations": ["shop/eu-west-1"]},
            "is both ends",
        ),
        ("base/go:1", {"within": 86_400}, "raise deadline in"),
        ("base/go:1", {"destinations": ["shop/eu-west-9"]}, "no region"),
    ],
)
async def test_wrong_questions(what: str, how: dict[str, Any], message: str) -> None:
    """They are refused before anything is read."""
    async with waiting() as (aws, wait):
        with pytest.raises(SelectionError, match=message):
            await wait.run(what, **how)
        assert not aws.world.calls["DescribeRegistry"]
