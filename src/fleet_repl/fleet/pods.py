"""The images of the pods of a cluster, asked of its API server by way of kubectl.

kubectl knows every way to sign in that a kubeconfig may name, and needs nothing imported here. It
is run once for each page of pods, with a request that only reads.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

import anyio

from fleet_repl.runs.coverage import RunningImage, Runtime, Workload
from fleet_repl.values.canonical_json import Json, JsonObject, parse_json
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.text import shortened

OPERATION: Final = "kubectl get pods"
_PAGE: Final = 500
_UNENDED: Final = "status.phase!=Succeeded,status.phase!=Failed"
_LONGEST: Final = 300
"""Characters of kubectl's own message."""
_FORBIDDEN: Final = "Error from server (Forbidden)"
_INSTALL: Final = "install kubectl, which reads the kubeconfig, and see that it is on the PATH"


class KubectlPods:
    """The clusters of a kubeconfig, each by the name of a context."""

    def __init__(self, *, timeout: float) -> None:
        """`timeout`: the seconds that a page may take."""
        self._timeout = timeout

    async def pods(self, context: str) -> set[RunningImage]:
        """Returns the images of the pods that have not ended. Raises CallError."""
        running: set[RunningImage] = set()
        token = ""
        while True:
            page = await self._page(context, token)
            for pod in _objects(page, "items"):
                running |= {*_images(pod, context)}
            metadata = page.get("metadata")
            following = metadata.get("continue") if isinstance(metadata, dict) else None
            if not isinstance(following, str) or following in ("", token):
                return running
            token = following

    async def _page(self, context: str, token: str) -> JsonObject:
        query = {
            "limit": _PAGE,
            "fieldSelector": _UNENDED,
            **({"continue": token} if token else {}),
        }
        command = [
            "kubectl",
            *(f"--context={context}", f"--request-timeout={self._timeout:g}s"),
            *("get", "--raw", f"/api/v1/pods?{urlencode(query)}"),
        ]
        see = f"see kubectl --context={context} get pods -A"
        try:
            # Signing in, which may ask somebody or wait for a browser, is not part of the request.
            with anyio.fail_after(2 * self._timeout):
                ended = await anyio.run_process(command, stdin=subprocess.DEVNULL, check=False)
        except TimeoutError:
            because = f"no answer within {2 * self._timeout:g} s: does signing in wait for anybody?"
            raise _failed(because, see, FaultKind.TIMEOUT) from None
        except OSError as error:
            raise _failed(f"kubectl cannot be run: {error.strerror}", _INSTALL) from None
        if ended.returncode:
            message = _message(ended)
            denied = message.startswith(_FORBIDDEN)
            raise _failed(message, see, FaultKind.ACCESS_DENIED if denied else FaultKind.SERVICE)
        try:
            page = parse_json(ended.stdout)
        except ValueError:
            page = None
        if not isinstance(page, dict) or not isinstance(page.get("items"), list):
            raise _failed("the answer holds no pods", see)
        return page


def _message(ended: subprocess.CompletedProcess[bytes]) -> str:
    lines = ended.stderr.decode("utf-8", "replace").strip().splitlines() or ["it says nothing"]
    return shortened(lines[-1], _LONGEST)


def _failed(message: str, hint: str, kind: FaultKind = FaultKind.SERVICE) -> CallError:
    return CallError(Fault(kind=kind, operation=OPERATION, message=message, hint=hint))


def _images(pod: JsonObject, context: str) -> Iterator[RunningImage]:
    """Yields the image of each container as the pod asks for it, with the digest that it was
    started with. A status may name the image otherwise: by another tag of the same digest."""
    workload = Workload(Runtime.EKS, context, _name(pod))
    digests: dict[object, str] = {}
    for status in _objects(pod.get("status"), "containerStatuses", "initContainerStatuses"):
        pulled = status.get("imageID")
        if isinstance(pulled, str) and "@" in pulled:
            digests[status.get("name")] = pulled.rpartition("@")[2]
    for container in _objects(pod.get("spec"), "containers", "initContainers"):
        uri = container.get("image")
        if isinstance(uri, str):
            yield RunningImage(uri, digests.get(container.get("name")), workload)


def _objects(parent: Json, *members: str) -> Iterator[JsonObject]:
    for member in members:
        items = parent.get(member) if isinstance(parent, dict) else None
        yield from (item for item in items or () if isinstance(item, dict))


def _name(pod: JsonObject) -> str:
    """Returns `namespace/owner`: pods of one owner run the same images."""
    metadata = pod.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    owners = _objects(metadata, "ownerReferences")
    name = next((owner.get("name") for owner in owners), metadata.get("name"))
    return f"{metadata.get('namespace')}/{name}"
