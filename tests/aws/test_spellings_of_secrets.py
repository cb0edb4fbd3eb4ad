"""The cleaner of texts from outside finds a secret in whatever way it is spelled."""

from __future__ import annotations

import base64
import json
import string
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from fleet_repl.aws.redact import HIDDEN, SHORT, clean, clean_source

SECRET = "hub/External+Id=1,2@x:y.z-"
LETTERS = string.ascii_letters + string.digits
EXTERNAL_IDS = st.text(LETTERS + "+=,.@:/-_", min_size=SHORT, max_size=60)


def fully(text: str) -> str:
    return "".join(f"%{ord(character):02x}" for character in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "swapped case": str.swapcase,
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded but for slashes": quote,
    "in full": fully,
    "twice": lambda text: quote(quote(text, safe=""), safe=""),
    "escaped for JSON": lambda text: json.dumps(text).strip('"').replace("/", "\\/"),
    "as code points": lambda text: "".join(f"\\u{ord(character):04x}" for character in text),
    "escaped for HTML": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "as hexadecimal entities": lambda text: "".join(
        f"&#x{ord(character):x};" for character in text
    ),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 after one": lambda text: base64.b64encode(f"a{text}".encode()).decode(),
    "base64 after two": lambda text: base64.b64encode(f"ab{text}c".encode()).decode(),
    "base64 of a pair": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "base64, percent-encoded": lambda text: fully(base64.b64encode(text.encode()).decode()),
    "base64 within a word": lambda text: "abc" + base64.b64encode(text.encode()).decode() + "z",
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("around", ["{}", "the id {} is wrong", '{{"id": "{}"}}', "<Id>{}</Id>"])
def test_a_secret_is_hidden_in_every_spelling(spell: Callable[[str], str], around: str) -> None:
    """What stands around it stays."""
    shown = clean(around.format(spell(SECRET)), (SECRET,))
    assert shown == around.format(HIDDEN)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:pass@:8080", "http://***@:8080"),
        ('URL: "https://t0ken@"', 'URL: "https://***@"'),
        ("Invalid endpoint: user:pass@proxy:80", "Invalid endpoint: ***@proxy:80"),
        ("http://user:p/a@ss@proxy", "http://***@proxy"),
        ("image base:1@sha256:00ab of base/go:1@sha256:00ab", None),
        ("arn:aws:sts::111111111111:assumed-role/Admin/jo@example.com", None),
    ],
)
def test_the_login_in_an_address_is_hidden(text: str, shown: str | None) -> None:
    """Nobody has to say that it is a secret."""
    assert clean(text) == (shown or text)


@given(secret=st.uuids().map(str), spell=st.sampled_from(list(SPELLINGS.values())))
def test_a_secret_that_looks_like_a_request_id_is_hidden_too(
    secret: str, spell: Callable[[str], str]
) -> None:
    """Request ids are read in one look, and an external id may be a UUID as they are."""
    assert clean(spell(secret), (secret,)) == HIDDEN


@given(
    secret=EXTERNAL_IDS,
    spellings=st.lists(st.sampled_from(list(SPELLINGS.values())), max_size=2),
    before=st.text(" ,;:=&?/" + LETTERS, max_size=12),
    after=st.text(" ,;&" + LETTERS, max_size=12),
)
def test_no_spelling_of_any_secret_is_shown(
    secret: str, spellings: list[Callable[[str], str]], before: str, after: str
) -> None:
    """Two of them within each other too, and wherever it stands."""
    spelled = secret
    for spell in spellings:
        spelled = spell(spelled)
    if spelled.lower() in f"{before} {after} {HIDDEN}".lower():
        return
    # Changed case destroys base64 for good: nobody can read that back.
    shown = clean(f"{before} {spelled} {after}", (secret,))
    destroyed = any(item in spellings[1:] for item in (str.upper, str.lower, str.swapcase))
    if not destroyed:
        assert spelled not in shown
    assert secret.lower() not in shown.lower()


@pytest.mark.parametrize(
    "text",
    [
        "User: arn:aws:sts::111111111111:assumed-role/fleet/run is not authorized to perform: x",
        "1 validation error detected: Value '[]' at 'replicationConfiguration.rules' failed",
        "Invalid parameter at 'PolicyText': 100% 'a%2Fb' &amp; \\u0041",
        "Cannot connect to host api.ecr.eu-west-1.amazonaws.com:443 ssl:default [Connect call]",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    """Nothing is hidden that is no secret."""
    assert clean(text, (SECRET, "AKIABASEBASEBASEBASE", "x" * 40)) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("login failed for me", "login failed for me"),
        ("wrong password: hunter22", "wrong password: ***"),
        ("AWS_SECRET_ACCESS_KEY=abcdefgh", "AWS_SECRET_ACCESS_KEY=***"),
        ('{"SessionToken": "FwoGZXIvYXdzEBY"}', '{"SessionToken": "***"}'),
        ("Authorization: Bearer eyJhbGciOi.abc", "Authorization: Bearer ***"),
        ("curl -H 'X-Vault-Token: s.abcdef1'", "curl -H 'X-Vault-Token: ***'"),
        ("key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY!", "key ***!"),
        ("AKIASECRETSECRET1234 refused", "*** refused"),
        ("the vault said Corr3ct-Horse and no", "the vault said *** and no"),
        ("the vault said Q29ycjNjdC1Ib3JzZQ== and no", "the vault said *** and no"),
        ("see /home/me/.aws/token.json", "see /home/me/.aws/token.json"),
        ("Token for corp does not exist", "Token for corp does not exist"),
        ("a\nb" + " c" * 400, ("a b" + " c" * 248 + "…")),
    ],
)
def test_what_a_source_of_credentials_says(said: str, shown: str) -> None:
    """Nobody knows its secrets: what looks like one is hidden, and what the environment holds."""
    environ = {"VAULT_TOKEN": "Corr3ct-Horse", "AWS_TOKEN_FILE": "/home/me/.aws/token.json"}
    assert clean_source(said, environ) == shown


@pytest.mark.parametrize(
    "word", ["saml", "token", "secret-", "pass ", "bearer ", "cookie=", "A", "%25", "://", "a:"]
)
def test_no_text_takes_long_to_look_at(word: str) -> None:
    """What a source of credentials says may be anything, and nothing else runs meanwhile."""
    began = time.process_time()
    clean_source(word * (20_000 // len(word)), {"VAULT_TOKEN": SECRET}, (SECRET, "x" * 300))
    assert time.process_time() - began < 1.0
