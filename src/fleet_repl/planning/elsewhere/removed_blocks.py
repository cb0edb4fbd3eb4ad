"""The `removed` blocks that take resources out of a Terraform state, and leave them in place.

Terraform knows these blocks since 1.7. They name a resource or a module without keys: all instances
of it are taken out at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from fleet_repl.planning.change import Resource
from fleet_repl.planning.elsewhere.model import HeldResource, Holder
from fleet_repl.values.text import counted, visible

_HEAD: Final = """\
# Put these blocks into the root module, delete the resources themselves from the configuration,
# and run terraform plan: it must say that the resources will no longer be managed, and destroy
# nothing. It takes Terraform 1.7, or OpenTofu 1.9.
"""
_TEMPLATES: Final = """\
# The inventory manages creation templates only by [[templates]], which import does not write.
"""
_BLOCK: Final = """\
removed {{
  from = {target}

  lifecycle {{
    destroy = false
  }}
}}
"""


def removed_blocks(resources: Iterable[HeldResource], others: Iterable[HeldResource] = ()) -> str:
    """Returns HCL with a block for each address that Terraform holds, for each state one after the
    other; empty where it holds nothing.

    `others`: resources that are not of the fleet. A block lets go those of its address too.
    """
    besides: dict[tuple[str, str], list[str]] = defaultdict(list)
    for other in others:
        besides[other.source, other.target].append(other.place)
    instances: dict[str, dict[str, list[HeldResource]]] = defaultdict(lambda: defaultdict(list))
    for held in resources:
        if held.holder is Holder.TERRAFORM:
            instances[held.source][held.target].append(held)
    parts: list[str] = [_HEAD] if instances else []
    for source, targets in instances.items():
        parts.append(f"# {visible(source)}\n")
        for target, some in sorted(targets.items()):
            places = ", ".join(sorted({held.place for held in some}))
            notes = [f"# {counted(len(some), 'instance')}: {places}\n"]
            if any(held.resource is Resource.CREATION_TEMPLATE for held in some):
                notes.append(_TEMPLATES)
            if outside := besides[source, target]:
                lost = f"{counted(len(outside), 'instance')}: {', '.join(sorted(set(outside)))}"
                notes.append(f"# Outside of the fleet, and let go as well: {lost}\n")
            parts.append("".join(notes) + _BLOCK.format(target=target))
    return "\n".join(parts)
