"""Lambda: the functions of a scenario, as much as shows which images they run.

Its operations are paths, and its parameters are in the path and the query.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, unquote

from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.directory import Identity
from fleet_repl.sandbox.pages import page
from fleet_repl.sandbox.scenario_contents import FunctionScenario
from fleet_repl.sandbox.shapes import Structure, read
from fleet_repl.sandbox.workload_images import digest_of
from fleet_repl.sandbox.world import World
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import Region, Registry

_PATH: Final = "/2015-03-31/functions"


def operation_of(path: str) -> str:
    """Returns the operation that a path asks for; a path of none, as it is."""
    if path.rstrip("/") == _PATH:
        return "ListFunctions"
    name = path.removeprefix(f"{_PATH}/")
    return "GetFunction" if name != path and "/" not in name else path


def parameters_of(path: str, query: str) -> JsonObject:
    """Returns the parameters of a request, by the names of the service's model."""
    members: dict[str, Json] = {
        name: int(value) if name == "MaxItems" and value.isdecimal() else value
        for name, value in parse_qsl(query)
    }
    name = path.rstrip("/").removeprefix(_PATH).removeprefix("/")
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
    return _get_function(world, functions, request.text("FunctionName"))


def _list_functions(functions: list[FunctionScenario], request: Structure) -> JsonObject:
    members = request.members
    plain = {"maxResults": members.get("MaxItems"), "nextToken": members.get("Marker")}
    query = Structure({name: value for name, value in plain.items() if value is not None})
    shown, more = page(functions, query, usual=50)
    listed: list[Json] = [_configuration(item) for item in shown]
    return {"Functions": listed, **({"NextMarker": more["nextToken"]} if more else {})}


def _get_function(world: World, functions: list[FunctionScenario], name: str) -> JsonObject:
    item = next((item for item in functions if item.name == name), None)
    if item is None:
        raise AwsError("ResourceNotFoundException", f"Function not found: {name}", 404)
    code: dict[str, Json] = {"RepositoryType": "S3", "Location": "https://example.com/code.zip"}
    if item.image is not None:
        code = {"RepositoryType": "ECR", "ImageUri": item.image}
        if (digest := digest_of(world, item.image)) is not None:
            repository = item.image.partition("@")[0].rpartition(":")[0] or item.image
            code["ResolvedImageUri"] = f"{repository}@{digest}"
    return {"Configuration": _configuration(item), "Code": code}


def _configuration(item: FunctionScenario) -> JsonObject:
    kind = "Zip" if item.image is None else "Image"
    return {"FunctionName": item.name, "PackageType": kind, "Version": "$LATEST"}
