"""The rules of one source: the links that it will replicate, and the writes that make them.

The grants of its destinations are decided before: links that a destination does not grant are held.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from fleet_repl.ecr.rules import NO_RULES, Outgoing, Replication, compare, parse_document
from fleet_repl.planning.change import Action, Change, HeldLink, LinkEnd, Phase, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.held_links import Lacks, over_limits, split_held
from fleet_repl.planning.observed import Observed
from fleet_repl.planning.ownership import (
    Applied,
    Cells,
    Merged,
    both,
    merge_additive,
    merge_exclusive,
)
from fleet_repl.planning.plan_warnings import UNKNOWN_FIELDS
from fleet_repl.planning.rule_waves import NO_WRITES, RuleSchedule, in_one_write, in_waves
from fleet_repl.topology import REST
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import NO_SCOPE, covers
from fleet_repl.values.text import and_more


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDecision:
    """The decision about the rules of one registry."""

    present: Replication
    merged: Merged
    held: tuple[HeldLink, ...]
    refusal: Fault | None
    schedule: RuleSchedule = NO_WRITES
    """The writes of the rules. Where they are refused, a single write shows what would change."""

    @property
    def changes(self) -> bool:
        """Returns whether the rules have to be written. The same links in other rules are no
        change."""
        merged, present = self.merged, self.present
        # Links that stay are the very same value.
        return merged.dropped or (
            merged.links is not present.links and merged.links != present.links
        )

    @property
    def may_use(self) -> Outgoing:
        """The most that the rules may replicate once they are written."""
        return self.schedule.writes[-1].rules.may_use

    @property
    def owned(self) -> Cells:
        """The cells that are ours afterwards. Where nothing is written, all that are ours now stay
        ours, even those that rules of others cover: these rules may go one day."""
        merged = self.merged
        return merged.owned if self.changes else both(merged.owned, merged.present)


_NO_LINKS: Final = Merged(rules=(), links={}, owned={})
_NOTHING: Final = RuleDecision(
    present=parse_document(NO_RULES), merged=_NO_LINKS, held=(), refusal=None
)
"""Most registries replicate nothing: they have no rules, and need none."""


def decide_rules(
    registry: Registry,
    seen: Observed,
    desired: Desired,
    lacks: Lacks,
    recorded: Applied | None,
    allow: Collection[str],
    *,
    force: bool,
) -> RuleDecision:
    """Decides the rules of a registry. `lacks` says which prefixes its destinations do not let in,
    `recorded` holds what the fleet last applied here, and `force` removes rules of unknown meaning.
    """
    requested = desired.links_out(registry)
    if not requested and not seen.replication.rules:
        if seen.replication is _NOTHING.present:
            return _NOTHING
        return RuleDecision(present=seen.replication, merged=_NO_LINKS, held=(), refusal=None)
    split = split_held(requested, seen.replication.outgoing, lacks)
    wanted = {**desired.links_kept(seen.replication.links), **split.links}
    filters = desired.limits.filters
    recorded_links = None if recorded is None else recorded.links
    merge = merge_additive if desired.is_additive(registry) else merge_exclusive
    merged = merge(
        seen.replication, wanted, requested, recorded_links, filters=filters, force=force
    )
    source = RuleDecision(
        present=seen.replication, merged=merged, held=split.held, refusal=_clash(merged)
    )
    if source.changes and source.refusal is None:
        too_much = over_limits(
            desired.limits,
            rules=merged.count,
            foreign=len(merged.kept),
            destinations=len(merged.links),
            by_name=registry in desired.by_name and not split.held,
        )
        source = replace(source, refusal=too_much or _refusal(seen, allow))
    if not source.changes:
        return source
    arrange = in_one_write if source.refusal or len(desired.waves.names) == 1 else in_waves
    return replace(source, schedule=arrange(registry, seen.replication, merged, desired))


def _clash(merged: Merged) -> Fault | None:
    """The fault where rules of others contradict ours about deletions."""
    if not merged.clashes:
        return None
    end, prefix = merged.clashes[0]
    return Fault(
        kind=FaultKind.CONFLICT,
        operation="PutReplicationConfiguration",
        message=f"a rule that is not fleet-repl's replicates {prefix or 'every repository'} to "
        f"{end}{and_more(len(merged.clashes) - 1)} with another deleteReplication than the routes "
        "ask for, so none of the registry's rules is written",
        hint="give the route the replicate_deletes of that rule, or have the rule changed",
    )


def rule_changes(
    registry: Registry, desired: Desired, source: RuleDecision | None
) -> tuple[Change, ...]:
    """The writes of the registry's rules, each on top of what the write before it leaves."""
    writes = () if source is None else source.schedule.writes
    if source is None or not writes:
        return ()
    befores = [source.present, *(write.rules for write in writes[:-1])]
    return tuple(
        rewriting(registry, before, write.rules, desired, desired.waves.names[write.wave])
        for before, write in zip(befores, writes, strict=False)
    )


def rewriting(
    registry: Registry, current: Replication, then: Replication, desired: Desired, wave: str = REST
) -> Change:
    """A write of rules that puts `then` in the place of `current`."""
    routes = {link.destination: link.routes for link in desired.outgoing.get(registry, ())}
    differences = compare(current.links, then.links)
    narrowed = {
        destination: routes.get(destination, ())
        for destination, prefixes in differences.removed.items()
        if any(covers(prefixes, kept) for kept in then.links.get(destination, NO_SCOPE).prefixes)
    }
    added, started = (
        {
            end: desired.asking(routes.get(end, ()), new, deletes=deletes)
            for end, new in links.items()
        }
        for links, deletes in ((differences.added, False), (differences.deletes_started, True))
    )
    return Change(
        resource=Resource.REPLICATION_CONFIGURATION,
        # The document always exists; an empty list of rules is how it is emptied.
        action=Action.UPDATE,
        phase=Phase.RULES,
        wave=wave,
        before=current.alone(),
        after=then,
        links_added=_ends(differences.added, added),
        links_removed=_ends(differences.removed, narrowed),
        deletes_started=_ends(differences.deletes_started, started),
        deletes_stopped=_ends(differences.deletes_stopped, routes),
    )


def _ends(links: Outgoing, routes: Mapping[Registry, tuple[str, ...]]) -> tuple[LinkEnd, ...]:
    return tuple(
        LinkEnd(registry=destination, prefixes=prefixes, routes=routes.get(destination, ()))
        for destination, prefixes in links.items()
    )


def _refusal(seen: Observed, allow: Collection[str]) -> Fault | None:
    """The fault for which the rules are not written although they differ."""
    if seen.replication.unknown and UNKNOWN_FIELDS not in allow:
        return Fault(
            kind=FaultKind.UNKNOWN_FIELDS,
            operation="DescribeRegistry",
            message="the replication configuration holds fields that this version does not know "
            f"and would lose: {', '.join(seen.replication.unknown)}",
            hint="use a version that knows them, or overwrite them with --allow unknown-fields",
        )
    return None
