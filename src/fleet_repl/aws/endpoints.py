"""The endpoints that the SDK's settings name: they decide which AWS a fleet lives in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiobotocore.session import AioSession
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.utils import ensure_boolean, get_environ_proxies

from fleet_repl.aws.configuration import Endpoint, make_session
from fleet_repl.aws.identity import usable
from fleet_repl.inventory.settings import Aws
from fleet_repl.values.names import Region

if TYPE_CHECKING:
    from fleet_repl.runs.doctor import Way


async def configured_endpoints(aws: Aws) -> tuple[str | None, ...]:
    """The endpoints of ECR and STS that the environment and the profile name; None for those of
    AWS. Calls nothing. Raises IdentityError for settings that cannot be used."""

    async def read() -> tuple[str | None, ...]:
        return _configured(make_session(aws, None))

    return await usable(read())


def way_to_aws(session: AioSession, region: Region, endpoint: Endpoint | None) -> Way:
    """The way that calls of a session take: to the simulated AWS at `endpoint`, or as the settings
    of the machine have it."""
    from fleet_repl.runs.doctor import Way  # noqa: PLC0415 - only a doctor asks

    if endpoint is not None:
        return Way(endpoints=(_bare(endpoint.url),))
    endpoints = tuple(filter(None, _configured(session)))
    url = endpoints[0] if endpoints else f"https://sts.{region}.amazonaws.com"
    proxy = get_environ_proxies(url).get(urlsplit(url).scheme)
    return Way(
        endpoints=tuple(dict.fromkeys(map(_bare, endpoints))),
        proxy=None if proxy is None else _bare(proxy),
        dual_stack=ensure_boolean(session.get_config_variable("use_dualstack_endpoint")),
    )


def _configured(session: AioSession) -> tuple[str | None, ...]:
    if ensure_boolean(session.get_config_variable("ignore_configured_endpoint_urls")):
        return ()
    profiles, profile = session.full_config, session.get_scoped_config()
    return tuple(
        ConfiguredEndpointProvider(profiles, profile, service).provide()
        for service in ("ecr", "sts")
    )


def _bare(url: str) -> str:
    """A URL without user, password, path and query."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
    except ValueError:
        return "(no URL)"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
