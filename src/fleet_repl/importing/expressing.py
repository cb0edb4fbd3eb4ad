"""Which links that were observed can be routes of an inventory, and which cannot and why.

Judges every registry by itself, as strictly as the inventory will be judged when it is loaded;
how routes are formed is not its business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from fleet_repl import limits
from fleet_repl.importing.leftovers import LeftOut, one_line, prefix_words
from fleet_repl.inventory import Account, External, Inventory
from fleet_repl.names import AccountId, Partition, Registry
from fleet_repl.observed import Observation, Observed, Unreadable
from fleet_repl.prefixes import Prefixes, reduce, touches, union
from fleet_repl.rules import (
    Outgoing,
    Replication,
    Rule,
    outgoing_of,
    placed_rules,
    rule_words,
    rules_for,
)

_DISPUTED: Final = (
    "its rules replicate it with deletions and without, and nobody says which of them holds"
)


class Cargo(NamedTuple):
    """What one link carries; no prefix of it overlaps another."""

    plain: Prefixes
    deleting: Prefixes
    """Prefixes whose deletions travel too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expressible:
    """The links that routes can stand for, and what is left."""

    links: Mapping[Registry, Mapping[Registry, Cargo]]
    """Source → destination → cargo; a source without any is missing."""
    left_out: tuple[LeftOut, ...]

    def without(self, registries: Mapping[Registry, LeftOut]) -> Expressible:
        """The same with these sources left out altogether."""
        return Expressible(
            links={one: ends for one, ends in self.links.items() if one not in registries},
            left_out=(*self.left_out, *registries.values()),
        )

    def externals(self, inventory: Inventory) -> tuple[External, ...]:
        """The destination accounts that the inventory does not manage, by id."""
        managed = {one.id for one in inventory.accounts}
        names = {one.id: one.name for one in inventory.externals}
        found: dict[AccountId, set[Registry]] = {}
        for ends in self.links.values():
            for end in ends:
                if end.account not in managed:
                    found.setdefault(end.account, set()).add(end)
        return tuple(
            External(
                id=account,
                name=names.get(account, account),
                regions=tuple(sorted(one.region for one in ends)),
            )
            for account, ends in sorted(found.items())
        )


def expressible(inventory: Inventory, observation: Observation) -> Expressible:
    """Judge everything that was observed in the inventory's registries."""
    by_id = {one.id: one for one in inventory.accounts}
    links: dict[Registry, Mapping[Registry, Cargo]] = {}
    left_out: list[LeftOut] = []
    for registry, seen in sorted(observation.items(), key=lambda item: item[0]):
        match seen:
            case Unreadable(error=error):
                because = f"it could not be read: {one_line(str(error))}"
                account = by_id[registry.account]
                left_out.append(
                    LeftOut(
                        registry=registry,
                        name=account.name,
                        because=because,
                        # A retired account may be gone, and that is no failure.
                        unreadable=not account.retired,
                    )
                )
            case Observed(replication=replication):
                source = _Source(registry, inventory, by_id)
                if kept := source.judge(replication):
                    links[registry] = kept
                left_out += source.left_out
    return Expressible(links=links, left_out=tuple(left_out))


