"""What accounts run, asked over HTTP, and where else those images are if a region is gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings, strategies as st
from tests.support.registries import registry_of
from tests.support.simulated import Simulated, simulate

from fleet_repl import CoverageReport, Registry, Runtime, SelectionError, Workload
from fleet_repl.aws.workloads import AwsWorkloads
from fleet_repl.runs.coverage import ImageInUse, InUse, RunningImage
from fleet_repl.sandbox import AccountScenario, FunctionScenario, Scenario, ServiceScenario
from fleet_repl.values.errors import FaultKind

FLEET = """
version = 1
name = "prod"
[aws]
role = "fleet"
regions = ["eu-west-1", "us-east-1"]
[[accounts]]
id = "111111111111"
name = "build"
[[accounts]]
id = "222222222222"
name = "shop"
[[routes]]
name = "dr"
from = { accounts = "build", regions = "eu-west-1" }
to = { regions = "us-east-1" }
prefixes = ["base/"]
"""
EU, US = registry_of("1"), registry_of("1", "us-east-1")
SHOP, SHOP_US = registry_of("2"), registry_of("2", "us-east-1")
EVERY = (EU, US, SHOP, SHOP_US)


def uri(registry: Registry, image: str) -> str:
    return f"{registry.account}.dkr.ecr.{registry.region}.amazonaws.com/{image}"


def service(name: str, images: Iterable[str], *, tasks: int = 1, place: Registry = SHOP) -> Any:
    account, region = place
    return ServiceScenario(
        account=account, region=region, cluster="shop", name=name, images=tuple(images), tasks=tasks
    )


def function(name: str, image: str | None) -> FunctionScenario:
    return FunctionScenario(account=EU.account, region=EU.region, name=name, image=image)


async def asked(aws: Simulated, **how: Any) -> CoverageReport:
    async with aws.connected(purpose=None) as fleet:
        return await fleet.coverage(**{"in_use": ("ecs", "lambda"), **how})


def running(report: CoverageReport) -> InUse:
    assert report.in_use is not None
    return report.in_use


def by_name(report: CoverageReport) -> dict[str, ImageInUse]:
    """Images by repository."""
    return {use.image.repository: use for use in running(report).images}


async def test_images_that_would_be_nowhere() -> None:
    """By digest, from tasks, sleeping services and functions; an image that was replicated has
    copies, one from before its rule is missing where the route would carry it, and one of others
    is only counted."""
    scenario = Scenario(
        services=(
            service("web", [uri(EU, "base/late:1"), "docker.io/library/nginx:1"], tasks=3),
            service("api", [uri(EU, "base/late:1")]),
            service("night", [uri(EU, "base/early:1")], tasks=0),
        ),
        functions=(function("build", uri(EU, "team/app:1")), function("zip", None)),
    )
    async with simulate(FLEET, scenario) as aws:
        early = aws.world.push(EU, "base/early", "1")
        await aws.applied()
        late = aws.world.push(EU, "base/late", "1")
        aws.world.push(EU, "team/app", "1")
        report = await asked(aws)
        uses = by_name(report)
        assert uses["base/late"].image.digest == late.digest
        assert uses["base/late"].copies == (US, SHOP_US)
        assert uses["base/late"].workloads == (
            Workload(Runtime.ECS, str(SHOP), "shop/service:api"),
            Workload(Runtime.ECS, str(SHOP), "shop/service:web"),
        )
        assert uses["base/early"].image.digest == early.digest
        assert (uses["base/early"].copies, uses["base/early"].missing) == ((), (US, SHOP_US))
        assert uses["base/early"].workloads[0].name == "shop/service:night"
        assert (uses["team/app"].copies, uses["team/app"].missing) == ((), ())
        assert uses["team/app"].workloads == (Workload(Runtime.LAMBDA, str(EU), "build"),)
        assert (running(report).elsewhere, running(report).unasked) == (1, ())
        assert report.status == "ok"
        # Of the services that run, no task definition is asked for.
        assert aws.world.calls["DescribeTaskDefinition"] == 1
        assert aws.world.calls["GetFunction"] == 1


async def test_versions_behind_aliases_would_be_lost_too() -> None:
    """A published version keeps the image that it was published with. Where aliases may not be
    listed, that is told, and what is known of the latest versions stays."""
    versions = {"1": uri(EU, "team/app:1"), "2": uri(EU, "team/app:2"), "3": uri(EU, "team/app:3")}
    build = function("build", uri(EU, "team/app:9")).model_copy(
        update={"versions": versions, "aliases": {"live": ("2",), "next": ("2", "3")}}
    )
    async with simulate(FLEET, Scenario(functions=(build,))) as aws:
        await aws.applied()
        for tag in "1239":
            aws.world.push(EU, "team/app", tag)
        uses = running(await asked(aws)).images
        names = [workload.name for use in uses for workload in use.workloads]
        assert sorted(names) == ["build", "build:2", "build:3"]
        assert aws.world.calls["GetFunction"] == 3
        aws.deny(int(EU.account), "lambda:ListAliases")
        report = await asked(aws)
    assert [use.workloads[0].name for use in running(report).images] == ["build"]
    (unasked,) = running(report).unasked
    assert (unasked.place, unasked.error.operation) == (str(EU), "ListAliases")
    assert (unasked.fails, report.status) == (False, "ok")


async def test_a_workload_blinds_nobody() -> None:
    """Whoever starts a workload writes what it likes into its images. What ECR can have no image of
    is never asked for, as a refusal would make the whole registry unreadable."""
    images = (
        "<b>x</b>:7",
        "=x:1",
        "base/Go:1",
        "base/late@sha256:12",
        "base/late:-1",
        "base/late:1",
    )
    scenario = Scenario(services=(service("web", [uri(EU, image) for image in images]),))
    async with simulate(FLEET, scenario) as aws:
        await aws.applied()
        aws.world.push(EU, "base/late", "1")
        report = await asked(aws)
        (use,) = running(report).images
        assert (use.image.repository, use.copies) == ("base/late", (US, SHOP_US))
        assert (running(report).elsewhere, report.unreadable) == (5, ())
        assert report.status == "ok"


async def test_a_tag_that_moved_is_another_image() -> None:
    """What a task was started with is what counts; a tag that nobody resolved goes by its digest
    in its registry, and where that is gone, by its name."""
    scenario = Scenario(services=(service("web", [uri(EU, "base/go:1")], tasks=0),))
    async with simulate(FLEET, scenario) as aws:
        await aws.applied()
        first = aws.world.push(EU, "base/go", "1")
        aws.world.set_replication(EU, {"rules": []})
        second = aws.world.push(EU, "base/go", "1")
        assert first.digest != second.digest
        use = by_name(await asked(aws))["base/go"]
        assert (use.image.digest, use.copies) == (second.digest, ())
        assert use.missing == (US, SHOP_US)
        aws.world.delete(EU, "base/go", "1")
        use = by_name(await asked(aws))["base/go"]
        assert (str(use.image), use.copies) == ("base/go:1", (US, SHOP_US))


@settings(max_examples=10)
@given(
    held=st.sets(st.tuples(st.sampled_from(EVERY), st.sampled_from(("base/a", "team/b")))),
    runs=st.lists(
        st.tuples(st.sampled_from(EVERY), st.sampled_from(("base/a", "team/b"))),
        min_size=1,
        unique=True,
    ),
)
async def test_copies_are_where_registries_have_them(
    held: set[tuple[Registry, str]], runs: list[tuple[Registry, str]]
) -> None:
    """Exactly the registries in other regions that hold the same digest."""
    services = tuple(
        service(f"s{nth}", [uri(registry, f"{name}:1")])
        for nth, (registry, name) in enumerate(runs)
    )
    async with simulate(FLEET, Scenario(services=services)) as aws:
        # One image for each name: what is pushed to the first is copied to the others.
        for name in ("base/a", "team/b"):
            holders = sorted(registry for registry, own in held if own == name)
            for nth, registry in enumerate(holders):
                repository = aws.world.have_repository(registry, name)
                image = aws.world.push(registry, name, "1")
                if nth:
                    original = aws.world.images(holders[0], name)[0]
                    del repository.images[image.digest]
                    repository.images[original.digest] = original
        report = await asked(aws)
        for use in running(report).images:
            there = {
                registry
                for registry, name in held
                if name == use.image.repository and registry.region != use.registry.region
            }
            known = (use.registry, use.image.repository) in held
            assert set(use.copies) == there, use
            assert (use.image.digest is not None) is known


async def test_who_may_not_be_asked_is_no_failure() -> None:
    """A permission that is missing is optional; the role that is refused is unreadable besides."""
    denied = (
        AccountScenario(id=SHOP.account, denied_actions=("ecs:ListClusters",)),
        AccountScenario(id=EU.account, denied_actions=("lambda:*",)),
    )
    scenario = Scenario(
        accounts=denied, services=(service("web", [uri(EU, "base/a:1")], place=EU),)
    )
    async with simulate(FLEET, scenario) as aws:
        aws.world.push(EU, "base/a", "1")
        report = await asked(aws)
        assert {(place.runtime, place.place) for place in running(report).unasked} == {
            (Runtime.ECS, str(SHOP)),
            (Runtime.ECS, str(SHOP_US)),
            (Runtime.LAMBDA, str(EU)),
            (Runtime.LAMBDA, str(US)),
        }
        for place in running(report).unasked:
            assert not place.fails
            assert '"ecs:ListClusters"' in (place.error.hint or "") or "lambda:" in str(place.error)
        assert [*by_name(report)] == ["base/a"]
        assert report.status == "ok"


async def test_who_fails_is_a_failure() -> None:
    """And a registry that could not be asked is not known to have a copy."""
    scenario = Scenario(
        accounts=(AccountScenario(id=SHOP.account, denied=True),),
        services=(service("web", [uri(EU, "base/a:1")], place=EU),),
    )
    async with simulate(FLEET, scenario) as aws:
        aws.world.push(EU, "base/a", "1")
        report = await asked(aws)
        assert {place.place for place in running(report).unasked} == {str(SHOP), str(SHOP_US)}
        (use,) = running(report).images
        assert (use.copies, use.missing, use.unknown) == ((), (US,), (SHOP_US,))
        assert report.status == "partial"


async def test_a_service_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another error than a denial is told, with exit 4, and the rest goes on."""
    faults: Any = ({"kind": "server-error", "rate": 1.0, "operations": ["ListFunctions"]},)
    scenario = Scenario(faults=faults, services=(service("web", [uri(EU, "base/a:1")]),))
    async with simulate(FLEET, scenario) as aws:
        aws.world.push(EU, "base/a", "1")
        report = await asked(aws)
        assert {place.runtime for place in running(report).unasked} == {Runtime.LAMBDA}
        assert {place.error.kind for place in running(report).unasked} == {FaultKind.SERVICE}
        assert (report.status, [*by_name(report)]) == ("partial", ["base/a"])


