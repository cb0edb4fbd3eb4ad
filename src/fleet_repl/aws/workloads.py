"""The images of ECS and Lambda that accounts run, as these services name them.

ECS: the containers of running tasks, each with the digest that it was started with; and the task
definitions of services without a running task, as they are started again. Lambda: the functions
that are images, in their latest version and in those that an alias points to. Whatever goes while
it is being asked about does not run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from fleet_repl.aws.account_calls import AccountCalls
from fleet_repl.aws.answers import body, objects
from fleet_repl.aws.faults import garbage
from fleet_repl.aws.pages import PagedList
from fleet_repl.aws.request import Answer, Call
from fleet_repl.runs.coverage import FunctionImages, RunningImage, Runtime, Workload
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import Registry

_CLUSTERS: Final = PagedList(member="clusterArns", page_size=100, most_pages=1_000, of_texts=True)
_TASKS: Final = PagedList(member="taskArns", page_size=100, most_pages=10_000, of_texts=True)
_SERVICES: Final = PagedList(member="serviceArns", page_size=100, most_pages=1_000, of_texts=True)
_FUNCTIONS: Final = PagedList(
    member="Functions",
    page_size=50,
    most_pages=10_000,
    capitalized=True,
    names=("MaxItems", "Marker", "NextMarker"),
    texts=("FunctionName",),
)
_ALIASES: Final = PagedList(
    member="Aliases",
    page_size=50,
    most_pages=1_000,
    capitalized=True,
    names=("MaxItems", "Marker", "NextMarker"),
    texts=("FunctionVersion",),
)
_LATEST: Final = "$LATEST"
_AT_ONCE: Final = 10
"""The most services that DescribeServices takes."""
_GONE: Final = frozenset(
    {"ClusterNotFoundException", "ServiceNotFoundException", "ResourceNotFoundException"}
)


class AwsWorkloads:
    """ECS and Lambda, asked with the credentials of each account. Both methods raise CallError."""

    def __init__(self, calls: AccountCalls) -> None:
        self._calls = calls

    async def tasks(self, place: Registry) -> set[RunningImage]:
        running: set[RunningImage] = set()
        clusters = self._calls.pages(place, "ListClusters", _CLUSTERS, service="ecs")
        async for page in clusters:
            for item in page:
                try:
                    running |= await self._of_cluster(place, str(item["text"]))
                except CallError as error:
                    if error.fault.code not in _GONE:
                        raise
        return running

    async def functions(self, place: Registry) -> FunctionImages:
        """Returns the images of Lambda functions in an account and region. Where their aliases may
        not be listed, only the latest versions are known."""
        running: set[RunningImage] = set()
        denied: Fault | None = None
        pages = self._calls.pages(place, "ListFunctions", _FUNCTIONS, service="lambda")
        async for page in pages:
            for function in page:
                if function.get("PackageType") != "Image":
                    continue
                name, versions = str(function["FunctionName"]), {_LATEST}
                if denied is None:
                    try:
                        versions |= await self._aliased(place, name)
                    except CallError as error:
                        if error.fault.kind is not FaultKind.ACCESS_DENIED:
                            raise
                        denied = error.fault
                for version in sorted(versions):
                    running |= await self._of_function(place, name, version)
        return FunctionImages(running, denied)

    async def _aliased(self, place: Registry, name: str) -> set[str]:
        """Returns the versions of a function that its aliases point to, in whole or in part."""
        versions: set[str] = set()
        parameters = {"FunctionName": name}
        pages = self._calls.pages(place, "ListAliases", _ALIASES, parameters, service="lambda")
        try:
            async for page in pages:
                for alias in page:
                    versions.add(str(alias["FunctionVersion"]))
                    match alias.get("RoutingConfig"):
                        case {"AdditionalVersionWeights": Mapping() as weights}:
                            versions |= weights.keys()
        except CallError as error:
            if error.fault.code not in _GONE:
                raise
        return versions

    async def _of_cluster(self, place: Registry, cluster: str) -> set[RunningImage]:
        running: set[RunningImage] = set()
        groups: set[str] = set()
        name = cluster.rpartition("/")[2]
        async for tasks in self._listed(place, "ListTasks", _TASKS, cluster):
            parameters = {"cluster": cluster, "tasks": tasks}
            for task in await self._described(place, "DescribeTasks", "tasks", parameters):
                group = str(task.get("group"))
                groups.add(group)
                workload = Workload(Runtime.ECS, str(place), f"{name}/{group}")
                running |= {*_images(task.get("containers"), workload)}
        definitions: dict[str, str] = {}
        async for services in self._listed(place, "ListServices", _SERVICES, cluster):
            idle = [arn for arn in services if f"service:{arn.rpartition('/')[2]}" not in groups]
            for start in range(0, len(idle), _AT_ONCE):
                parameters = {"cluster": cluster, "services": idle[start : start + _AT_ONCE]}
                for service in await self._described(
                    place, "DescribeServices", "services", parameters
                ):
                    if isinstance(definition := service.get("taskDefinition"), str):
                        definitions[f"{name}/service:{service.get('serviceName')}"] = definition
        for service_name, definition in definitions.items():
            workload = Workload(Runtime.ECS, str(place), service_name)
            running |= await self._of_definition(place, definition, workload)
        return running

    async def _listed(
        self, place: Registry, operation: str, listing: PagedList, cluster: str
    ) -> AsyncIterator[list[str]]:
        """Yields the ARNs of a cluster's tasks or services, page by page; no empty page."""
        pages = self._calls.pages(place, operation, listing, {"cluster": cluster}, service="ecs")
        async for page in pages:
            if page:
                yield [str(item["text"]) for item in page]

    async def _described(
        self, place: Registry, operation: str, member: str, parameters: Mapping[str, object]
    ) -> Sequence[JsonObject]:
        def read(answer: Answer, call: Call) -> tuple[JsonObject, ...]:
            return objects(body(answer, call), member, answer, call)

        return await self._calls.read(place, operation, read, parameters, service="ecs")

    async def _of_definition(
        self, place: Registry, definition: str, workload: Workload
    ) -> set[RunningImage]:
        document = await self._calls.read(
            place,
            "DescribeTaskDefinition",
            partial(_member, "taskDefinition"),
            {"taskDefinition": definition},
            "ecs",
        )
        return {*_images(document.get("containerDefinitions"), workload)}

    async def _of_function(self, place: Registry, name: str, version: str) -> set[RunningImage]:
        parameters = {"FunctionName": name}
        if version != _LATEST:
            parameters["Qualifier"], name = version, f"{name}:{version}"
        try:
            code = await self._calls.read(
                place, "GetFunction", partial(_member, "Code"), parameters, "lambda"
            )
        except CallError as error:
            if error.fault.code not in _GONE:
                raise
            return set()
        uri, resolved = code.get("ImageUri"), code.get("ResolvedImageUri")
        if not isinstance(uri, str):
            return set()
        digest = str(resolved).partition("@")[2] if resolved is not None else ""
        return {RunningImage(uri, digest or None, Workload(Runtime.LAMBDA, str(place), name))}


def _images(containers: object, workload: Workload) -> Iterator[RunningImage]:
    listed: Iterable[object] = containers if isinstance(containers, list) else ()
    for container in listed:
        match container:
            case {"image": str(uri), "imageDigest": str(digest)}:
                yield RunningImage(uri, digest, workload)
            case {"image": str(uri)}:
                yield RunningImage(uri, None, workload)
            case _:
                continue


def _member(name: str, answer: Answer, call: Call) -> JsonObject:
    document = body(answer, call).get(name)
    if not isinstance(document, dict):
        raise garbage(call, f"the answer holds no {name}", answer.request_id)
    return document
