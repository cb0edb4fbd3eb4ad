"""The permissions in force in a registry: our grants, and all statements that are not ours."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from fleet_repl.ecr.policy import Grant, GrantIndex, Policy, named
from fleet_repl.ecr.policy.evaluate.conditions import Truth
from fleet_repl.ecr.policy.evaluate.statements import Statement
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Partition, Registry


@dataclass(slots=True)
class _Memo:
    """Values that are computed when they are first needed, which for most policies is never."""

    index: GrantIndex | None = None
    statements: tuple[Statement, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """The permissions in force in a registry: our grants, and other statements."""

    registry: Registry
    partition: Partition
    grants: frozenset[Grant]
    statements: tuple[JsonObject, ...] = ()
    """The statements that are not expressed by `grants`."""
    trusted: frozenset[str] = frozenset()
    """Sids of statements that the operator vouches for. Where it cannot be decided whether such a
    statement denies a request, it counts as not denying it."""
    _memo: _Memo = field(default_factory=_Memo, init=False, repr=False, compare=False)

    def lacks(self, source: AccountId, prefix: str, actions: Collection[str]) -> str | None:
        """Returns why `source` may not replicate `prefix` into the registry; None where it may."""
        wanted = [Grant(source, prefix, action) for action in actions]
        if self.give(wanted):
            return None
        for statement, truth in self._denials(wanted):
            if truth is Truth.YES:
                return f"{named(statement.document)} of its registry policy denies it"
        if missing := self.missing(wanted):
            return f"its registry policy does not grant {' and '.join(missing)}"
        doubt = self.doubt(source, prefix, actions)
        return None if doubt is None else f"{doubt[0]} of its registry policy may deny it{doubt[1]}"

    def give(self, grants: Iterable[Grant]) -> bool:
        """Returns whether our grants hold all of these to the letter, and nothing else is to be
        looked at. False says nothing."""
        return not self.statements and self.grants.issuperset(grants)

    def missing(self, wanted: Iterable[Grant]) -> list[str]:
        """The actions of those grants that no statement allows."""
        return [grant.action for grant in wanted if not self._allows(grant)]

    def doubt(
        self, source: AccountId, prefix: str, actions: Collection[str], *, vouched: bool = False
    ) -> tuple[str, str] | None:
        """Describes the first statement of which it cannot be decided whether it denies this to
        `source`: its name, and what the answer depends on. With `vouched`, only trusted statements
        are searched, otherwise only the others."""
        wanted = [Grant(source, prefix, action) for action in actions]
        for statement, truth in self._denials(wanted):
            if truth is Truth.UNKNOWN and self.trusts(statement.document) is vouched:
                keys = next(keys for grant in wanted if (keys := statement.hangs_on(grant)))
                return named(statement.document), f", depending on {' and '.join(keys)}"
        return None

    def trusts(self, statement: JsonObject) -> bool:
        """Returns whether the operator vouches for a statement."""
        sid = statement.get("Sid")
        return isinstance(sid, str) and sid in self.trusted

    def is_met(self, statement: JsonObject, sources: Iterable[AccountId]) -> bool:
        """Returns whether requests of every account that a statement names surely meet its
        condition; those of `sources`, where it names everybody."""
        asked = self._statement(statement)
        accounts = asked.accounts or frozenset(filter(asked.names, sources))
        return bool(accounts) and all(asked.condition(name) is Truth.YES for name in accounts)

    def allowed_by(self, statement: JsonObject, grants: Iterable[Grant]) -> frozenset[Grant]:
        """The grants that an Allow statement makes needless, because it gives as much."""
        return self._falling(statement, grants, Truth.YES, denied=False)

    def denied_by(self, statement: JsonObject, grants: Iterable[Grant]) -> frozenset[Grant]:
        """The grants that a Deny statement denies in whole or in part."""
        return self._falling(statement, grants, Truth.YES, denied=True)

    def doubted_by(self, statement: JsonObject, grants: Iterable[Grant]) -> frozenset[Grant]:
        """The grants of which it cannot be decided whether a Deny statement denies them."""
        return self._falling(statement, grants, Truth.UNKNOWN, denied=True)

    def undecided(self, statement: JsonObject, grant: Grant) -> tuple[str, ...]:
        """Returns the parts of a statement that decide whether it denies a grant."""
        return self._statement(statement).hangs_on(grant)

    def _falling(
        self, statement: JsonObject, grants: Iterable[Grant], answer: Truth, *, denied: bool
    ) -> frozenset[Grant]:
        asked = self._statement(statement)
        if asked.denies is not denied:
            return frozenset()
        return frozenset(grant for grant in grants if asked.applies(grant) is answer)

    def _denials(self, wanted: Iterable[Grant]) -> Iterator[tuple[Statement, Truth]]:
        """The Deny statements that a request falls under, or may fall under."""
        for statement in self._asked():
            if statement.denies:
                answers = set(map(statement.applies, wanted))
                if Truth.YES in answers:
                    yield statement, Truth.YES
                elif Truth.UNKNOWN in answers:
                    yield statement, Truth.UNKNOWN

    def _allows(self, wanted: Grant) -> bool:
        if wanted in self.grants:
            return True
        memo = self._memo
        if memo.index is None:
            memo.index = GrantIndex(self.grants)
        return memo.index.covers(wanted) or any(
            not statement.denies and statement.applies(wanted) is Truth.YES
            for statement in self._asked()
        )

    def _asked(self) -> tuple[Statement, ...]:
        memo = self._memo
        if memo.statements is None:
            memo.statements = tuple(
                Statement(document, self.registry, self.partition) for document in self.statements
            )
        return memo.statements

    def _statement(self, document: JsonObject) -> Statement:
        equal = (statement for statement in self._asked() if statement.document is document)
        return next(equal, None) or Statement(document, self.registry, self.partition)


def in_force(
    policy: Policy, registry: Registry, partition: Partition, trusted: frozenset[str] = frozenset()
) -> Permissions:
    """Returns the permissions of a policy as it stands, edited statements of ours included."""
    return Permissions(
        registry=registry,
        partition=partition,
        grants=policy.grants,
        statements=(*policy.foreign, *policy.opaque),
        trusted=trusted,
    )
