"""Images of a repository are compared page by page, in bounded memory, with whatever is there."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
from hypothesis import given, strategies as st
from tests.support.clock import NOON, VirtualClock
from tests.support.registries import registry_of

from fleet_repl.engine.coverage.compare import MOST, NEWEST, Comparer
from fleet_repl.engine.coverage.pending import ASKED, GRACE
from fleet_repl.runs.coverage import Comparison
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import Registry

SOURCE, HERE, THERE = map(registry_of, "123")
PAGE = 1_000
OLD = NOON - timedelta(days=30)
DENIED = CallError(Fault(kind=FaultKind.ACCESS_DENIED, operation="DescribeImages", message="no"))


def digest_of(number: int) -> str:
    return f"sha256:{number:064x}"


@dataclass
class Images:
    """Registries with numbered images, listed page by page as they are asked for."""

    images: dict[Registry, range | list[int]]
    pushed_at: dict[int, datetime] = field(default_factory=dict)
    statuses: dict[int, str] = field(default_factory=dict)
    denies: frozenset[Registry] = frozenset()
    asked: list[str] = field(default_factory=list)
    page: int = PAGE
    arrive_late: frozenset[int] = frozenset()

    async def every_image(
        self, registry: Registry, repository: str
    ) -> AsyncIterator[tuple[JsonObject, ...]]:
        await anyio.lowlevel.checkpoint()
        if registry in self.denies:
            raise DENIED
        numbers = self.images[registry]
        self.asked.append(f"list {registry.account[0]}")
        for start in range(0, len(numbers), self.page):
            await anyio.lowlevel.checkpoint()
            yield tuple(
                {
                    "imageDigest": digest_of(number),
                    "imageTags": [f"v{number}"],
                    "imagePushedAt": self.pushed_at.get(number, OLD).timestamp(),
                }
                for number in numbers[start : start + self.page]
            )

    async def replication_statuses(
        self, registry: Registry, repository: str, digest: str
    ) -> tuple[JsonObject, ...]:
        self.asked.append("status")
        number = next(n for n in self.images[registry] if digest_of(n) == digest)
        if number not in self.statuses:
            return ()
        end: JsonObject = {"registryId": HERE.account, "region": HERE.region}
        return ({**end, "status": self.statuses[number]},)

    async def find_image(
        self, registry: Registry, repository: str, digest: str
    ) -> JsonObject | None:
        late = {digest_of(number) for number in self.arrive_late}
        return {"imageDigest": digest} if digest in late else None


def comparer(images: Images, **how: Any) -> Comparer:
    reader: Any = images
    return Comparer(images=reader, clock=VirtualClock(NOON), **how)


async def compared(images: Images, **how: Any) -> Comparison:
    result = await comparer(images, **how).compare(SOURCE, "base/go", {HERE: True})
    comparison = result[HERE]
    assert isinstance(comparison, Comparison)
    return comparison


@given(
    here=st.lists(st.integers(0, 60), unique=True),
    there=st.lists(st.integers(0, 60), unique=True),
    most=st.integers(1, 70),
)
async def test_in_parts_as_at_once(here: list[int], there: list[int], most: int) -> None:
    """However many images are held at a time, the missing ones are the difference of two sets."""
    pushed_at = {number: OLD + timedelta(days=number / 10) for number in here}
    images = Images({SOURCE: here, HERE: there}, pushed_at, page=7)
    comparison = await compared(images, most=most)
    missing = {*here} - {*there}
    assert (comparison.wanted, comparison.missing) == (len(here), len(missing))
    assert comparison.pending == 0
    newest = sorted(missing, reverse=True)[:NEWEST]
    assert [image.digest for image in comparison.newest] == [*map(digest_of, newest)]
    assert [image.tags for image in comparison.newest] == [(f"v{number}",) for number in newest]


async def peak_of(images: Images, **how: Any) -> tuple[Comparison, int]:
    """A comparison, and the most bytes that it held."""
    tracemalloc.start()
    try:
        comparison = await compared(images, **how)
        return comparison, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_memory_is_bounded_whatever_a_repository_holds() -> None:
    """Half of the images are missing. Four times as many as are held at a time take no more than
    just as many do, and a hundred thousand, at that rate, some 40 MB."""
    most = 10_000
    images = Images({SOURCE: range(most), HERE: range(most // 2)}, page=100)
    _, of_one_part = await peak_of(images, most=most)
    images = Images({SOURCE: range(4 * most), HERE: range(2 * most)}, page=100)
    comparison, of_four = await peak_of(images, most=most)
    assert (comparison.wanted, comparison.missing) == (4 * most, 2 * most)
    assert images.asked == ["list 1", *["list 2"] * 4]
    assert of_four < 1.2 * of_one_part
    assert of_one_part / most * MOST < 48 * 2**20


async def test_few_long_lists_are_held_at_a_time() -> None:
    """Sixteen repositories of three pages: each waits after its first page, but for two."""
    images = Images({SOURCE: range(3_000), HERE: range(3_000)})
    one = comparer(images)
    tracemalloc.start()
    try:
        async with anyio.create_task_group() as group:
            for nth in range(16):
                group.start_soon(one.compare, SOURCE, f"base/{nth}", {HERE: True})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert images.asked.count("list 2") == 16
    assert peak < 20 * 2**20


async def test_images_under_way() -> None:
    """ECR is asked about young images only: what it still replicates is pending, what it has sent
    and what came meanwhile are not; nor is what it was never asked to send."""
    young = {number: NOON - timedelta(minutes=number) for number in range(1, 6)}
    images = Images(
        {SOURCE: [*range(1, 6), 100], HERE: []},
        young,
        {1: "IN_PROGRESS", 2: "FAILED", 3: "COMPLETE", 4: "COMPLETE"},
        arrive_late=frozenset({4}),
    )
    comparison = await compared(images)
    assert (comparison.wanted, comparison.pending, comparison.missing) == (6, 1, 4)
    assert images.asked.count("status") == 5
    assert digest_of(2) in {image.digest for image in comparison.newest}


async def test_few_young_images_are_asked_about() -> None:
    """The newest of them; the others are too young to be called missing."""
    young = {number: NOON - timedelta(seconds=number) for number in range(50)}
    young[50] = NOON - GRACE - timedelta(seconds=1)
    images = Images({SOURCE: range(51), HERE: []}, young)
    comparison = await compared(images)
    assert images.asked.count("status") == ASKED
    assert (comparison.pending, comparison.missing) == (50 - ASKED, ASKED + 1)


async def test_a_destination_that_fails_spoils_no_other() -> None:
    """Its fault stands in its place, and it is not asked again for the next part."""
    images = Images({SOURCE: range(10), THERE: range(10)}, denies=frozenset({HERE}))
    result = await comparer(images).compare(SOURCE, "base/go", {HERE: True, THERE: True})
    assert result[HERE] == DENIED.fault
    assert result[THERE] == Comparison(wanted=10, missing=0, pending=0)


async def test_a_repository_that_is_not_there_is_not_listed() -> None:
    """Nor is more than a page of the source looked at where it is not to be compared whole."""
    images = Images({SOURCE: range(5_000), HERE: []})
    result = await comparer(images).compare(SOURCE, "base/go", {HERE: False}, whole=False)
    comparison = result[HERE]
    assert isinstance(comparison, Comparison)
    assert replace(comparison, newest=()) == Comparison(wanted=PAGE, missing=PAGE, pending=0)
    assert images.asked == ["list 1"]
    assert all(image.pushed_at == OLD.astimezone(UTC) for image in comparison.newest)
