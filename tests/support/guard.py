"""IAM with the documents of `bootstrap` in force, by a reading of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from unittest import mock

from fleet_repl.sandbox import World, access
from fleet_repl.sandbox.aws_errors import denied
from fleet_repl.sandbox.directory import Identity
from fleet_repl.values.names import RoleArn


def listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)


def meets(condition: Mapping[str, Mapping[str, str]], context: Mapping[str, str | None]) -> bool:
    assert set(condition) <= {"StringEquals"}
    return all(
        context.get(key) == value for key, value in condition.get("StringEquals", {}).items()
    )


@dataclass
class Guard:
    """IAM, with the printed documents in force, and which statements have allowed something."""

    document: Any
    used: set[tuple[str, str]] = field(default_factory=set)
    refused: list[tuple[str, str]] = field(default_factory=list)

    def may(self, policy: Any, action: str, resource: str, service: str = "") -> bool:
        """Whether some statement allows it; each that does is remembered."""
        allowing = [
            item
            for item in policy["Statement"]
            if action in listed(item["Action"])
            and any(fnmatchcase(resource, pattern) for pattern in listed(item["Resource"]))
            and meets(item.get("Condition", {}), {"iam:AWSServiceName": service})
        ]
        self.used |= {(item.get("Sid", ""), action) for item in allowing}
        if not allowing:
            self.refused.append((action, resource))
        return bool(allowing)

    def role_may(self, action: str, resource: str) -> bool:
        """Whether the role of an account may make a call."""
        (role,) = self.document["roles"]
        service = resource.split("/")[2] if "aws-service-role" in resource else ""
        return self.may(role["permissions"], action, resource, service=service)

    def may_assume(self, caller: Identity, role: RoleArn, external_id: str | None) -> bool:
        """The caller's policy and the role's trust have to agree."""
        own, trust = self.document["base_identity"]["permissions"], None
        for hub in self.document["hubs"]:
            if str(caller.role) == hub["arn"]:
                own = hub["permissions"]
            if str(role) == hub["arn"]:
                trust = hub["trust"]
        lister = self.document.get("organization_role")
        if lister is not None and str(role) == lister["arn"]:
            trust = lister["trust"]
        if trust is None:
            (described,) = self.document["roles"]
            assert role.path == f"{described['path']}{described['name']}".removeprefix("/")
            trust = described["trust"]
        who = caller.arn if caller.role is None else str(caller.role)
        (statement,) = trust["Statement"]
        return (
            self.may(own, "sts:AssumeRole", str(role))
            and statement["Principal"]["AWS"] == who
            and meets(statement.get("Condition", {}), {"sts:ExternalId": external_id})
        )

    @property
    def allowed(self) -> set[tuple[str, str]]:
        """Everything that the role may do, by statement."""
        (role,) = self.document["roles"]
        return {
            (item["Sid"], action)
            for item in role["permissions"]["Statement"]
            for action in listed(item["Action"])
        }

    @contextmanager
    def in_force(self, world: World) -> Iterator[None]:
        """While this lasts, the sandbox asks here too, for each call that it would let pass."""
        directory = world.directory
        check, allows, may_assume = access._check_identity, directory.allows, directory.may_assume

        def checked(world: World, caller: Identity, action: str, resource: str) -> None:
            check(world, caller, action, resource)
            if not self.role_may(action, resource):
                raise denied(caller.arn, action, resource, because="no identity-based policy")

        def allowed(caller: Identity, action: str, resource: str = "*") -> bool:
            return allows(caller, action, resource) and self.role_may(action, resource)

        def assumable(caller: Identity, role: RoleArn, external_id: str | None) -> bool:
            known = may_assume(caller, role, external_id)
            return known and self.may_assume(caller, role, external_id)

        with (
            mock.patch.object(access, "_check_identity", checked),
            mock.patch.object(directory, "allows", allowed),
            mock.patch.object(directory, "may_assume", assumable),
        ):
            yield
