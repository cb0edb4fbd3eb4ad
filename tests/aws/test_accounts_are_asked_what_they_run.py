"""ECS and Lambda, asked which images they run: requests, pages, bounds, what goes meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.session import get_session
from tests.support.moto import moto_client, moto_server

from fleet_repl.aws.workloads import AwsWorkloads
from fleet_repl.ecr.permissions import every_statement
from fleet_repl.runs.coverage import RunningImage, Runtime, Workload
from fleet_repl.values.errors import CallError, FaultKind

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

CLUSTER: Final = "arn:aws:ecs:eu-west-1:000000000001:cluster/shop"
SERVICE: Final = "arn:aws:ecs:eu-west-1:000000000001:service/shop/"
TASK: Final = "arn:aws:ecs:eu-west-1:000000000001:task/shop/"
URI: Final = "000000000001.dkr.ecr.eu-west-1.amazonaws.com/base/go"

moto = pytest.fixture(scope="module")(moto_server)


def script(edge: Edge, operation: str, *documents: Any) -> None:
    edge.aws.script(operation, *map(edge.aws.reply, documents))


def task(number: int, group: str) -> dict[str, Any]:
    container = {"image": f"{URI}:{number % 2}", "imageDigest": f"sha256:{number % 2:064}"}
    return {"taskArn": f"{TASK}{number}", "group": group, "containers": [container, {"name": "?"}]}


async def test_tasks_and_services_without_any(edge: Edge) -> None:
    """100 tasks a call and ten services; a task definition only of a service that has no task."""
    numbers = range(150)
    script(edge, "ListClusters", {"clusterArns": [CLUSTER]})
    script(
        edge,
        "ListTasks",
        {"taskArns": [f"{TASK}{n}" for n in numbers[:100]], "nextToken": "more"},
        {"taskArns": [f"{TASK}{n}" for n in numbers[100:]]},
    )
    script(
        edge,
        "DescribeTasks",
        {"tasks": [task(n, "service:web") for n in numbers[:100]], "failures": []},
        {"tasks": [task(n, "family:once") for n in numbers[100:]], "failures": []},
    )
    idle = [f"night{n}" for n in range(11)]
    script(edge, "ListServices", {"serviceArns": [f"{SERVICE}{n}" for n in ("web", *idle)]})
    script(
        edge,
        "DescribeServices",
        {"services": [{"serviceName": n, "taskDefinition": f"{n}:1"} for n in idle[:1]]},
        {"services": [{"serviceName": "external"}]},
    )
    definition = {"containerDefinitions": [{"image": f"{URI}:night"}]}
    script(edge, "DescribeTaskDefinition", {"taskDefinition": definition})
    async with edge.open() as registries:
        place = edge.registry(1)
        running = await AwsWorkloads(registries.calls).tasks(place)
    assert running == {
        *(
            RunningImage(f"{URI}:{n}", f"sha256:{n:064}", Workload(Runtime.ECS, str(place), group))
            for n in (0, 1)
            for group in ("shop/service:web", "shop/family:once")
        ),
        RunningImage(
            f"{URI}:night", None, Workload(Runtime.ECS, str(place), "shop/service:night0")
        ),
    }
    first, second = edge.aws.calls("ListTasks")
    assert first.parameters == {"cluster": CLUSTER, "maxResults": 100}
    assert second.parameters == {**first.parameters, "nextToken": "more"}
    asked = [len(call.parameters["services"]) for call in edge.aws.calls("DescribeServices")]  # type: ignore[arg-type]
    assert asked == [10, 1]
    (call,) = edge.aws.calls("DescribeTaskDefinition")
    assert (call.service, call.region) == ("ecs", "eu-west-1")
    assert edge.aws.identities[call.key].split(":")[4] == "000000000001"


async def test_a_cluster_that_goes_runs_nothing(edge: Edge) -> None:
    """Between the list and its tasks; the next cluster is asked all the same."""
    script(edge, "ListClusters", {"clusterArns": [CLUSTER, f"{CLUSTER}2"]})
    edge.aws.script("ListTasks", edge.aws.refuse("ClusterNotFoundException"))
    script(edge, "ListTasks", {"taskArns": []})
    script(edge, "ListServices", {"serviceArns": []})
    async with edge.open() as registries:
        assert await AwsWorkloads(registries.calls).tasks(edge.registry(1)) == set()
    assert not edge.aws.calls("DescribeTasks")


async def test_functions_that_are_images(edge: Edge) -> None:
    """Page by page with Lambda's own names; a function that goes meanwhile runs nothing."""
    image = {"PackageType": "Image"}
    script(
        edge,
        "ListFunctions",
        {"Functions": [{"FunctionName": "a", **image}, {"FunctionName": "zip"}], "NextMarker": "m"},
        {"Functions": [{"FunctionName": "b", **image}, {"FunctionName": "c", **image}]},
    )
    resolved = f"{URI}@sha256:{1:064}"
    script(edge, "ListAliases", *[{"Aliases": []}] * 3)
    script(edge, "GetFunction", {"Code": {"ImageUri": f"{URI}:1", "ResolvedImageUri": resolved}})
    edge.aws.script("GetFunction", edge.aws.refuse("ResourceNotFoundException", status=404))
    script(edge, "GetFunction", {"Code": {"ImageUri": f"{URI}:2"}})
    async with edge.open() as registries:
        place = edge.registry(1)
        running, denied = await AwsWorkloads(registries.calls).functions(place)
    assert denied is None
    assert running == {
        RunningImage(f"{URI}:1", f"sha256:{1:064}", Workload(Runtime.LAMBDA, str(place), "a")),
        RunningImage(f"{URI}:2", None, Workload(Runtime.LAMBDA, str(place), "c")),
    }
    first, second = edge.aws.calls("ListFunctions")
    assert first.parameters == {"MaxItems": "50"}
    assert second.parameters == {"MaxItems": "50", "Marker": "m"}


