"""`repair` by documents that somebody has edited, and a fleet that changes while it is repaired."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from unittest import mock

import anyio
import pytest
from hypothesis import given, strategies as st
from tests.fleet.test_backfilling import HUB, OLD, QUIET, SEARCH, SHOP, states
from tests.fleet.test_repairing import covered, repaired, verified
from tests.support.simulated import simulate

from fleet_repl import BackfillState, Inventory, RefusedError, Status, to_json
from fleet_repl.fleet.lacking import check_lacking
from fleet_repl.reports.documents.lacking import read_lacking
from fleet_repl.reports.exit_codes import backfill_exit
from fleet_repl.reports.text.backfills import backfill_text
from fleet_repl.values.exit_code import ExitCode

HOSTILE: Final[tuple[Any, ...]] = (
    *("", "..", "\x1b[31mred", "\ud800", "x" * 5_000, "2026-02-30T00:00:00Z"),
    *(None, True, -1, 1e308, [], {}, ["x"], {"schema": "x"}),
)


@cache
def documents() -> tuple[Inventory, datetime, tuple[Any, ...]]:
    """An inventory, a time, and documents of both kinds that fit it, without a digest."""

    async def made() -> tuple[Inventory, datetime, tuple[Any, ...]]:
        async with simulate(QUIET, OLD) as aws:
            await aws.applied()
            reports = [json.loads(to_json(await make(aws))) for make in (verified, covered)]
            for report in reports:
                del report["digest"]
            return aws.inventory, aws.clock.now(), tuple(reports)

    return anyio.run(made)


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """The place of every value in a document."""
    items = value.items() if isinstance(value, dict) else ()
    for key, member in enumerate(value) if isinstance(value, list) else items:
        yield (key,)
        yield from ((key, *below) for below in places(member))


@given(st.data())
def test_an_edited_document_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever stands wherever in it, and never with another exception."""
    inventory, now, made = documents()
    document = copy.deepcopy(data.draw(st.sampled_from(made)))
    *above, last = data.draw(st.sampled_from(list(places(document))))
    parent = document
    for key in above:
        parent = parent[key]
    parent[last] = data.draw(st.sampled_from(HOSTILE))
    text, reput = json.dumps(document).encode(), data.draw(st.booleans())
    with suppress(RefusedError):
        lacking = read_lacking(text, "document.json")
        check_lacking(lacking, inventory, now=now, max_age=timedelta(hours=1), reput=reput)


@pytest.mark.parametrize("image", [("base/Node", "sha256:" + "0" * 64), ("base/node", "latest")])
async def test_an_image_that_cannot_be_is_not_put(image: tuple[str, str]) -> None:
    """Refused with what would be right, before any registry is called."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        lacking = read_lacking(to_json(await verified(aws)).encode(), "")
        link = replace(lacking.links[0], images=(image,))
        aws.world.calls.clear()
        with pytest.raises(RefusedError, match="names an image that cannot be: "):
            await repaired(aws, replace(lacking, links=(link,)), reput=True)
        assert set(aws.world.calls) == {"GetCallerIdentity"}


async def test_a_grant_that_goes_after_the_look_is_told_of() -> None:
    """Between the look at the policies and the starts: what ECR says of the copies is reported,
    with its code and exit code 4; other destinations are copied to."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        document = await verified(aws)

        class Calls(Counter[str]):
            def __setitem__(self, operation: str, calls: int) -> None:
                super().__setitem__(operation, calls)
                if operation == "ListReplicationBackfills":
                    aws.world.set_policy(SEARCH, None)

        with mock.patch.object(aws.world, "calls", Calls()):
            report = await repaired(aws, document, wait=True)
    assert states(report)[HUB, SHOP] is BackfillState.COMPLETE
    (outcome,) = [item for item in report.backfills if item.destination == SEARCH]
    assert outcome.falls_short
    assert "DESTINATION_REGISTRY_ACCESS_DENIED" in backfill_text(report)
    assert (report.status, backfill_exit(report)) == (Status.PARTIAL, ExitCode.PARTIAL)


def test_documents_are_of_their_time() -> None:
    """One of another day, and one of tomorrow."""
    inventory, now, made = documents()
    for shift, because in ((timedelta(days=2), "old, and"), (timedelta(days=-1), "the future")):
        for document in made:
            lacking = read_lacking(json.dumps(document).encode(), "")
            with pytest.raises(RefusedError, match=because):
                check_lacking(
                    lacking, inventory, now=now + shift, max_age=timedelta(days=1), reput=False
                )
