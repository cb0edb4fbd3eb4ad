"""ECR: which operations there are, who may call them, and on which registry they act.

There is no registry to choose in a registry-level call: it acts on the caller's account in the
region that was signed for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.sandbox import image_calls, registry_calls
from fleet_repl.sandbox.ecr_call import EcrCall
from fleet_repl.sandbox.refusals import Common, Service, common, denied
from fleet_repl.sandbox.world import World

Operation: TypeAlias = Callable[[World, EcrCall], JsonObject]

_OPERATIONS: Final[dict[str, Operation]] = {
    "BatchGetImage": image_calls.batch_get_image,
    "CreateRepository": repository_calls.create_repository,
}
