"""A simulated AWS: accounts, keys and registries, changed as a scenario says.

`ecr` and `sts` carry out calls on it. Its other methods are for the owner of the sandbox: to look
at registries, and to tamper with them as somebody in the account could.
"""

from __future__ import annotations

from collections import Counter

from fleet_repl.inventory.model import Inventory
from fleet_repl.inventory.settings import Limits
from fleet_repl.sandbox.agenda import Agenda
from fleet_repl.sandbox.backfill_runner import BackfillRunner
from fleet_repl.sandbox.backfills import Backfill
from fleet_repl.sandbox.cloudtrail import Trail
from fleet_repl.sandbox.directory import POLICY_SCOPE, SETTINGS, Directory
from fleet_repl.sandbox.faults import Faults
from fleet_repl.sandbox.images import ACTIVE, OCI_MANIFEST, Image, Push, Repository
from fleet_repl.sandbox.keys import Keyring
from fleet_repl.sandbox.organizations import organization_of
from fleet_repl.sandbox.policy_documents import stored
from fleet_repl.sandbox.queues import Queues
from fleet_repl.sandbox.quotas import Quotas
from fleet_repl.sandbox.registries import Policy, Registries, RegistryState, Templates
from fleet_repl.sandbox.replication import Estate
from fleet_repl.sandbox.scenario import Scenario
from fleet_repl.sandbox.shapes import read
from fleet_repl.sandbox.templates import created, key_of
from fleet_repl.values import limits
from fleet_repl.values.canonical_json import JsonObject, compact_json
from fleet_repl.values.clock import Clock
from fleet_repl.values.names import AccountId, Registry


