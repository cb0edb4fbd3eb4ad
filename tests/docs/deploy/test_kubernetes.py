"""The Kubernetes manifests are valid, belong together, and let a round end by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from tests.docs.deploy.conftest import Parse

from fleet_repl import load_inventory

VERSIONS = ("1.29", kubernetes_validate.latest_version())
LONGEST_WRITE = 120
"""Seconds that a write in flight may take to be finished and read back."""


@pytest.fixture(params=["CronJob", "Deployment"])
def workload(
    request: pytest.FixtureRequest, manifests: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """The pod of each of the two ways."""
    spec = manifests[request.param]["spec"]
    if request.param == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: dict[str, Any] = spec["template"]
    return template


@pytest.fixture
def container(workload: dict[str, Any]) -> dict[str, Any]:
    (only,) = workload["spec"]["containers"]
    described: dict[str, Any] = only
    return described


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid(version: str, manifests: dict[str, dict[str, Any]]) -> None:
    """By Kubernetes' own schemas, no field misspelt, oldest and newest version that matter."""
    assert set(manifests) == {"ConfigMap", "CronJob", "Deployment", "Secret", "ServiceAccount"}
    for manifest in manifests.values():
        kubernetes_validate.validate(manifest, version, strict=True)


def test_a_misspelt_field_would_be_found(manifests: dict[str, dict[str, Any]]) -> None:
    """The check above can fail."""
    job = manifests["CronJob"]
    wrong = {**job, "spec": {**job["spec"], "concurencyPolicy": "Forbid"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_the_manifests_belong_together(
    manifests: dict[str, dict[str, Any]], workload: dict[str, Any], container: dict[str, Any]
) -> None:
    """Each name that a pod uses is that of another manifest, in one namespace."""
    assert {manifest["metadata"]["namespace"] for manifest in manifests.values()} == {"fleet-repl"}
    spec = workload["spec"]
    assert spec["serviceAccountName"] == manifests["ServiceAccount"]["metadata"]["name"]
    (volume,) = spec["volumes"]
    assert volume["configMap"]["name"] == manifests["ConfigMap"]["metadata"]["name"]
    (source,) = container["envFrom"]
    assert source["secretRef"]["name"] == manifests["Secret"]["metadata"]["name"]
    deployment = manifests["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"].items() <= labels.items()


def test_the_inventory_of_the_config_map_can_be_used(
    manifests: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """With what the Secret puts into the environment, and a state that outlives a pod."""
    (text,) = manifests["ConfigMap"]["data"].values()
    (tmp_path / "inventory.toml").write_text(text)
    inventory = load_inventory(
        tmp_path / "inventory.toml", environ=manifests["Secret"]["stringData"]
    )
    assert inventory.state.folder is None
    # Kubernetes would cut a round off that could still have told what it did.
    limit = manifests["CronJob"]["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"]
    assert inventory.apply.deadline + LONGEST_WRITE < limit


def test_commands_can_be_parsed(
    container: dict[str, Any], parse: Parse, manifests: dict[str, dict[str, Any]]
) -> None:
    """Every flag is one that `watch` has; the file is where the ConfigMap is mounted."""
    options = parse(container["args"])
    assert options["command"] == "watch"
    assert options["fix"]
    (mount,) = container["volumeMounts"]
    assert options["inventory"].parent == Path(mount["mountPath"])
    assert options["inventory"].name in manifests["ConfigMap"]["data"]
    # A file that is mounted by itself is never brought up to date.
    assert "subPath" not in mount


def test_one_is_a_round_and_the_other_stays(
    manifests: dict[str, dict[str, Any]], parse: Parse
) -> None:
    """The CronJob's pod ends, the Deployment's listens where it is probed and scraped."""
    job = manifests["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert parse(job["containers"][0]["args"])["once"]
    template = manifests["Deployment"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    options = parse(container["args"])
    assert not options["once"]
    (port,) = container["ports"]
    assert str(options["listen"]).endswith(f":{port['containerPort']}")
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(port["containerPort"])
    paths = {
        probe: container[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }


def test_rounds_never_overlap_and_are_not_repeated(manifests: dict[str, dict[str, Any]]) -> None:
    """The next round is the retry of one that failed."""
    cron = manifests["CronJob"]["spec"]
    job = cron["jobTemplate"]["spec"]
    assert cron["concurrencyPolicy"] == "Forbid"
    assert cron["startingDeadlineSeconds"] <= 15 * 60
    assert job["backoffLimit"] == 0
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert manifests["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    assert manifests["Deployment"]["spec"]["replicas"] == 1


def test_pods_may_do_nothing_they_do_not_need(
    workload: dict[str, Any], container: dict[str, Any]
) -> None:
    """No root, no writing to their own files, no token of Kubernetes, time to end a write."""
    spec = workload["spec"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] > 10_000
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["terminationGracePeriodSeconds"] >= LONGEST_WRITE
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert "memory" in container["resources"]["limits"]


def test_the_service_account_has_a_role(manifests: dict[str, dict[str, Any]]) -> None:
    """By the annotation that EKS reads."""
    annotations = manifests["ServiceAccount"]["metadata"]["annotations"]
    assert annotations["eks.amazonaws.com/role-arn"].startswith("arn:aws:iam::")


def test_the_image_is_the_user_of_the_containerfile(workload: dict[str, Any], deploy: Path) -> None:
    """What the pod asks for is what the image was made with."""
    security = workload["spec"]["securityContext"]
    user = f"USER {security['runAsUser']}:{security['runAsGroup']}"
    assert user in (deploy / "container/Containerfile").read_text().splitlines()
