"""The images that workloads of a scenario run, as their services resolve them."""

from __future__ import annotations

from fleet_repl.sandbox.world import World
from fleet_repl.values.names import AccountId, Region, Registry


def digest_of(world: World, uri: str) -> str | None:
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
