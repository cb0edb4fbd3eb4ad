"""Moto, another implementation of AWS, over HTTP. Its servers in a process share what they hold."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.client import BaseClient
from botocore.session import get_session
from moto.server import ThreadedMotoServer


def moto_server() -> Iterator[str]:
    """Serves moto on a free port, for a fixture: the URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def moto_client(service: str, url: str, region: str = "us-east-1") -> BaseClient:
    """A client of moto that is none of fleet-repl's."""
    session = get_session()
    session.set_credentials("AKIA", "x")
    return session.create_client(service, region_name=region, endpoint_url=url)
