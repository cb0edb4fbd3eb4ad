"""Findings about statements of a registry policy that are not as fleet-repl wrote them.

Findings stop nothing: `evaluate` decides what is in force. A policy has no findings where every
statement is ours and unedited.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from fleet_repl.ecr.policy import CREATE_REPOSITORY, REPLICATE_IMAGE, Grant, Policy, named, reduced
from fleet_repl.ecr.policy.evaluate import Permissions, concerns, condition_parts, texts
from fleet_repl.ecr.policy.unmatched_resources import cut_text, why_unmatched
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import joined

FIRST_SCOPE: Final = "V1"
"""Value of the account setting REGISTRY_POLICY_SCOPE with which ECR enforces three actions of a
registry policy and no others. V2, all of them, is what new accounts have (AWS user guide, "Private
registry permissions")."""

_IMPORT_IMAGE: Final = "ecr:BatchImportUpstreamImage"
_ENFORCED: Final = {
    action.lower() for action in (REPLICATE_IMAGE, CREATE_REPOSITORY, _IMPORT_IMAGE)
}
_ENFORCED_PATTERNS: Final = ("ecr:replicate", "ecr:batchimport")
"""Beginnings of enforced actions that no other action shares; `ecr:CreateRepository` has
`ecr:CreateRepositoryCreationTemplate` beside it."""
_BREAKING: Final = {"aws:sourceaccount", "aws:sourcearn"}
_UNVERIFIED: Final = {"aws:principalorgid", "aws:principalorgpaths"}
_OF_A_FLEET: Final = re.compile(r"FleetRepl[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a statement that its writer should know."""

    kind: str
    registry: Registry
    sid: str | None
    text: str
    """The statement, the fault, the remedy. Equal statements have the same text in any registry."""

    @property
    def message(self) -> str:
        """The text with the registry before it."""
        return f"{self.registry}: {self.text}"


class _Note(NamedTuple):
    kind: str
    wrong: str
    remedy: str


def findings(
    policy: Policy, needed: frozenset[Grant], permissions: Permissions, *, scope: str | None = None
) -> tuple[Finding, ...]:
    """Findings about foreign statements, and about statements of ours that somebody edited.

    `needed` is what our statements shall grant, `permissions` what the policy allows as it
    stands; `scope` the account setting REGISTRY_POLICY_SCOPE, or None where it is unknown.
    """
    if not (policy.foreign or policy.opaque):
        return ()
    used = needed | policy.in_use
    added = needed & reduced(needed | policy.grants) - policy.grants
    notes: list[tuple[JsonObject, _Note]] = []
    for statement in policy.foreign:
        notes += [(statement, note) for note in _faults(statement, permissions, used)]
        notes += [(statement, note) for note in _needless(statement, permissions, added)]
        if scope == FIRST_SCOPE:
            notes += [(statement, note) for note in _unenforced(statement)]
    for statement in policy.opaque:
        for note in _faults(statement, permissions, used):
            remedy = "it is fleet-repl's own, edited, and will be put right"
            notes.append((statement, note._replace(remedy=remedy)))
    return tuple(_finding(permissions.registry, statement, note) for statement, note in notes)


def scope_matters(policy: Policy) -> bool:
    """Returns whether ECR enforces all of the policy only with a scope other than V1."""
    return any(_beyond_first_scope(statement) for statement in policy.foreign)


def _finding(registry: Registry, statement: JsonObject, note: _Note) -> Finding:
    sid = statement.get("Sid")
    return Finding(
        kind=note.kind,
        registry=registry,
        sid=sid if isinstance(sid, str) and sid else None,
        text=f"{named(statement)} of its registry policy {note.wrong}; {note.remedy}",
    )


def _faults(
    statement: JsonObject, permissions: Permissions, used: frozenset[Grant]
) -> Iterator[_Note]:
    yield from _malformed(statement, permissions)
    yield from _conditional(statement, permissions, used)
    if denied := permissions.denied_by(statement, used):
        yield _Note(
            kind="denied",
            wrong=f"denies what {_needs(denied)}",
            remedy="narrow it, or images fail with DESTINATION_REGISTRY_ACCESS_DENIED",
        )
    if permissions.trusts(statement):
        return
    if doubted := permissions.doubted_by(statement, used):
        keys = permissions.undecided(statement, min(doubted))
        yield _Note(
            kind="denied",
            wrong=f"may deny what {_needs(doubted)}; that depends on {_listed(keys)}, which "
            "cannot be told from here",
            remedy="narrow it, or list its Sid in trusted_statements if it keeps no image out",
        )


def _needs(grants: frozenset[Grant]) -> str:
    """Says which accounts must be able to do which actions."""
    accounts = _accounts({grant.source for grant in grants})
    actions = " and ".join(sorted({grant.action for grant in grants}, reverse=True))
    return f"{accounts} must be able to do here: {actions}"


def _malformed(statement: JsonObject, permissions: Permissions) -> Iterator[_Note]:
    """Finds resources that name no repository of this registry. ECR accepts any text."""
    if not (concerns(statement, REPLICATE_IMAGE) or concerns(statement, CREATE_REPOSITORY)):
        return
    named_here = (*texts(statement.get("Resource")), *texts(statement.get("NotResource")))
    wrong = [
        (text, why) for text in named_here if (why := why_unmatched(text, permissions)) is not None
    ]
    if wrong:
        resource, why = wrong[0]
        more = f", and {len(wrong) - 1} more like it" if len(wrong) > 1 else ""
        yield _Note(
            kind="malformed-resource",
            wrong=f"names {cut_text(resource)}, which no repository here matches: {why}{more}",
            remedy="correct it, because ECR takes it without a word and it does nothing",
        )


def _conditional(
    statement: JsonObject, permissions: Permissions, used: frozenset[Grant]
) -> Iterator[_Note]:
    """Finds statements that allow replication under a condition that may not be met. Statements for
    pull-through caches are left out."""
    condition = statement.get("Condition")
    creates = concerns(statement, CREATE_REPOSITORY) and not concerns(statement, _IMPORT_IMAGE)
    replicates = concerns(statement, REPLICATE_IMAGE) or creates
    if statement.get("Effect") != "Allow" or not condition or not replicates:
        return
    if permissions.is_met(statement, {grant.source for grant in used}):
        return
    parts = list(condition_parts(condition))
    keys = sorted({part.key for part in parts})
    counts = "it does not count here, so fleet-repl adds grants of its own"
    breaking = sorted(
        {part.key for part in parts if part.key.lower() in _BREAKING and not part.tolerates_absence}
    )
    if breaking:
        because = f"{_listed(breaking)}, which breaks replication without any error"
        remedy = "take the condition out, or leave the grant to fleet-repl"
    elif unverified := [key for key in keys if key.lower() in _UNVERIFIED]:
        because = f"{_listed(unverified)}, which is not known to work for replication"
        remedy = counts
    else:
        because, remedy = _listed(keys), counts
    yield _Note(
        kind="breaking-condition",
        wrong=f"allows replication under a condition on {because}",
        remedy=remedy,
    )


def _needless(
    statement: JsonObject, permissions: Permissions, added: frozenset[Grant]
) -> Iterator[_Note]:
    """Finds an Allow that already gives some sources every grant that is to be added for them.
    Statements of other fleets are left out: those fleets would put them back."""
    if _OF_A_FLEET.fullmatch(str(statement.get("Sid"))):
        return
    allowed = permissions.allowed_by(statement, added)
    sources = {grant.source for grant in allowed} - {grant.source for grant in added - allowed}
    if sources:
        yield _Note(
            kind="already-granted",
            wrong=f"already allows all that {_accounts(sources)} will be granted",
            remedy="fleet-repl adds its own statement all the same, and this one can go after that",
        )


def _unenforced(statement: JsonObject) -> Iterator[_Note]:
    """Finds statements that ECR keeps and does not enforce."""
    if beyond := _beyond_first_scope(statement):
        yield _Note(
            kind="policy-scope",
            wrong=f"is about {_listed(beyond)}, and the account's registry policy scope is V1, "
            "with which ECR enforces only ecr:ReplicateImage, ecr:BatchImportUpstreamImage and "
            "ecr:CreateRepository",
            remedy="set REGISTRY_POLICY_SCOPE to V2 if it shall hold",
        )


def _beyond_first_scope(statement: JsonObject) -> list[str]:
    if "NotAction" in statement:
        return ["every action but some"]
    return [
        action
        for action in texts(statement.get("Action"))
        if action.lower() not in _ENFORCED and not action.lower().startswith(_ENFORCED_PATTERNS)
    ]


def _accounts(accounts: Collection[AccountId]) -> str:
    ordered = sorted(accounts)
    if len(ordered) > 3:
        return f"{len(ordered):,} accounts ({', '.join(ordered[:3])}, …)"
    return f"account{'s' if len(ordered) > 1 else ''} {_listed(ordered)}"


def _listed(items: Sequence[str]) -> str:
    return joined(list(map(cut_text, items)))
