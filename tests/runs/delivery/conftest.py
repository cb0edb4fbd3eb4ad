"""A source with links, its images, and what ECR may say of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.support.links import make_link as link_of
from tests.support.registries import registry_of

from fleet_repl.ecr.rules import Rule, document_of, parse_document
from fleet_repl.runs.delivery import PushedImage, SampledImage, SourceSample, Status
from fleet_repl.topology import Link
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes, reduce

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SOURCE = registry_of("1")
NAMES = ("base/go", "base/python", "golden/app", "team/app", "zed")
ENDS = tuple(
    registry_of(digit, region) for digit in "123" for region in ("eu-west-1", "us-east-1")
)[1:]

MakeLink = Callable[..., Link]
MakeImage = Callable[..., PushedImage]


def link(destination: Registry, prefixes: Prefixes = EVERY_REPOSITORY) -> Link:
    return link_of(source=SOURCE, destination=destination, prefixes=prefixes, routes=("golden",))


def image(repository: str, minutes: float = 0, *, digest: str = "", tag: str = "1") -> PushedImage:
    return PushedImage(
        repository=repository,
        digest=digest or f"sha256:{repository}-{minutes}",
        tags=(tag,) if tag else (),
        pushed_at=NOW - timedelta(minutes=minutes),
    )


def sample_of(
    statuses: Mapping[PushedImage, Mapping[Registry, str]], rules: Mapping[Registry, Prefixes]
) -> SourceSample:
    """What a source with these rules said of these images."""
    written = [Rule(destinations=(end,), prefixes=prefixes) for end, prefixes in rules.items()]
    return SourceSample(
        at=NOW,
        replication=parse_document(document_of(written)),
        images=tuple(
            SampledImage(
                image=sampled,
                statuses={
                    end: Status("FAILED", text)
                    if text.isupper() and "_DENIED" in text
                    else Status(text)
                    for end, text in ends.items()
                },
            )
            for sampled, ends in statuses.items()
        ),
    )


prefix_sets = st.one_of(
    st.just(EVERY_REPOSITORY),
    st.lists(st.sampled_from(["base/", "base/p", "golden/", "team/"]), min_size=1).map(reduce),
)
links_ = st.dictionaries(st.sampled_from(ENDS), prefix_sets, max_size=4).map(
    lambda ends: tuple(link(end, ends[end]) for end in sorted(ends))
)
images_ = st.lists(
    st.builds(image, st.sampled_from(NAMES), st.integers(0, 60)),
    max_size=6,
    unique_by=lambda item: item.digest,
)
_said = st.dictionaries(
    st.sampled_from(ENDS),
    st.sampled_from(["COMPLETE", "IN_PROGRESS", "SOME_ACCESS_DENIED", "TOMORROW"]),
    max_size=4,
)
samples = st.builds(
    lambda images, said, rules: sample_of(
        {sampled: said[at] for at, sampled in enumerate(images)},
        {rule.destination: rule.prefixes for rule in rules},
    ),
    images_,
    st.lists(_said, min_size=6, max_size=6),
    links_,
)


@pytest.fixture(scope="session")
def links() -> SearchStrategy[tuple[Link, ...]]:
    """Links out of one source."""
    return links_


@pytest.fixture(scope="session")
def images() -> SearchStrategy[list[PushedImage]]:
    """Images of a few repositories, from the last hour."""
    return images_


@pytest.fixture(scope="session")
def source_samples() -> SearchStrategy[SourceSample]:
    """What a source may say, with any rules in place."""
    return samples


@pytest.fixture
def make_link() -> MakeLink:
    return link


@pytest.fixture
def make_image() -> MakeImage:
    """An image that was pushed so many minutes ago."""
    return image


@pytest.fixture
def make_sample() -> Callable[..., SourceSample]:
    """Statuses by image and destination, and the rules in place."""
    return sample_of


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def ends() -> tuple[Registry, ...]:
    """Destinations: one in the source's account, the others in two more."""
    return ENDS
