"""Laws of whole runs over HTTP, on generated fleets in any state, judged by the sandbox."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from typing import Any

from hypothesis import given, settings, strategies as st
from tests.support.simulated import simulate

from fleet_repl import Outcome, Registry, Status
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Region

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
REGIONS = ("eu-west-1", "us-east-1")
REGISTRIES = [
    Registry(AccountId(account), Region(region)) for account in ACCOUNTS for region in REGIONS
]
REPOSITORIES = ("aa/x", "aa/b/x", "cc/x", "aax", "dd")
THEIRS: JsonObject = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::333333333333:root"},
    "Action": "ecr:BatchImportUpstreamImage",
    "Resource": "*",
}


@dataclass(frozen=True)
class Route:
    """A route by the registries it names."""

    sources: tuple[tuple[str, ...], tuple[str, ...]]
    destinations: tuple[tuple[str, ...], tuple[str, ...]]
    prefixes: tuple[str, ...] | None

    def text(self, number: int) -> str:
        def selector(side: tuple[tuple[str, ...], tuple[str, ...]]) -> str:
            return f"{{ accounts = {json.dumps(side[0])}, regions = {json.dumps(side[1])} }}"

        prefixes = "" if self.prefixes is None else f"prefixes = {json.dumps(self.prefixes)}\n"
        return (
            f'[[routes]]\nname = "r{number}"\nfrom = {selector(self.sources)}\n'
            f"to = {selector(self.destinations)}\n{prefixes}"
        )

    def carries(self, source: Registry, destination: Registry, repository: str) -> bool:
        """What the inventory's format says of one image, in one line."""
        return (
            source != destination
            and (source.account in self.sources[0] and source.region in self.sources[1])
            and (destination.account in self.destinations[0])
            and (destination.region in self.destinations[1])
            and (self.prefixes is None or repository.startswith(self.prefixes))
        )


sides = st.tuples(
    st.lists(st.sampled_from(ACCOUNTS), min_size=1, unique=True).map(tuple),
    st.lists(st.sampled_from(REGIONS), min_size=1, unique=True).map(tuple),
)
routes = st.builds(
    Route,
    sides,
    sides,
    st.one_of(
        st.none(),
        st.lists(
            st.sampled_from(["aa/", "aa/b/", "cc/", "aa"]), min_size=1, max_size=3, unique=True
        ).map(tuple),
    ),
).filter(
    lambda route: any(
        route.carries(a, b, "aa/b/x") or route.carries(a, b, "cc/x")
        for a, b in product(REGISTRIES, REGISTRIES)
    )
)
rule_documents = st.lists(
    st.fixed_dictionaries(
        {
            "destinations": st.lists(
                st.sampled_from(REGISTRIES).map(
                    lambda registry: {"registryId": registry.account, "region": registry.region}
                ),
                min_size=1,
                max_size=2,
            )
        },
        optional={
            "repositoryFilters": st.lists(
                st.sampled_from(["aa/", "zz/"]).map(
                    lambda prefix: {"filter": prefix, "filterType": "PREFIX_MATCH"}
                ),
                min_size=1,
                max_size=2,
            )
        },
    ),
    max_size=3,
).map(lambda rules: {"rules": rules})


def inventory(wanted: list[Route]) -> str:
    listed = "\n".join(f'[[accounts]]\nid = "{account}"' for account in ACCOUNTS)
    chosen = "\n".join(route.text(number) for number, route in enumerate(wanted))
    return f"""version = 1
name = "law"
{"" if wanted else "routes = []"}
[aws]
role = "fleet"
regions = {json.dumps(REGIONS)}
{listed}
{chosen}
"""


@settings(max_examples=25)
@given(
    wanted=st.lists(routes, max_size=4),
    rules=st.dictionaries(st.sampled_from(REGISTRIES), rule_documents, max_size=4),
    foreign=st.frozensets(st.sampled_from(REGISTRIES), max_size=3),
)
async def test_one_run_settles_any_fleet(
    wanted: list[Route], rules: dict[Registry, Any], foreign: frozenset[Registry]
) -> None:
    """After one run the next plan is empty, images go exactly where routes say, and what is
    other people's is still there."""
    async with simulate(inventory(wanted)) as aws:
        for registry, document in rules.items():
            others: list[Any] = [
                {**rule, "destinations": elsewhere}
                for rule in document["rules"]
                if (
                    elsewhere := [
                        item
                        for item in rule["destinations"]
                        if (item["registryId"], item["region"]) != registry
                    ]
                )
            ]
            aws.world.set_replication(registry, {"rules": others})
        for registry in foreign:
            aws.world.set_policy(registry, {"Version": "2012-10-17", "Statement": [THEIRS]})
        async with aws.connected() as fleet:
            report = await fleet.apply(await fleet.plan(), force=True)
            assert report.status is Status.OK, report
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            assert not plan.changes
            again = await fleet.apply(plan)
            assert {registry.outcome for registry in again.registries} == {Outcome.UNCHANGED}
        for registry in foreign:
            assert aws.statements(registry)[0] == THEIRS
        for source, repository in product(REGISTRIES, REPOSITORIES):
            name = f"{repository}-{source.account}-{source.region}"
            aws.world.push(source, name, "1")
            arrived = {
                registry
                for registry in REGISTRIES
                if registry != source and aws.world.images(registry, name)
            }
            assert arrived == {
                registry
                for registry in REGISTRIES
                if any(route.carries(source, registry, name) for route in wanted)
            }
