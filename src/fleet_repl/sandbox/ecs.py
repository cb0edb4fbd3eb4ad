"""ECS: the clusters, services and tasks of a scenario, as much as shows which images run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.directory import Identity
from fleet_repl.sandbox.pages import page
from fleet_repl.sandbox.scenario_contents import ServiceScenario
from fleet_repl.sandbox.shapes import Structure, read
from fleet_repl.sandbox.workload_images import digest_of
from fleet_repl.sandbox.world import World
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import Region, Registry

_Services: TypeAlias = Sequence[ServiceScenario]


class Ecs:
    """The services of one account and region."""

    def __init__(self, world: World, place: Registry) -> None:
        self._world = world
        self._place = place
        self._services = [item for item in world.scenario.services if item.place == place]

    def list_clusters(self, request: Structure) -> JsonObject:
        clusters = dict.fromkeys(self._arn("cluster", item.cluster) for item in self._services)
        return _listed(request, "clusterArns", clusters)

    def list_tasks(self, request: Structure) -> JsonObject:
        services = self._of_cluster(request)
        return _listed(request, "taskArns", [arn for item in services for arn in self._tasks(item)])

    def describe_tasks(self, request: Structure) -> JsonObject:
        tasks: dict[str, Json] = {
            arn: {
                "taskArn": arn,
                "clusterArn": self._arn("cluster", item.cluster),
                "group": f"service:{item.name}",
                "taskDefinitionArn": self._definition(item),
                "lastStatus": "RUNNING",
                "containers": [self._container(uri) for uri in item.images],
            }
            for item in self._of_cluster(request)
            for arn in self._tasks(item)
        }
        return _described(request.texts("tasks"), tasks, "tasks")

    def list_services(self, request: Structure) -> JsonObject:
        arns = map(self._service_arn, self._of_cluster(request))
        return _listed(request, "serviceArns", arns)

    def describe_services(self, request: Structure) -> JsonObject:
        if len(request.texts("services")) > 10:
            raise AwsError("InvalidParameterException", "Services cannot be more than 10.")
        services: dict[str, Json] = {
            self._service_arn(item): {
                "serviceArn": self._service_arn(item),
                "serviceName": item.name,
                "runningCount": item.tasks,
                "taskDefinition": self._definition(item),
            }
            for item in self._of_cluster(request)
        }
        return _described(request.texts("services"), services, "services")

    def describe_task_definition(self, request: Structure) -> JsonObject:
        wanted = request.text("taskDefinition")
        for item in self._services:
            if self._definition(item) == wanted:
                containers: list[Json] = [{"name": uri, "image": uri} for uri in item.images]
                return {"taskDefinition": {"containerDefinitions": containers}}
        raise AwsError("ClientException", "Unable to describe task definition.")

    def _of_cluster(self, request: Structure) -> _Services:
        name = (request.optional("cluster") or "default").rpartition("/")[2]
        services = [item for item in self._services if item.cluster == name]
        if not services:
            raise AwsError("ClusterNotFoundException", "Cluster not found.")
        return services

    def _container(self, uri: str) -> JsonObject:
        digest = digest_of(self._world, uri)
        return {"name": uri, "image": uri} | ({} if digest is None else {"imageDigest": digest})

    def _tasks(self, item: ServiceScenario) -> list[str]:
        return [
            self._arn("task", f"{item.cluster}/{item.name}-{number}")
            for number in range(item.tasks)
        ]

    def _service_arn(self, item: ServiceScenario) -> str:
        return self._arn("service", f"{item.cluster}/{item.name}")

    def _definition(self, item: ServiceScenario) -> str:
        return self._arn("task-definition", f"{item.cluster}-{item.name}:1")

    def _arn(self, kind: str, name: str) -> str:
        partition = self._world.directory.partition
        return f"arn:{partition}:ecs:{self._place.region}:{self._place.account}:{kind}/{name}"


def call_ecs(
    world: World, caller: Identity, region: Region, operation: str, body: JsonObject
) -> JsonObject:
    """Returns the members of the answer. Raises AwsError."""
    world.run_due()
    world.directory.check_allowed(caller, f"ecs:{operation}")
    request = read(body, f"ecs.{operation}Request")
    return _OPERATIONS[operation](Ecs(world, Registry(caller.account, region)), request)


def _listed(request: Structure, member: str, arns: Iterable[str]) -> JsonObject:
    shown, more = page([*arns], request)
    listed: list[Json] = [*shown]
    return {member: listed, **more}


def _described(wanted: Iterable[str], found: dict[str, Json], member: str) -> JsonObject:
    """Returns what there is of what was asked for, and a failure for each of the rest."""
    here: list[Json] = []
    failures: list[Json] = []
    for name in wanted:
        if name in found:
            here.append(found[name])
        else:
            failures.append({"arn": name, "reason": "MISSING"})
    return {member: here, "failures": failures}


_OPERATIONS: Final[dict[str, Callable[[Ecs, Structure], JsonObject]]] = {
    "DescribeServices": Ecs.describe_services,
    "DescribeTaskDefinition": Ecs.describe_task_definition,
    "DescribeTasks": Ecs.describe_tasks,
    "ListClusters": Ecs.list_clusters,
    "ListServices": Ecs.list_services,
    "ListTasks": Ecs.list_tasks,
}
