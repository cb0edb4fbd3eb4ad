"""The base identity: where it comes from, and why AWS does not take it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from tests.mistakes.conftest import INVENTORY, Stranger

from fleet_repl.sandbox import Scenario
from fleet_repl.sandbox.scenario import FaultRule, Mishap
from fleet_repl.values.names import RoleArn

Told = Callable[[str, str], None]
SSO = """\
[profile ops]
sso_session = corp
sso_account_id = 999999999999
sso_role_name = ops
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://127.0.0.1/start
"""


def test_no_credentials(stranger: Stranger, told: Told) -> None:
    """Neither in the environment nor in a profile."""
    told("no credentials anywhere", stranger.reads("plan", "fleet.toml"))


def test_half_of_the_credentials(stranger: Stranger, told: Told) -> None:
    """An access key without its secret."""
    stranger.setenv("AWS_ACCESS_KEY_ID", "AKIAFULLFULLFULLFULL")
    told("half of the credentials", stranger.reads("plan", "fleet.toml"))


def test_an_unknown_profile(stranger: Stranger, told: Told) -> None:
    """Misspelt, or of another machine."""
    stranger.setenv("AWS_PROFILE", "ops")
    told("a profile that is not there", stranger.reads("plan", "fleet.toml"))


def test_a_single_sign_on_that_has_expired(stranger: Stranger, told: Told) -> None:
    """The token that `aws sso login` left is of yesterday."""
    stranger.write(SSO, "config")
    cache = stranger.folder / ".aws/sso/cache"
    cache.mkdir(parents=True)
    token = {
        "startUrl": "https://127.0.0.1/start",
        "region": "eu-west-1",
        "accessToken": "x",
        "expiresAt": "2026-01-01T00:00:00Z",
    }
    # The file's name is the SDK's.
    name = hashlib.sha1(b"corp", usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps(token))
    stranger.setenv("AWS_PROFILE", "ops")
    told(
        "a single sign-on that has expired",
        stranger.reads_away_from_terminals("plan", "fleet.toml"),
    )


def test_credentials_that_have_expired(stranger: Stranger, told: Told) -> None:
    """Temporary ones, copied into the environment some hours ago."""
    world = stranger.serve()
    session = world.keyring.open_session(world.directory.base, 3_600)
    session.revoke()
    stranger.setenv("AWS_ACCESS_KEY_ID", session.id)
    stranger.setenv("AWS_SECRET_ACCESS_KEY", session.secret)
    stranger.setenv("AWS_SESSION_TOKEN", session.token or "")
    told("temporary credentials that have expired", stranger.reads("plan", "fleet.toml"))


def test_credentials_that_were_withdrawn(stranger: Stranger, told: Told) -> None:
    """A key that was deleted, or half of a session."""
    stranger.serve()
    stranger.setenv("AWS_ACCESS_KEY_ID", "AKIADELETEDDELETED00")
    told("a key that AWS does not know", stranger.reads("plan", "fleet.toml"))


def test_a_wrong_secret(stranger: Stranger, told: Told) -> None:
    """Cut off when it was copied."""
    stranger.serve()
    stranger.setenv("AWS_SECRET_ACCESS_KEY", "x" * 39)
    told("a secret key that is not the key's", stranger.reads("plan", "fleet.toml"))


def test_a_clock_that_is_wrong(stranger: Stranger, told: Told) -> None:
    """AWS names the times in its message."""
    stranger.serve()
    message = (
        "Signature expired: 20261123T080000Z is now earlier than 20261123T081500Z "
        "(20261123T082000Z - 5 min.)"
    )
    stranger.answer("GetCallerIdentity", "SignatureDoesNotMatch", message)
    told("a clock that is minutes off", stranger.reads("plan", "fleet.toml"))


def test_an_mfa_code_without_a_terminal(stranger: Stranger, told: Told) -> None:
    """A schedule cannot type it."""
    stranger.write(
        "[profile user]\naws_access_key_id = AKIAUSERUSERUSERUSER\naws_secret_access_key = x\n"
        "[profile ops]\nsource_profile = user\nrole_arn = arn:aws:iam::999999999999:role/ops\n"
        "mfa_serial = arn:aws:iam::999999999999:mfa/anna\n",
        "config",
    )
    stranger.setenv("AWS_PROFILE", "ops")
    told(
        "a profile that asks for an MFA code, and no terminal",
        stranger.reads_away_from_terminals("plan", "fleet.toml"),
    )


def test_a_chained_role_that_is_to_last_longer_than_an_hour(stranger: Stranger, told: Told) -> None:
    """The profile assumes a role with the session of another one."""
    world = stranger.serve()
    role = RoleArn.parse("arn:aws:iam::111111111111:role/fleet-replication")
    assert role is not None
    first = world.keyring.open_session(world.directory.assumed(role, "ci"), 3_600)
    stranger.write(
        f"[profile ci]\naws_access_key_id = {first.id}\naws_secret_access_key = {first.secret}\n"
        f"aws_session_token = {first.token}\n[profile ops]\nsource_profile = ci\n"
        "role_arn = arn:aws:iam::222222222222:role/fleet-replication\nduration_seconds = 7200\n",
        "config",
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        stranger.delenv(name)
    stranger.setenv("AWS_PROFILE", "ops")
    told(
        "a chain of roles that is to last for more than an hour",
        stranger.reads("plan", "fleet.toml"),
    )


def test_an_sts_region_that_is_not_enabled(stranger: Stranger, told: Told) -> None:
    """The caller's account has not opted into it: its STS knows none of its keys."""
    inventory = INVENTORY.replace("[aws]\n", '[aws]\nsts_region = "ap-east-1"\n')
    unknown = FaultRule(kind=Mishap.UNKNOWN_KEY, rate=1, regions=("ap-east-1",))
    stranger.serve(Scenario(faults=(unknown,)), inventory)
    stranger.write(inventory)
    told(
        "`sts_region` names a region that the caller's account has not enabled",
        stranger.reads("plan", "fleet.toml"),
    )


def test_an_account_that_is_not_the_bases(stranger: Stranger, told: Told) -> None:
    """`role = "none"` has the base identity act itself."""
    inventory = INVENTORY.replace('name = "shop"', 'name = "shop"\nrole = "none"')
    stranger.serve()
    stranger.write(inventory)
    told(
        '`role = "none"` of an account that is not the base identity\'s',
        stranger.reads("plan", "fleet.toml"),
    )
