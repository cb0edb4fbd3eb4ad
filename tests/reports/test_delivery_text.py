"""What people read of deliveries, for a few links and for a great many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.clock import NOON
from tests.support.registries import registry_of

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.reports.text.deliveries import delivery_text
from fleet_repl.runs.delivery import (
    Delivery,
    DeliveryReport,
    DeliveryState,
    LinkDelivery,
    PushedImage,
    UnreadRegistry,
    state_of,
)
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry

BUILD = registry_of("1", "us-east-1")
SHOP, DARK, PARTNER = map(registry_of, "234")
NAMES = {BUILD.account: "build", SHOP.account: "shop", DARK.account: "dark", PARTNER.account: "x"}

TEXT = """\
Delivery of prod: partial

               links  images
  idle             1
  not-sent         0       1
  complete         1       4
  in-progress      1       1
  unknown          1
  no-rule          0       0
  missing          1       1
  failed           2       3

Failed: 2 links
  DESTINATION_REGISTRY_ACCESS_DENIED: its registry policy does not grant \
ecr:ReplicateImage: 1 link
    111111111111 us-east-1 (build) → 222222222222 eu-west-1 (shop): 2 of 3 images: \
base/go:2, base/go:1
    → fleet-repl apply does that
  DESTINATION_REGISTRY_ACCESS_DENIED: the registry policy of the external destination \
does not let it in: 1 link
    111111111111 us-east-1 (build) → 444444444444 eu-west-1 (x), external: 1 of 1 image: base/go:2
    → its owner has to allow it

Missing: 1 link
  an older image of the repository was sent there, this one was not: 1 link
    222222222222 eu-west-1 (shop) → 111111111111 us-east-1 (build): 1 of 2 images: \
apps/web@sha256:abcdef012345
    → push it again

In progress: 1 link
  222222222222 eu-west-1 (shop) → 444444444444 eu-west-1 (x), external: \
1 of 1 image: apps/web:7 for 1 h 30 min

Not sent: 1 link
  pushed before the rule was in place: 1 link
    222222222222 eu-west-1 (shop) → 111111111111 us-east-1 (build): 1 of 2 images: apps/old:1
    → fleet-repl backfill copies what is there already

Unknown (the source was not read): 1 link
  333333333333 eu-west-1 (dark) → 111111111111 us-east-1 (build)

Unreadable: 1 registry
  access-denied at AssumeRole: 1 registry
    333333333333 eu-west-1 (dark): not authorized to assume \
arn:aws:iam::333333333333:role/fleet-replication (AccessDenied) [request 7a1c]
    → check that the role exists and trusts the base identity

