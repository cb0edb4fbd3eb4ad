"""The names of a registry's repositories."""

from __future__ import annotations

import sys

from fleet_repl.engine.ports import RepositoryReader
from fleet_repl.values.names import Registry


async def repository_names(registry: Registry, reader: RepositoryReader) -> tuple[str, ...]:
    """Returns the names of all repositories, in ECR's order. Raises CallError."""
    listed = await reader.describe_repositories(registry)
    names = (item.get("repositoryName") for item in listed)
    # Replication makes the same names again and again: each is kept in memory once.
    return tuple(sys.intern(name) for name in names if isinstance(name, str))
