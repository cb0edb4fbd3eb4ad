"""Pods of a cluster, asked by kubectl of an API server over HTTP."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from tests.support.registries import registry_of
from tests.support.simulated import simulate

from fleet_repl.fleet.pods import KubectlPods
from fleet_repl.runs.coverage import RunningImage, Runtime, Workload
from fleet_repl.values.errors import CallError, FaultKind

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")

HOST = "111111111111.dkr.ecr.eu-west-1.amazonaws.com"
FLEET = """
version = 1
name = "prod"
[aws]
role = "fleet"
regions = ["eu-west-1", "us-east-1"]
[[accounts]]
id = "111111111111"
name = "build"
[[routes]]
name = "dr"
from = { regions = "eu-west-1" }
to = { same_account = true, regions = "us-east-1" }
"""
EU, US = registry_of("1"), registry_of("1", "us-east-1")


def pod(name: str, image: str, pulled: str = "", owner: str | None = None) -> dict[str, Any]:
    """A pod with one container; `pulled` is its imageID."""
    metadata: dict[str, Any] = {"namespace": "shop", "name": name}
    if owner is not None:
        metadata["ownerReferences"] = [{"kind": "ReplicaSet", "name": owner}]
    status = {"name": "app", "image": "as-the-kubelet-names-it", "imageID": pulled}
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "app", "image": image}]},
        "status": {"containerStatuses": [status], "phase": "Running"},
    }


@dataclass
class Cluster:
    """An API server with pods, in pages of two."""

    pods: list[dict[str, Any]]
    requests: list[dict[str, list[str]]] = field(default_factory=list)
    authorization: list[str] = field(default_factory=list)
    answer: web.Response | None = None

    async def serve(self, request: web.Request) -> web.Response:
        if request.path != "/api/v1/pods":
            # Some kubectl asks for the version of the server first.
            return web.Response(status=404)
        query = parse_qs(urlsplit(str(request.rel_url)).query)
        assert query.pop("timeout") in (["20s"], ["30s"])
        self.requests.append(query)
        self.authorization.append(request.headers.get("Authorization", ""))
        if self.answer is not None:
            return self.answer
        start = int(query.get("continue", ["0"])[0])
        more = str(start + 2) if start + 2 < len(self.pods) else ""
        return web.json_response(
            {
                "kind": "PodList",
                "items": self.pods[start : start + 2],
                "metadata": {"continue": more},
            }
        )


@asynccontextmanager
async def served(
    cluster: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """A kubeconfig with the context `prod`, in the environment."""
    app = web.Application()
    app.router.add_get("/{path:.*}", cluster.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = "http://{}:{}".format(*runner.addresses[0][:2])
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "s3cr3t"}}],
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(config), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(folder / "kubeconfig"))
    try:
        yield
    finally:
        await runner.cleanup()


def workload(name: str) -> Workload:
    return Workload(Runtime.EKS, "prod", f"shop/{name}")


async def test_images_of_pods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pods ask for them, with the digest that they were started with; pods of one owner are
    one. Page by page, only pods that have not ended."""
    digest = f"sha256:{7:064}"
    cluster = Cluster(
        [
            pod("web-1", f"{HOST}/base/go:1", f"docker-pullable://{HOST}/base/go@{digest}", "web"),
            pod("web-2", f"{HOST}/base/go:1", f"{HOST}/base/go@{digest}", "web"),
            pod("late", f"{HOST}/base/py:2"),
            {"metadata": {}, "spec": {"containers": [{"image": 7}]}, "status": None},
            pod("alone", "nginx", f"docker.io/library/nginx@{digest}"),
        ]
    )
    async with served(cluster, tmp_path, monkeypatch):
        running = await KubectlPods(timeout=20).pods("prod")
    assert running == {
        RunningImage(f"{HOST}/base/go:1", digest, workload("web")),
        RunningImage(f"{HOST}/base/py:2", None, workload("late")),
        RunningImage("nginx", digest, workload("alone")),
    }
    unended = "status.phase!=Succeeded,status.phase!=Failed"
    assert cluster.requests == [
        {"limit": ["500"], "fieldSelector": [unended], **more}
        for more in ({}, {"continue": ["2"]}, {"continue": ["4"]})
    ]


@pytest.mark.parametrize(
    ("context", "answer", "kind", "message"),
    [
        (
            "prod",
            {
                "kind": "Status",
                "status": "Failure",
                "code": 403,
                "reason": "Forbidden",
                "message": "no",
            },
            FaultKind.ACCESS_DENIED,
            "Forbidden",
        ),
        ("prod", "<html>", FaultKind.SERVICE, "the answer holds no pods"),
        ("prod", {"kind": "PodList"}, FaultKind.SERVICE, "the answer holds no pods"),
        ("nowhere", None, FaultKind.SERVICE, "nowhere"),
        ("forbidden", None, FaultKind.SERVICE, 'context "forbidden" does not exist'),
    ],
)
async def test_a_cluster_that_does_not_answer(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    context: str,
    answer: Any,
    kind: FaultKind,
    message: str,
) -> None:
    """Refused, no API server, or no such context: a fault with what to run, and no token in it."""
    status = answer.get("code", 200) if isinstance(answer, dict) else 200
    text = json.dumps(answer) if isinstance(answer, dict) else str(answer)
    cluster = Cluster(
        [], answer=web.Response(text=text, status=status, content_type="application/json")
    )
    async with served(cluster, tmp_path, monkeypatch):
        with pytest.raises(CallError) as caught:
            await KubectlPods(timeout=20).pods(context)
    fault = caught.value.fault
    assert (fault.kind, fault.operation) == (kind, "kubectl get pods")
    assert message.lower() in fault.message.lower()
    assert fault.hint == f"see kubectl --context={context} get pods -A"
    assert "s3cr3t" not in str(fault)


async def test_nobody_is_waited_for_to_sign_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A plugin may ask on the terminal, which is not its own, or wait for a browser for ever."""
    kubectl = tmp_path / "kubectl"
    kubectl.write_text('#!/bin/sh\nread answer || exec tail -f "$0"\n')
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(CallError) as caught:
        await KubectlPods(timeout=0.2).pods("prod")
    fault = caught.value.fault
    assert (fault.kind, fault.hint) == (
        FaultKind.TIMEOUT,
        "see kubectl --context=prod get pods -A",
    )
    assert "no answer within 0.4 s" in fault.message


async def test_without_kubectl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What to install is told."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CallError) as caught:
        await KubectlPods(timeout=20).pods("prod")
    assert "kubectl cannot be run" in caught.value.fault.message
    assert (caught.value.fault.hint or "").startswith("install kubectl")


async def test_what_would_be_lost_with_a_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the pods of a context, and of another context that is not there."""
    async with simulate(FLEET) as aws:
        early = aws.world.push(EU, "base/early", "1")
        await aws.applied()
        late = aws.world.push(EU, "base/late", "1")
        pods = [
            pod("a", f"{HOST}/base/early:1", f"{HOST}/base/early@{early.digest}"),
            pod("b", f"{HOST}/base/late:1", f"{HOST}/base/late@{late.digest}"),
        ]
        api_server = served(Cluster(pods), tmp_path, monkeypatch)
        async with api_server, aws.connected(purpose=None) as fleet:
            report = await fleet.coverage(in_use=["eks"], kube_contexts=["prod", "gone"])
    assert report.in_use is not None
    copies = {use.image.repository: use.copies for use in report.in_use.images}
    assert copies == {"base/early": (), "base/late": (US,)}
    (unasked,) = report.in_use.unasked
    assert (unasked.place, unasked.fails, report.status) == ("gone", True, "partial")
