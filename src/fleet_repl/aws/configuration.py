"""The settings of the AWS SDK: those of the machine, those that are fixed here, and its loggers.

Every setting that the SDK reads from the environment and the profile holds, except with a
simulated AWS, which depends on no setting of the machine.
"""

from __future__ import annotations

import logging
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiobotocore
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import InvalidConfigError

from fleet_repl._version import __version__
from fleet_repl.aws.bounded import BoundedSession
from fleet_repl.aws.service_models import model_loader
from fleet_repl.inventory.settings import Aws
from fleet_repl.values.names import Region, Secret

_CONNECT_SECONDS: Final = 10.0
"""A connection that takes longer will not come; a request not sent is certain not to have run."""

# A setting: its name in a profile, its environment variables, its default, its conversion.
_EVERY_SDK_REGION: Final = {"region": ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None)}
_NOTHING_OF_THE_MACHINE: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "region": (None, None, None, None),
    "ca_bundle": (None, None, None, None),
}

_SDK: Final = ("aiobotocore", "botocore")
_RENEWING: Final = ("aiobotocore.credentials", "aiobotocore.tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A simulated AWS: the URL that answers for every service and region, and credentials."""

    url: str
    access_key_id: str
    secret_access_key: Secret
    region: Region
    """The region of STS unless the inventory names another."""
    world: str | None = None
    """The name of this AWS in plans and states made with it; None: its host and port."""


def make_session(aws: Aws, endpoint: Endpoint | None) -> AioSession:
    """An SDK session that reads the profile and environment, or nothing with an `endpoint`. Raises
    what the SDK raises for settings that cannot be used."""
    if endpoint is not None:
        session = AioSession(_NOTHING_OF_THE_MACHINE)
    else:
        session = AioSession(_EVERY_SDK_REGION, profile=aws.profile)
    data_path = session.get_config_variable("data_path")
    session.register_component("data_loader", model_loader(data_path))
    # Tokens of the global STS endpoint fail in opt-in regions.
    session.set_config_variable("sts_regional_endpoints", "regional")
    bundle = session.get_config_variable("ca_bundle")
    if isinstance(bundle, str) and bundle and not Path(bundle).is_file():
        # At a pipe the SDK would block for ever, where nothing can interrupt it.
        raise InvalidConfigError(error_msg=f"the CA bundle {bundle} is no regular file")
    if session.get_config_variable("region") is None:
        # A profile whose role has to be assumed would otherwise ask for one.
        session.set_config_variable("region", sts_region(session, aws, endpoint))
    return session


def sts_region(session: AioSession, aws: Aws, endpoint: Endpoint | None) -> Region:
    """The region to call STS in: the inventory's; else the environment's or the profile's, if it
    is in the inventory's partition; else the first region of the partition."""
    if aws.sts_region is not None:
        return aws.sts_region
    if endpoint is not None:
        return endpoint.region
    configured = session.get_config_variable("region")
    if isinstance(configured, str) and aws.partition.holds(configured):
        return Region(configured)
    return aws.partition.first_region


def client_config(
    session: AioSession, endpoint: Endpoint | None, *, concurrency: int, timeout: float
) -> AioConfig:
    """The configuration of every client. It switches the SDK's retries off: `engine.retry` makes
    all of them. `timeout`: seconds that an answer may take."""
    config = AioConfig(
        http_session_cls=BoundedSession,
        # Service models are read off the event loop.
        warm_up_loader_caches=True,
        user_agent=_user_agent(session),
        # The mode is named so that AWS_RETRY_MODE cannot bring in a rate limit of the SDK's own.
        retries={"total_max_attempts": 1, "mode": "standard"},
        defaults_mode="legacy",
        max_pool_connections=concurrency,
        connect_timeout=min(_CONNECT_SECONDS, timeout),
        read_timeout=timeout,
    )
    if endpoint is None:
        return config
    return config.merge(
        AioConfig(proxies={}, use_fips_endpoint=False, use_dualstack_endpoint=False)
    )


def _user_agent(session: AioSession) -> str:
    """Fixed, because the SDK's own takes a seventh of a call's time to build, every time."""
    parts = [
        f"fleet-repl/{__version__}",
        f"python/{platform.python_version()}",
        f"aiobotocore/{aiobotocore.__version__}",
    ]
    application = session.get_config_variable("user_agent_appid")
    if isinstance(application, str) and application.isascii() and application.isprintable():
        parts.append(f"app/{application}")
    return " ".join(parts)


def quieten_sdk() -> None:
    """Set up the SDK's loggers so that they write no secrets and no tracebacks.

    At DEBUG the SDK logs every body, also that of AssumeRole: these loggers stay at INFO whatever
    the level of the root. Where credentials cannot be renewed, it logs the traceback of an
    exception that it raises as well: the line alone is kept. May be called many times.
    """
    for name in _SDK:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET or logger.level < logging.INFO:
            logger.setLevel(logging.INFO)
        # Without a handler, Python's handler of last resort would print warnings to stderr.
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
    for name in _RENEWING:
        logging.getLogger(name).addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = record.exc_text = None
    return True
