"""Foreign statements that the service spells otherwise: the same meaning, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import Owner, PolicyDocument, parse_policy
from fleet_repl.runs.fingerprints import policy_digest
from fleet_repl.values.canonical_json import JsonObject, canonical_json, policy_meaning
from fleet_repl.values.names import Partition

OWNER = Owner(fleet="prod", partition=Partition.AWS)
HERE = registry_of("1")
ROOT = "arn:aws:iam::222222222222:root"
ROLE = "arn:aws:iam::222222222222:role/puller"
GONE = "AROAABCDEFGHIJKLMNOPQ"


def statement(**members: Any) -> JsonObject:
    return {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": "222222222222"},
        "Action": "ecr:BatchImportUpstreamImage",
        "Resource": "*",
        **members,
    }


def policy(*statements: JsonObject) -> Any:
    return parse_policy({"Version": "2012-10-17", "Statement": list(statements)}, OWNER, HERE)


def principal(*names: str) -> JsonObject:
    return {"Principal": {"AWS": list(names)}}


SAME = {
    "an account by its root": (statement(), statement(**principal(ROOT))),
    "a list of one": (statement(Action=["ecr:x"]), statement(Action="ecr:x")),
    "another order": (statement(Action=["a", "b"]), statement(Action=["b", "a"])),
    "named twice": (statement(**principal("222222222222", ROOT)), statement(**principal(ROOT))),
    "whom it does not mean": (
        {**statement(NotPrincipal={"AWS": "222222222222"}), "Principal": None},
        {**statement(NotPrincipal={"AWS": ROOT}), "Principal": None},
    ),
    "a condition's value": (
        statement(Condition={"Bool": {"aws:SecureTransport": False}}),
        statement(Condition={"Bool": {"aws:SecureTransport": ["false"]}}),
    ),
}
OTHERS = {
    "another account": statement(Principal={"AWS": "333333333333"}),
    "a role of it": statement(**principal(ROLE)),
    "a deleted role of nobody named": statement(**principal(GONE)),
    "everybody": statement(Principal="*"),
    "one more": statement(**principal(ROOT, ROLE)),
    "a service of that name": statement(Principal={"Service": "222222222222"}),
    "denied": statement(Effect="Deny"),
    "another resource": statement(Resource=["*", "arn:aws:ecr:eu-west-1:111111111111:x"]),
    "a condition": statement(Condition={"Bool": {"aws:SecureTransport": "true"}}),
    "the id of an account as a resource": statement(Resource=ROOT),
}


@pytest.mark.parametrize("case", SAME)
def test_another_spelling_is_the_same(case: str) -> None:
    """Before a write, after it, to a rollback, and to whoever asks who has changed it."""
    planned, other = SAME[case]
    for there, written in ((planned, other), (other, planned)):
        assert policy(there).same_as(policy(written))
        assert policy(there).shows(policy(written))
        bare = PolicyDocument(document={"Statement": there})
        listed = PolicyDocument(document={"Statement": [written]})
        assert policy_digest(bare) == policy_digest(listed)


@pytest.mark.parametrize("case", OTHERS)
def test_another_meaning_is_not(case: str) -> None:
    """However alike they look."""
    for planned, other in ((statement(), OTHERS[case]), (OTHERS[case], statement())):
        assert not policy(planned).same_as(policy(other))
        assert not policy(planned).shows(policy(other))
        assert canonical_json(policy_meaning(planned)) != canonical_json(policy_meaning(other))


def test_a_deleted_role_shows_as_its_id() -> None:
    """Of a write with its ARN; but a statement with the ARN is not what was written with the id,
    and before a write it is looked at more closely."""
    written, observed = statement(**principal(ROOT, ROLE)), statement(**principal(ROOT, GONE))
    assert policy(observed).shows(policy(written))
    assert not policy(written).shows(policy(observed))
    assert not policy(observed).same_as(policy(written))


@pytest.mark.parametrize(
    ("written", "observed"),
    [
        ([ROLE], ["AIDAABCDEFGHIJKLMNOPQ"]),
        ([ROLE, ROLE + "2"], [GONE]),
        ([ROLE], [GONE, "AROAABCDEFGHIJKLMNOPR"]),
        ([ROOT], [GONE]),
        ([ROLE], [ROLE + "2"]),
    ],
    ids=["a user's id", "one id for two roles", "two ids for one role", "a root", "another role"],
)
def test_an_id_that_cannot_be_the_role(written: list[str], observed: list[str]) -> None:
    """An id stands for one principal of its kind, and an ARN for itself."""
    there = policy(statement(**principal(*observed)))
    assert not there.shows(policy(statement(**principal(*written))))


def test_the_rest_of_a_statement_has_to_be_equal() -> None:
    """A lost principal explains no other change; and every statement counts once."""
    written, observed = statement(**principal(ROLE)), statement(**principal(GONE))
    assert not policy({**observed, "Effect": "Deny"}).shows(policy(written))
    assert not policy(observed, observed).shows(policy(written))
    assert not policy(observed).shows(policy(written, written))
    assert policy(observed, observed).shows(policy(written, written))


def test_statements_have_no_order() -> None:
    """The service may keep them as it likes."""
    first, other = statement(), statement(Sid="Other")
    assert policy(first, other).same_as(policy(other, first))
    assert policy(first, other).shows(policy(other, first))
