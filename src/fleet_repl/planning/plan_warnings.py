"""Warnings: facts that the reader of a plan should know and that stop no write.

Pure. Equal warnings about many registries become one, as nobody reads a thousand equal sentences.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from fleet_repl.ecr.policy import Grant
from fleet_repl.ecr.policy.lint import findings
from fleet_repl.ecr.rules import rule_words
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.needed_grants import GrantDecision
from fleet_repl.planning.observed import Observation, Observed
from fleet_repl.planning.ownership import Record
from fleet_repl.planning.plan import RegistryPlan, Warning
from fleet_repl.topology import About
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import covers
from fleet_repl.values.text import counted, listed

UNKNOWN_FIELDS: Final = "unknown-fields"
"""The word in `allow` with which rules are overwritten that have fields not known here."""


def unknown_fields(observation: Observation, scope: Collection[Registry]) -> Iterator[Warning]:
    unknown = {
        registry: seen.replication.unknown
        for registry, seen in observation.items()
        if isinstance(seen, Observed) and seen.replication.unknown and registry in scope
    }
    for registry, fields in sorted(unknown.items()):
        yield Warning(
            kind=UNKNOWN_FIELDS,
            message=f"{registry} answers with fields that this version does not know: "
            f"{', '.join(fields)}",
            about=accounts_of([registry]),
        )


def unknown_rules(
    observation: Observation, registries: Iterable[RegistryPlan]
) -> Iterator[Warning]:
    """Rules of unknown meaning that are in place and stay."""
    for registry_plan in registries:
        seen = observation.get(registry_plan.registry)
        if not isinstance(seen, Observed) or not seen.replication.unknown_rules:
            continue
        lost = [place for place, _ in registry_plan.lost_rules]
        for place, rule in seen.replication.unknown_rules:
            if place not in lost:
                yield Warning(
                    kind="unknown-rule",
                    message=f"{registry_plan.registry}: {rule_words(place, rule)} means no link, "
                    "or holds something that this version does not know; nobody can tell what ECR "
                    "makes of it, so it is kept as it is. Ask whoever wrote it; apply --force lets "
                    "it go where the rules are exclusive",
                    about=accounts_of([registry_plan.registry]),
                )


def lint(
    grant_decisions: Mapping[Registry, GrantDecision], observation: Observation, desired: Desired
) -> Iterator[Warning]:
    """The findings about the policies read, those of many registries as one warning."""
    places: dict[tuple[str, str, str | None], list[Registry]] = {}
    others = (
        at for at, made in grant_decisions.items() if made.policy.foreign or made.policy.opaque
    )
    for registry in sorted(others):
        seen, decision = observation[registry], grant_decisions[registry]
        scope = seen.policy_scope if isinstance(seen, Observed) else None
        for finding in findings(
            decision.policy,
            decision.needed,
            desired.in_force(decision.policy, registry),
            scope=scope,
        ):
            places.setdefault((finding.kind, finding.text, finding.sid), []).append(registry)
    for (kind, text, sid), registries in places.items():
        named = () if sid is None else (frozenset({sid}),)
        yield Warning(
            kind=kind,
            message=f"{listed(registries, 1)}: {text}",
            about=(*named, *accounts_of(registries)),
        )


def trusted_in_vain(desired: Desired, observation: Observation) -> Iterator[Warning]:
    """Sids that are trusted and that no policy has. Whoever writes a statement with such a Sid one
    day is trusted unseen. There is no warning where a policy that may have it was not read."""
    accounts: dict[str, list[AccountId]] = {}
    for account, sids in desired.trusted.items():
        for sid in sids:
            accounts.setdefault(sid, []).append(account)
    for sid, trusting in sorted(accounts.items()):
        seen = [
            observation.get(registry)
            for account in trusting
            for registry in desired.by_account[account]
        ]
        policies = [observed.policy for observed in seen if isinstance(observed, Observed)]
        if len(policies) < len(seen) or None in policies:
            continue
        if not any(
            statement.get("Sid") == sid
            for policy in policies
            if policy
            for statement in policy.foreign
        ):
            yield Warning(
                kind="trusted-nothing",
                message=f"trusted_statements has {sid}, and no registry policy that it is about "
                "has a statement of that name; take it out, so that nobody can be trusted unseen",
                about=(frozenset({sid}), frozenset(map(str, trusting))),
            )


def no_room(grant_decisions: Mapping[Registry, GrantDecision]) -> Iterator[Warning]:
    """Policies without room for grants of ours, which statements of others give for now."""
    full = sorted(
        registry for registry, decision in grant_decisions.items() if decision.given_by_others
    )
    if full:
        yield Warning(
            kind="no-room",
            message=f"{listed(full, 1)}: there is no room in the registry policy for the grants of "
            "its links, and none is needed as long as statements of others give them; shorten "
            "those to have them granted by fleet-repl",
            about=accounts_of(full),
        )


def deletes_started(registries: tuple[RegistryPlan, ...]) -> Iterator[Warning]:
    """Links that start to replicate deletions, in plain words: that deletes images elsewhere."""
    links = [
        (registry_plan.registry, end)
        for registry_plan in registries
        for change in registry_plan.changes
        for end in change.deletes_started
    ]
    if links:
        source, end = links[0]
        starts = "starts" if len(links) == 1 else "start"
        yield Warning(
            kind="delete-replication",
            message=f"{counted(len(links), 'link')} {starts} to replicate deletions ({source} → "
            f"{end.registry}{' and others' if links[1:] else ''}): what is deleted in the source "
            "is deleted at the destination too, and so is what a lifecycle policy expires there; "
            "an image whose last tag is removed goes altogether",
            about=(
                frozenset(name for _, end in links for name in end.routes),
                *accounts_of(source for source, _ in links),
            ),
        )


def unlisted(desired: Desired, record: Record) -> Iterator[Warning]:
    """Registries on record that the inventory lists no longer."""
    gone = sorted(
        registry
        for registry in record.keys() - set(desired.registries)
        if not record[registry].given_up
    )
    if gone:
        has, it, they = ("has", "it", "it is") if len(gone) == 1 else ("have", "them", "they are")
        yield Warning(
            kind="unlisted",
            message=f"{listed(gone, 1)} {has} rules or templates that this fleet applied, and the "
            f"inventory no longer lists {it}; that stays until {they} listed again and applied: "
            "the account with "
            'state = "retired" or, to give up a region only, the region without routes from there',
            about=accounts_of(gone),
        )


def given_up(
    record: Record, observation: Observation, gone: Collection[AccountId]
) -> Iterator[Warning]:
    """Links on record of accounts that count or counted as gone: no run has removed them."""
    places = sorted(
        registry
        for registry, applied in record.items()
        if applied.links
        and (applied.given_up or registry.account in gone)
        and not isinstance(observation.get(registry), Observed)
    )
    if places:
        single = len(places) == 1
        yield Warning(
            kind="given-up",
            message=f"{listed(places, 1)} {'was' if single else 'were'} given up: the account was "
            "retired and AWS refused its role, so the rules that this fleet applied there were "
            "never withdrawn, and keep replicating if the account is still there. See that it is "
            "closed; if it is not, let its role be assumed and apply with the account listed as "
            'state = "retired"',
            about=accounts_of(places),
        )


def kept_grants(
    grant_decisions: Mapping[Registry, GrantDecision], desired: Desired
) -> Iterator[Warning]:
    """Yields a warning for each account with grants that no link needs and its rules may use."""
    places: dict[AccountId, list[Registry]] = {}
    keeping = {at: made.stale for at, made in grant_decisions.items() if made.stale.staying}
    for registry in sorted(keeping):
        stale = keeping[registry].unlisted | {
            grant for grant in keeping[registry].kept if not _wanted(grant, registry, desired)
        }
        for account in sorted({grant.source for grant in stale}):
            places.setdefault(account, []).append(registry)
    for account, registries in sorted(places.items()):
        yield Warning(
            kind="grant-kept",
            message=f"{listed(registries, 1)} {'grants' if len(registries) == 1 else 'grant'} "
            f"account {account} what no route asks for, and "
            f"the grant stays, because {_unasked(account, desired)}",
            about=(frozenset({str(account)}),),
        )


def _wanted(grant: Grant, registry: Registry, desired: Desired) -> bool:
    """Returns whether a link needs the grant, although its source could not be read in this run."""
    return any(
        link.source.account == grant.source and covers(link.prefixes, grant.prefix)
        for link in desired.incoming.get(registry, ())
    )


def _unasked(account: AccountId, desired: Desired) -> str:
    """Returns why it is unknown whether an account still uses a grant, and the remedy."""
    if account in desired.by_account:
        return (
            f"a registry of that account ({desired.names[account]}) could not be read or keeps "
            "its link; if the account is closed, take the statement out by hand"
        )
    return (
        "that account is not managed here and nobody knows whether it is still used; list it under "
        "[[accounts]] to have the grant withdrawn, or take the statement out by hand"
    )


def accounts_of(registries: Iterable[Registry]) -> About:
    """The names that acknowledge a warning about several registries: all of their accounts."""
    return (frozenset(str(registry.account) for registry in registries),)
