"""ECS and Lambda: the services and functions of a scenario, as much as shows which images run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, unquote

from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.directory import Identity
from fleet_repl.sandbox.pages import page
from fleet_repl.sandbox.scenario_contents import FunctionScenario, ServiceScenario
from fleet_repl.sandbox.shapes import Structure, read
from fleet_repl.sandbox.world import World
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import AccountId, Region, Registry


def _digest_of(world: World, uri: str) -> str | None:
    """Returns the digest of an image such as `111111111111.dkr.ecr.eu-west-1.amazonaws.com/a:1`;
    None where no registry of the world has it."""
    host, _, path = uri.partition("/")
    account, *parts = host.replace("dkr-ecr", "dkr.ecr").split(".")
    if parts[:2] != ["dkr", "ecr"]:
        return None
    name, at, digest = path.partition("@")
    if at:
        return digest
    name, _, tag = name.partition(":")
    repository = world.repository(Registry(AccountId(account), Region(parts[2])), name)
    image = None if repository is None else repository.tagged(tag or "latest")
    return None if image is None else image.digest


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
        digest = _digest_of(self._world, uri)
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
    return {member: shown, **more}


def _described(wanted: Iterable[str], known: dict[str, Json], member: str) -> JsonObject:
    """Returns what there is of what was asked for, and a failure for each of the rest."""
    here: list[Json] = []
    failures: list[Json] = []
    for name in wanted:
        if name in known:
            here.append(known[name])
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

_PATH: Final = "/2015-03-31/functions"
"""The operations of Lambda are paths, and its parameters are in the path and the query."""
_PAGES: Final = ("MaxItems", "Marker", "NextMarker")
_LATEST: Final = "$LATEST"


def operation_of(path: str) -> str:
    """Returns the operation that a path asks for; a path of none, as it is."""
    if path.rstrip("/") == _PATH:
        return "ListFunctions"
    name, _, rest = path.removeprefix(f"{_PATH}/").partition("/")
    known = {"": "GetFunction", "aliases": "ListAliases"}
    return known.get(rest, path) if path.startswith(f"{_PATH}/") and name else path


def parameters_of(path: str, query: str) -> JsonObject:
    """Returns the parameters of a request, by the names of the service's model."""
    members: dict[str, Json] = {
        name: int(value) if name == "MaxItems" and value.isdecimal() else value
        for name, value in parse_qsl(query)
    }
    name = path.removeprefix(_PATH).strip("/").partition("/")[0]
    return members | ({"FunctionName": unquote(name)} if name else {})


def call_lambda(
    world: World, caller: Identity, region: Region, operation: str, body: JsonObject
) -> JsonObject:
    """Returns the members of the answer. Raises AwsError."""
    world.run_due()
    world.directory.check_allowed(caller, f"lambda:{operation}")
    request = read(body, f"lambda.{operation}Request")
    place = Registry(caller.account, region)
    functions = [item for item in world.scenario.functions if item.place == place]
    if operation == "ListFunctions":
        return _list_functions(functions, request)
    item = _function(functions, request.text("FunctionName"))
    if operation == "ListAliases":
        return _list_aliases(item, request)
    return _get_function(world, item, request.optional("Qualifier") or _LATEST)


def _function(functions: list[FunctionScenario], name: str) -> FunctionScenario:
    for item in functions:
        if item.name == name:
            return item
    raise AwsError("ResourceNotFoundException", f"Function not found: {name}", 404)


def _list_functions(functions: list[FunctionScenario], request: Structure) -> JsonObject:
    shown, more = page([*map(_configuration, functions)], request, usual=50, names=_PAGES)
    return {"Functions": shown, **more}


def _list_aliases(item: FunctionScenario, request: Structure) -> JsonObject:
    aliases: list[Json] = [
        {"Name": name, "FunctionVersion": first}
        | (
            {"RoutingConfig": {"AdditionalVersionWeights": dict.fromkeys(others, 0.1)}}
            if others
            else {}
        )
        for name, (first, *others) in item.aliases.items()
    ]
    shown, more = page(aliases, request, usual=50, names=_PAGES)
    return {"Aliases": shown, **more}


def _get_function(world: World, item: FunctionScenario, version: str) -> JsonObject:
    code: dict[str, Json] = {"RepositoryType": "S3", "Location": "https://example.com/code.zip"}
    image = item.image if version == _LATEST else item.versions.get(version)
    if image is None and version != _LATEST:
        raise AwsError("ResourceNotFoundException", f"Function not found: {item.name}", 404)
    if image is not None:
        code = {"RepositoryType": "ECR", "ImageUri": image}
        if (digest := _digest_of(world, image)) is not None:
            repository = image.partition("@")[0].rpartition(":")[0] or image
            code["ResolvedImageUri"] = f"{repository}@{digest}"
    return {"Configuration": _configuration(item, version), "Code": code}


def _configuration(item: FunctionScenario, version: str = _LATEST) -> JsonObject:
    kind = "Zip" if item.image is None else "Image"
    return {"FunctionName": item.name, "PackageType": kind, "Version": version}
