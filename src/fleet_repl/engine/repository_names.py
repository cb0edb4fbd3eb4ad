"""The names of a registry's repositories."""

from __future__ import annotations

import sys

from fleet_repl.engine.ports import RepositoryReader
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import Registry


async def repository_names(registry: Registry, reader: RepositoryReader) -> tuple[str, ...]:
    """Returns the names of all repositories, in ECR's order. Raises CallError, also for one without
    a name: rules that are made without it would leave it out."""
    listed = await reader.describe_repositories(registry)
    names = tuple(
        # Replication makes the same names again and again: each is kept in memory once.
        sys.intern(name)
        for item in listed
        if isinstance(name := item.get("repositoryName"), str) and name
    )
    if len(names) < len(listed):
        raise CallError(
            Fault(
                kind=FaultKind.SERVICE,
                operation="DescribeRepositories",
                message="the answer holds a repository without a name",
            )
        )
    return names
