"""One call to AWS: signed with the right credentials, bounded in time, every failure a `CallError`.

The caller counts attempts and reports retries as events. The `read` function that is passed with a
call decides what an answer means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from fleet_repl.aws import hints
from fleet_repl.aws.answers import registry_document
from fleet_repl.aws.clients import Clients
from fleet_repl.aws.credentials import Issued, Source
from fleet_repl.aws.error_codes import ABSENT, FRESH_REFUSALS, UNKNOWN_KEY
from fleet_repl.aws.faults import no_longer_transient, translate, unissued, wrong_account
from fleet_repl.aws.quotas import Quota, Quotas
from fleet_repl.aws.request import Answer, Call
from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.retry import Pace
from fleet_repl.runs import remedies
from fleet_repl.runs.events import CallRetried
from fleet_repl.values.errors import CallError, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry

T = TypeVar("T")

OK: Final = "ok"
"""The result of a call that was answered."""
PROOF: Final = "DescribeRegistry"
"""The call whose answer names the account of the registry."""
_READ_AND_WRITE: Final = 2
"""Calls that `prepare` makes room for: a read, and the write after it."""
_IN_FORCE: Final = 120.0
"""Seconds for which a session is in force after `prepare`, at least."""

_NOWHERE: Final[frozenset[Region]] = frozenset()
_NO_CODES: Final[frozenset[str]] = frozenset()

FRESH_SECONDS: Final = 10.0
"""For so long after its AssumeRole, AWS may refuse a session only because it has not spread yet."""


class Caller:
    """Makes the calls of a whole run."""

    def __init__(self, clients: Clients, pace: Pace, quotas: Quotas, on_event: EventSink) -> None:
        self.attempts: Final[Counter[Registry | AccountId | None]] = Counter()
        """Attempts so far, by the registry, or for AssumeRole the account, that they were for."""
        self.results: Final[Counter[tuple[str, str, str]]] = Counter()
        """The number of calls by service, operation and result: "ok" or the kind of the fault."""
        self.assumed: Final[Counter[int]] = Counter()
        """AssumeRole calls by the second since 1970 that they were made in."""
        self.pace: Final = pace
        self._clients = clients
        self._quotas = quotas
        self._proved: dict[AccountId, Issued] = {}
        """For each account, the last session that ECR has confirmed to be the account's."""
        self.on_event: Final = on_event
        self._accepted: WeakKeyDictionary[Issued, frozenset[Region]] = WeakKeyDictionary()
        """The regions that have accepted a session. It has spread then, so that a refusal of it in
        another region is meant."""

    async def once(self, call: Call, source: Source, read: Callable[[Answer, Call], T]) -> T:
        """Makes one attempt, signed with what `source` issues; returns what `read` makes of it.

        The attempt waits for its turn at its quota. Raises CallError. An expired session is given
        back to its source, and the failure is transient where the source can issue another. A
        refusal of a fresh session is transient too.
        """
        issued = await self._issue(call, source)
        if call.service == "ecr" and call.writes:
            await self._prove(call, source, issued)
        return await self._send(call, source, issued, read)

    async def prepare(self, call: Call, source: Source) -> None:
        """Return once a read and a write of the call's registry can be sent without delay. Raises
        CallError, which is never transient."""

        async def once() -> None:
            await self._prove(call, source, await self._issue(call, source, ahead=_IN_FORCE))

        await self._clients.prepare(call.service, call.region)
        await self.persist(call, once)
        with self._quotas.of(call, source) as quota:
            await quota.reserve(_READ_AND_WRITE)

    def _excused(self, issued: Issued, region: Region) -> frozenset[str]:
        """Returns the codes with which AWS may refuse a call that is sent now only because the
        session has not spread yet.

        A session has spread once any region has accepted it. But a region that accepted the session
        before, and now does not know it, will know it again.
        """
        if self.pace.clock.monotonic() - issued.issued_at >= FRESH_SECONDS:
            return _NO_CODES
        accepted = self._accepted.get(issued)
        if accepted is None:
            return FRESH_REFUSALS
        return UNKNOWN_KEY if region in accepted else _NO_CODES

    async def persist(self, call: Call, once: Callable[[], Awaitable[T]]) -> T:
        """Retry `once`, an attempt at `call`, and report every retry as an event.

        Raises the CallError of the last attempt, no longer transient: no outer retry starts over.
        """

        def report(error: CallError, attempt: int, delay: float) -> None:
            self.on_event(
                CallRetried(
                    account=call.account,
                    operation=call.operation,
                    error=error.fault,
                    attempt=attempt,
                    delay=delay,
                    region=call.region,
                )
            )

        try:
            return await self.pace.retry(once, on_retry=report)
        except CallError as error:
            failure = no_longer_transient(error)
        raise failure

    async def _issue(self, call: Call, source: Source, ahead: float = 0.0) -> Issued:
        """Credentials of the call's account. Raises CallError."""
        try:
            issued = await source.issue(ahead)
        except CallError:
            raise
        except Exception as error:  # noqa: BLE001 - the SDK renews the base identity's credentials
            failure = unissued(error, call)
        else:
            if call.service == "sts" or issued.account == call.account:
                return issued
            failure = wrong_account(call, str(issued.account))
        raise failure

    async def _prove(self, call: Call, source: Source, issued: Issued) -> None:
        """Have ECR itself name the account of a session, once for each session, before the session
        writes: its issuer may be mistaken, or lie. Raises CallError; nothing was written then."""
        if call.account is not None and self._proved.get(call.account) is not issued:
            proof = replace(call, operation=PROOF, parameters={})
            try:
                await self._send(proof, source, issued, registry_document)
            except CallError as error:
                failure = CallError(error.fault, transient=error.transient)
            else:
                return
            raise failure

    async def _send(
        self, call: Call, source: Source, issued: Issued, read: Callable[[Answer, Call], T]
    ) -> T:
        with self._quotas.of(call, source) as quota:
            return await self._send_within(quota, call, source, issued, read)

    async def _send_within(
        self,
        quota: Quota,
        call: Call,
        source: Source,
        issued: Issued,
        read: Callable[[Answer, Call], T],
    ) -> T:
        token = await quota.take()
        # Judged before sending: while the call is on its way the session grows older, and another
        # region may accept it. Neither says anything about the moment at which AWS looked.
        excused = self._excused(issued, call.region)
        self.attempts[call.subject] += 1
        if call.operation == "AssumeRole":
            self.assumed[int(self.pace.clock.now().timestamp())] += 1
        send = partial(self._clients.send, call, issued.credentials)
        try:
            sent = self.pace.attempt(call.operation, send, patience=call.patience)
            answer = read(await sent, call)
        except CallError as error:
            failure = _with_hint(error, hints.hint_for(error.fault.kind, call))
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises becomes a value
            failure = translate(error, call, issued.hidden)
        else:
            quota.answered(token)
            self._count(call, OK)
            self._accept(issued, call.region)
            if call.operation == PROOF and call.account is not None:
                self._proved[call.account] = issued
            return answer
        absent = failure.fault.code in ABSENT
        if failure.fault.kind is FaultKind.THROTTLED:
            quota.throttled(token)
        elif absent or failure.fault.kind is FaultKind.INVALID:
            self._accept(issued, call.region)
        elif failure.fault.code in excused:
            failure = CallError(failure.fault, transient=True)
        self._count(call, OK if absent else failure.fault.kind.value)
        # Raised outside the handler: the SDK's exception, with its headers and credentials, must
        # not become the context of this one.
        raise _given_back(failure, source, issued)

    def _accept(self, issued: Issued, region: Region) -> None:
        accepted = self._accepted.get(issued, _NOWHERE)
        if region not in accepted:
            self._accepted[issued] = _more(accepted, region)

    def _count(self, call: Call, result: str) -> None:
        self.results[call.service, call.operation, result] += 1


@lru_cache(maxsize=1_024)
def _more(regions: frozenset[Region], region: Region) -> frozenset[Region]:
    """One region more. Kept, because the sessions of a fleet are accepted in the same regions."""
    return regions | {region}


def _given_back(failure: CallError, source: Source, issued: Issued) -> CallError:
    """The failure, with the session given back to its source where it has expired."""
    ended = failure.fault.kind is FaultKind.EXPIRED and failure.transient
    if not ended or source.forget(issued):
        return failure
    return no_longer_transient(_with_hint(failure, remedies.RENEW_BASE))


def _with_hint(error: CallError, hint: str | None) -> CallError:
    if error.fault.hint is not None or hint is None:
        return error
    return CallError(
        replace(error.fault, hint=hint), transient=error.transient, uncertain=error.uncertain
    )
