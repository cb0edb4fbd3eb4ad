"""Our extension of ECR's service model: it teaches an older SDK, and adds nothing to a newer one.

FLEET_REPL_NEWEST_BOTOCORE may name a folder with a botocore in it; without it, the newest one's
model is the recorded one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from fleet_repl.aws.configuration import make_session
from fleet_repl.aws.service_models import MODELS
from fleet_repl.inventory.settings import Aws

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

    from fleet_repl.values.canonical_json import JsonObject

VERSION: Final = "2015-09-21"
BACKFILL: Final = (
    "DescribeReplicationBackfillResults",
    "ListReplicationBackfills",
    "StartReplicationBackfill",
    "StopReplicationBackfill",
)


def load(*folders: Path) -> Any:
    """ECR's model as the SDK loads it from these folders alone."""
    loader = Loader([str(folder) for folder in folders], include_default_search_paths=False)
    return loader.load_service_model("ecr", "service-2", VERSION)


def members(shape: Shape | None) -> object:
    """All that a shape can hold, down to plain types."""
    match shape:
        case StructureShape():
            return {name: members(member) for name, member in shape.members.items()}
        case ListShape():
            return [members(shape.member)]
        case _:
            return shape and shape.type_name


@pytest.fixture
def newest() -> Path:
    """Where the newest botocore's models are."""
    folder = os.environ.get("FLEET_REPL_NEWEST_BOTOCORE")
    return Path(folder, "botocore", "data") if folder else Path(__file__).parent / "models"


def test_a_newer_sdk_is_left_as_it_is(newest: Path) -> None:
    """Whatever we add is there already, and the same: shapes, operations, nothing else."""
    assert load(MODELS, newest) == load(newest)


@pytest.mark.parametrize(
    "operation", [*BACKFILL, "DescribeRegistry", "PutReplicationConfiguration"]
)
def test_an_older_sdk_learns_all_that_a_newer_one_knows(newest: Path, operation: str) -> None:
    """What goes and comes in the operations that the extension is about is the same in both."""
    loader = make_session(Aws(), None).get_component("data_loader")
    installed = ServiceModel(loader.load_service_model("ecr", "service-2")).operation_model(
        operation
    )
    known = ServiceModel(load(newest)).operation_model(operation)
    assert members(installed.input_shape) == members(known.input_shape)
    assert members(installed.output_shape) == members(known.output_shape)


async def test_delete_replication_is_sent(edge: Edge) -> None:
    """An SDK that does not know the field would refuse it."""
    rule: JsonObject = {
        "destinations": [{"region": "us-east-1", "registryId": "000000000002"}],
        "deleteReplication": {"enabled": True},
    }
    document: JsonObject = {"rules": [rule]}
    async with edge.open() as registries:
        await registries.put_replication(edge.registry(), document)
        answer = await registries.describe(edge.registry())
    (request,) = edge.aws.calls("PutReplicationConfiguration")
    assert request.parameters == {"replicationConfiguration": document}
    assert answer["replicationConfiguration"] == document


async def test_models_of_the_users_own_are_still_found(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """AWS_DATA_PATH holds, behind ours and before the SDK's."""
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    loader = make_session(Aws(), None).get_component("data_loader")
    assert loader.search_paths[:2] == [str(MODELS), str(tmp_path)]
