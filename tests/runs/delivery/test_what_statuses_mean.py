"""What ECR says of an image, and what it means that a destination is not on its list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.runs.delivery.conftest import MakeImage, MakeLink
from tests.support.registries import registry_of

from fleet_repl.runs.delivery import (
    Arrival,
    Delivery,
    DeliveryState,
    Lookup,
    SourceSample,
    Status,
    evidence_of,
    judge,
    lookups,
    parse_statuses,
)

END, OTHER = map(registry_of, "23")
DENIED = "DESTINATION_REGISTRY_ACCESS_DENIED"
AGAIN = (
    "fleet-repl repair or fleet-repl backfill --force copies it; "
    "to push the same tag again sends nothing"
)


def only(sample: Any, link: Any, **evidence: Any) -> Delivery:
    """What is told of the one image under the one link."""
    evidence_ = replace(evidence_of(sample, evidence.pop("received", ())), **evidence)
    ((delivery,),) = judge(sample, [link], evidence_)
    return delivery


def test_statuses_are_read_by_destination() -> None:
    """With ECR's code; what is no status is left out."""
    documents: tuple[dict[str, Any], ...] = (
        {"registryId": "2" * 12, "region": "eu-west-1", "status": "COMPLETE", "tomorrow": 1},
        {
            "registryId": "3" * 12,
            "region": "eu-west-1",
            "status": "FAILED",
            "failureCode": DENIED,
        },
        {"registryId": "4" * 12, "region": "eu-west-1"},
        {"status": "COMPLETE"},
    )
    assert parse_statuses(documents) == {
        END: Status("COMPLETE"),
        OTHER: Status("FAILED", DENIED),
    }


@pytest.mark.parametrize(
    ("arrival", "seconds", "because"),
    [
        (None, None, None),
        (Arrival(found=True), None, None),
        (Arrival(found=False), None, "it arrived, and is not there any more"),
        (
            Arrival(found=True, status="ARCHIVED"),
            None,
            "it is archived at the destination: nobody can pull it until it is restored there",
        ),
        (
            Arrival(found=True, status="ACTIVATING"),
            None,
            "it is being restored from the archive of the destination",
        ),
        (Arrival(found=True, status="ACTIVE"), None, None),
    ],
)
def test_complete(
    make_sample: Callable[..., SourceSample],
    make_link: MakeLink,
    make_image: MakeImage,
    arrival: Arrival | None,
    seconds: float | None,
    because: str | None,
) -> None:
    """Complete is what ECR says; nothing that is looked up changes that."""
    image = make_image("base/app", 30)
    key = Lookup(END, image.repository, image.digest)
    sample = make_sample({image: {END: "COMPLETE"}}, {})
    delivery = only(sample, make_link(END), arrivals={} if arrival is None else {key: arrival})
    assert delivery == Delivery(
        image=image, state=DeliveryState.COMPLETE, seconds=seconds, because=because
    )


@pytest.mark.parametrize(("after", "seconds"), [(42, 42.0), (0, 0.0), (-60, None)])
def test_seconds_from_push_to_arrival(
    make_sample: Callable[..., SourceSample],
    make_link: MakeLink,
    make_image: MakeImage,
    after: int,
    seconds: float | None,
) -> None:
    """Where the times show it: an image that was there before this push tells nothing."""
    image = make_image("base/app", 30)
    at = image.pushed_at + timedelta(seconds=after)
    arrivals = {Lookup(END, image.repository, image.digest): Arrival(found=True, at=at)}
    sample = make_sample({image: {END: "COMPLETE"}}, {})
    assert only(sample, make_link(END), arrivals=arrivals).seconds == seconds


def test_in_progress_since_its_push(
    make_sample: Callable[..., SourceSample], make_link: MakeLink, make_image: MakeImage
) -> None:
    """For how long; a clock that is behind makes it no time at all."""
    delivery = only(make_sample({make_image("a/b", 5): {END: "IN_PROGRESS"}}, {}), make_link(END))
    assert (delivery.state, delivery.seconds, delivery.because) == ("in-progress", 300.0, None)
    delivery = only(make_sample({make_image("a/b", -5): {END: "IN_PROGRESS"}}, {}), make_link(END))
    assert delivery.seconds == 0


