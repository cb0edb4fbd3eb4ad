"""Sorts observed links into those that can be routes of an inventory and those that cannot, with
reasons.

Judges every registry by itself, as strictly as the inventory will be judged when it is loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from fleet_repl.ecr.rules import (
    Links,
    Replication,
    Rule,
    deletes_of,
    links_of,
    placed_rules,
    prefixes_of,
    rule_words,
    rules_for,
)
from fleet_repl.inventory import Account, External, Inventory
from fleet_repl.planning.importing.left_out import LeftOut, one_line, prefix_words
from fleet_repl.planning.observed import Observation, Unreadable
from fleet_repl.values import limits
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import LinkScope, Prefixes, reduce, touches, union

LinksBySource: TypeAlias = Mapping[Registry, Links]
"""Source → destination → what the link replicates, no prefix of which overlaps another. A source
without links is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expressible:
    """The links that routes can stand for, and what is left."""

    links: LinksBySource
    left_out: tuple[LeftOut, ...]

    def without(self, left_out: Mapping[Registry, LeftOut]) -> Expressible:
        """Returns the judged links without these sources."""
        links = {source: ends for source, ends in self.links.items() if source not in left_out}
        return Expressible(links=links, left_out=(*self.left_out, *left_out.values()))

    def externals(self, inventory: Inventory) -> tuple[External, ...]:
        """The destination accounts that the inventory does not manage, by id."""
        managed = {account.id for account in inventory.accounts}
        names = {external.id: external.name for external in inventory.externals}
        ends = {end for own in self.links.values() for end in own if end.account not in managed}
        return tuple(
            External(
                id=account,
                name=names.get(account, account),
                regions=tuple(sorted(end.region for end in ends if end.account == account)),
            )
            for account in sorted({end.account for end in ends})
        )


def expressible(
    inventory: Inventory, observation: Observation, joining: Collection[AccountId]
) -> Expressible:
    """Judges all that was observed in the inventory's registries, joining accounts apart."""
    accounts = {account.id: account for account in inventory.accounts}
    links: dict[Registry, Links] = {}
    left_out: list[LeftOut] = []
    for registry, observed in sorted(observation.items(), key=lambda item: item[0]):
        if registry.account in joining:
            continue
        source = _Source(registry, inventory, accounts)
        if isinstance(observed, Unreadable):
            # A retired account may be gone, and that is no failure.
            missed = not accounts[registry.account].retired
            source.leave(f"it could not be read: {one_line(str(observed.error))}", missed=missed)
        elif kept := source.judge(observed.replication):
            links[registry] = kept
        left_out += source.left_out
    return Expressible(links=links, left_out=tuple(left_out))


@dataclass(slots=True)
class _Source:
    registry: Registry
    inventory: Inventory
    accounts: Mapping[AccountId, Account]
    left_out: list[LeftOut] = field(default_factory=list)

    def judge(self, replication: Replication) -> Links:
        """Returns the links that routes can stand for, and notes all others in `left_out`."""
        rules = list(self._known_rules(replication))
        plain = prefixes_of(links_of(rule for rule in rules if not rule.deletes))
        deleting = prefixes_of(links_of(rule for rule in rules if rule.deletes))
        scopes = {
            end: self._scope(end, plain.get(end, ()), deleting.get(end, ()))
            for end in sorted(plain.keys() | deleting.keys())
        }
        kept = {end: scope for end, scope in scopes.items() if scope.prefixes}
        because = self._over_limits(kept)
        if because is None:
            return kept
        self.leave(because)
        return {}

    def leave(self, because: str, *, missed: bool = False) -> None:
        """Note something that no route stands for."""
        name = self.accounts[self.registry.account].name
        self.left_out.append(
            LeftOut(registry=self.registry, name=name, because=because, unreadable=missed)
        )

    def _known_rules(self, replication: Replication) -> Iterator[Rule]:
        outside = list(replication.unknown)
        rules = zip(placed_rules(replication.document), replication.rules, strict=True)
        for (number, raw), rule in rules:
            unknown = [path for path in outside if path.startswith(f"rules[{number}]")]
            outside = [path for path in outside if path not in unknown]
            if unknown:
                fields = one_line(", ".join(unknown))
                self.leave(f"rules[{number}] holds what this version does not know: {fields}")
            elif not rule.understood:
                self.leave(
                    f"{one_line(rule_words(number, raw))} means no link, or names what is no "
                    "registry, and nobody can tell what ECR makes of it"
                )
            else:
                yield replace(rule, prefixes=reduce(rule.prefixes))
        if outside:
            fields = one_line(", ".join(outside))
            self.leave(f"it answers with fields that this version does not know: {fields}")

    def _scope(self, end: Registry, plain: Prefixes, deleting: Prefixes) -> LinkScope:
        """Returns what a route can stand for of a link, and notes the rest in `left_out`."""
        everything = union(plain, deleting)
        because = self._why_not(end)
        why = {prefix: because or _why_no_prefix(prefix, plain, deleting) for prefix in everything}
        for reason in dict.fromkeys(why.values()):
            if reason is not None:
                words = prefix_words([prefix for prefix in everything if why[prefix] == reason])
                self.leave(f"the link to {one_line(str(end))} ({words}): {reason}")
        good = tuple(prefix for prefix in everything if why[prefix] is None)
        return LinkScope(good, deletes=tuple(prefix for prefix in good if prefix in deleting))

    def _why_not(self, end: Registry) -> str | None:
        """Returns why no route leads to a destination from this source, or None."""
        if self.accounts[self.registry.account].retired:
            return "the account is retired, and routes pass it over"
        if end == self.registry:
            return "a registry is never its own destination"
        account = self.accounts.get(end.account)
        if account is None:
            partition = self.inventory.aws.partition
            is_ours = partition.holds(end.region)
            return None if is_ours else f"that is no region of the partition {partition}"
        if account.retired:
            return f"{account.name} is retired, and routes pass it over"
        if end.region not in account.regions:
            return f"{account.name} does not list that region"
        return None

    def _over_limits(self, links: Links) -> str | None:
        """Returns why the inventory would be refused although ECR holds these links, or None."""
        most = self.inventory.limits
        if len(links) > most.destinations:
            return f"its {len(links)} destinations are over the limit of {most.destinations}"
        # One rule for each destination, and one more for its deletions, is soon counted.
        fits = all(len(scope.prefixes) <= most.filters for scope in links.values())
        if fits and len(links) + len(deletes_of(links)) <= most.rules:
            return None
        rules = len(rules_for(links, filters=most.filters))
        if rules <= most.rules:
            return None
        return f"its links would need {rules} rules, over the limit of {most.rules}"


def _why_no_prefix(prefix: str, plain: Prefixes, deleting: Prefixes) -> str | None:
    """Returns why an inventory cannot hold a prefix of a link, or None."""
    if touches(plain, prefix) and touches(deleting, prefix):
        return (
            "its rules replicate it with deletions and without, and nobody says which of them holds"
        )
    shortest, longest = limits.FILTER_LENGTH
    if prefix and not (
        shortest <= len(prefix) <= longest and limits.FILTER_PATTERN.fullmatch(prefix)
    ):
        return "that is no prefix that ECR takes"
    return None