async def test_a_deadline_and_an_interruption() -> None:
    """Whoever was not asked in time did not say what runs, which is a failure; after Ctrl-C the
    report holds the answers until then, and no faults."""
    slow = FLEET.replace(
        "[[accounts]]", "[apply]\ndeadline = '30s'\nconcurrency = 1\n[[accounts]]", 1
    )
    scenario = Scenario(services=(service("web", [uri(EU, "base/a:1")]),))
    async with simulate(slow, scenario) as aws:
        aws.world.push(EU, "base/a", "1")
        async with aws.connected(purpose=None) as fleet:
            reader = fleet._context.registries.calls
            read = reader.read

            async def late(*args: Any, **how: Any) -> Any:
                # The deadline passes while the first cluster is asked for.
                if "ListClusters" in args:
                    await aws.clock.sleep(60)
                return await read(*args, **how)

            with mock.patch.object(reader, "read", late):
                report = await fleet.coverage(in_use=["ecs", "lambda"])
            kinds = {place.error.kind for place in running(report).unasked}
            assert kinds == {FaultKind.TIMEOUT}
            assert report.status == "partial"
            fleet.stop()
            stopped = await fleet.coverage(in_use=["ecs"])
    assert (stopped.status, running(stopped).unasked, running(stopped).images) == (
        "interrupted",
        (),
        (),
    )


