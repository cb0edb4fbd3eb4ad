"""Registries read and written over the ECR API, each with its own account's credentials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from fleet_repl.aws import hints
from fleet_repl.aws.answers import (
    Identity,
    policy_document,
    put_rules,
    registry_document,
    wrote_policy,
)
from fleet_repl.aws.calling import Caller
from fleet_repl.aws.calls import Answer, Call
from fleet_repl.aws.credentials import Source
from fleet_repl.canonical import JsonObject, compact_json
from fleet_repl.errors import CallError
from fleet_repl.inventory.model import Account
from fleet_repl.names import AccountId, Registry

T = TypeVar("T")

_NO_POLICY: Final = "RegistryPolicyNotFoundException"
_UNKNOWN_PRINCIPAL: Final = "Invalid registry policy provided"
_PROPAGATION_ATTEMPTS: Final = 5
"""How often a policy may be put whose principals AWS does not know: a few seconds in all."""


class AwsRegistries:
    """Both registry ports, on AWS. Made by `open_aws`."""

    def __init__(
        self,
        caller: Caller,
        identity: Identity,
        accounts: Mapping[AccountId, Account],
        source_of: Callable[[Account], Source],
    ) -> None:
        self.identity: Final = identity
        """Who the base identity is."""
        self._caller = caller
        self._accounts = accounts
        self._source_of = source_of
        self._sources: dict[AccountId, Source] = {}
        self._rejections: Counter[Registry] = Counter()

    async def describe(self, registry: Registry) -> JsonObject:
        """DescribeRegistry's whole answer as it came over the wire, every field kept."""
        return await self._read(registry, "DescribeRegistry", registry_document)

    async def read_policy(self, registry: Registry) -> JsonObject | None:
        """The registry policy's document, or None where there is none."""
        try:
            return await self._read(registry, "GetRegistryPolicy", policy_document)
        except CallError as error:
            if error.fault.code == _NO_POLICY:
                return None
            raise

    async def put_replication(self, registry: Registry, document: JsonObject) -> str | None:
        """Overwrite the replication configuration; the request id. One attempt."""
        parameters = {"replicationConfiguration": document}
        return await self._write(registry, "PutReplicationConfiguration", put_rules, parameters)

    async def put_policy(self, registry: Registry, document: JsonObject) -> str | None:
        """Overwrite the registry policy; the request id. One attempt.

        A policy that AWS takes to be invalid is transient a few times: a new principal may not
        have spread yet.
        """
        parameters = {"policyText": compact_json(document)}
        try:
            request_id = await self._write(registry, "PutRegistryPolicy", wrote_policy, parameters)
        except CallError as error:
            if _UNKNOWN_PRINCIPAL not in error.fault.message:
                raise
            failure = self._rejected(registry, document, error)
        else:
            del self._rejections[registry]
            return request_id
        raise failure

    async def delete_policy(self, registry: Registry) -> str | None:
        """Delete the registry policy (it not being there is fine); the request id. One attempt."""
        try:
            return await self._write(registry, "DeleteRegistryPolicy", wrote_policy, {})
        except CallError as error:
            if error.fault.code == _NO_POLICY:
                return error.fault.request_id
            raise

    def attempts(self, registry: Registry) -> int:
        """Calls made so far for the registry, retries and its account's AssumeRole included."""
        made = self._caller.attempts
        return made[registry] + made[registry.account]

    async def _read(
        self, registry: Registry, operation: str, read: Callable[[Answer, Call], T]
    ) -> T:
        call, source = self._call(registry, operation, {}), self._source(registry.account)
        return await self._caller.persist(call, lambda: self._caller.once(call, source, read))

    async def _write(
        self,
        registry: Registry,
        operation: str,
        read: Callable[[Answer, Call], T],
        parameters: Mapping[str, object],
    ) -> T:
        call = self._call(registry, operation, parameters)
        return await self._caller.once(call, self._source(registry.account), read)

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

    def _rejected(self, registry: Registry, document: JsonObject, error: CallError) -> CallError:
        """A principal may not have spread yet, which passes, or be gone, which does not."""
        self._rejections[registry] += 1
        again = self._rejections[registry] < _PROPAGATION_ATTEMPTS
        if not again:
            del self._rejections[registry]
        fault = replace(error.fault, hint=hints.unknown_principal(document))
        return CallError(fault, transient=again)
