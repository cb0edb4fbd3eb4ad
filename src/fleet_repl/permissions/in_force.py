"""What is in force in one registry: our grants beside all the statements that are not ours."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from fleet_repl.canonical import JsonObject
from fleet_repl.grants import Grant, GrantIndex, Policy, named
from fleet_repl.names import AccountId, Partition, Registry
from fleet_repl.permissions.conditions import Truth
from fleet_repl.permissions.statements import Statement


@dataclass(slots=True)
class _Memo:
    """What is worked out once it is asked for: most policies are asked nothing."""

    index: GrantIndex | None = None
    statements: tuple[Statement, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What is in force in one registry: a set of our grants beside other statements."""

    registry: Registry
    partition: Partition
    grants: frozenset[Grant]
    statements: tuple[JsonObject, ...] = ()
    """Statements that `grants` does not stand for."""
    trusted: frozenset[str] = frozenset()
    """Sids of statements that somebody vouches for: where nobody can tell whether one of them
    denies something, it does not."""
    _memo: _Memo = field(default_factory=_Memo, init=False, repr=False, compare=False)

    def lacks(self, source: AccountId, prefix: str, actions: Collection[str]) -> str | None:
        """Why `source` may not replicate `prefix` into the registry, or None where it may."""
        wanted = [Grant(source, prefix, action) for action in actions]
        for statement, found in self._denials(wanted):
            if found is Truth.YES:
                return f"{named(statement.document)} of its registry policy denies it"
        if missing := self.missing(wanted):
            return f"its registry policy does not grant {' and '.join(missing)}"
        doubt = self.doubt(source, prefix, actions)
        return None if doubt is None else f"{doubt[0]} of its registry policy may deny it{doubt[1]}"

    def missing(self, wanted: Iterable[Grant]) -> list[str]:
        """The actions of those grants that nothing gives."""
        return [one.action for one in wanted if not self._allows(one)]

    def doubt(
        self, source: AccountId, prefix: str, actions: Collection[str], *, vouched: bool = False
    ) -> tuple[str, str] | None:
        """The first statement of which nobody can tell whether it denies this to `source`, by its
        name, and in words what that hangs on. `vouched`: of those that are trusted."""
        wanted = [Grant(source, prefix, action) for action in actions]
        for statement, found in self._denials(wanted):
            if found is Truth.UNKNOWN and self.trusts(statement.document) is vouched:
                keys = next(keys for one in wanted if (keys := statement.hangs_on(one)))
                return named(statement.document), f", depending on {' and '.join(keys)}"
        return None

    def trusts(self, statement: JsonObject) -> bool:
        """Whether somebody vouches for a statement."""
        sid = statement.get("Sid")
        return isinstance(sid, str) and sid in self.trusted

    def is_met(self, statement: JsonObject, sources: Iterable[AccountId]) -> bool:
        """Whether the condition of a statement is surely met by requests of every account that it
        names; of `sources`, where it names everybody."""
        asked = self._statement(statement)
        accounts = asked.accounts or frozenset(one for one in sources if asked.names(one))
        return bool(accounts) and all(asked.condition(one) is Truth.YES for one in accounts)

    def allowed_by(self, statement: JsonObject, grants: Iterable[Grant]) -> frozenset[Grant]:
        """Those of the grants that an Allow statement makes needless: it lets in as much."""
        asked = self._statement(statement)
        if asked.denies:
            return frozenset()
        return frozenset(one for one in grants if asked.applies(one) is Truth.YES)

    def denied_by(self, statement: JsonObject, grants: Iterable[Grant]) -> frozenset[Grant]:
        """Those of the grants that a Deny statement hits, in whole or in part."""
        return self._denied(statement, grants, Truth.YES)

    def doubted_by(self, statement: JsonObject, grants: Iterable[Grant]) -> frozenset[Grant]:
        """Those of the grants that a Deny statement may hit: nobody can tell."""
        return self._denied(statement, grants, Truth.UNKNOWN)

    def undecided(self, statement: JsonObject, grant: Grant) -> tuple[str, ...]:
        """What that hangs on."""
        return self._statement(statement).hangs_on(grant)

    def _denied(
        self, statement: JsonObject, grants: Iterable[Grant], how: Truth
    ) -> frozenset[Grant]:
        asked = self._statement(statement)
        if not asked.denies:
            return frozenset()
        return frozenset(one for one in grants if asked.applies(one) is how)

    def _denials(self, wanted: Iterable[Grant]) -> Iterator[tuple[Statement, Truth]]:
        """The Denies that a request falls under, or may."""
        for statement in self._asked():
            if statement.denies:
                found = {statement.applies(one) for one in wanted}
                if Truth.YES in found:
                    yield statement, Truth.YES
                elif Truth.UNKNOWN in found:
                    yield statement, Truth.UNKNOWN

    def _allows(self, wanted: Grant) -> bool:
        if wanted in self.grants:
            return True
        memo = self._memo
        if memo.index is None:
            memo.index = GrantIndex(self.grants)
        return memo.index.covers(wanted) or any(
            not one.denies and one.applies(wanted) is Truth.YES for one in self._asked()
        )

    def _asked(self) -> tuple[Statement, ...]:
        memo = self._memo
        if memo.statements is None:
            memo.statements = tuple(
                Statement(one, self.registry, self.partition) for one in self.statements
            )
        return memo.statements

    def _statement(self, document: JsonObject) -> Statement:
        found = (one for one in self._asked() if one.document is document)
        return next(found, None) or Statement(document, self.registry, self.partition)


def in_force(
    policy: Policy,
    registry: Registry,
    partition: Partition,
    trusted: frozenset[str] = frozenset(),
) -> Permissions:
    """What a policy allows as it stands, edited statements of ours included."""
    return Permissions(
        registry=registry,
        partition=partition,
        grants=policy.grants,
        statements=(*policy.foreign, *policy.opaque),
        trusted=trusted,
    )
