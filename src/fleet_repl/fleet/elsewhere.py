"""What other tools manage of a fleet: asks CloudFormation, and makes the warnings of a plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from fleet_repl.engine.stacks import stacks_of
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.elsewhere import HeldResource, managed_elsewhere, maybe_in_stacks
from fleet_repl.planning.plan import RegistryPlan, Warning
from fleet_repl.values.names import Registry

if TYPE_CHECKING:
    from fleet_repl.fleet.context import RunContext


async def warnings_of_others(
    registries: Collection[RegistryPlan],
    desired: Desired,
    held: Collection[HeldResource],
    context: RunContext,
) -> tuple[Warning, ...]:
    """Returns a plan's warnings about what other tools manage, too: what is `held` in Terraform's
    states, and what CloudFormation says of registries that the plan changes and the fleet was not
    the last to write. Other plans ask nothing."""
    stacks = await stacks_in(maybe_in_stacks(registries), context)
    return managed_elsewhere(registries, (*held, *stacks), desired)


async def stacks_in(
    registries: Mapping[Registry, Collection[str]], context: RunContext
) -> tuple[HeldResource, ...]:
    """Returns what CloudFormation's stacks hold of these registries, as far as they say, each by
    the ids that stacks know its resources by."""
    if not registries:
        return ()
    # Importing the library loads no AWS code.
    from fleet_repl.aws.stacks import AwsStacks  # noqa: PLC0415

    return await stacks_of(
        registries,
        AwsStacks(context.registries.calls),
        concurrency=context.inventory.apply.concurrency,
        stop=context.stop,
    )
