"""Which images are asked about: recent, spread over links and repositories, and not too many."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy
from tests.runs.delivery.conftest import MakeImage, MakeLink

from fleet_repl.runs.delivery import (
    LOOKS,
    PushedImage,
    carried,
    newest,
    recent_images,
    repositories_to_ask,
    sample,
)
from fleet_repl.topology import Link
from fleet_repl.values.clock import moment
from fleet_repl.values.names import Registry

NAMES = st.lists(st.sampled_from(["base/a", "base/b", "golden/c", "team/d", "e"]), max_size=8)


@given(data=st.data(), names=NAMES, count=st.integers(1, 2))
def test_only_repositories_that_a_link_carries_are_looked_into(
    data: DataObject, links: SearchStrategy[tuple[Link, ...]], names: list[str], count: int
) -> None:
    """Each once, as many as the bound allows, in an order that does not depend on the answer's."""
    wanted = data.draw(links)
    asked = repositories_to_ask(names, wanted, ("base/",), count=count)
    under = {name for name in names if carried(wanted, name)}
    assert set(asked) <= under
    assert len(asked) == len(set(asked)) == min(len(under), LOOKS * count)
    assert asked == repositories_to_ask(reversed(names), wanted, ("base/",), count=count)


def test_no_link_is_forgotten_over_a_busier_one(
    make_link: MakeLink, ends: tuple[Registry, ...]
) -> None:
    """One repository of a small link is among the first of a thousand of a large one."""
    links = (make_link(ends[0], ("base/",)), make_link(ends[1], ("golden/",)))
    names = [f"base/{number}" for number in range(1_000)] + ["golden/app"]
    asked = repositories_to_ask(names, links, (), count=10)
    assert len(asked) == 50
    assert "golden/app" in asked[:2]


def test_what_may_have_come_by_replication_is_looked_into_last(
    make_link: MakeLink, ends: tuple[Registry, ...]
) -> None:
    """It is not passed on, so it says little about the links."""
    links = (make_link(ends[0]),)
    names = [f"base/{number}" for number in range(20)] + ["team/app", "team/web"]
    asked = repositories_to_ask(names, links, ("base/",), count=10)
    assert set(asked[:2]) == {"team/app", "team/web"}
    assert len(asked) == 22


def test_recent_images_are_those_pushed_since(now: datetime) -> None:
    """Newest first, tagged ones before parts of others; what tells no time is not taken."""
    start = now.timestamp()
    details: list[dict[str, Any]] = [
        {"imageDigest": "sha256:old", "imagePushedAt": start - 7_200, "imageTags": ["1"]},
        {"imageDigest": "sha256:part", "imagePushedAt": start},
        {"imageDigest": "sha256:first", "imagePushedAt": start - 3_600, "imageTags": ["2"]},
        {"imageDigest": "sha256:latest", "imagePushedAt": start - 60, "imageTags": ["3", "4"]},
        {"imageDigest": "sha256:odd", "imagePushedAt": "yesterday"},
        {"imagePushedAt": start},
    ]
    recent = recent_images(details, "base/app", since=now - timedelta(hours=1))
    chosen = newest(recent, count=10)
    assert [item.digest for item in chosen] == ["sha256:latest", "sha256:first", "sha256:part"]
    assert chosen[0].tags == ("3", "4")
    assert chosen[0].pushed_at == now - timedelta(minutes=1)
    assert recent_images(details, "base/app", since=now) == chosen[2:]
    assert newest(recent_images(details, "base/app", since=now - timedelta(days=1)), count=1) == (
        chosen[0],
    )


@given(data=st.data(), size=st.integers(1, 5), count=st.integers(1, 4))
def test_the_newest_are_found_page_by_page(
    data: DataObject, images: SearchStrategy[list[PushedImage]], size: int, count: int
) -> None:
    """Whatever the pages: no more than the newest so far have to be kept."""
    every = data.draw(images)
    chosen: tuple[PushedImage, ...] = ()
    for start in range(0, len(every), size):
        chosen = newest((*chosen, *every[start : start + size]), count=count)
    assert chosen == newest(every, count=count)
    assert len(chosen) == min(count, len(every))


def test_a_sample_takes_turns(make_image: MakeImage) -> None:
    """The newest of each repository, then the second of each; the busiest repository first."""
    calm = [make_image("base/calm", 30), make_image("base/calm", 40)]
    busy = [make_image("base/busy", minutes) for minutes in range(5)]
    assert sample([calm, [], busy], count=4) == (busy[0], calm[0], busy[1], calm[1])
    assert sample([calm, busy], count=10) == (busy[0], calm[0], busy[1], calm[1], *busy[2:])
    assert sample([], count=3) == ()


def test_times_are_seconds_since_1970(now: datetime) -> None:
    """As ECR spells them; anything else is no time."""
    assert moment(now.timestamp()) == now
    for odd in (None, True, "2026-11-23", float("nan"), 1e300, [1]):
        assert moment(odd) is None