async def test_versions_that_aliases_point_to_run_as_well(edge: Edge) -> None:
    """Each once, those with a part of the calls too; a version that goes meanwhile runs nothing."""
    script(edge, "ListFunctions", {"Functions": [{"FunctionName": "a", "PackageType": "Image"}]})
    split = {"AdditionalVersionWeights": {"3": 0.1}}
    script(
        edge,
        "ListAliases",
        {"Aliases": [{"FunctionVersion": "2", "RoutingConfig": split}], "NextMarker": "m"},
        {"Aliases": [{"FunctionVersion": "2"}, {"FunctionVersion": "$LATEST"}]},
    )
    script(edge, "GetFunction", {"Code": {"ImageUri": f"{URI}:9"}})
    script(edge, "GetFunction", {"Code": {"ImageUri": f"{URI}:2"}})
    edge.aws.script("GetFunction", edge.aws.refuse("ResourceNotFoundException", status=404))
    async with edge.open() as registries:
        place = edge.registry(1)
        running, denied = await AwsWorkloads(registries.calls).functions(place)
    assert denied is None
    assert running == {
        RunningImage(f"{URI}:9", None, Workload(Runtime.LAMBDA, str(place), "a")),
        RunningImage(f"{URI}:2", None, Workload(Runtime.LAMBDA, str(place), "a:2")),
    }
    first, second = edge.aws.calls("ListAliases")
    assert first.parameters == {"FunctionName": "a", "MaxItems": "50"}
    assert second.parameters == {**first.parameters, "Marker": "m"}
    qualifiers = [call.parameters.get("Qualifier") for call in edge.aws.calls("GetFunction")]
    assert qualifiers == [None, "2", "3"]


async def test_aliases_that_may_not_be_listed(edge: Edge) -> None:
    """Are asked for once; what the latest versions run is known all the same."""
    image = {"PackageType": "Image"}
    functions = [{"FunctionName": "a", **image}, {"FunctionName": "b", **image}]
    script(edge, "ListFunctions", {"Functions": functions})
    edge.aws.script("ListAliases", *[edge.aws.refuse("AccessDeniedException", status=403)] * 9)
    script(edge, "GetFunction", *[{"Code": {"ImageUri": f"{URI}:1"}}] * 2)
    async with edge.open() as registries:
        running, denied = await AwsWorkloads(registries.calls).functions(edge.registry(1))
    assert {image.workload.name for image in running} == {"a", "b"}
    assert denied is not None
    assert (denied.kind, denied.operation) == (FaultKind.ACCESS_DENIED, "ListAliases")
    assert "lambda:ListAliases" in str(denied.hint)
    assert {call.parameters["FunctionName"] for call in edge.aws.calls("ListAliases")} == {"a"}