class World:
    """The simulated AWS behind a sandbox's endpoint. Limits are those of AWS, or of the inventory
    where these are higher."""

    def __init__(self, inventory: Inventory, scenario: Scenario, clock: Clock) -> None:
        self.scenario = scenario
        self.clock = clock
        began = clock.monotonic()

        def seconds() -> float:
            return clock.monotonic() - began

        self.directory = Directory(inventory, scenario, seconds)
        self.organization = organization_of(
            inventory,
            scenario.organization,
            self.directory.base.account,
            began=clock.now(),
            seconds=seconds,
        )
        self.registries = Registries()
        self.agenda = Agenda(clock)
        self.queues = Queues(scenario.queues, clock)
        self.estate = Estate(
            directory=self.directory,
            registries=self.registries,
            agenda=self.agenda,
            queues=self.queues,
            replication_seconds=scenario.replication_ms / 1000,
        )
        self.backfill_runner = BackfillRunner(
            estate=self.estate,
            preparing_seconds=scenario.backfill_preparing_ms / 1000,
            image_seconds=1 / scenario.backfill_images_per_second,
        )
        self.keyring = Keyring(self.directory.base, scenario, clock)
        self.trail = Trail(clock=clock, lag=scenario.trail_ms / 1000)
        self.faults = Faults(scenario)
        self.quotas = Quotas(scenario, clock)
        self.limits = _at_least_todays(inventory.limits)
        self.longest = {
            "ReplicationRuleList": self.limits.rules,
            "RepositoryFilterList": self.limits.filters,
        }
        """Maximum lengths of lists in a request, by shape, where they are such limits."""
        self.calls: Counter[str] = Counter()
        """The number of signed calls by operation, whatever their result."""
        self.writes: list[tuple[Registry, str]] = []
        """Every change of rules, policies and templates, and each start of a backfill, in order."""
        self._replicating: set[AccountId] = set()
        self._pushes = 0

    def run_due(self) -> None:
        """Run the events that are due by now. Every call and every look does this first."""
        self.agenda.run_due()

    def replication(self, registry: Registry) -> JsonObject:
        """Returns the replication configuration as it is now, lag or no lag."""
        return self.registries[registry].replication.latest

    def set_replication(self, registry: Registry, document: JsonObject) -> None:
        """Replace the replication configuration behind everyone's back, unchecked, at once."""
        self._now(registry).replication.replace(document)
        self._replicating.add(registry.account)

    def replicates(self, account: AccountId) -> bool:
        """Returns whether the account ever had rules, and so the role for copying images."""
        return account in self._replicating

    def policy(self, registry: Registry) -> JsonObject | None:
        """Returns the registry policy as it is now, or None."""
        policy = self.registries[registry].policy.latest
        return None if policy is None else policy.document

    def set_policy(self, registry: Registry, document: JsonObject | None) -> None:
        """Replace or remove the registry policy behind everyone's back, unchecked, at once."""
        policy = None if document is None else stored(document)
        self._now(registry).policy.replace(policy)

    def templates(self, registry: Registry) -> tuple[JsonObject, ...]:
        """Returns the repository creation templates as they are now, by prefix."""
        templates = self.registries[registry].templates.latest
        return tuple(templates[key] for key in sorted(templates))

    def set_template(self, registry: Registry, document: JsonObject) -> None:
        """Make or replace a template behind everyone's back, at once.

        The document is what CreateRepositoryCreationTemplate takes; raises AwsError.
        """
        request = read(document, "CreateRepositoryCreationTemplateRequest")
        template = created(request, registry, self.clock.now())
        templates = self._now(registry).templates
        templates.replace({**templates.latest, key_of(str(template["prefix"])): template})

    def remove_template(self, registry: Registry, prefix: str) -> None:
        """Take a template away behind everyone's back, at once; raises KeyError for none."""
        kept = dict(self._now(registry).templates.latest)
        del kept[key_of(prefix)]
        self.registries[registry].templates.replace(kept)

    def setting(self, registry: Registry, name: str) -> str:
        """Returns an account setting; raises KeyError for a name that ECR does not have."""
        usual = SETTINGS[name].default
        if name == POLICY_SCOPE:
            usual = self.directory.policy_scope(registry.account)
        return self.registries[registry].settings.get(name, usual)

    def set_setting(self, registry: Registry, name: str, value: str) -> None:
        """Change an account setting, unchecked; this is how to get policy scope V1."""
        self._now(registry).settings[name] = value

    def admit(self, *accounts: AccountId) -> None:
        """Let accounts exist that the inventory does not name, so that policies may."""
        self.directory.admit(accounts)

    def repositories(self, registry: Registry) -> tuple[str, ...]:
        """Returns the names of the repositories, sorted."""
        return tuple(sorted(self._now(registry).repositories))

    def repository(self, registry: Registry, name: str) -> Repository | None:
        """Returns the repository with its settings and images, or None."""
        return self._now(registry).repositories.get(name)

    def have_repository(self, registry: Registry, repository: str) -> Repository:
        """Returns the repository, created with ECR's defaults if it is not there."""
        return self._now(registry).repositories.setdefault(
            repository, Repository(name=repository, created_at=self.clock.now())
        )

    def images(self, registry: Registry, repository: str) -> tuple[Image, ...]:
        """Returns the images of a repository, oldest first; none where there is no repository."""
        target = self.repository(registry, repository)
        return () if target is None else tuple(target.images.values())

    def push(self, registry: Registry, repository: str, tag: str) -> Image:
        """Pushes an image not seen before; creates a repository that is not there."""
        self._pushes += 1
        target = self.have_repository(registry, repository)
        manifest = compact_json(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "annotations": {"push": f"{self._pushes} of {repository}:{tag} to {registry}"},
            }
        )
        push = Push(manifest=manifest, media_type=OCI_MANIFEST, tag=tag, at=self.clock.now())
        return self.estate.push(registry, target, push)

    def archive(self, registry: Registry, repository: str, tag: str) -> None:
        """Put an active image into ECR's archive; raises KeyError where there is none."""
        image = self._now(registry).repositories[repository].tagged(tag)
        if image is None or image.status != ACTIVE:
            raise KeyError(tag)
        self.estate.archive(self.registries[registry].repositories[repository], image)

    def delete(self, registry: Registry, repository: str, tag: str) -> None:
        """Deletes a tag, as BatchDeleteImage does; raises KeyError where it is not there."""
        target = self.repository(registry, repository)
        image = None if target is None else target.tagged(tag)
        if target is None or image is None:
            raise KeyError(f"{repository}:{tag} in {registry}")
        self.estate.delete(registry, target, image.digest, tag)

    def backfills(self, registry: Registry) -> tuple[Backfill, ...]:
        """Returns every backfill that was started here, oldest first, as it stands now."""
        return tuple(self._now(registry).backfills)

    def write_replication(self, registry: Registry, document: JsonObject) -> None:
        """Carry out a call that changes the rules; readers see it after the lag."""
        self.registries[registry].replication.write(document, visible_from=self._visible_from())
        self._replicating.add(registry.account)
        self.writes.append((registry, "PutReplicationConfiguration"))

    def write_policy(self, registry: Registry, policy: Policy | None) -> None:
        """Carry out a call that changes the policy; readers see it after the lag."""
        self.registries[registry].policy.write(policy, visible_from=self._visible_from())
        operation = "DeleteRegistryPolicy" if policy is None else "PutRegistryPolicy"
        self.writes.append((registry, operation))

    def write_templates(self, registry: Registry, templates: Templates, *, by: str) -> None:
        """Carry out a call that changes a template; readers see it after the lag."""
        self.registries[registry].templates.write(templates, visible_from=self._visible_from())
        self.writes.append((registry, by))

    def start_backfill(self, registry: Registry, destination: Registry) -> Backfill:
        """Starts a backfill, unchecked."""
        backfill = Backfill(
            id=self.keyring.request_id(),
            source=registry,
            destination=destination,
            started_at=self.clock.now(),
        )
        self.writes.append((registry, "StartReplicationBackfill"))
        self.backfill_runner.start(backfill)
        return backfill

    def _now(self, registry: Registry) -> RegistryState:
        """Returns the state of a registry after all events that are due."""
        self.run_due()
        return self.registries[registry]

    def _visible_from(self) -> float:
        return self.clock.monotonic() + self.scenario.lag_ms / 1000


def _at_least_todays(inventory: Limits) -> Limits:
    return Limits(
        rules=max(inventory.rules, limits.RULES),
        destinations=max(inventory.destinations, limits.DESTINATIONS),
        filters=max(inventory.filters, limits.FILTERS),
        policy_bytes=max(inventory.policy_bytes, limits.POLICY_BYTES),
    )
