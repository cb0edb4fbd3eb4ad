"""`explain` says that an image gets to a registry if and only if a push makes it arrive there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from tests.support.registries import registry_of
from tests.support.simulated import simulate

from fleet_repl import FleetError, Registry, explain_image, load_inventory
from fleet_repl.planning.explain import Explanation, explain, question_of

REGISTRIES = [
    registry_of(account, region) for account in "1234" for region in ("eu-west-1", "us-east-1")
]
REPOSITORIES = ("prod", "production/x", "base/go", "base", "team/a")
PREFIXES = ("prod", "prod/", "base/", "base", "team/", "base/go")


@dataclass(frozen=True)
class Drawn:
    """A route by numbers of registries and its prefixes."""

    source: str
    destinations: tuple[str, ...]
    region: str | None
    prefixes: tuple[str, ...]

    def text(self, number: int) -> str:
        accounts = json.dumps([account * 12 for account in self.destinations])
        region = "" if self.region is None else f', regions = "{self.region}"'
        prefixes = f"prefixes = {json.dumps(self.prefixes)}\n" if self.prefixes else ""
        return (
            f'[[routes]]\nname = "r{number}"\nfrom = {{ accounts = "{self.source * 12}" }}\n'
            f"to = {{ accounts = {accounts}{region} }}\n{prefixes}"
        )


routes = st.builds(
    Drawn,
    st.sampled_from("123"),
    st.lists(st.sampled_from("12345"), min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from((None, "eu-west-1", "us-east-1")),
    st.lists(st.sampled_from(PREFIXES), max_size=2, unique=True).map(tuple),
)


def inventory(drawn: list[Drawn], *, retired: bool) -> str:
    """Three accounts, a fourth one that may be retired, and a partner."""
    accounts = "\n".join(f'[[accounts]]\nid = "{account * 12}"\n' for account in "1234")
    state = 'state = "retired"' if retired else ""
    wanted = "".join(route.text(number) for number, route in enumerate(drawn))
    return f"""version = 1
name = "law"
{"" if drawn else "routes = []"}
[aws]
role = "fleet"
regions = ["eu-west-1", "us-east-1"]
{accounts}{state}
[[external]]
id = "555555555555"
regions = ["eu-west-1", "us-east-1"]
{wanted}"""


def reached(explanation: Explanation, source: Registry) -> set[Registry]:
    """The managed registries that an image gets to from a source."""
    return {
        carried.destination
        for carried in explanation.carried
        if carried.source == source and carried.destination.account != "5" * 12
    }


@settings(max_examples=25)
@given(drawn=st.lists(routes, max_size=4), retired=st.booleans())
async def test_an_image_gets_where_the_explanation_says(drawn: list[Drawn], retired: bool) -> None:
    """By the inventory alone, once it is applied: from each registry exactly the registries that
    are carried, whether asked about one source or about all; and every other one has a reason."""
    drawn = [
        route for route in drawn if {route.source} != {*route.destinations} or not route.region
    ]
    async with simulate(inventory(drawn, retired=retired)) as aws:
        await aws.applied()
        for source, repository in product(REGISTRIES, REPOSITORIES):
            whole = explain(question_of(aws.inventory, f"{repository}:1"))
            alone = explain(question_of(aws.inventory, f"{repository}:1", source=str(source)))
            image = aws.world.push(source, repository, "1")
            arrived = {
                end
                for end in REGISTRIES
                if end != source
                and any(kept.digest == image.digest for kept in aws.world.images(end, repository))
            }
            assert reached(whole, source) == reached(alone, source) == arrived
            left_out = {why.destination for why in alone.not_carried}
            assert left_out | {link.destination for link in alone.carried} == {
                *(end for end in REGISTRIES if end != source),
                registry_of("5"),
                registry_of("5", "us-east-1"),
            }
            assert all(why.because for why in alone.not_carried)


def test_accounts_have_to_be_known(tmp_path: Path) -> None:
    """An inventory whose accounts are still to be discovered seems to send nothing anywhere."""
    path = tmp_path / "fleet.toml"
    path.write_text(
        'version = 1\nname = "org"\n[aws]\nrole = "fleet"\nregions = ["eu-west-1"]\n'
        '[organization]\n[[routes]]\nname = "all"\nfrom = { accounts = "build" }\nto = {}\n'
    )
    undiscovered = load_inventory(path)
    with pytest.raises(FleetError, match="was not done yet\n    await"):
        explain_image(undiscovered, "base/go")
