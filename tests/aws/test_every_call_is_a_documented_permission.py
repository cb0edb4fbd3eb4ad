"""Every call of the ports reaches AWS, and its action is in our policies and on the page."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

import fleet_repl.aws.registries
from fleet_repl.ecr.session_policies import session_policy
from fleet_repl.engine.ports import (
    Backfills,
    ImageReader,
    RegistryReader,
    RegistryWriter,
    RepositoryReader,
)
from fleet_repl.values.errors import CallError
from fleet_repl.values.names import Partition

if TYPE_CHECKING:
    from aiohttp.web import Response
    from tests.aws.conftest import Edge, Request

    from fleet_repl.aws import AwsRegistries

PAGE: Final = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text()
TEMPLATE: Final = {"prefix": "base/", "appliedFor": ["REPLICATION"]}
READING: Final = ("ecr:Describe", "ecr:Get", "ecr:List")
CALLS: Final[dict[str, tuple[object, ...]]] = {
    "describe": (),
    "read_policy": (),
    "read_templates": (),
    "account_setting": ("REGISTRY_POLICY_SCOPE",),
    "put_replication": ({"rules": []},),
    "put_policy": ({"Statement": []},),
    "delete_policy": (),
    "create_template": (TEMPLATE,),
    "update_template": (TEMPLATE,),
    "delete_template": ("base/",),
    "list_backfills": (),
    "backfill_results": ("01234567-89ab-cdef-0123-456789abcdef",),
    "describe_repositories": (),
    "describe_images": ("base/app",),
    "find_image": ("base/app", "sha256:0"),
    "replication_statuses": ("base/app", "sha256:0"),
}
DOCUMENTED: Final = {
    # By AWS's page on creation templates, for whoever creates or updates one that has such a part.
    "ecr:CreateRepository",
    "ecr:PutLifecyclePolicy",
    "ecr:SetRepositoryPolicy",
}
"""Actions that AWS asks for without a call of that name."""


def session_actions(*, read_only: bool) -> set[str]:
    """What ECR's part of a session's policy allows."""
    policy = json.loads(session_policy(partition=Partition.AWS, read_only=read_only))
    return {item for item in policy["Statement"][0]["Action"] if item.startswith("ecr:")}


def as_ports(
    registries: AwsRegistries,
) -> tuple[RegistryReader, RegistryWriter, Backfills, ImageReader]:
    """The type checker agrees that it is each of them."""
    return registries, registries, registries, registries


def test_no_call_is_forgotten_here() -> None:
    """Every method of the ports that makes a call."""
    ports: tuple[type, ...] = (
        *(RegistryReader, RegistryWriter, Backfills, RepositoryReader, ImageReader),
    )
    methods = {name for port in ports for name in vars(port) if not name.startswith("_")}
    assert methods == {*CALLS, "start_backfill", "attempts", "prepare"}


async def test_its_action_is_on_the_page(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the name that IAM gives it, which is that of the call. So is it in the hint."""
    refuse, answer = edge.aws.refuse("AccessDeniedException"), edge.aws.answer

    async def deny(request: Request) -> Response:
        return await (refuse if request.service == "ecr" else answer)(request)

    calls: Any = {**CALLS, "start_backfill": (edge.registry(2, "us-east-1"),)}
    hints: list[str | None] = []
    async with edge.open() as registries:
        # A session that was accepted is refused for good; a fresh one is tried again.
        await registries.describe(edge.registry(1, "us-east-1"))
        edge.aws.requests.clear()
        monkeypatch.setattr(edge.aws, "answer", deny)
        # A setting that is denied is merely unknown.
        await registries.account_setting(edge.registry(), *calls.pop("account_setting"))
        for method, arguments in calls.items():
            made = getattr(registries, method)(edge.registry(), *arguments)
            with pytest.raises(CallError) as caught:
                await (anext(made) if isinstance(made, AsyncIterator) else made)
            hints.append(caught.value.fault.hint)
    actions = [
        f"ecr:{request.operation}" for request in edge.aws.requests if request.service == "ecr"
    ]
    assert actions[0] == "ecr:GetAccountSetting"
    assert [
        action for action in actions if f"`{action}`" not in PAGE and f'"{action}"' not in PAGE
    ] == []
    assert set(actions) == session_actions(read_only=False) - DOCUMENTED
    assert {action for action in actions if action.startswith(READING)} == session_actions(
        read_only=True
    )
    for hint, action in zip(hints, actions[1:], strict=True):
        assert hint is not None
        assert f'"{action}"' in hint


def test_no_operation_of_the_edge_lacks_its_action() -> None:
    """Whatever the source names that is spelled as an operation of ECR."""
    source = Path(fleet_repl.aws.registries.__file__).read_text(encoding="utf-8")
    verbs = "Batch|Create|Delete|Describe|Get|List|Put|Set|Start|Stop|Tag|Untag|Update|Validate"
    named = {f"ecr:{item}" for item in re.findall(rf'"((?:{verbs})[A-Z]\w+)"', source)}
    assert named == session_actions(read_only=False) - DOCUMENTED
