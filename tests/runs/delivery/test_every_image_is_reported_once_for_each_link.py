"""Laws: nothing that was sampled is left out or counted twice, and tallies add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.runs.delivery import (
    LOOKS,
    Arrival,
    Delivery,
    DeliveryReport,
    DeliveryState,
    LinkDelivery,
    SourceSample,
    evidence_of,
    judge,
    lookups,
    state_of,
)
from fleet_repl.topology import Link
from fleet_repl.values.names import AccountId
from fleet_repl.values.prefixes import covers

Links = SearchStrategy[tuple[Link, ...]]
Samples = SearchStrategy[SourceSample]


@given(data=st.data())
def test_every_image_under_a_link_is_reported_exactly_once(
    data: DataObject, links: Links, source_samples: Samples
) -> None:
    """The pairs that are told are the pairs of images and links that carry them."""
    wanted, sampled = data.draw(links), data.draw(source_samples)
    judged = judge(
        sampled, wanted, evidence_of(sampled, data.draw(st.sampled_from([(), ("base/",)])))
    )
    pairs = [
        (link.destination, delivery.image)
        for link, deliveries in zip(wanted, judged, strict=True)
        for delivery in deliveries
    ]
    assert Counter(pairs) == Counter(
        (link.destination, image.image)
        for link in wanted
        for image in sampled.images
        if covers(link.prefixes, image.image.repository)
    )


@given(data=st.data())
def test_tallies_add_up(data: DataObject, links: Links, source_samples: Samples) -> None:
    """States of links make up the links, and states of images the images told."""
    wanted, sampled = data.draw(links), data.draw(source_samples)
    judged = judge(sampled, wanted, evidence_of(sampled, ()))
    report = report_of(
        tuple(
            LinkDelivery(
                source=link.source,
                source_name="build",
                destination=link.destination,
                destination_name="shop",
                external=False,
                prefixes=link.prefixes,
                routes=link.routes,
                state=state_of(deliveries),
                images=tuple(deliveries),
            )
            for link, deliveries in zip(wanted, judged, strict=True)
        )
    )
    assert report.link_states.total() == len(wanted)
    assert report.image_states.total() == sum(map(len, judged))
    for link in report.links:
        states = {image.state for image in link.images}
        first = min(states, key=list(DeliveryState).index, default=DeliveryState.IDLE)
        assert link.state is first
        assert sum(len(link.having(state)) for state in DeliveryState) == len(link.images)
    assert (report.status == "ok") is not any(
        state.is_problem
        for deliveries in judged
        for state in {delivery.state for delivery in deliveries}
    )


@given(data=st.data(), count=st.integers(1, 3))
def test_lookups_are_bounded_and_of_use(
    data: DataObject, links: Links, source_samples: Samples, count: int
) -> None:
    """None twice, none at an external destination, none that could not change what is told."""
    wanted, sampled = data.draw(links), data.draw(source_samples)
    managed = {AccountId("1" * 12), AccountId("2" * 12)}
    evidence = evidence_of(sampled, (), managed)
    deciding, timing = lookups(sampled, wanted, evidence, count=count)
    asked = (*deciding, *timing)
    assert len(asked) == len(set(asked)) <= LOOKS * count
    told_without = judge(sampled, wanted, evidence)
    for lookup in asked:
        assert lookup.destination.account in managed
        there = Arrival(found=True, at=datetime(2027, 1, 1, tzinfo=UTC))
        judged = judge(sampled, wanted, replace(evidence, arrivals={lookup: there}))
        assert judged != told_without
        assert (_states(judged) == _states(told_without)) is (lookup in timing)
    if len(asked) < LOOKS * count:
        # What seems to be missing is told to be so only once it was looked for.
        gone = dict.fromkeys(asked, Arrival(found=False))
        judged = judge(sampled, wanted, replace(evidence, arrivals=gone))
        texts = [delivery.because or "" for deliveries in judged for delivery in deliveries]
        assert not any(text.endswith("could not be looked up there") for text in texts)


def _states(judged: list[list[Delivery]]) -> list[list[DeliveryState]]:
    return [[delivery.state for delivery in deliveries] for deliveries in judged]


def report_of(links: tuple[LinkDelivery, ...]) -> DeliveryReport:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    return DeliveryReport(
        run_id="run",
        started_at=moment,
        finished_at=moment,
        fleet="prod",
        inventory=InventoryRef(path="prod.toml", digest="sha256:" + "0" * 64),
        count=10,
        age=timedelta(days=7),
        sources=1,
        sampled=0,
        links=links,
    )
