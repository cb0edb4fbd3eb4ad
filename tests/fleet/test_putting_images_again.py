"""`repair --reput` puts single images again, so that ECR sends them once more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.fleet.test_backfilling import HUB, OLD, QUIET, SEARCH, SHOP, SHOP_US
from tests.fleet.test_repairing import covered, repaired, started, verified
from tests.support.simulated import Simulated, simulate

from fleet_repl import (
    BackfillMode,
    BackfillReport,
    FaultKind,
    FleetError,
    ImagePut,
    RefusedError,
    Status,
    to_json,
)
from fleet_repl.ecr.session_policies import session_policy
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.exit_codes import backfill_exit
from fleet_repl.reports.formats import ReportFormat
from fleet_repl.reports.render import render
from fleet_repl.reports.text.backfills import backfill_text
from fleet_repl.runs.reput import ReputState
from fleet_repl.sandbox import AccountScenario, FaultRule, Mishap, Scenario
from fleet_repl.sandbox.images import Image, Push
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.names import Partition

INDEX = "application/vnd.oci.image.index.v1+json"
ENDS = (SHOP, SHOP_US, SEARCH)


async def failed(aws: Simulated, *names: str) -> tuple[Image, ...]:
    """Images that were pushed while their destination did not let them in, and now does."""
    await aws.applied()
    policy = aws.world.policy(SEARCH)
    aws.world.set_policy(SEARCH, None)
    pushed = tuple(aws.world.push(HUB, name, "1") for name in names)
    aws.clock.seconds += 1
    aws.world.run_due()
    aws.world.set_policy(SEARCH, policy)
    return pushed


def digests(aws: Simulated, repository: str) -> set[str]:
    """The images of a repository in the destination that did not let them in."""
    return {image.digest for image in aws.world.images(SEARCH, repository)}


def reputs(report: BackfillReport) -> list[tuple[str, ReputState]]:
    return [(reput.image.repository, reput.state) for reput in report.reputs]


async def test_an_image_is_sent_once_more() -> None:
    """Under a tag of its own, as ECR takes no second push under the same tag; then it is there, and
    no backfill was started."""
    async with simulate(QUIET) as aws:
        (image,) = await failed(aws, "base/go")
        repository = aws.world.repository(HUB, "base/go")
        assert repository is not None
        repository.mutability = "IMMUTABLE"
        report = await repaired(aws, await verified(aws), reput=True)
        (reput,) = report.reputs
        assert (reput.state, reput.image.digest) == (ReputState.PUT, image.digest)
        assert (reput.source, reput.destinations) == (HUB, (SEARCH,))
        assert reput.tag == f"reput-{report.run_id}-{image.digest[7:19]}"
        assert (report.mode, report.status) == (BackfillMode.REPAIR, Status.OK)
        assert (report.backfills, started(aws)) == ((), 0)
        assert digests(aws, "base/go") == {image.digest}
        assert repository.images[image.digest].tags == ("1", reput.tag)
        assert (await verified(aws)).status == "ok"
        assert ImagePut(source=HUB, what=str(reput.image), tag=reput.tag) in aws.events


async def test_other_runs_have_sessions_that_put_none() -> None:
    """An apply, say, may put no image, whatever its roles may; so it is refused before any call."""
    async with simulate(QUIET) as aws:
        await failed(aws, "base/go")
        document = await verified(aws)
        async with aws.connected() as fleet:
            with pytest.raises(FleetError, match=r"connect it with purpose=Purpose\.REPAIR"):
                await fleet.repair(document, reput=True)
        assert [operation for _, operation in aws.world.writes].count("PutImage") == 0
        assert aws.world.calls["PutImage"] == 0
    policies = [
        session_policy(partition=Partition.AWS, read_only=False, puts_images=puts)
        for puts in (False, True)
    ]
    assert ["ecr:PutImage" in policy for policy in policies] == [False, True]


async def test_the_images_of_a_list_go_first() -> None:
    """Those that are lacking; a list is taken only where they are."""
    async with simulate(QUIET) as aws:
        one, two = await failed(aws, "base/go", "base/go")
        listed = [{"digest": image.digest, "size": 1} for image in (one, two)]
        repository = aws.world.repository(HUB, "base/go")
        assert repository is not None
        push = Push(
            manifest=json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}),
            media_type=INDEX,
            tag="list",
            at=aws.clock.now(),
        )
        policy = aws.world.policy(SEARCH)
        aws.world.set_policy(SEARCH, None)
        whole = aws.world.estate.push(HUB, repository, push)
        aws.world.run_due()
        aws.world.set_policy(SEARCH, policy)
        document = json.loads(to_json(await verified(aws)))
        for link in document["links"]:
            link["images"] = [item for item in link["images"] if item["digest"] == whole.digest]
        document["links"] = [link for link in document["links"] if link["images"]]
        # Somebody has cut it down on purpose.
        del document["digest"]
        path = aws.state.parent / "document.json"
        path.write_text(json.dumps(document))
        report = await repaired(aws, path, reput=True)
        (reput,) = report.reputs
        assert (reput.state, reput.parts) == (ReputState.PUT, 2)
        assert digests(aws, "base/go") == {one.digest, two.digest, whole.digest}
        assert "after 2 images of it" in backfill_text(report)


async def test_what_has_come_meanwhile_is_not_put() -> None:
    """Nor what was deleted in its source; and a dry run puts nothing."""
    async with simulate(QUIET) as aws:
        await failed(aws, "base/a", "base/b", "base/c")
        document = await verified(aws)
        source = aws.world.repository(HUB, "base/a")
        assert source is not None
        copy = aws.world.have_repository(SEARCH, "base/a")
        copy.images.update(source.images)
        aws.world.delete(HUB, "base/b", "1")
        looked = await repaired(aws, document, reput=True, dry_run=True)
        assert sorted(reputs(looked)) == [
            ("base/a", ReputState.THERE),
            ("base/b", ReputState.LACKING),
            ("base/c", ReputState.LACKING),
        ]
        assert (looked.mode, aws.world.calls["PutImage"]) == (BackfillMode.STATUS, 0)
        report = await repaired(aws, document, reput=True)
        assert sorted(reputs(report)) == [
            ("base/a", ReputState.THERE),
            ("base/b", ReputState.GONE),
            ("base/c", ReputState.PUT),
        ]
        assert (report.status, backfill_exit(report)) == (Status.PARTIAL, ExitCode.PARTIAL)


async def test_an_external_destination_is_not_counted_as_having_it() -> None:
    """Nobody can look there: what the managed destination has by now says nothing of it."""
    ends = ('to = { accounts = ["shop", "search"] }', 'to = { accounts = ["search", "partner"] }')
    external = '[[external]]\nid = "444444444444"\nname = "partner"\nregions = ["eu-west-1"]\n'
    async with simulate(QUIET.replace(*ends) + external) as aws:
        (image,) = await failed(aws, "base/go")
        document = await verified(aws)
        copy = aws.world.have_repository(SEARCH, "base/go")
        copy.images[image.digest] = image
        report = await repaired(aws, document, reput=True)
        (reput,) = report.reputs
        assert (reput.state, reput.destinations) == (ReputState.PUT, (SEARCH,))


async def test_a_lost_answer_puts_it_once() -> None:
    """That the image is there under the tag shows that the attempt was taken."""
    lost = FaultRule(kind=Mishap.LOST_ANSWER, first=1, operations=("PutImage",))
    async with simulate(QUIET, Scenario(faults=(lost,))) as aws:
        (image,) = await failed(aws, "base/go")
        report = await repaired(aws, await verified(aws), reput=True)
        assert reputs(report) == [("base/go", ReputState.PUT)]
        assert aws.world.calls["PutImage"] == 2
        repository = aws.world.repository(HUB, "base/go")
        assert repository is not None
        assert len(repository.images[image.digest].tags) == 2


async def test_the_permission_that_is_missing_is_named() -> None:
    """In the error of the image, in every form of the result."""
    mute = AccountScenario(id=HUB.account, denied_actions=("ecr:PutImage",))
    async with simulate(QUIET, Scenario(accounts=(mute,))) as aws:
        await failed(aws, "base/go")
        report = await repaired(aws, await verified(aws), reput=True)
        (reput,) = report.reputs
        assert reput.error is not None
        assert (reput.state, reput.error.kind) == (ReputState.FAILED, FaultKind.ACCESS_DENIED)
        assert "ecr:PutImage" in f"{reput.error.message} {reput.error.hint}"
        document = json.loads(to_json(report))
        Draft202012Validator(schema("backfill")).validate(document)
        (item,) = document["reputs"]
        assert (item["state"], item["error"]["operation"]) == ("failed", "PutImage")
        assert "Images put again: 0 of 1\n" in backfill_text(report)
        assert '<error type="access-denied"' in "".join(render(report, ReportFormat.XML))
        comment = "".join(render(report, ReportFormat.MD))
        assert comment.startswith(
            f"0 of 1 image of {aws.inventory.name} put again, ended as partial"
        )
        page = "".join(render(report, ReportFormat.HTML))
        assert "1 image not put again" in page
        assert "### Images put again\n" in comment


async def test_it_is_for_few_images_that_are_known() -> None:
    """Of more than 20, and of a document that does not name them all, it is refused."""
    async with simulate(QUIET) as aws:
        await failed(aws, *(f"base/{number}" for number in range(21)))
        async with aws.connected(purpose=None) as fleet:
            many: Any = await fleet.verify(count=30)
        with pytest.raises(RefusedError, match="names 21 missing images, and --reput is for 20"):
            await repaired(aws, many, reput=True)
        with pytest.raises(RefusedError, match="does not name every image that is missing"):
            await repaired(aws, await covered(aws, images=False), reput=True)
        assert not aws.world.calls["PutImage"]


async def test_images_of_a_coverage() -> None:
    """Where images were compared, and all that are missing are named."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        report = await repaired(aws, await covered(aws), reput=True)
        assert {reput.state for reput in report.reputs} == {ReputState.PUT}
        assert all(len(aws.world.images(end, "base/python")) == 2 for end in ENDS)
