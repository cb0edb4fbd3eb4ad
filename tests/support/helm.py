"""Helm itself, linting and rendering charts offline, in a process of its own: its library is
written in Go, whose runtime takes over signals of the process that loads it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import yaml

IS_THERE: Final = importlib.util.find_spec("helm_python") is not None
"""Whether the package helm-python-sdk is installed, which is made for few platforms."""
_SCRIPT: Final = """
import json, sys
import helm_python
asked = json.load(sys.stdin)
linted = helm_python.lint(asked["chart"], asked["values"], strict=True)
try:
    with helm_python.Chart.load(asked["chart"]) as chart:
        made = {
            "rendered": chart.render(
                asked["values"], name=asked["release"], namespace=asked["namespace"]
            )
        }
except helm_python.HelmError as error:
    made = {"error": str(error)}
print(json.dumps({"messages": linted["messages"], **made}))
"""


class HelmError(Exception):
    """Helm refuses the chart, or the values."""


def render(
    chart: Path, *, release: str = "fleet-repl", namespace: str = "fleet-repl", **values: Any
) -> dict[str, dict[str, Any]]:
    """The manifests of a release of the chart, by kind. Fails for any warning of `helm lint`.

    Raises HelmError.
    """
    asked = {"chart": str(chart), "release": release, "namespace": namespace, "values": values}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise HelmError(answer["error"])
    # 1 is information, such as that there is no icon.
    assert [message for message in answer["messages"] if message["severity"] > 1] == []
    texts = [text for path, text in answer["rendered"].items() if path.endswith(".yaml")]
    documents = (document for text in texts for document in yaml.safe_load_all(text))
    return {document["kind"]: document for document in documents if document is not None}
