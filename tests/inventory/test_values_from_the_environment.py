"""`${NAME}` stands for a variable of the environment, and the digest does not see what it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, strategies as st

from fleet_repl.inventory import Inventory
from fleet_repl.values.errors import Problem

FILLED = """\
version = 1
name = "${FLEET}"
[aws]
partition = "${PARTITION}"
role = "${PATH_OF_ROLE}/repl-${FLEET}"
regions = ["${REGION}"]
external_id = "${SECRET}"
[[accounts]]
id = "1111${REST}"
labels = { tier = "$${FLEET} costs $$5", other = "a $ {FLEET} } $" }
[[routes]]
name = "r"
from = { accounts = "1111${REST}" }
to = { accounts = ["1111${REST}"], regions = "${REGION}" }
prefixes = ["${FLEET}/"]
"""
ENVIRON = {
    "FLEET": "blue",
    "PARTITION": "aws-cn",
    "PATH_OF_ROLE": "ci/cd",
    "REGION": "cn-north-1",
    "SECRET": "open-sesame",
    "REST": "00001111",
}

Load = Callable[[str, Mapping[str, str]], Inventory]
Problems = Callable[[str, Mapping[str, str]], list[Problem]]


def test_every_string_value_is_filled(load: Load) -> None:
    """Wherever a text stands, and as often as it holds a reference."""
    inventory = load(FILLED, ENVIRON)
    account = inventory.accounts[0]
    assert account.id == "111100001111"
    assert inventory.name == "blue"
    assert str(account.role) == "arn:aws-cn:iam::111100001111:role/ci/cd/repl-blue"
    assert account.regions == ("cn-north-1",)
    assert account.external_id is not None
    assert account.external_id.reveal() == "open-sesame"
    assert inventory.routes[0].destination.match.accounts == frozenset({account.id})
    assert inventory.routes[0].prefixes == ("blue/",)


def test_a_dollar_sign_is_just_that(load: Load) -> None:
    """Only `${` begins a reference; `$${` is a literal one."""
    labels = load(FILLED, ENVIRON).accounts[0].labels
    assert labels == {"tier": "${FLEET} costs $$5", "other": "a $ {FLEET} } $"}


def test_what_was_filled_in_is_not_filled_again(load: Load) -> None:
    """A variable's value is taken as it is."""
    text = FILLED.replace("$${FLEET} costs $$5", "${LABEL}")
    labels = load(text, {**ENVIRON, "LABEL": "${FLEET}"}).accounts[0].labels
    assert labels["tier"] == "${FLEET}"


def test_every_variable_that_is_not_set_is_reported(problems: Problems) -> None:
    """With its name and the text as written; an external id is not shown even so."""
    environ = {key: value for key, value in ENVIRON.items() if key not in ("REGION", "SECRET")}
    assert [str(problem) for problem in problems(FILLED, environ)] == [
        (
            "fleet.toml:6: aws.regions[0]: the environment variable REGION is not set "
            '(found "${REGION}")\n    set REGION before the command runs'
        ),
        (
            "fleet.toml:7: aws.external_id: the environment variable SECRET is not set\n"
            "    set SECRET before the command runs"
        ),
        (
            "fleet.toml:14: routes[0].to.regions: the environment variable REGION is not set "
            '(found "${REGION}")\n    set REGION before the command runs'
        ),
    ]


@pytest.mark.parametrize("reference", ["${}", "${1A}", "${A B}", "${A", "${A-B}"])
def test_a_reference_to_nothing(reference: str, problems: Problems) -> None:
    """What follows `${` has to be the name of a variable."""
    text = FILLED.replace('name = "${FLEET}"', f'name = "{reference}"')
    assert [str(problem) for problem in problems(text, ENVIRON)] == [
        (
            "fleet.toml:2: name: holds ${ that names no environment variable "
            f'(found "{reference}")\n    write ${{NAME}} for a variable, or $${{ for a literal ${{'
        )
    ]


def test_a_variable_that_is_no_text(problems: Problems) -> None:
    """Bytes that are not UTF-8 would break every report."""
    problems_ = problems(FILLED, {**ENVIRON, "FLEET": "caf\udce9"})
    assert problems_[0].message == "the environment variable FLEET is not UTF-8 text"


def test_a_filled_in_value_is_checked_but_never_shown(problems: Problems) -> None:
    """The problem shows the file's own text, and guesses nothing from the environment."""
    text = FILLED.replace('from = { accounts = "1111${REST}" }', 'from = { accounts = "${WHO}" }')
    assert [str(problem) for problem in problems(text, {**ENVIRON, "WHO": "111100001112"})] == [
        (
            "fleet.toml:13: routes[0].from.accounts: is not the id or name of an account that is "
            'listed (found "${WHO}")\n'
            "    list it under [[accounts]], or under [[external]] if it is not yours"
        )
    ]


@given(secret=st.from_regex(r"[A-Za-z0-9_+=,.@:/-]{2,60}", fullmatch=True))
def test_the_digest_is_over_the_file_alone(load: Load, secret: str) -> None:
    """Whatever the environment holds, the same file has the same digest."""
    first, second = load(FILLED, ENVIRON), load(FILLED, {**ENVIRON, "SECRET": secret})
    assert first.digest == second.digest


def test_the_digest_sees_meaning_and_not_spelling(load: Load) -> None:
    """Comments and the form of tables are no change; a value is."""
    respelled = FILLED.replace("[aws]\n", "# how\n[ aws ] # AWS\n").replace("tier = ", '"tier"= ')
    renamed = FILLED.replace('name = "r"', 'name = "s"')
    digest = load(FILLED, ENVIRON).digest
    assert digest.startswith("sha256:")
    assert load(respelled, ENVIRON).digest == digest
    assert load(renamed, ENVIRON).digest != digest


CREDENTIALS = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_BEARER_TOKEN_BEDROCK",
    "aws_secret_access_key",
]


@pytest.mark.parametrize("name", CREDENTIALS)
@pytest.mark.parametrize("is_set", [True, False])
def test_credentials_are_never_read(problems: Problems, name: str, *, is_set: bool) -> None:
    """They would be sent to STS as an external id, or shown as a label. Whether such a variable
    is set is not told either."""
    environ = {**ENVIRON, **({name: "hush-hush"} if is_set else {})}
    (problem,) = problems(FILLED.replace("${SECRET}", f"x${{{name}}}"), environ)
    assert problem.key == "aws.external_id"
    assert problem.line == 7
    assert str(problem).endswith(
        f": aws.external_id: reads {name}, which holds AWS credentials or leads to some\n"
        "    use another variable; the SDK finds credentials by itself"
    )


def test_other_variables_of_aws_are_read(load: Load) -> None:
    """A region or a profile is no secret."""
    names = ["AWS_REGION", "AWS_PROFILE", "AWS_ACCOUNT_ID", "MY_TOKEN"]
    text = FILLED
    for name in names:
        text = text.replace("costs $$5", f"costs $$5 ${{{name}}}", 1)
    load(text, {**ENVIRON, **dict.fromkeys(names, "x")})
