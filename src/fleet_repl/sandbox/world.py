"""A simulated AWS: accounts, keys and registries, with what a scenario does to them.

`ecr` and `sts` carry out calls on it. Its methods are for whoever owns the sandbox: to look at
registries, and to tamper with them as somebody in the account could.
"""

from __future__ import annotations

from collections import Counter

from fleet_repl import limits
from fleet_repl.canonical import JsonObject, compact_json
from fleet_repl.inventory.model import Inventory, Limits
from fleet_repl.names import AccountId, Registry
from fleet_repl.pacing import Clock
from fleet_repl.sandbox.directory import Directory
from fleet_repl.sandbox.faults import Faults
from fleet_repl.sandbox.keys import Keyring
from fleet_repl.sandbox.policy_documents import stored
from fleet_repl.sandbox.registries import Image, Policy, Registries, Repository
from fleet_repl.sandbox.replication import Estate, Push
from fleet_repl.sandbox.scenario import Scenario

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


class World:
    """Everything there is behind a sandbox's endpoint.

    Limits are AWS's, or the inventory's where those are higher.
    """

    def __init__(self, inventory: Inventory, scenario: Scenario, clock: Clock) -> None:
        self.scenario = scenario
        self.clock = clock
        self.directory = Directory(inventory, scenario)
        self.registries = Registries()
        self.estate = Estate(directory=self.directory, registries=self.registries)
        self.keyring = Keyring(self.directory.base, scenario, clock)
        self.faults = Faults(scenario)
        self.limits = _at_least_todays(inventory.limits)
        self.calls: Counter[str] = Counter()
        """How many signed calls came in, by operation, whatever became of them."""
        self.writes: list[tuple[Registry, str]] = []
        """Every change of a replication configuration or a registry policy, in order."""
        self._pushes = 0

    def replication(self, registry: Registry) -> JsonObject:
        """The replication configuration as it is now, lag or no lag."""
        return self.registries[registry].replication.latest

    def set_replication(self, registry: Registry, document: JsonObject) -> None:
        """Replace the replication configuration behind everyone's back, unchecked, at once."""
        self.registries[registry].replication.replace(document)

    def policy(self, registry: Registry) -> JsonObject | None:
        """The registry policy as it is now, or None."""
        policy = self.registries[registry].policy.latest
        return None if policy is None else policy.document

    def set_policy(self, registry: Registry, document: JsonObject | None) -> None:
        """Replace or remove the registry policy behind everyone's back, unchecked, at once."""
        policy = None if document is None else stored(document)
        self.registries[registry].policy.replace(policy)

    def admit(self, *accounts: AccountId) -> None:
        """Let accounts exist that the inventory does not name, so that policies may."""
        self.directory.admit(accounts)

    def repositories(self, registry: Registry) -> tuple[str, ...]:
        """The names of the repositories, sorted."""
        return tuple(sorted(self.registries[registry].repositories))

    def have_repository(self, registry: Registry, repository: str) -> Repository:
        """The repository, made with ECR's defaults if it is not there."""
        return self.registries[registry].repositories.setdefault(
            repository, Repository(name=repository, created_at=self.clock.now())
        )

    def images(self, registry: Registry, repository: str) -> tuple[Image, ...]:
        """The images of a repository, oldest first; none where there is no such repository."""
        found = self.registries[registry].repositories.get(repository)
        return () if found is None else tuple(found.images.values())

    def push(self, registry: Registry, repository: str, tag: str) -> Image:
        """PutImage of an image not seen before; a repository that is not there is created."""
        self._pushes += 1
        target = self.have_repository(registry, repository)
        manifest = compact_json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "annotations": {"push": f"{self._pushes} of {repository}:{tag} to {registry}"},
            }
        )
        push = Push(manifest=manifest, media_type=MANIFEST_TYPE, tag=tag, at=self.clock.now())
        return self.estate.push(registry, target, push)

    def write_replication(self, registry: Registry, document: JsonObject) -> None:
        """Carry out a call that changes the rules; readers see it after the lag."""
        self.registries[registry].replication.write(document, visible_from=self._visible_from())
        self.writes.append((registry, "PutReplicationConfiguration"))

    def write_policy(self, registry: Registry, policy: Policy | None) -> None:
        """Carry out a call that changes the policy; readers see it after the lag."""
        self.registries[registry].policy.write(policy, visible_from=self._visible_from())
        operation = "DeleteRegistryPolicy" if policy is None else "PutRegistryPolicy"
        self.writes.append((registry, operation))

    def _visible_from(self) -> float:
        return self.clock.monotonic() + self.scenario.lag_ms / 1000


def _at_least_todays(wanted: Limits) -> Limits:
    return Limits(
        rules=max(wanted.rules, limits.RULES),
        destinations=max(wanted.destinations, limits.DESTINATIONS),
        filters=max(wanted.filters, limits.FILTERS),
        policy_bytes=max(wanted.policy_bytes, limits.POLICY_BYTES),
    )
