"""Delete replication over the wire: on, kept, told in plain words, and off again."""

from __future__ import annotations

from tests.support.registries import registry_of
from tests.support.simulated import simulate

from fleet_repl import Outcome

HUB, SPOKE, THIRD = map(registry_of, "123")

FLEET = """
version = 1
name = "prod"
[aws]
role = "replication"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
[[accounts]]
id = "222222222222"
[[accounts]]
id = "333333333333"
[[routes]]
name = "golden"
from = { accounts = "111111111111" }
to = { accounts = "222222222222" }
prefixes = ["golden/"]
[[routes]]
name = "base"
from = { accounts = "111111111111" }
to = { accounts = ["222222222222", "333333333333"] }
prefixes = ["base/"]
"""
DELETING = FLEET.replace(
    'prefixes = ["golden/"]', 'prefixes = ["golden/"]\nreplicate_deletes = true'
)


async def test_deletions_travel_where_the_route_says_so() -> None:
    """Only that route's images go at the destination; a second run finds the flag in place."""
    async with simulate(DELETING) as aws:
        report = await aws.applied(DELETING)
        assert report.status == "ok"
        for name in ("golden/app", "base/app"):
            aws.world.push(HUB, name, "v1")
            aws.world.delete(HUB, name, "v1")
        aws.world.run_due()
        assert aws.world.images(SPOKE, "golden/app") == ()
        assert len(aws.world.images(SPOKE, "base/app")) == 1
        report = await aws.applied(DELETING)
        assert report.count(Outcome.UNCHANGED) == 3


async def test_turning_it_on_and_off_is_reported() -> None:
    """No link is added or removed, only what travels on it, and the plan says what that means."""
    async with simulate(FLEET) as aws:
        await aws.applied(FLEET)
        plan = await aws.planned(DELETING)
        report = await aws.applied()
        ((registry, change),) = plan.changes
        assert (registry, report.status) == (HUB, "ok")
        assert (change.links_added, change.links_removed) == ((), ())
        (started,) = change.deletes_started
        assert (started.registry, started.prefixes, started.routes) == (
            SPOKE,
            ("golden/",),
            ("golden",),
        )
        (warning,) = [warning for warning in plan.warnings if warning.kind == "delete-replication"]
        assert warning.message == (
            "1 link starts to replicate deletions (111111111111/eu-west-1 → "
            "222222222222/eu-west-1): what is deleted in the source is deleted at the destination "
            "too, and so is what a lifecycle policy expires there; an image whose last tag is "
            "removed goes altogether"
        )
        plan = await aws.planned(FLEET)
        report = await aws.applied()
        ((_, change),) = plan.changes
        (stopped,) = change.deletes_stopped
        assert (stopped.registry, report.status, plan.warnings) == (SPOKE, "ok", ())
        rules = aws.rules(HUB)
        assert not any("deleteReplication" in rule for rule in rules)


async def test_somebody_who_turns_it_off_is_corrected() -> None:
    """The flag is compared and not only the links."""
    async with simulate(DELETING) as aws:
        await aws.applied(DELETING)
        before = aws.world.replication(HUB)
        rules = [
            {key: value for key, value in rule.items() if key != "deleteReplication"}
            for rule in aws.rules(HUB)
        ]
        aws.world.set_replication(HUB, {"rules": rules})
        report = await aws.applied(DELETING)
        assert report.count(Outcome.APPLIED) == 1
        assert aws.world.replication(HUB) == before
