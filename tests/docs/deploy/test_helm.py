"""The Helm chart: by default exactly the Kubernetes manifests, and valid whatever its values."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from tests.docs.deploy.conftest import Parse
from tests.support import helm

from fleet_repl import __version__

pytestmark = pytest.mark.skipif(not helm.IS_THERE, reason="Helm's library is not installed")

VERSIONS = ("1.29", kubernetes_validate.latest_version())
DIGEST = f"sha256:{'0' * 64}"
VALUES: dict[str, dict[str, Any]] = {
    "a watch": {
        "mode": "deployment",
        "every": "1h",
        "port": 8080,
        "podAnnotations": {"team": "platform"},
        "env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "EMPTY": ""},
    },
    "a job that only looks, of a part of the fleet": {
        "fix": False,
        "schedule": "0 6 * * 1",
        "timeZone": "Europe/Berlin",
        "args": ["--label", "env=prod", "--notify", "http://127.0.0.1/a\"b'c: {}"],
        "state": "s3://example/{{ not }} a template",
    },
    "what the cluster keeps already": {
        "existingConfigMap": "our-inventory",
        "existingSecret": "our-secret",
        "serviceAccount": {"create": False, "name": "ours", "annotations": {}},
        "image": {"repository": "registry/fleet-repl", "digest": DIGEST, "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "pull"}],
    },
    "a place of its own": {
        "secret": {"FLEET_EXTERNAL_ID": None},
        "nodeSelector": {"kubernetes.io/arch": "arm64"},
        "tolerations": [{"key": "spot", "operator": "Exists"}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
                    ]
                }
            }
        },
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": None},
        "inventory": '  version = 1\n\tname = "{{ .Values.secret }}"\n\n# end',
    },
}


@pytest.fixture(scope="module")
def chart(deploy: Path) -> Path:
    return deploy / "helm/fleet-repl"


def pod(manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The pod of the one workload that was rendered."""
    (workload,) = manifests.keys() & {"CronJob", "Deployment"}
    spec = manifests[workload]["spec"]
    template = (
        spec["jobTemplate"]["spec"]["template"] if workload == "CronJob" else spec["template"]
    )
    described: dict[str, Any] = template["spec"]
    return described


@pytest.mark.parametrize(
    ("mode", "workload", "other"),
    [("cronjob", "CronJob", "Deployment"), ("deployment", "Deployment", "CronJob")],
)
def test_the_default_is_what_the_manifests_say(
    mode: str, workload: str, other: str, chart: Path, manifests: dict[str, dict[str, Any]]
) -> None:
    """Every manifest, with the workload that was chosen, and without the other one."""
    rendered = helm.render(chart, mode=mode)
    assert rendered == {kind: made for kind, made in manifests.items() if kind != other}
    assert workload in rendered


@pytest.mark.parametrize("name", VALUES)
def test_whatever_the_values_are_the_manifests_are_valid(
    name: str, chart: Path, parse: Parse
) -> None:
    """By the schemas of the oldest and the newest Kubernetes, with arguments that `watch` takes."""
    rendered = helm.render(chart, **VALUES[name])
    for version in VERSIONS:
        for manifest in rendered.values():
            kubernetes_validate.validate(manifest, version, strict=True)
    (container,) = pod(rendered)["containers"]
    options = parse(container["args"])
    assert options["command"] == "watch"
    assert options["once"] is ("CronJob" in rendered)
    assert options["fix"] is VALUES[name].get("fix", True)


def test_texts_arrive_as_they_are(chart: Path, parse: Parse) -> None:
    """Quotes, braces and colons are no YAML, and nothing in values is a template."""
    values = VALUES["a job that only looks, of a part of the fleet"]
    (container,) = pod(helm.render(chart, **values))["containers"]
    assert values["args"] == container["args"][-6:-2]
    assert container["args"][container["args"].index("--state") + 1] == values["state"]
    rendered = helm.render(chart, **VALUES["a place of its own"])
    assert (
        rendered["ConfigMap"]["data"]["inventory.toml"] == VALUES["a place of its own"]["inventory"]
    )


def test_what_the_cluster_keeps_is_not_made_again(chart: Path) -> None:
    """Its own ConfigMap, Secret and ServiceAccount are named, and the image by its digest."""
    rendered = helm.render(chart, **VALUES["what the cluster keeps already"])
    assert rendered.keys() == {"CronJob"}
    spec = pod(rendered)
    (container,) = spec["containers"]
    assert spec["serviceAccountName"] == "ours"
    assert spec["volumes"][0]["configMap"]["name"] == "our-inventory"
    assert container["envFrom"] == [{"secretRef": {"name": "our-secret"}}]
    assert container["image"] == f"registry/fleet-repl@{DIGEST}"


def test_without_a_secret_there_is_none(chart: Path) -> None:
    """For an inventory without an external id."""
    rendered = helm.render(chart, **VALUES["a place of its own"])
    assert "Secret" not in rendered
    assert "envFrom" not in pod(rendered)["containers"][0]


def test_two_releases_of_a_namespace_have_nothing_in_common(chart: Path) -> None:
    """Neither a name nor a selector: each fleet is a release of its own."""
    one, two = (helm.render(chart, release=name, mode="deployment") for name in ("eu", "us"))
    for kind in one:
        assert one[kind]["metadata"]["name"] != two[kind]["metadata"]["name"]
    selects = one["Deployment"]["spec"]["selector"]["matchLabels"].items()
    labels = two["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    assert not selects <= labels


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"mode": "daemonset"}, "mode"),
        ({"shedule": "* * * * *"}, "shedule"),
        ({"image": {"tag": ""}}, "tag"),
        ({"port": 80}, "port"),
        ({"args": "--fix"}, "args"),
        ({"secret": {"NO-NAME": "x"}}, "NO-NAME"),
        ({"terminationGracePeriodSeconds": 5}, "terminationGracePeriodSeconds"),
    ],
)
def test_a_slip_in_the_values_is_refused_by_name(
    values: dict[str, Any], named: str, chart: Path
) -> None:
    """By the chart's schema, before anything is installed."""
    with pytest.raises(helm.HelmError, match=named):
        helm.render(chart, **values)


def test_the_chart_is_of_this_version(chart: Path) -> None:
    """A release of the program is one of the chart."""
    read = yaml.safe_load((chart / "Chart.yaml").read_text("utf-8"))
    assert (read["version"], read["appVersion"]) == (__version__, __version__)


def test_the_command_of_the_page_has_values_that_the_chart_takes(chart: Path, deploy: Path) -> None:
    """Each `--set` names a value that there is."""
    page = (deploy.parent / "running.md").read_text("utf-8")
    (command,) = re.findall(r"^helm install (.+?)^```$", page, re.MULTILINE | re.DOTALL)
    words = shlex.split(command.replace("\\\n", " "))
    values: dict[str, Any] = {}
    for flag, text in pairwise(words):
        if flag.startswith("--set"):
            for setting in text.split(","):
                path, _, value = setting.partition("=")
                *parents, last = re.split(r"(?<!\\)\.", path)
                place = values
                for parent in parents:
                    place = place.setdefault(parent, {})
                place[last.replace("\\", "")] = value
    rendered = helm.render(chart, **values)
    assert rendered.keys() == {"ConfigMap", "CronJob", "ServiceAccount"}
    assert rendered["ConfigMap"]["data"]["inventory.toml"] == "prod.toml"
    annotations = rendered["ServiceAccount"]["metadata"]["annotations"]
    assert annotations == {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::999999999999:role/fleet-repl"
    }
