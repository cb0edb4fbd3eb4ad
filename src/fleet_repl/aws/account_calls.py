"""Calls on registries, each signed with the credentials of the registry's account.

A read is retried, a write is one attempt, and a list is read page by page. This module knows
neither ECR's operations nor the meaning of their answers: the caller passes both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeVar

from fleet_repl.aws.caller import Caller
from fleet_repl.aws.credentials import Source
from fleet_repl.aws.error_codes import FRESH_REFUSALS
from fleet_repl.aws.faults import no_longer_transient
from fleet_repl.aws.pages import Page, PagedList, Reader, pages_of
from fleet_repl.aws.request import Call, Service
from fleet_repl.inventory.accounts import Account
from fleet_repl.runs.outcomes import Statistics
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault
from fleet_repl.values.names import AccountId, Registry

T = TypeVar("T")

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """The reads of a process, in figures."""

    calls: Mapping[tuple[str, str, str], int]
    """The number of calls by service, operation and result."""
    assumed: Mapping[int, int]
    """AssumeRole calls by the second since 1970 that they were made in."""
    answered: Set[AccountId]
    """Accounts that ECR has answered for."""


class AccountCalls:
    """Makes calls on the registries of an inventory's accounts."""

    def __init__(
        self,
        caller: Caller,
        accounts: Mapping[AccountId, Account],
        source_of: Callable[[Account], Source],
    ) -> None:
        self._caller = caller
        self._accounts = {**accounts}
        self._source_of = source_of
        self._sources: dict[AccountId, Source] = {}
        self._answered: set[AccountId] = set()
        self._begun: set[Registry] = set()
        """Registries whose first read was made."""
        self._denied: dict[AccountId, Fault] = {}
        """The first denial of an account's role, until the role is assumed again."""

    async def read(
        self,
        registry: Registry,
        operation: str,
        read: Reader[T],
        parameters: Mapping[str, object] = _NOTHING,
        service: Service = "ecr",
        *,
        absent: str | None = None,
    ) -> T:
        """Make a call that reads, with retries; returns what `read` makes of the answer. `absent`:
        the error code that is an answer too. Raises CallError, which is never transient."""
        call = self._call(registry, operation, parameters, service, absent)
        source = self._source(registry.account)
        answer = await self._caller.persist(call, lambda: self._caller.once(call, source, read))
        self._answered.add(registry.account)
        return answer

    async def first_read(self, registry: Registry, operation: str, read: Reader[T]) -> T:
        """Make the first read of a registry, as `read` does, and let its other reads follow.

        AWS may refuse a fresh role or session for some seconds. In the first read of a registry
        such a refusal is not waited for but raised at once, as transient: whoever reads many
        registries repeats this read after all others instead of waiting for each account.
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
                failure = no_longer_transient(error) if deferred else error
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
        listing: PagedList,
        parameters: Mapping[str, object] = _NOTHING,
    ) -> tuple[JsonObject, ...]:
        """The items of every page, in their order."""
        pages = self.pages(registry, operation, listing, parameters)
        return tuple([item async for page in pages for item in page])

    async def pages(
        self,
        registry: Registry,
        operation: str,
        listing: PagedList,
        parameters: Mapping[str, object] = _NOTHING,
        service: Service = "ecr",
    ) -> AsyncIterator[tuple[JsonObject, ...]]:
        """The items of one page after the other. Each page is a read of its own.

        Raises CallError, also for a page that lacks its list or leads back to an earlier page.
        """

        async def read(reader: Reader[Page], page_parameters: Mapping[str, object]) -> Page:
            return await self.read(registry, operation, reader, page_parameters, service)

        async for items in pages_of(listing, parameters, read):
            yield items

    async def write(
        self,
        registry: Registry,
        operation: str,
        read: Reader[T],
        parameters: Mapping[str, object] = _NOTHING,
    ) -> T:
        """Make a call that writes, once: after a lost answer only a read can tell whether the
        write has happened. Raises CallError."""
        call = self._call(registry, operation, parameters)
        result = await self._caller.once(call, self._source(registry.account), read)
        self._answered.add(registry.account)
        return result

    async def prepare(self, registry: Registry) -> None:
        """Return once a read and a write after it can be sent at once. Raises CallError."""
        call = self._call(registry, "DescribeRegistry", _NOTHING)
        await self._caller.prepare(call, self._source(registry.account))

    def enlist(self, accounts: Iterable[Account]) -> None:
        """Make calls on the registries of these accounts, too."""
        self._accounts |= {account.id: account for account in accounts}

    def handed_over(self) -> Reads:
        """The reads since they were last handed over, for `credit` of another process."""
        caller = self._caller
        reads = Reads(
            calls=dict(caller.results), assumed=dict(caller.assumed), answered=self._answered
        )
        caller.results.clear()
        caller.assumed.clear()
        self._answered = set()
        return reads

    def credit(self, reads: Reads, registries: Iterable[Registry]) -> None:
        """Count reads that another process has made, of `registries`, as made by this one."""
        self._caller.results.update(reads.calls)
        self._caller.assumed.update(reads.assumed)
        self._answered |= reads.answered
        self._begun.update(registries)

    def answered(self, account: AccountId) -> bool:
        """Returns whether ECR has answered for the account in this run: it surely exists."""
        return account in self._answered

    def statistics(self) -> Statistics:
        """Every call made so far, the base identity's own included."""
        return Statistics(calls=dict(self._caller.results))

    def attempts(self, registry: Registry) -> int:
        """Calls made so far for the registry, retries and its account's AssumeRole included."""
        attempts = self._caller.attempts
        return attempts[registry] + attempts[registry.account]

    def _call(
        self,
        registry: Registry,
        operation: str,
        parameters: Mapping[str, object],
        service: Service = "ecr",
        absent: str | None = None,
    ) -> Call:
        account = self._accounts[registry.account]
        return Call(
            service=service,
            operation=operation,
            region=registry.region,
            account=registry.account,
            role=account.role,
            parameters=parameters,
            absent=absent,
            hidden=(account.external_id,) if account.external_id is not None else (),
        )

    def _source(self, account: AccountId) -> Source:
        if account not in self._sources:
            self._sources[account] = self._source_of(self._accounts[account])
        return self._sources[account]
