"""The meaning of each statement of a registry policy for the copy of an account's repository."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from fleet_repl.ecr.policy import Grant, as_tuple, named
from fleet_repl.ecr.policy.evaluate.conditions import Truth
from fleet_repl.ecr.policy.evaluate.statements import Statement
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Partition, Registry
from fleet_repl.values.text import joined


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A statement that allows or denies the actions, or may do so."""

    name: str
    """The statement as people may look for it, such as `statement AllowPull`."""
    sid: str | None
    denies: bool
    surely: tuple[str, ...]
    """The actions that it allows or denies."""
    maybe: tuple[str, ...]
    """The actions of which that cannot be decided."""
    depends_on: tuple[str, ...] = ()
    """The conditions that decide on them."""

    def __str__(self) -> str:
        verb = "denies" if self.denies else "allows"
        if self.surely:
            return f"{self.name} {verb} {joined(self.surely)}"
        because = f", depending on {joined(self.depends_on)}" if self.depends_on else ""
        return f"{self.name} may {'deny' if self.denies else 'allow'} {joined(self.maybe)}{because}"


def verdicts_on(
    policy: JsonObject | None,
    registry: Registry,
    partition: Partition,
    *,
    source: AccountId,
    repository: str,
    actions: Collection[str],
) -> tuple[Verdict, ...]:
    """Returns the statements of a registry's policy that concern the copies of exactly this
    repository, each with its verdict on the actions, in their order."""
    grants = [Grant(source, repository, action) for action in actions]
    return tuple(_verdicts(policy or {}, registry, partition, grants))


def _verdicts(
    policy: JsonObject, registry: Registry, partition: Partition, grants: list[Grant]
) -> Iterator[Verdict]:
    for document in as_tuple(policy.get("Statement")):
        if not isinstance(document, Mapping):
            continue
        statement = Statement(document, registry, partition, exact=True)
        truths = {grant: statement.applies(grant) for grant in grants}
        maybe = [grant for grant, truth in truths.items() if truth is Truth.UNKNOWN]
        surely = tuple(grant.action for grant, truth in truths.items() if truth is Truth.YES)
        if surely or maybe:
            sid = document.get("Sid")
            yield Verdict(
                name=named(document),
                sid=sid if isinstance(sid, str) else None,
                denies=statement.denies,
                surely=surely,
                maybe=tuple(grant.action for grant in maybe),
                depends_on=statement.hangs_on(maybe[0]) if maybe else (),
            )