async def test_a_deadline_while_images_are_looked_up() -> None:
    """Each running image is listed all the same, and nobody says that it is nowhere else."""
    slow = FLEET.replace("[[accounts]]", "[apply]\ndeadline = '30s'\n[[accounts]]", 1)
    scenario = Scenario(services=(service("web", [uri(EU, "base/a:1"), uri(EU, "base/b:1")]),))
    async with simulate(slow, scenario) as aws:
        for name in ("base/a", "base/b"):
            aws.world.push(EU, name, "1")
            aws.world.have_repository(US, name)
        async with aws.connected(purpose=None) as fleet:
            workloads = AwsWorkloads.tasks

            async def late(reader: AwsWorkloads, place: Registry) -> set[RunningImage]:
                running = await workloads(reader, place)
                await aws.clock.sleep(60)
                return running

            with mock.patch.object(AwsWorkloads, "tasks", late):
                report = await fleet.coverage(in_use=["ecs"])
    assert [use.image.repository for use in running(report).images] == ["base/a", "base/b"]
    for use in running(report).images:
        assert (use.copies, use.missing) == ((), ())
        assert {US, SHOP_US} <= {*use.unknown}
    assert FaultKind.TIMEOUT in {unread.error.kind for unread in report.unreadable}
    assert report.status == "partial"


async def test_clusters_are_asked_where_a_context_is_named() -> None:
    """Without a context, the other services are asked all the same, and the report says who was."""
    async with simulate(FLEET) as aws, aws.connected(purpose=None) as fleet:
        report = await fleet.coverage(in_use=("ecs", "lambda", "eks"))
    assert report.in_use is not None
    assert report.in_use.runtimes == (Runtime.ECS, Runtime.LAMBDA)
    assert not report.in_use.unasked


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"in_use": ("ec2",)}, '"ec2" runs no images: write ecs, lambda, eks'),
        ({"in_use": ("eks",)}, "eks and --kube-context go together: pods are asked for by the"),
        ({"kube_contexts": ("prod",)}, "eks and --kube-context go together"),
    ],
)
async def test_what_cannot_be_asked(how: dict[str, Any], message: str) -> None:
    """A wrong use, before anything is read."""
    async with simulate(FLEET) as aws, aws.connected(purpose=None) as fleet:
        with pytest.raises(SelectionError, match=message):
            await fleet.coverage(**how)
        assert "DescribeRepositories" not in aws.world.calls