From push to arrival: median 12.0 s, slowest 1 min 30 s, of 3 arrivals measured.
Asked about 7 images of the last 7 days in 3 sources, in 2.5 s. Exit 4: 2 links failed, \
1 link missing, 1 link unknown, 1 registry unreadable.
"""


def image(name: str, tag: str = "", *, digest: str = "sha256:abcdef0123456789") -> PushedImage:
    return PushedImage(repository=name, digest=digest, tags=(tag,) if tag else (), pushed_at=NOON)


def link(
    source: Registry,
    destination: Registry,
    images: Sequence[Delivery] = (),
    state: DeliveryState | None = None,
) -> LinkDelivery:
    return LinkDelivery(
        source=source,
        source_name=NAMES[source.account],
        destination=destination,
        destination_name=NAMES[destination.account],
        external=destination == PARTNER,
        prefixes=("base/",),
        routes=("golden",),
        state=state or state_of(images),
        images=tuple(images),
    )


def delivery(
    name: str, tag: str, state: DeliveryState, seconds: float | None = None, *lines: str
) -> Delivery:
    because, hint, code = (*lines, "", "", "")[:3]
    return Delivery(
        image=image(name, tag),
        state=state,
        seconds=seconds,
        because=because or None,
        hint=hint or None,
        code=code or None,
    )


@pytest.fixture
def report(denied: Fault) -> DeliveryReport:
    """A bit of everything."""
    code = "DESTINATION_REGISTRY_ACCESS_DENIED"
    lacking = "its registry policy does not grant ecr:ReplicateImage"
    apply, external = "fleet-repl apply does that", "its owner has to allow it"
    shut = "the registry policy of the external destination does not let it in"
    overdue = "an older image of the repository was sent there, this one was not"
    early, fill = (
        "pushed before the rule was in place",
        "fleet-repl backfill copies what is there already",
    )
    failed, complete = DeliveryState.FAILED, DeliveryState.COMPLETE
    return DeliveryReport(
        run_id="20261123T120000Z-3f9c1a",
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=2.5),
        fleet="prod",
        inventory=InventoryRef(path="prod.toml", digest="sha256:" + "0" * 64),
        count=10,
        age=timedelta(days=7),
        sources=3,
        sampled=7,
        links=(
            link(
                BUILD,
                SHOP,
                [
                    delivery("base/go", "2", failed, None, lacking, apply, code),
                    delivery("base/go", "1", failed, None, lacking, apply, code),
                    delivery("base/py", "1", complete, 12.0),
                ],
            ),
            link(BUILD, PARTNER, [delivery("base/go", "2", failed, None, shut, external, code)]),
            link(
                SHOP,
                BUILD,
                [
                    delivery("apps/web", "", DeliveryState.MISSING, None, overdue, "push it again"),
                    delivery("apps/old", "1", DeliveryState.NOT_SENT, None, early, fill),
                ],
            ),
            link(SHOP, PARTNER, [delivery("apps/web", "7", DeliveryState.IN_PROGRESS, 5_400)]),
            link(
                SHOP,
                DARK,
                [
                    delivery("apps/web", "6", complete, 90.0),
                    delivery("apps/web", "5", complete, 8.0),
                    delivery("apps/web", "4", complete),
                ],
            ),
            link(DARK, BUILD, state=DeliveryState.UNKNOWN),
            link(DARK, PARTNER, state=DeliveryState.IDLE),
        ),
        unreadable=(UnreadRegistry(registry=DARK, name="dark", error=denied),),
    )


def test_a_few_links(report: DeliveryReport) -> None:
    """Counts first, then what needs somebody; what is all right is only counted."""
    assert delivery_text(report) == TEXT


def test_a_full_page_lists_what_is_all_right_as_well(report: DeliveryReport) -> None:
    """With -v: links that are complete, and those that nothing falls under."""
    text = delivery_text(report, full=True)
    assert (
        "Complete: 2 links\n"
        "  111111111111 us-east-1 (build) → 222222222222 eu-west-1 (shop): "
        "1 of 3 images (median 12.0 s): base/py:1\n"
        "  222222222222 eu-west-1 (shop) → 333333333333 eu-west-1 (dark): "
        "3 of 3 images (median 49.0 s): apps/web:6, apps/web:5, apps/web:4\n" in text
    )
    assert (
        "Idle (no image of the sample): 1 link\n"
        "  333333333333 eu-west-1 (dark) → 444444444444 eu-west-1 (x), external\n" in text
    )


def test_nothing_to_ask_about(report: DeliveryReport) -> None:
    """No image is recent, or no link is there: both are told, and are no failure."""
    idle = replace(report, sampled=0, links=report.links[-1:], unreadable=())
    assert delivery_text(idle).endswith(
        "\nNothing to ask about: no image was pushed in the last 7 days, in 2.5 s. Exit 0: done.\n"
    )
    bare = replace(idle, links=(), sources=0)
    assert delivery_text(bare).endswith(
        "\nNothing to ask about: no route links anything here, in 2.5 s. Exit 0: done.\n"
    )


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=61), "61 seconds"),
    ],
)
def test_ages_are_reported_in_whole_units(
    report: DeliveryReport, age: timedelta, shown: str
) -> None:
    """In the largest one that leaves no rest."""
    assert f"of the last {shown} in 3 sources" in delivery_text(replace(report, age=age))


def test_an_interrupted_look(report: DeliveryReport) -> None:
    """It says so, and with which code it ends."""
    text = delivery_text(replace(report, interrupted=True))
    assert text.startswith("Delivery of prod: interrupted\n")
    assert text.endswith(" Exit 130: interrupted.\n")


def test_a_hundred_thousand_links_are_readable(report: DeliveryReport) -> None:
    """The same trouble is told once, and it is said how much was left out."""
    first = report.links[0]
    links = tuple(replace(first, source=registry_of(n, "us-east-1")) for n in range(100_000))
    lines = delivery_text(replace(report, links=links)).splitlines()
    assert len(lines) < 40
    assert "  failed       100,000  200,000" in lines
    assert "    … and 99,997 more" in lines
    assert "Lists are cut short: -v shows all, --report FILE.json keeps all." in lines


def test_many_images_of_a_link_are_cut(report: DeliveryReport) -> None:
    """Three are named; a hint of its own stands under each link that has one."""
    code, because = "X", "unheard of"
    many = [
        delivery("base/go", str(n), DeliveryState.FAILED, None, because, "one", code)
        for n in range(10)
    ]
    other = [delivery("base/go", "1", DeliveryState.FAILED, None, because, "two", code)]
    text = delivery_text(replace(report, links=(link(BUILD, SHOP, many), link(SHOP, BUILD, other))))
    assert (
        "  X: unheard of: 2 links\n"
        "    111111111111 us-east-1 (build) → 222222222222 eu-west-1 (shop): 10 of 10 images: "
        "base/go:0, base/go:1, base/go:2, 7 more\n"
        "      → one\n"
        "    222222222222 eu-west-1 (shop) → 111111111111 us-east-1 (build): 1 of 1 image: "
        "base/go:1\n"
        "      → two\n" in text
    )


def test_colours_do_not_change_the_words(report: DeliveryReport) -> None:
    """Without the colours it is the same text."""
    text = delivery_text(report, colour=True)
    assert "\x1b[1;31m  failed" not in text
    assert "\x1b[1;31mfailed           2       3\x1b[0m" in text
    for code in ("0", "1", "2", "32", "33", "1;31"):
        text = text.replace(f"\x1b[{code}m", "")
    assert text == TEXT


def test_names_from_outside_are_harmless(report: DeliveryReport) -> None:
    """A tag that is an escape code, an account's name in markup."""
    hostile = delivery("base/[red]", "\x1b[2J", DeliveryState.FAILED)
    text = delivery_text(replace(report, links=(link(BUILD, SHOP, [hostile]),)))
    assert "base/[red]:\\x1b[2J" in text
    assert "\x1b" not in text
