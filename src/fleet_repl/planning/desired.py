"""The desired state of a fleet: the links and policies of every registry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fleet_repl.ecr.policy import Owner, Policy
from fleet_repl.ecr.policy.evaluate import Permissions, in_force
from fleet_repl.ecr.rules import Links
from fleet_repl.ecr.templates import Signature
from fleet_repl.inventory import Limits, Route, Template
from fleet_repl.topology import Link, Waves
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import Prefixes, touches


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """The desired state of a fleet."""

    owner: Owner
    limits: Limits
    names: Mapping[AccountId, str]
    registries: tuple[Registry, ...]
    """Every managed registry, in order of account and region."""
    by_account: Mapping[AccountId, tuple[Registry, ...]]
    outgoing: Mapping[Registry, tuple[Link, ...]]
    """Links by source; a registry without any is missing."""
    incoming: Mapping[Registry, tuple[Link, ...]]
    """Links by destination, also by external registries."""
    manages_grants: bool
    actions: tuple[str, ...]
    """The actions that a destination has to grant to a source."""
    additive: frozenset[AccountId] = frozenset()
    """Accounts in whose registries rules of others stay."""
    retired: frozenset[AccountId] = frozenset()
    unknown_regions: frozenset[AccountId] = frozenset()
    """Accounts that have not said which regions they have enabled. They have no registries here,
    and links to them stay as they are."""
    by_name: frozenset[Registry] = frozenset()
    """Sources of routes with `exclude` or `only`: their prefixes follow from the repositories that
    are there, and until these are read their links have all that the routes may match."""
    waves: Waves = field(default_factory=Waves)
    protected: frozenset[Registry] = frozenset()
    """Registries that lose no link unless the operator allows it."""
    templates: Mapping[Registry, tuple[Template, ...]] = field(default_factory=dict)
    """Creation templates by registry; a registry without templates is missing."""
    trusted: Mapping[AccountId, frozenset[str]] = field(default_factory=dict)
    """Account → Sids of others' statements in its registry policies that the operator vouches for;
    an account without any is missing."""
    routes: Mapping[str, Route] = field(default_factory=dict)
    """Route by name; of a route that is missing it is not known what it asks for."""

    def asking(
        self, names: tuple[str, ...], prefixes: Prefixes, *, deletes: bool = False
    ) -> tuple[str, ...]:
        """Returns those routes of a link that ask for some of its prefixes; with `deletes`, those
        that ask for their deletions to replicate.

        For example, of a link that route base makes for `base/` and route tools for `tools/`, only
        tools asks for the prefixes `tools/`.
        """
        if len(names) <= 1:
            return names
        known = ((name, self.routes.get(name)) for name in names)
        return tuple(
            name
            for name, route in known
            if route is None
            or (
                (route.replicate_deletes or not deletes)
                and any(touches(route.bounds, prefix) for prefix in prefixes)
            )
        )

    def links_out(self, registry: Registry) -> Links:
        return {link.destination: link.scope for link in self.outgoing.get(registry, ())}

    def links_kept(self, links: Links) -> Links:
        """Returns those of a registry's links in place that stay, whatever routes ask for."""
        if not self.unknown_regions:
            return {}
        return {end: scope for end, scope in links.items() if end.account in self.unknown_regions}

    @property
    def signature(self) -> Signature:
        """The signature of the fleet's own creation templates."""
        return Signature(fleet=self.owner.fleet, formerly=self.owner.formerly)

    def linked_by(self, links: Sequence[Link]) -> Desired:
        """The desired state with these links in place of those that routes ask for."""
        return replace(
            self,
            outgoing=grouped(links, lambda link: link.source),
            incoming=grouped(links, lambda link: link.destination),
        )

    def is_additive(self, registry: Registry) -> bool:
        """Returns whether rules of others may be in place that stay."""
        return registry.account in self.additive

    def in_force(self, policy: Policy, registry: Registry) -> Permissions:
        """Returns the permissions of a registry's policy as it stands."""
        trusted = self.trusted.get(registry.account, frozenset())
        return in_force(policy, registry, self.owner.partition, trusted)

    def must_be_granted(self, source: Registry, destination: Registry) -> bool:
        """Returns whether a policy of ours has to allow the links between two registries."""
        return (
            self.manages_grants
            and source.account != destination.account
            and destination.account in self.by_account
        )


def grouped(
    links: Iterable[Link], end: Callable[[Link], Registry]
) -> Mapping[Registry, tuple[Link, ...]]:
    groups: dict[Registry, list[Link]] = defaultdict(list)
    for link in links:
        groups[end(link)].append(link)
    return {registry: tuple(group) for registry, group in groups.items()}
