"""A run that has lost its lock no longer says what is the fleet's own: another one does."""

from __future__ import annotations

import json

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl import Outcome


async def test_what_the_next_run_has_announced_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was suspended, say, and somebody else has begun meanwhile: were that one killed, what it
    has written would be a stranger's without its announcement."""
    text = fleet_text("1>3 base/", "2>3 team/", waves={"canary": ("1", 'pause = "60s"')})
    async with simulate(text) as aws:
        sleep = aws.clock.sleep
        record = aws.state / "applied.json"

        async def suspend(seconds: float) -> None:
            await sleep(seconds)
            if seconds != 60:
                return
            lock = json.loads((aws.state / "lock.json").read_text())
            lock["holder"] |= {"run_id": "20990101T000000Z-abcdef", "host": "elsewhere"}
            (aws.state / "lock.json").write_text(json.dumps(lock))
            theirs = json.loads(record.read_text())
            theirs["registries"][str(aws.at(2))]["links"][str(aws.at(4))] = ["more/"]
            record.write_text(json.dumps(theirs))
            monkeypatch.setattr(
                "fleet_repl.state.lease.Lease.remaining", property(lambda lease: 5.0)
            )

        monkeypatch.setattr(aws.clock, "sleep", suspend)
        report = await aws.applied()
        assert {registry.outcome for registry in report.registries} >= {
            Outcome.APPLIED,
            Outcome.SKIPPED,
        }
        links = json.loads(record.read_text())["registries"][str(aws.at(2))]["links"]
        assert links == {str(aws.at(3)): ["team/"], str(aws.at(4)): ["more/"]}
        (warning,) = (warning for warning in report.warnings if warning.kind == "not-recorded")
        assert warning.message == (
            "what was applied could not be put on record: the lock was lost, and another run may "
            "have written to the record; the record still holds what was announced before the "
            "first write"
        )
