"""The AWS that a run is about: AWS itself or, at another endpoint, a world of its own.

What a fleet remembers is true only in the world that it was made in: a simulated AWS must never
say what is the fleet's own on the real one, nor the other way round.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from fleet_repl.inventory import Aws
from fleet_repl.values.names import Partition

if TYPE_CHECKING:
    from fleet_repl.aws import Endpoint

WORLDS: Final = ".worlds"
"""The folder of a state location below which each world but AWS has a folder of its own. No fleet
can have that name."""

SANDBOX_WORLD: Final = "sandbox"
"""The world of `--sandbox`. A plan outlives the port of the run that made it, so it names no port.
"""

_SUFFIXES: Final = {
    Partition.AWS: ("amazonaws.com", "api.aws"),
    Partition.US_GOV: ("amazonaws.com", "api.aws"),
    Partition.CN: ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    Partition.EUSC: ("amazonaws.eu", "api.amazonwebservices.eu"),
    Partition.ISO: ("c2s.ic.gov", "api.aws.ic.gov"),
    Partition.ISO_B: ("sc2s.sgov.gov", "api.aws.scloud"),
    Partition.ISO_E: ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    Partition.ISO_F: ("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
}
"""The suffixes of the names of AWS's endpoints, by partition (botocore's partitions.json)."""
_SERVICE: Final = re.compile(
    r"(vpce-[0-9a-z-]+\.)?((api\.)?ecr|sts)(-fips)?\.([a-z0-9-]+\.)?(vpce\.)?"
)
"""The part before the suffix in the names of ECR's and STS's endpoints, those of a VPC included.
Machines and load balancers that customers run at AWS have names of other kinds."""
_MENTION: Final = "endpoint_url"
"""Part of the name of every setting of a profile that moves an endpoint."""


async def world_of(
    aws: Aws | None, endpoint: Endpoint | None, environ: Mapping[str, str]
) -> str | None:
    """The world that calls go to: None for AWS, otherwise the endpoint's name.

    `aws`: None where no inventory is at hand. The SDK is loaded only where a configuration file
    mentions an endpoint. Raises IdentityError for settings of the SDK that cannot be used.
    """
    if endpoint is not None:
        return endpoint.world or endpoint_world(endpoint.url, None)
    if _profiles_mention_endpoints(environ):
        from fleet_repl.aws import configured_endpoints  # noqa: PLC0415 - it loads the SDK

        urls = await configured_endpoints(aws or Aws())
    else:
        urls = environment_endpoints(environ)
    worlds = (endpoint_world(url, aws.partition if aws else None) for url in urls if url)
    return next((world for world in worlds if world is not None), None)


def environment_endpoints(environ: Mapping[str, str]) -> tuple[str | None, ...]:
    """The endpoints of ECR and STS that the environment names, by the SDK's own rules."""
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return ()
    everywhere = environ.get("AWS_ENDPOINT_URL")
    return tuple(
        environ.get(f"AWS_ENDPOINT_URL_{service}") or everywhere for service in ("ECR", "STS")
    )


def endpoint_world(url: str, partition: Partition | None) -> str | None:
    """The world behind an endpoint: None for AWS's own in the partition (None: in any), otherwise
    its host and port. Of a path only a digest is part of the name."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        # The SDK will not take it either: it says so when it is asked to call something.
        return _digest(url)
    if _is_aws(host, partition):
        return None
    path = parts.path.strip("/")
    port = port or (80 if parts.scheme == "http" else 443)
    return f"{host or _digest(url)}:{port}" + (f"~{_digest(path)}" if path else "")


def folder_of(world: str | None) -> str:
    """The folder of a state location that keeps what is remembered of a world; empty for AWS."""
    return "" if world is None else f"{WORLDS}/{re.sub(r'[^a-z0-9.~-]', '_', world)}"


def world_name(world: str | None) -> str:
    """The AWS of a run, as messages name it."""
    if world == SANDBOX_WORLD:
        return "the simulated AWS of --sandbox"
    return "AWS" if world is None else f"the AWS at {world}"


def _is_aws(host: str, partition: Partition | None) -> bool:
    ends = _SUFFIXES.values() if partition is None else [_SUFFIXES[partition]]
    return any(
        host.endswith(end) and _SERVICE.fullmatch(host.removesuffix(end))
        for both in ends
        for end in both
    )


def _profiles_mention_endpoints(environ: Mapping[str, str]) -> bool:
    """Returns whether a profile may move an endpoint. Reading the files takes far less than the
    SDK."""
    return any(
        _MENTION in _text(Path(environ.get(variable) or f"~/.aws/{name}"))
        for variable, name in (
            ("AWS_CONFIG_FILE", "config"),
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        )
    )


def _text(path: Path) -> str:
    """A file's text in lower case; empty where it cannot be read, which the SDK will tell."""
    try:
        file = Path(os.path.expandvars(path)).expanduser()
        # A pipe can be read once, and that is for the SDK.
        return file.read_text("utf-8", errors="replace").lower() if file.is_file() else ""
    except (OSError, RuntimeError, ValueError):
        return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