def test_a_status_of_tomorrow(
    make_sample: Callable[..., SourceSample], make_link: MakeLink, make_image: MakeImage
) -> None:
    """It is neither complete nor failed, and ECR's word is told."""
    delivery = only(make_sample({make_image("a/b", 1): {END: "QUEUED"}}, {}), make_link(END))
    assert (delivery.state, delivery.because) == ("in-progress", "ECR calls it QUEUED")


def test_failed_with_its_code(
    make_sample: Callable[..., SourceSample], make_link: MakeLink, make_image: MakeImage
) -> None:
    """Explained elsewhere."""
    delivery = only(make_sample({make_image("a/b"): {END: DENIED}}, {}), make_link(END))
    assert (delivery.state, delivery.code) == ("failed", DENIED)


def test_no_rule_carries_it(
    make_sample: Callable[..., SourceSample], make_link: MakeLink, make_image: MakeImage
) -> None:
    """The link is wanted and the source has no rule for it, or one for other repositories."""
    for rules in ({}, {OTHER: ("",)}, {END: ("golden/",)}):
        delivery = only(make_sample({make_image("base/app"): {}}, rules), make_link(END))
        assert delivery.state is DeliveryState.NO_RULE
        assert delivery.because == "no replication rule of the source carries it"
        assert delivery.hint == (
            "fleet-repl apply puts it in place; fleet-repl backfill copies what is there already"
        )


def test_a_rule_of_an_unknown_kind_may_carry_it(
    make_sample: Callable[..., SourceSample], make_link: MakeLink, make_image: MakeImage
) -> None:
    """Nobody can say that there is no rule."""
    sample = make_sample({make_image("base/app"): {}}, {})
    sample = replace(sample, replication=replace(sample.replication, may_use={END: ("",)}))
    assert only(sample, make_link(END)).state is DeliveryState.NOT_SENT


def test_pushed_before_the_rule(
    make_sample: Callable[..., SourceSample], make_link: MakeLink, make_image: MakeImage
) -> None:
    """There is a rule now and no sign that it was there then: no failure, but a hint."""
    image = make_image("base/app", 60)
    delivery = only(make_sample({image: {}}, {END: ("base/",)}), make_link(END))
    assert delivery == Delivery(
        image=image,
        state=DeliveryState.NOT_SENT,
        because="pushed before the rule was in place",
        hint="fleet-repl backfill copies what is there already",
    )


def test_there_although_it_was_not_sent(
    make_sample: Callable[..., SourceSample], make_link: MakeLink, make_image: MakeImage
) -> None:
    """A backfill has copied it, for instance."""
    image = make_image("base/app", 60)
    arrivals = {Lookup(END, image.repository, image.digest): Arrival(found=True)}
    delivery = only(make_sample({image: {}}, {END: ("base/",)}), make_link(END), arrivals=arrivals)
    assert delivery.state is DeliveryState.COMPLETE
    assert delivery.because == "not listed by ECR, yet there: copied by a backfill, or pushed there"


def test_missing_although_an_older_one_was_sent(
    make_sample: Callable[..., SourceSample],
    make_link: MakeLink,
    make_image: MakeImage,
    now: datetime,
) -> None:
    """Of the same repository, to the same destination: then the rule was in place."""
    older, newer = make_image("base/app", 60), make_image("base/app", 30)
    rules = {END: ("base/",)}
    sample = make_sample({newer: {}, older: {END: "COMPLETE"}}, rules)
    ((first, second),) = judge(sample, [make_link(END)], evidence_of(sample, ()))
    assert (first.state, second.state) == (DeliveryState.MISSING, DeliveryState.COMPLETE)
    assert first.because == "an older image of the repository was sent there, this one was not"
    assert first.hint == AGAIN
    for statuses in (
        {newer: {END: "COMPLETE"}, older: {}},
        {newer: {}, older: {OTHER: "COMPLETE"}},
        {newer: {}, make_image("base/other", 60): {END: "COMPLETE"}},
    ):
        sample = make_sample(statuses, rules)
        ((*deliveries,),) = judge(sample, [make_link(END)], evidence_of(sample, ()))
        assert DeliveryState.MISSING not in {item.state for item in deliveries}


