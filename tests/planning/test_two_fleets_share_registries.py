"""Two inventories over the same registries, both additive: a law over generated fleets.

In memory, in the order of the plan; each fleet has a name, and so statements, of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, TypeAlias

from hypothesis import given, strategies as st
from tests.support.desired import desired_of
from tests.support.links import make_link, rules_for
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import Owner, parse_policy
from fleet_repl.ecr.rules import Outgoing, deletes_of, document_of, parse_document, rules_of
from fleet_repl.inventory import Amount, Safety
from fleet_repl.planning.change import Phase, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.objections import objections
from fleet_repl.planning.observed import Observation, Observed
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.planning.planner import plan_registries
from fleet_repl.values.canonical_json import JsonObject, canonical_json
from fleet_repl.values.names import Partition, Registry
from fleet_repl.values.prefixes import Prefixes, covers, reduce

ANY_NUMBER = Safety(max_removals=Amount(percent=Fraction(100)))
Wishes: TypeAlias = Mapping[tuple[Registry, Registry], tuple[Prefixes, bool]]
"""The prefixes of links and whether deletions travel, by source and destination."""

REGISTRIES = tuple(map(registry_of, "1234"))
THEIRS: JsonObject = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::888888888888:root"},
    "Action": "ecr:BatchImportUpstreamImage",
    "Resource": "*",
}

registries = st.sampled_from(REGISTRIES)
pairs = st.tuples(registries, registries).filter(lambda pair: pair[0] != pair[1])


def link_sets(*prefixes: str) -> st.SearchStrategy[Mapping[Any, Any]]:
    """Links with prefixes of one fleet's own, some of them with deletions."""
    several = st.lists(st.sampled_from(prefixes), min_size=1, max_size=2).map(reduce)
    return st.dictionaries(pairs, st.tuples(several, st.booleans()), max_size=6)


@dataclass
class Aws:
    rules: dict[Registry, JsonObject] = field(default_factory=dict)
    policies: dict[Registry, JsonObject | None] = field(default_factory=dict)

    def outgoing(self, source: Registry) -> Outgoing:
        return parse_document(self.rules[source]).outgoing

    def deleting(self, source: Registry) -> Outgoing:
        return deletes_of(parse_document(self.rules[source]).links)


@dataclass
class Tenant:
    """One inventory that governs some links, and what it remembers."""

    name: str
    record: dict[Registry, Applied] = field(default_factory=dict)
    links: Wishes = field(default_factory=dict)

    @property
    def desired(self) -> Desired:
        links = [
            make_link(
                source=source,
                destination=end,
                prefixes=prefixes,
                deletes=prefixes if deletes else (),
                routes=(self.name,),
            )
            for (source, end), (prefixes, deletes) in self.links.items()
        ]
        accounts = [registry.account for registry in REGISTRIES]
        return replace(desired_of(links, REGISTRIES, additive=accounts), owner=self.owner)

    @property
    def owner(self) -> Owner:
        return Owner(fleet=self.name, partition=Partition.AWS)

    def plan(self, aws: Aws) -> tuple[RegistryPlan, ...]:
        observation: Observation = {
            registry: Observed(
                replication=parse_document(aws.rules[registry]),
                policy=parse_policy(aws.policies.get(registry), self.owner, registry),
            )
            for registry in REGISTRIES
        }
        return plan_registries(self.desired, observation, REGISTRIES, record=self.record).registries

    def run(self, aws: Aws) -> None:
        """Plan and carry it out; nothing of it may be objected to, however many links go."""
        plans = self.plan(aws)
        assert objections(plans, self.record, safety=ANY_NUMBER) == ()
        assert all(plan.error is None for plan in plans)
        for phase in Phase:
            for plan in plans:
                for change in plan.changes:
                    if change.phase is not phase:
                        continue
                    if change.resource is Resource.REPLICATION_CONFIGURATION:
                        assert change.after.document is not None
                        aws.rules[plan.registry] = change.after.document
                    else:
                        aws.policies[plan.registry] = json.loads(json.dumps(change.after.document))
        self.record = {plan.registry: plan.owned for plan in plans if plan.owned.links}

    def needs_nothing(self, aws: Aws) -> bool:
        return all(not item.changes and not item.held for item in self.plan(aws))

    def has_its_links(self, aws: Aws) -> bool:
        return all(
            covers(aws.outgoing(source).get(end, ()), prefix)
            and covers(aws.deleting(source).get(end, ()), prefix) == deletes
            for (source, end), (prefixes, deletes) in self.links.items()
            for prefix in prefixes
        )


strangers = st.dictionaries(
    registries,
    st.dictionaries(registries, st.just(("legacy/",)), min_size=1, max_size=2),
    max_size=3,
)


@given(link_sets("aa/", "aa/b/"), link_sets("cc/", "dd/"), link_sets("aa/", "ee/"), strangers)
def test_neither_fights_the_other(
    mine: Wishes,
    yours: Wishes,
    later: Wishes,
    theirs: Mapping[Registry, Mapping[Registry, Prefixes]],
) -> None:
    """Each settles once, stays settled whatever the other does, and takes back only its own."""
    aws = Aws()
    for registry in REGISTRIES:
        links = {end: some for end, some in theirs.get(registry, {}).items() if end != registry}
        aws.rules[registry] = document_of(rules_for(links))
        aws.policies[registry] = {"Version": "2012-10-17", "Statement": [THEIRS]}
    foreign = {
        item: [canonical_json(rule) for rule in rules_of(aws.rules[item])] for item in aws.rules
    }
    first = Tenant("one", links=mine)
    second = Tenant("two", links=yours)
    for tenant in (first, second):
        tenant.run(aws)
    assert first.needs_nothing(aws)
    assert second.needs_nothing(aws)
    first.links = later
    first.run(aws)
    assert first.needs_nothing(aws)
    assert second.needs_nothing(aws)
    assert first.has_its_links(aws)
    assert second.has_its_links(aws)
    first.links = {}
    first.run(aws)
    for registry in REGISTRIES:
        there = [canonical_json(rule) for rule in rules_of(aws.rules[registry])]
        assert all(rule in there for rule in foreign[registry])
        prefixes = {prefix for some in aws.outgoing(registry).values() for prefix in some}
        assert not prefixes & {"aa/", "aa/b/", "ee/"}
        statements = aws.policies[registry]["Statement"]  # type: ignore[index]
        assert statements[0] == THEIRS  # type: ignore[index]
        assert first.owner.sid_prefix not in json.dumps(statements)
    assert second.needs_nothing(aws)
    assert second.has_its_links(aws)
