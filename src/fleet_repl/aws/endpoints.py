"""The endpoints that the SDK's settings name: they decide which AWS a fleet lives in."""

from __future__ import annotations

from botocore.configprovider import ConfiguredEndpointProvider
from botocore.utils import ensure_boolean

from fleet_repl.aws.configuration import make_session
from fleet_repl.aws.identity import usable
from fleet_repl.inventory.settings import Aws


async def configured_endpoints(aws: Aws) -> tuple[str | None, ...]:
    """The endpoints of ECR and STS that the environment and the profile name; None for those of
    AWS. Calls nothing. Raises IdentityError for settings that cannot be used."""

    async def read() -> tuple[str | None, ...]:
        session = make_session(aws, None)
        if ensure_boolean(session.get_config_variable("ignore_configured_endpoint_urls")):
            return ()
        profiles, profile = session.full_config, session.get_scoped_config()
        return tuple(
            ConfiguredEndpointProvider(profiles, profile, service).provide()
            for service in ("ecr", "sts")
        )

    return await usable(read())
