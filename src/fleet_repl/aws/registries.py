"""Registries read and written over the ECR API: every registry port, on AWS.

This module knows the operations, their parameters, and the errors that are answers, such as "no
policy". Documents are passed on as they are; times in them are seconds since 1970.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from fleet_repl.aws import answers
from fleet_repl.aws.account_access import AccountAccess
from fleet_repl.aws.account_calls import AccountCalls
from fleet_repl.aws.error_codes import INVALID_PARAMETER, NO_IMAGE, NO_POLICY, NO_TEMPLATE
from fleet_repl.aws.pages import PagedList
from fleet_repl.aws.policy_hints import suspects
from fleet_repl.runs.outcomes import Statistics
from fleet_repl.values.canonical_json import JsonObject, compact_json
from fleet_repl.values.errors import CallError, FaultKind
from fleet_repl.values.names import Registry

_TEMPLATES: Final = PagedList(member="repositoryCreationTemplates", page_size=1000, most_pages=50)
_BACKFILLS: Final = PagedList(member="backfills", page_size=50, most_pages=200)
_RESULTS: Final = PagedList(member="results", page_size=1000, most_pages=1_000, empty_with="status")
_REPOSITORIES: Final = PagedList(member="repositories", page_size=1000, most_pages=1_000)
_NAMED: Final = PagedList(member="repositories", page_size=None, most_pages=1)
"""ECR takes no page size where repositories are named."""
_IMAGES: Final = PagedList(member="imageDetails", page_size=1000, most_pages=10_000)

_ARCHIVED_TOO: Final = {"imageStatus": "ANY"}
"""Without this filter ECR returns active images only."""
_UNKNOWN_SETTING: Final = frozenset({FaultKind.ACCESS_DENIED, FaultKind.INVALID, FaultKind.SERVICE})
_PROPAGATION_ATTEMPTS: Final = 5
"""The attempts to put a policy whose principals AWS does not know: a few seconds in all."""


class AwsRegistries:
    """All registry ports of `engine.ports`, on AWS. Made by `open_aws`.

    Every method that reads or writes raises CallError. A read is retried; a write is one attempt.
    """

    def __init__(
        self, calls: AccountCalls, access: AccountAccess, *, sid_prefixes: tuple[str, ...]
    ) -> None:
        """`sid_prefixes`: prefixes of the Sids of the fleet's own policy statements."""
        self.access: Final = access
        self.identity: Final = access.identity
        """The base identity."""
        self._calls = calls
        self._sid_prefixes = sid_prefixes
        self._rejections: Counter[Registry] = Counter()

    def attempts(self, registry: Registry) -> int:
        return self._calls.attempts(registry)

    def statistics(self) -> Statistics:
        """Every call made so far, by service, operation and result."""
        return self._calls.statistics()

    @property
    def calls(self) -> AccountCalls:
        """The calls on registries, whatever they ask."""
        return self._calls

    async def describe(self, registry: Registry) -> JsonObject:
        """DescribeRegistry's whole answer as it came over the wire, every field kept.

        Raises a transient CallError the first time that AWS refuses a fresh role or session.
        """
        return await self._calls.first_read(registry, "DescribeRegistry", answers.registry_document)

    async def prepare(self, registry: Registry) -> None:
        await self._calls.prepare(registry)

    async def put_replication(self, registry: Registry, document: JsonObject) -> str | None:
        parameters = {"replicationConfiguration": document}
        return await self._calls.write(
            registry, "PutReplicationConfiguration", answers.put_rules, parameters
        )

    async def read_policy(self, registry: Registry) -> JsonObject | None:
        return await self._calls.read(
            registry, "GetRegistryPolicy", answers.policy_document, absent=NO_POLICY
        )

    async def put_policy(self, registry: Registry, document: JsonObject) -> str | None:
        """Overwrite the registry policy; returns the request id. One attempt.

        The first refusals of a policy as invalid are transient: a new principal is spreading.
        """
        parameters = {"policyText": compact_json(document)}
        try:
            request_id = await self._calls.write(
                registry, "PutRegistryPolicy", answers.wrote_policy, parameters
            )
        except CallError as error:
            if error.fault.code != INVALID_PARAMETER:
                raise
            failure = self._rejected(registry, document, error)
        else:
            del self._rejections[registry]
            return request_id
        raise failure

    async def delete_policy(self, registry: Registry) -> str | None:
        try:
            return await self._calls.write(registry, "DeleteRegistryPolicy", answers.wrote_policy)
        except CallError as error:
            if error.fault.code == NO_POLICY:
                return error.fault.request_id
            raise

    async def account_setting(self, registry: Registry, name: str) -> str | None:
        """An ECR setting of the account in that region, such as `REGISTRY_POLICY_SCOPE`.

        None where it has no value, or ECR does not know, denies or fails the call.
        """
        try:
            return await self._calls.read(
                registry, "GetAccountSetting", answers.setting, {"name": name}
            )
        except CallError as error:
            fault = error.fault
            if fault.operation == "GetAccountSetting" and fault.kind in _UNKNOWN_SETTING:
                return None
            raise

    async def read_templates(self, registry: Registry) -> tuple[JsonObject, ...]:
        return await self._calls.read_all(
            registry, "DescribeRepositoryCreationTemplates", _TEMPLATES
        )

    async def create_template(self, registry: Registry, document: JsonObject) -> str | None:
        operation = "CreateRepositoryCreationTemplate"
        return await self._calls.write(registry, operation, answers.wrote_template, document)

    async def update_template(self, registry: Registry, document: JsonObject) -> str | None:
        operation = "UpdateRepositoryCreationTemplate"
        return await self._calls.write(registry, operation, answers.wrote_template, document)

    async def delete_template(self, registry: Registry, prefix: str) -> str | None:
        operation, parameters = "DeleteRepositoryCreationTemplate", {"prefix": prefix}
        try:
            return await self._calls.write(registry, operation, answers.wrote_template, parameters)
        except CallError as error:
            if error.fault.code == NO_TEMPLATE:
                return error.fault.request_id
            raise

    async def start_backfill(self, registry: Registry, destination: Registry) -> JsonObject:
        target = {"region": str(destination.region), "registryId": str(destination.account)}
        return await self._calls.write(
            registry, "StartReplicationBackfill", answers.started_backfill, {"destination": target}
        )

    async def list_backfills(self, registry: Registry) -> tuple[JsonObject, ...]:
        return await self._calls.read_all(registry, "ListReplicationBackfills", _BACKFILLS)

    async def backfill_results(
        self, registry: Registry, backfill_id: str
    ) -> tuple[JsonObject, ...]:
        parameters = {"replicationBackfillId": backfill_id, "resultStatusFilter": "FAILED"}
        return await self._calls.read_all(
            registry, "DescribeReplicationBackfillResults", _RESULTS, parameters
        )

    async def describe_repositories(self, registry: Registry) -> tuple[JsonObject, ...]:
        return await self._calls.read_all(registry, "DescribeRepositories", _REPOSITORIES)

    def describe_images(
        self, registry: Registry, repository: str
    ) -> AsyncIterator[tuple[JsonObject, ...]]:
        parameters = {"repositoryName": repository}
        return self._calls.pages(registry, "DescribeImages", _IMAGES, parameters)

    def every_image(
        self, registry: Registry, repository: str
    ) -> AsyncIterator[tuple[JsonObject, ...]]:
        parameters = {"repositoryName": repository, "filter": _ARCHIVED_TOO}
        return self._calls.pages(registry, "DescribeImages", _IMAGES, parameters)

    async def find_image(
        self, registry: Registry, repository: str, digest: str
    ) -> JsonObject | None:
        details = await self._find(registry, repository, {"imageDigest": digest})
        return next((image for image in details if image.get("imageDigest") == digest), None)

    async def find_tag(self, registry: Registry, repository: str, tag: str) -> JsonObject | None:
        return next(iter(await self._find(registry, repository, {"imageTag": tag})), None)

    async def _find(
        self, registry: Registry, repository: str, image: JsonObject
    ) -> tuple[JsonObject, ...]:
        parameters = {"repositoryName": repository, "imageIds": [image], "filter": _ARCHIVED_TOO}
        try:
            return await self._calls.read(
                registry, "DescribeImages", answers.image_details, parameters
            )
        except CallError as error:
            if error.fault.code in NO_IMAGE:
                return ()
            raise

    async def has_repository(self, registry: Registry, repository: str) -> bool:
        try:
            listed = await self._calls.read_all(
                registry, "DescribeRepositories", _NAMED, {"repositoryNames": [repository]}
            )
        except CallError as error:
            if error.fault.code in NO_IMAGE:
                return False
            raise
        return any(item.get("repositoryName") == repository for item in listed)

    async def replication_statuses(
        self, registry: Registry, repository: str, digest: str
    ) -> tuple[JsonObject, ...]:
        parameters = {"repositoryName": repository, "imageId": {"imageDigest": digest}}
        return await self._calls.read(
            registry, "DescribeImageReplicationStatus", answers.image_statuses, parameters
        )

    def _rejected(self, registry: Registry, document: JsonObject, error: CallError) -> CallError:
        """The failure of a policy that AWS calls invalid, with a hint.

        Transient the first times: a principal may not have spread yet, which passes. It may also
        not exist, which does not.
        """
        self._rejections[registry] += 1
        transient = self._rejections[registry] < _PROPAGATION_ATTEMPTS
        if not transient:
            del self._rejections[registry]
        hint = suspects(document, self._sid_prefixes, self._calls.answered)
        return CallError(replace(error.fault, hint=hint), transient=transient)
