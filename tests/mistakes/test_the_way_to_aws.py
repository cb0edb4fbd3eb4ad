"""No way to AWS: addresses, proxies, certificates."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.mistakes.conftest import Newcomer

Documented = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def credentials(newcomer: Newcomer) -> None:
    """They are never looked at."""
    newcomer.setenv("AWS_ACCESS_KEY_ID", "AKIAFULLFULLFULLFULL")
    newcomer.setenv("AWS_SECRET_ACCESS_KEY", "x" * 40)


def self_signed(folder: Path) -> ssl.SSLContext:
    """The certificate of a proxy that looks into connections."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "proxy")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "proxy.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def page(request: web.Request) -> web.Response:
    """What a login page answers to everything."""
    return web.Response(text="<html>Log in</html>", content_type="text/html")


def test_nobody_listens_there(newcomer: Newcomer, documented: Documented) -> None:
    """An endpoint of the environment that is not there any more."""
    newcomer.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    documented("the endpoint cannot be reached", newcomer.reads("plan", "fleet.toml"))


def test_a_proxy_that_is_not_there(newcomer: Newcomer, documented: Documented) -> None:
    """Its password is not shown."""
    newcomer.setenv("HTTPS_PROXY", "http://anna:hunter22@127.0.0.1:1")
    printed = newcomer.reads("plan", "fleet.toml")
    assert "hunter22" not in printed
    documented("the proxy cannot be reached", printed)


def test_a_certificate_that_nobody_vouches_for(newcomer: Newcomer, documented: Documented) -> None:
    """A proxy that looks into connections has its own authority."""
    address = newcomer.serve_http(page, self_signed(newcomer.folder))
    newcomer.setenv("AWS_ENDPOINT_URL", f"https://{address}")
    documented(
        "a proxy looks into connections, with a certificate of its own",
        newcomer.reads("plan", "fleet.toml"),
    )


def test_a_login_page(newcomer: Newcomer, documented: Documented) -> None:
    """It answers everything with 200."""
    newcomer.setenv("AWS_ENDPOINT_URL", f"http://{newcomer.serve_http(page)}")
    documented("a login page answers in AWS's place", newcomer.reads("plan", "fleet.toml"))