def test_who_has_not_looked_cannot_miss_it(
    make_sample: Callable[..., SourceSample], make_link: MakeLink, make_image: MakeImage
) -> None:
    """A managed destination that could not be looked into: the reason says so."""
    older, newer = make_image("base/app", 60), make_image("base/app", 30)
    sample = make_sample({newer: {}, older: {END: "COMPLETE"}}, {END: ("base/",)})
    evidence = evidence_of(sample, (), {END.account})
    ((first, _),) = judge(sample, [make_link(END)], evidence)
    assert first == Delivery(
        image=newer,
        state=DeliveryState.NOT_SENT,
        because="an older image of the repository was sent there, this one was not; it could not "
        "be looked up there",
        hint=AGAIN,
    )
    looked = {Lookup(END, newer.repository, newer.digest): Arrival(found=False)}
    ((first, _),) = judge(sample, [make_link(END)], replace(evidence, arrivals=looked))
    assert first.state is DeliveryState.MISSING
    assert first.because == "an older image of the repository was sent there, this one was not"
    alone = make_sample({newer: {}}, {END: ("base/",)})
    ((first,),) = judge(alone, [make_link(END)], evidence_of(alone, (), {END.account}))
    assert (first.state, first.because) == (
        DeliveryState.NOT_SENT,
        "pushed before the rule was in place; it could not be looked up there",
    )


def test_what_seems_to_be_missing_is_looked_up_first(
    make_sample: Callable[..., SourceSample], make_link: MakeLink, make_image: MakeImage
) -> None:
    """Then what was not sent, and in the end what arrived, as far as the bound goes."""
    early = [make_image(f"team/{number}", 40) for number in range(4)]
    older, newer = make_image("base/app", 60), make_image("base/app", 30)
    said = {**{item: {} for item in early}, older: {END: "COMPLETE"}, newer: {}}
    sample = make_sample(said, {END: ("",)})
    evidence = evidence_of(sample, (), {END.account})
    asked = lookups(sample, [make_link(END)], evidence, count=2)
    assert [item.repository for item in asked.deciding] == ["base/app"] + [
        item.repository for item in early
    ]
    assert asked.timing == (Lookup(END, older.repository, older.digest),)
    asked = lookups(sample, [make_link(END)], evidence, count=1)
    assert (len(asked.deciding), asked.timing) == (5, ())


def test_what_arrived_by_replication_is_not_passed_on(
    make_sample: Callable[..., SourceSample], make_link: MakeLink, make_image: MakeImage
) -> None:
    """An image that was sent nowhere, under prefixes that the fleet brings in, may be one."""
    image, rules = make_image("base/app", 60), {END: ("",)}
    delivery = only(make_sample({image: {}}, rules), make_link(END), received=("base/",))
    assert delivery.because == (
        "pushed before the rule was in place, or not pushed here at all: what arrives by "
        "replication is not passed on"
    )
    # Nor does an older one that was pushed here make it one that is missing.
    both = make_sample({image: {}, make_image("base/app", 90): {END: "COMPLETE"}}, rules)
    ((first, _),) = judge(both, [make_link(END)], evidence_of(both, ("base/",)))
    assert first.state is DeliveryState.NOT_SENT
    pushed = make_sample({image: {OTHER: "COMPLETE"}}, rules)
    delivery = only(pushed, make_link(END), received=("base/",))
    assert delivery.because == "pushed before the rule was in place"
