"""Calls on registries, each made with its own account's credentials.

A read is retried, a write is one attempt. What the calls are, and what their answers mean, is
for whoever has them made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from fleet_repl.aws.caller import Caller
from fleet_repl.aws.credentials import Source
from fleet_repl.aws.error_codes import FRESH_REFUSALS
from fleet_repl.aws.faults import settled
from fleet_repl.aws.paging import Listing, read_page
from fleet_repl.aws.request import Answer, Call
from fleet_repl.inventory.accounts import Account
from fleet_repl.runs.outcomes import Statistics
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault
from fleet_repl.values.names import AccountId, Registry

T = TypeVar("T")

Reader: TypeAlias = Callable[[Answer, Call], T]
"""Makes a value of an answer, or raises the CallError that it is."""

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


class Actor:
    """Acts on the registries of an inventory's accounts."""

    def __init__(
        self,
        caller: Caller,
        accounts: Mapping[AccountId, Account],
        source_of: Callable[[Account], Source],
    ) -> None:
        self._caller = caller
        self._accounts = accounts
        self._source_of = source_of
        self._sources: dict[AccountId, Source] = {}
        self._answered: set[AccountId] = set()
        self._begun: set[Registry] = set()
        """Registries whose first read was made."""
        self._denied: dict[AccountId, Fault] = {}
        """The first denial of an account's role, until the role is asked for again."""

    async def read(
        self,
        registry: Registry,
        operation: str,
        read: Reader[T],
        parameters: Mapping[str, object] = _NOTHING,
    ) -> T:
        """What `read` makes of the answer. Raises CallError, never a transient one."""
        call, source = self._call(registry, operation, parameters), self._source(registry.account)
        answer = await self._caller.persist(call, lambda: self._caller.once(call, source, read))
        self._answered.add(registry.account)
        return answer

    async def first_read(self, registry: Registry, operation: str, read: Reader[T]) -> T:
        """The same for the read that a registry's others follow.

        What AWS refuses to a fresh role or session may pass within seconds. In the first read of
        a registry such a refusal is raised at once, as transient: who reads many registries makes
        the read again after all others instead of waiting for each.
        """
        if registry in self._begun:
            self._denied.pop(registry.account, None)
            return await self.read(registry, operation, read)
        self._begun.add(registry)
        if registry.account in self._denied:
            raise CallError(self._denied[registry.account], transient=True)
        call, source = self._call(registry, operation, _NOTHING), self._source(registry.account)
        deferred = False

        async def once() -> T:
            nonlocal deferred
            try:
                return await self._caller.once(call, source, read)
            except CallError as error:
                deferred = error.transient and error.fault.code in FRESH_REFUSALS
                failure = settled(error) if deferred else error
            raise failure

        try:
            answer = await self._caller.persist(call, once)
        except CallError as error:
            failure = CallError(error.fault, transient=deferred)
            if deferred and error.fault.operation == "AssumeRole":
                self._denied[registry.account] = error.fault
        else:
            self._answered.add(registry.account)
            return answer
        raise failure

    async def read_all(
        self,
        registry: Registry,
        operation: str,
        listing: Listing,
        parameters: Mapping[str, object] = _NOTHING,
    ) -> tuple[JsonObject, ...]:
        """The items of every page, in their order."""
        pages = self.pages(registry, operation, listing, parameters)
        return tuple([item async for page in pages for item in page])

    async def pages(
        self,
        registry: Registry,
        operation: str,
        listing: Listing,
        parameters: Mapping[str, object] = _NOTHING,
    ) -> AsyncIterator[tuple[JsonObject, ...]]:
        """The items of one page after the other. Each page is a read of its own."""
        tokens: set[str] = set()
        asked = {**parameters, "maxResults": listing.page_size}
        while True:
            page = await self.read(registry, operation, partial(read_page, listing, tokens), asked)
            yield page.items
            if page.next_token is None:
                return
            tokens.add(page.next_token)
            asked = {**asked, "nextToken": page.next_token}

    async def write(
        self,
        registry: Registry,
        operation: str,
        read: Reader[T],
        parameters: Mapping[str, object] = _NOTHING,
    ) -> T:
        """One attempt: whether one whose answer was lost has happened, only a read can tell."""
        call = self._call(registry, operation, parameters)
        done = await self._caller.once(call, self._source(registry.account), read)
        self._answered.add(registry.account)
        return done

    async def prepare(self, registry: Registry) -> None:
        """Return once a read and a write after it can be sent at once. Raises CallError."""
        call = self._call(registry, "DescribeRegistry", _NOTHING)
        await self._caller.prepare(call, self._source(registry.account))

    def answered(self, account: AccountId) -> bool:
        """Whether ECR has answered for the account in this run, so that it surely exists."""
        return account in self._answered

    def statistics(self) -> Statistics:
        """Every call made so far, the base identity's own included."""
        return Statistics(calls=dict(self._caller.results))

    def attempts(self, registry: Registry) -> int:
        """Calls made so far for the registry, retries and its account's AssumeRole included."""
        made = self._caller.attempts
        return made[registry] + made[registry.account]

    def _call(self, registry: Registry, operation: str, parameters: Mapping[str, object]) -> Call:
        account = self._accounts[registry.account]
        return Call(
            service="ecr",
            operation=operation,
            region=registry.region,
            account=registry.account,
            role=account.role,
            parameters=parameters,
            hidden=(account.external_id,) if account.external_id is not None else (),
        )

    def _source(self, account: AccountId) -> Source:
        if account not in self._sources:
            self._sources[account] = self._source_of(self._accounts[account])
        return self._sources[account]
