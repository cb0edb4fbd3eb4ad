"""Two hundred accounts while AWS throttles, fails, drops, loses answers and lags."""

from __future__ import annotations

from collections import Counter

from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl import FaultKind, Outcome, Status
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.sandbox import AccountScenario, FaultRule, Mishap, Scenario

HUBS = 10
ACCOUNTS = 200
DENIED = tuple(f"{number:012}" for number in (17, 42, 99, 123, 200))


def fleet() -> str:
    """Ten hubs, each feeding its own nineteen spokes in one region; every account to its other."""
    accounts = "\n".join(
        f'[[accounts]]\nid = "{number:012}"\n'
        f'labels = {{ hub = "h{number % HUBS}", tier = "{"hub" if number <= HUBS else "spoke"}" }}'
        for number in range(1, ACCOUNTS + 1)
    )
    routes = "\n".join(
        f'[[routes]]\nname = "golden-{hub}"\nprefixes = ["base/"]\n'
        f'from = {{ labels = {{ tier = "hub", hub = "h{hub}" }}, regions = ["eu-west-1"] }}\n'
        f'to = {{ labels = {{ tier = "spoke", hub = "h{hub}" }}, regions = ["eu-west-1"] }}'
        for hub in range(HUBS)
    )
    return f"""version = 1
name = "storm"
[aws]
role = "fleet"
regions = ["eu-west-1", "eu-west-2"]
[apply]
attempts = 12
{accounts}
{routes}
[[routes]]
name = "dr"
from = {{ labels = {{ tier = "spoke" }}, regions = ["eu-west-1"] }}
to = {{ same_account = true, regions = ["eu-west-2"] }}
"""


STORM = Scenario(
    seed=7,
    lag_ms=300,
    faults=(
        FaultRule(kind=Mishap.THROTTLED, rate=0.20),
        FaultRule(kind=Mishap.SERVER_ERROR, rate=0.05),
        FaultRule(kind=Mishap.DROPPED, rate=0.02),
        FaultRule(kind=Mishap.LOST_ANSWER, rate=0.02),
    ),
    accounts=tuple(AccountScenario(id=account, denied=True) for account in DENIED),
)


async def test_everything_independent_of_five_denied_accounts_is_applied() -> None:
    """Exit 4: five accounts failed, links into them held, all else applied, each named once."""
    async with simulate(fleet(), STORM) as aws:
        report = await aws.applied()
        assert report.status is Status.PARTIAL
        assert report_exit(report) == 4
        registries = [registry.registry for registry in report.registries]
        assert len(registries) == len(set(registries)) == 2 * ACCOUNTS
        for outcome in report.registries:
            if outcome.registry.account in DENIED:
                assert outcome.outcome is Outcome.FAILED
                assert outcome.error is not None
                assert outcome.error.kind is FaultKind.ACCESS_DENIED
            else:
                assert outcome.error is None, outcome
        outcomes = Counter(registry.outcome for registry in report.registries)
        # Hubs and spokes change in one region; the other one only receives from its own account.
        assert outcomes == {
            Outcome.FAILED: 2 * len(DENIED),
            Outcome.APPLIED: ACCOUNTS - len(DENIED),
            Outcome.UNCHANGED: ACCOUNTS - len(DENIED),
        }
        held = {
            link.destination.account for registry in report.registries for link in registry.held
        }
        assert held == set(DENIED)
        assert report.held == len(DENIED)
        assert sum(registry.attempts for registry in report.registries) > 4 * ACCOUNTS
        writes = list(aws.world.writes)
        again = await aws.applied()
        assert aws.world.writes == writes
        assert again.count(Outcome.UNCHANGED) == 2 * (ACCOUNTS - len(DENIED))


async def test_what_others_leave_of_a_quota_is_enough() -> None:
    """STS takes ten calls a second and ECR two for each registry, and a call that fails otherwise
    is tried once only: every account is read, with two calls each at the most."""
    text = fleet_text("1>2 base/", accounts=60, more="[apply]\nattempts = 1\n")
    async with simulate(text, Scenario(sts_rate=10, ecr_rate=2)) as fleet, fleet.connected() as run:
        started = fleet.clock.seconds
        plan = await run.plan()
        assert [registry.error for registry in plan.registries] == [None] * 60
        assert (await run.apply(plan)).status is Status.OK
        calls = fleet.world.calls
        assert calls["AssumeRole"] <= 2 * 60
        assert calls["DescribeRegistry"] <= 2 * (60 + 2 * 2)
        assert fleet.clock.seconds - started < 2 * 60 / 10
