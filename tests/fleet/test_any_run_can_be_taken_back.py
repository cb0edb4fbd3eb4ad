"""A law: whatever a run has done, and whatever went wrong in it, can be put back as it was."""

from __future__ import annotations

import random

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import Status
from fleet_repl.sandbox import FaultRule, Mishap, Scenario
from fleet_repl.sandbox.faults import Faults

ACCOUNTS = range(1, 7)
WRITES = ("PutReplicationConfiguration", "PutRegistryPolicy", "DeleteRegistryPolicy")
WAVES = (
    None,
    {"canary": ("1,2",), "early": ("3,4", 'max_failures = "100%"')},
    {"canary": ("1", "max_failures = 1"), "early": ("3,5", 'max_failures = "100%"')},
)
LOOSE = '[safety]\nmax_removals = "100%"\nmax_unreadable = "100%"\n'


def some_links(draw: random.Random) -> tuple[str, ...]:
    """A few routes between the accounts, some of them for every repository."""
    links = []
    for _ in range(draw.randint(1, 6)):
        source, *ends = draw.sample(ACCOUNTS, draw.randint(2, 4))
        prefixes = sorted(set(draw.choices(("base/", "team/", "golden/"), k=draw.randint(0, 2))))
        links.append(" ".join((f"{source}>{','.join(map(str, sorted(ends)))}", *prefixes)))
    return tuple(dict.fromkeys(links))


def let_things_go_wrong(aws: Simulated, draw: random.Random) -> None:
    """Some roles lack permissions, and at times calls are lost, broken and throttled."""
    for number in ACCOUNTS:
        if draw.random() < 0.35:
            aws.deny(number, *(f"ecr:{item}" for item in draw.sample(WRITES, draw.randint(1, 2))))
        elif draw.random() < 0.05:
            aws.deny(number)
    if draw.random() < 0.4:
        rules = (
            FaultRule(kind=Mishap.LOST_ANSWER, rate=0.4, operations=WRITES),
            FaultRule(kind=Mishap.DROPPED, rate=0.3),
            FaultRule(kind=Mishap.THROTTLED, rate=0.2),
        )
        aws.world.faults = Faults(Scenario(seed=draw.randint(0, 999), faults=rules))


def let_all_be_well(aws: Simulated) -> None:
    aws.relent()
    aws.world.faults = Faults(Scenario())


@pytest.mark.parametrize("seed", [1, 24, 27])
async def test_it_is_as_before(seed: int) -> None:
    """The documents are, and what is ours is still known to be; at no time on any of these ways
    was a rule in place without its grant."""
    draw = random.Random(seed)
    waves = draw.choice(WAVES)

    def text(*links: str) -> str:
        return fleet_text(*links, accounts=6, waves=waves, more=LOOSE)

    async with simulate(text(*some_links(draw))) as aws:
        with aws.watched() as seen:
            await aws.applied()
            before = aws.spelled()
            aws.rewrite(text(*some_links(draw)))
            let_things_go_wrong(aws, draw)
            run = await aws.applied()
            assert aws.spelled() != before
            let_things_go_wrong(aws, draw)
            await aws.rolled_back(run.run_id)
            let_all_be_well(aws)
            # With force: what the first attempt could put back in part only is overwritten.
            back = await aws.rolled_back(run.run_id, force=True)
            assert (back.status, aws.spelled()) == (Status.OK, before)
            report = await aws.applied(text())
        assert (report.status, report.objections) == (Status.OK, ())
        assert {
            (frozenset(aws.links(account)), aws.policy_text(aws.at(account)))
            for account in ACCOUNTS
        } == {(frozenset(), "")}
        assert seen == [set()] * len(seen)