@dataclass(slots=True)
class _Source:
    registry: Registry
    inventory: Inventory
    accounts: Mapping[AccountId, Account]
    left_out: list[LeftOut] = field(default_factory=list)

    def judge(self, replication: Replication) -> dict[Registry, Cargo]:
        """What routes can stand for; everything else is noted in `left_out`."""
        rules = list(self._known_rules(replication))
        plain = outgoing_of(one for one in rules if not one.deletes)
        deleting = outgoing_of(one for one in rules if one.deletes)
        kept: dict[Registry, Cargo] = {}
        for end in sorted(plain.keys() | deleting.keys()):
            cargo = self._cargo(end, plain.get(end, ()), deleting.get(end, ()))
            if cargo is not None:
                kept[end] = cargo
        because = self._over_limits(kept)
        if because is not None:
            self._leave(because)
            return {}
        return kept

    def _known_rules(self, replication: Replication) -> Iterator[Rule]:
        """The rules all of whose fields are known."""
        inside = []
        rules = zip(placed_rules(replication.document), replication.rules, strict=True)
        for (number, raw), rule in rules:
            unknown = [one for one in replication.unknown if one.startswith(f"rules[{number}]")]
            inside += unknown
            if unknown:
                self._leave(
                    f"rules[{number}] holds what this version does not know: {_paths(unknown)}"
                )
            elif not rule.understood:
                self._leave(
                    f"{one_line(rule_words(number, raw))} means no link, or names what is no "
                    "registry, and nobody can tell what ECR makes of it"
                )
            else:
                yield replace(rule, prefixes=reduce(rule.prefixes))
        outside = [one for one in replication.unknown if one not in inside]
        if outside:
            self._leave(
                f"it answers with fields that this version does not know: {_paths(outside)}"
            )

    def _cargo(self, end: Registry, plain: Prefixes, deleting: Prefixes) -> Cargo | None:
        everything = union(plain, deleting)
        because = self._why_not(end)
        if because is not None:
            self._leave_link(end, everything, because)
            return None
        bad = {one: why for one in everything if (why := _why_no_prefix(one, plain, deleting))}
        for why in dict.fromkeys(bad.values()):
            self._leave_link(end, [one for one, its in bad.items() if its == why], why)
        good = [one for one in everything if one not in bad]
        if not good:
            return None
        return Cargo(
            plain=tuple(one for one in good if one not in deleting),
            deleting=tuple(one for one in good if one in deleting),
        )

    def _why_not(self, end: Registry) -> str | None:
        """Why no route leads to a destination from here, if so."""
        if self.accounts[self.registry.account].retired:
            return "the account is retired, and routes pass it over"
        if end == self.registry:
            return "a registry is never its own destination"
        account = self.accounts.get(end.account)
        if account is None:
            return _why_no_external(end, self.inventory.aws.partition)
        if account.retired:
            return f"{account.name} is retired, and routes pass it over"
        if end.region not in account.regions:
            return f"{account.name} does not list that region"
        return None

    def _over_limits(self, links: Mapping[Registry, Cargo]) -> str | None:
        """Why the inventory would be refused although ECR holds these links, if so."""
        most = self.inventory.limits
        if len(links) > most.destinations:
            return f"its {len(links)} destinations are over the limit of {most.destinations}"
        deleting = {end: one.deleting for end, one in links.items() if one.deleting}
        single = all(len(one.plain) + len(one.deleting) <= most.filters for one in links.values())
        if single and len(links) + len(deleting) <= most.rules:
            return None
        together: Outgoing = {
            end: reduce([*one.plain, *one.deleting]) for end, one in links.items()
        }
        rules = len(rules_for(together, deleting, filters=most.filters))
        if rules > most.rules:
            return f"its links would need {rules} rules, over the limit of {most.rules}"
        return None

    def _leave_link(self, end: Registry, prefixes: Prefixes | list[str], because: str) -> None:
        self._leave(f"the link to {one_line(str(end))} ({prefix_words(prefixes)}): {because}")

    def _leave(self, because: str) -> None:
        name = self.accounts[self.registry.account].name
        self.left_out.append(LeftOut(registry=self.registry, name=name, because=because))


def _why_no_external(end: Registry, partition: Partition) -> str | None:
    """Why a registry cannot be listed as external, if so."""
    if not partition.holds(end.region):
        return f"that is no region of the partition {partition}"
    return None


def _why_no_prefix(prefix: str, plain: Prefixes, deleting: Prefixes) -> str | None:
    """Why an inventory cannot hold a prefix of a link, if so."""
    if touches(plain, prefix) and touches(deleting, prefix):
        return _DISPUTED
    shortest, longest = limits.FILTER_LENGTH
    if prefix and not (
        shortest <= len(prefix) <= longest and limits.FILTER_PATTERN.fullmatch(prefix)
    ):
        return "that is no prefix that ECR takes"
    return None


def _paths(unknown: list[str]) -> str:
    return one_line(", ".join(unknown))
