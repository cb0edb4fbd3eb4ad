"""The base identity: where it comes from, and why AWS does not take it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from tests.mistakes.conftest import INVENTORY, Newcomer

from fleet_repl.sandbox import Scenario
from fleet_repl.sandbox.scenario import FaultRule, Mishap
from fleet_repl.values.names import RoleArn

Documented = Callable[[str, str], None]
SSO = """\
[profile ops]
sso_session = corp
sso_account_id = 999999999999
sso_role_name = ops
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://127.0.0.1/start
"""


def test_no_credentials(newcomer: Newcomer, documented: Documented) -> None:
    """Neither in the environment nor in a profile."""
    documented("no credentials anywhere", newcomer.reads("plan", "fleet.toml"))


def test_half_of_the_credentials(newcomer: Newcomer, documented: Documented) -> None:
    """An access key without its secret."""
    newcomer.setenv("AWS_ACCESS_KEY_ID", "AKIAFULLFULLFULLFULL")
    documented("half of the credentials", newcomer.reads("plan", "fleet.toml"))


def test_an_unknown_profile(newcomer: Newcomer, documented: Documented) -> None:
    """Misspelt, or of another machine."""
    newcomer.setenv("AWS_PROFILE", "ops")
    documented("a profile that is not there", newcomer.reads("plan", "fleet.toml"))


def test_a_single_sign_on_that_has_expired(newcomer: Newcomer, documented: Documented) -> None:
    """The token that `aws sso login` left is of yesterday."""
    newcomer.write(SSO, "config")
    cache = newcomer.folder / ".aws/sso/cache"
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
    newcomer.setenv("AWS_PROFILE", "ops")
    documented(
        "a single sign-on that has expired",
        newcomer.reads_away_from_terminals("plan", "fleet.toml"),
    )


def test_credentials_that_have_expired(newcomer: Newcomer, documented: Documented) -> None:
    """Temporary ones, copied into the environment some hours ago."""
    world = newcomer.serve()
    session = world.keyring.open_session(world.directory.base, 3_600)
    session.revoke()
    newcomer.setenv("AWS_ACCESS_KEY_ID", session.id)
    newcomer.setenv("AWS_SECRET_ACCESS_KEY", session.secret)
    newcomer.setenv("AWS_SESSION_TOKEN", session.token or "")
    documented("temporary credentials that have expired", newcomer.reads("plan", "fleet.toml"))


def test_credentials_that_were_withdrawn(newcomer: Newcomer, documented: Documented) -> None:
    """A key that was deleted, or half of a session."""
    newcomer.serve()
    newcomer.setenv("AWS_ACCESS_KEY_ID", "AKIADELETEDDELETED00")
    documented("a key that AWS does not know", newcomer.reads("plan", "fleet.toml"))


def test_a_wrong_secret(newcomer: Newcomer, documented: Documented) -> None:
    """Cut off when it was copied."""
    newcomer.serve()
    newcomer.setenv("AWS_SECRET_ACCESS_KEY", "x" * 39)
    documented("a secret key that is not the key's", newcomer.reads("plan", "fleet.toml"))


def test_a_clock_that_is_wrong(newcomer: Newcomer, documented: Documented) -> None:
    """AWS names the times in its message."""
    newcomer.serve()
    message = (
        "Signature expired: 20261123T080000Z is now earlier than 20261123T081500Z "
        "(20261123T082000Z - 5 min.)"
    )
    newcomer.answer("GetCallerIdentity", "SignatureDoesNotMatch", message)
    documented("a clock that is minutes off", newcomer.reads("plan", "fleet.toml"))


def test_an_mfa_code_without_a_terminal(newcomer: Newcomer, documented: Documented) -> None:
    """A schedule cannot type it."""
    newcomer.write(
        "[profile user]\naws_access_key_id = AKIAUSERUSERUSERUSER\naws_secret_access_key = x\n"
        "[profile ops]\nsource_profile = user\nrole_arn = arn:aws:iam::999999999999:role/ops\n"
        "mfa_serial = arn:aws:iam::999999999999:mfa/anna\n",
        "config",
    )
    newcomer.setenv("AWS_PROFILE", "ops")
    documented(
        "a profile that asks for an MFA code, and no terminal",
        newcomer.reads_away_from_terminals("plan", "fleet.toml"),
    )


def test_a_chained_role_that_is_to_last_longer_than_an_hour(
    newcomer: Newcomer, documented: Documented
) -> None:
    """The profile assumes a role with the session of another one."""
    world = newcomer.serve()
    role = RoleArn.parse("arn:aws:iam::111111111111:role/fleet-replication")
    assert role is not None
    first = world.keyring.open_session(world.directory.assumed(role, "ci"), 3_600)
    newcomer.write(
        f"[profile ci]\naws_access_key_id = {first.id}\naws_secret_access_key = {first.secret}\n"
        f"aws_session_token = {first.token}\n[profile ops]\nsource_profile = ci\n"
        "role_arn = arn:aws:iam::222222222222:role/fleet-replication\nduration_seconds = 7200\n",
        "config",
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        newcomer.delenv(name)
    newcomer.setenv("AWS_PROFILE", "ops")
    documented(
        "a chain of roles that is to last for more than an hour",
        newcomer.reads("plan", "fleet.toml"),
    )


def test_an_sts_region_that_is_not_enabled(newcomer: Newcomer, documented: Documented) -> None:
    """The caller's account has not opted into it: its STS knows none of its keys."""
    inventory = INVENTORY.replace("[aws]\n", '[aws]\nsts_region = "ap-east-1"\n')
    unknown = FaultRule(kind=Mishap.UNKNOWN_KEY, rate=1, regions=("ap-east-1",))
    newcomer.serve(Scenario(faults=(unknown,)), inventory)
    newcomer.write(inventory)
    documented(
        "`sts_region` names a region that the caller's account has not enabled",
        newcomer.reads("plan", "fleet.toml"),
    )


def test_an_account_that_is_not_the_bases(newcomer: Newcomer, documented: Documented) -> None:
    """`role = "none"` has the base identity act itself."""
    inventory = INVENTORY.replace('name = "shop"', 'name = "shop"\nrole = "none"')
    newcomer.serve()
    newcomer.write(inventory)
    documented(
        '`role = "none"` of an account that is not the base identity\'s',
        newcomer.reads("plan", "fleet.toml"),
    )