@pytest.mark.parametrize(
    ("operation", "document"),
    [
        ("ListClusters", {}),
        ("ListClusters", {"clusterArns": [7]}),
        ("ListFunctions", {"Functions": "none"}),
        ("ListFunctions", {"Functions": [{"PackageType": "Image"}]}),
        ("GetFunction", {"Code": []}),
    ],
)
async def test_garbage_is_no_answer(edge: Edge, operation: str, document: Any) -> None:
    """An answer without its list does not mean that nothing runs."""
    script(edge, operation, *[document] * 9)
    if operation == "GetFunction":
        script(edge, "ListAliases", {"Aliases": []})
        script(
            edge, "ListFunctions", {"Functions": [{"FunctionName": "a", "PackageType": "Image"}]}
        )
    async with edge.open() as registries:
        workloads = AwsWorkloads(registries.calls)
        ask = workloads.tasks if operation == "ListClusters" else workloads.functions
        with pytest.raises(CallError) as caught:
            await ask(edge.registry(1))
    assert not caught.value.transient


async def test_a_denial_names_the_permission(edge: Edge) -> None:
    """And a region that is not enabled is told as such, as ECR's is."""
    edge.aws.script("ListClusters", *[edge.aws.refuse("AccessDeniedException")] * 9)
    edge.aws.script("ListFunctions", *[edge.aws.refuse("UnrecognizedClientException")] * 9)
    async with edge.open() as registries:
        workloads = AwsWorkloads(registries.calls)
        with pytest.raises(CallError) as denied:
            await workloads.tasks(edge.registry(1))
        with pytest.raises(CallError) as disabled:
            await workloads.functions(edge.registry(1))
    assert denied.value.fault.kind is FaultKind.ACCESS_DENIED
    assert '"ecs:ListClusters"' in (denied.value.fault.hint or "")
    assert disabled.value.fault.kind is FaultKind.REGION_DISABLED
    assert "aws account enable-region" in (disabled.value.fault.hint or "")


async def test_every_call_is_a_permission(edge: Edge) -> None:
    """The optional statement has exactly the calls that are made."""
    await test_tasks_and_services_without_any(edge)
    await test_functions_that_are_images(edge)
    made = {
        f"{request.service}:{request.operation}"
        for request in edge.aws.requests
        if request.service in ("ecs", "lambda")
    }
    (statement,) = (item for item in every_statement() if item.sid == "ImagesInUse")
    assert made == set(statement.actions)


def client_in(account: str, service: str, url: str) -> Any:
    """A client of moto's with a session of a role in an account."""
    role = f"arn:aws:iam::{account}:role/owner"
    answer = moto_client("sts", url).assume_role(RoleArn=role, RoleSessionName="owner")
    session, own = get_session(), answer["Credentials"]
    session.set_credentials(own["AccessKeyId"], own["SecretAccessKey"], own["SessionToken"])
    return session.create_client(service, region_name="eu-west-1", endpoint_url=url)


async def test_moto_says_the_same(edge: Edge, moto: str) -> None:
    """Another implementation lists and describes alike: a service without a task, and a function
    that is an image, in two versions."""
    place = edge.registry(1)
    ecs = client_in(place.account, "ecs", moto)
    ecs.create_cluster(clusterName="shop")
    container = {"name": "app", "image": f"{URI}:1", "memory": 64}
    ecs.register_task_definition(family="web", containerDefinitions=[container])
    ecs.create_service(cluster="shop", serviceName="web", taskDefinition="web", desiredCount=0)
    iam = client_in(place.account, "iam", moto)
    role = iam.create_role(RoleName="runs", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    functions = client_in(place.account, "lambda", moto)
    functions.create_function(
        FunctionName="build", PackageType="Image", Code={"ImageUri": f"{URI}:2"}, Role=role
    )
    functions.publish_version(FunctionName="build")
    functions.create_alias(FunctionName="build", Name="live", FunctionVersion="1")
    edge.aws.url = moto
    async with edge.open() as registries:
        running = await AwsWorkloads(registries.calls).tasks(place)
        images, _ = await AwsWorkloads(registries.calls).functions(place)
    workload = Workload(Runtime.ECS, str(place), "shop/service:web")
    assert running == {RunningImage(f"{URI}:1", None, workload)}
    assert {function.workload.name for function in images} == {"build", "build:1"}
    for function in images:
        assert function.uri == f"{URI}:2"
        assert (function.digest or "").startswith("sha256:")
        assert function.workload[:2] == (Runtime.LAMBDA, str(place))
