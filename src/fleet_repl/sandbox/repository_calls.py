"""ECR's calls on repositories: making and listing them.

Repositories that replication makes follow templates; those are made in `templates`.
"""

from __future__ import annotations

import re
from typing import Final

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.names import Partition, Registry, repositories_arn
from fleet_repl.sandbox.aws_errors import AwsError, invalid_parameter
from fleet_repl.sandbox.images import Repository
from fleet_repl.sandbox.paging import page
from fleet_repl.sandbox.shapes import Structure, Text, checked_text, objects
from fleet_repl.sandbox.tagging import FILTERS, check_exclusions, checked_tags, mutability_of
from fleet_repl.sandbox.world import World

REPOSITORY_NAME: Final = Text(
    pattern=re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"),
    shortest=2,
    longest=256,
)
_CREATE: Final = frozenset(
    {"registryId", "repositoryName", "tags", "imageTagMutability"}
    | {"imageScanningConfiguration", "encryptionConfiguration", FILTERS}
)
_DOMAIN: Final = {
    Partition.AWS: "amazonaws.com",
    Partition.US_GOV: "amazonaws.com",
    Partition.CN: "amazonaws.com.cn",
    Partition.EUSC: "amazonaws.eu",
    Partition.ISO: "c2s.ic.gov",
    Partition.ISO_B: "sc2s.sgov.gov",
    Partition.ISO_E: "cloud.adc-e.uk",
    Partition.ISO_F: "csp.hci.ic.gov",
}
"""DNS suffixes, from botocore's partitions.json."""
_DESCRIBE: Final = frozenset({"registryId", "repositoryNames", "nextToken", "maxResults"})
_ENCRYPTION: Final = Text(values=("AES256", "KMS", "KMS_DSSE"))


def create_repository(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, _CREATE)
    name = asked.text("repositoryName", REPOSITORY_NAME)
    movable = mutability_of(asked)
    check_exclusions(movable)
    repository = Repository(
        name=name,
        created_at=world.clock.now(),
        mutability=str(movable.get("imageTagMutability", "MUTABLE")),
        exclusions=tuple(str(one["filter"]) for one in objects(movable.get(FILTERS))),
        tags=checked_tags(asked, "tags") or (),
        scan_on_push=_scan_on_push(asked),
        encryption=_encryption(asked),
    )
    repositories = world.registries[registry].repositories
    if name in repositories:
        raise AwsError(
            "RepositoryAlreadyExistsException",
            f"The repository with name '{name}' already exists in the registry with id "
            f"'{registry.account}'",
        )
    repositories[name] = repository
    return {"repository": _shown(world, registry, repository)}


def describe_repositories(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, _DESCRIBE)
    names = asked.optional_items("repositoryNames", 1, 100)
    if names is None:
        known = world.registries[registry].repositories
        found, more = page([known[name] for name in sorted(known)], asked)
    else:
        refuse_paging(asked, "repositoryNames")
        wanted = [checked_text(value, path, REPOSITORY_NAME) for path, value in names]
        found, more = [find_repository(world, registry, name) for name in wanted], {}
    return {"repositories": [_shown(world, registry, one) for one in found], **more}


def find_repository(world: World, registry: Registry, name: str) -> Repository:
    """The repository, or ECR's refusal."""
    repository = world.registries[registry].repositories.get(name)
    if repository is None:
        raise AwsError(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id "
            f"'{registry.account}'",
        )
    return repository


def refuse_paging(asked: Structure, instead: str) -> None:
    """ECR pages through everything, or gives what is named, not both."""
    for name in ("maxResults", "nextToken"):
        if asked.get(name) is not None:
            raise invalid_parameter(name, f"{name} cannot be used with {instead}")


def _scan_on_push(asked: Structure) -> bool:
    scanning = asked.optional_inner("imageScanningConfiguration", frozenset({"scanOnPush"}))
    return scanning is not None and scanning.flag("scanOnPush", default=False)


def _encryption(asked: Structure) -> JsonObject:
    wanted = asked.optional_inner(
        "encryptionConfiguration", frozenset({"encryptionType", "kmsKey"})
    )
    if wanted is None:
        return {"encryptionType": "AES256"}
    key = wanted.optional_text("kmsKey")
    shown: dict[str, Json] = {"encryptionType": wanted.text("encryptionType", _ENCRYPTION)}
    return shown if key is None else {**shown, "kmsKey": key}


def _shown(world: World, registry: Registry, repository: Repository) -> JsonObject:
    account, region = registry
    partition = world.directory.partition
    shown: dict[str, Json] = {
        "repositoryArn": repositories_arn(partition, registry) + repository.name,
        "registryId": account,
        "repositoryName": repository.name,
        "repositoryUri": f"{account}.dkr.ecr.{region}.{_DOMAIN[partition]}/{repository.name}",
        "createdAt": repository.created_at.timestamp(),
        "imageTagMutability": repository.mutability,
        "imageScanningConfiguration": {"scanOnPush": repository.scan_on_push},
        "encryptionConfiguration": repository.encryption,
    }
    if repository.exclusions:
        shown[FILTERS] = [
            {"filterType": "WILDCARD", "filter": one} for one in repository.exclusions
        ]
    return shown
