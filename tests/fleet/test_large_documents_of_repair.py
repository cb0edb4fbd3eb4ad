"""`repair` by documents with very many entries: each is read once, and looked at by its prefix."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from tests.fleet.test_backfilling import HUB, OLD, QUIET, SEARCH
from tests.fleet.test_repairing import repaired, verified
from tests.support.simulated import simulate

from fleet_repl import RefusedError, Status, to_json
from fleet_repl.ecr.policy.evaluate import Permissions
from fleet_repl.reports.documents import lacking as reader
from fleet_repl.reports.documents.lacking import read_lacking
from fleet_repl.runs.repair import Lacking, LackingLink

MANY = 3_000


def many(lacking: Lacking, number: int = MANY) -> Lacking:
    """A document whose only link lacks so many repositories and images."""
    names = tuple(f"base/team-{nth}/app" for nth in range(number))
    link = LackingLink(
        source=HUB,
        destination=SEARCH,
        repositories=names,
        images=tuple((name, f"sha256:{nth:064}") for nth, name in enumerate(names)),
    )
    return replace(lacking, links=(link,))


async def test_what_a_prefix_lets_in_is_not_asked_one_by_one() -> None:
    """A million repositories of one grant are one question to its policy; they are asked one by one
    where the grant is missing, and the refusal counts them."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        lacking = many(read_lacking(to_json(await verified(aws)).encode(), ""))
        ask = Permissions.lacks
        with mock.patch.object(Permissions, "lacks", autospec=True, side_effect=ask) as asked:
            report = await repaired(aws, lacking, dry_run=True)
        assert (report.status, len(report.backfills)) == (Status.OK, 1)
        assert asked.call_count == 2
        aws.world.set_policy(SEARCH, None)
        with pytest.raises(RefusedError, match=r"team-1/app, base/team-2/app and 2,997 more\)"):
            await repaired(aws, lacking, dry_run=True)


async def test_many_repositories_that_may_not_be_created_are_listed_at_once() -> None:
    """A registry is not asked for each of thousands whether it is there."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        lacking = many(read_lacking(to_json(await verified(aws)).encode(), ""))
        policy: Any = aws.world.policy(SEARCH)
        for statement in policy["Statement"]:
            statement["Action"] = "ecr:ReplicateImage"
        aws.world.set_policy(SEARCH, policy)
        aws.world.have_repository(SEARCH, "base/team-0/app")
        aws.world.calls.clear()
        message = r"ecr:CreateRepository \(base/team-1/app, .*/team-3/app and 2,996 more\)"
        with pytest.raises(RefusedError, match=message):
            await repaired(aws, lacking, dry_run=True)
        assert aws.world.calls["DescribeRepositories"] < 10


async def test_too_many_images_are_refused_before_any_call() -> None:
    """And nothing but the number is made of them."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        lacking = many(read_lacking(to_json(await verified(aws)).encode(), ""))
        aws.world.calls.clear()
        with pytest.raises(
            RefusedError, match=r"names 3,000 missing images, and --reput is for 20"
        ):
            await repaired(aws, lacking, reput=True)
        assert set(aws.world.calls) == {"GetCallerIdentity"}


async def test_each_text_of_a_document_is_read_alike() -> None:
    """That of this package by msgspec alone, which is faster by far; any other by Python's parser:
    in another encoding, with its members in another order, or indented otherwise."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        text = to_json(await verified(aws))
    with mock.patch.object(reader, "parsed", side_effect=AssertionError):
        lacking = read_lacking(text.encode(), "")
    assert lacking.links
    shuffled = dict(reversed(json.loads(text).items()))
    for other in (json.dumps(shuffled), json.dumps(json.loads(text), indent=7)):
        assert read_lacking(other.encode(), "") == lacking
    assert read_lacking(text.encode("utf-16"), "") == lacking
