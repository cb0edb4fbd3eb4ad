"""What is said about statements of a registry policy that are not as fleet-repl wrote them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import (
    CREATE_REPOSITORY,
    REPLICATE_IMAGE,
    Grant,
    Owner,
    Policy,
    compose,
    grants_for,
    parse_policy,
    statements_for,
)
from fleet_repl.ecr.policy.evaluate import in_force
from fleet_repl.ecr.policy.lint import Finding, findings, scope_matters
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import AccountId, Partition

HERE = registry_of("9")
OWNER = Owner(fleet="prod", partition=Partition.AWS)
BASE = "arn:aws:ecr:eu-west-1:999999999999:repository/"
ONE, TWO = AccountId("1" * 12), AccountId("2" * 12)
BOTH = (REPLICATE_IMAGE, CREATE_REPOSITORY)
NEEDED = grants_for(ONE, ("base/",), BOTH) | grants_for(TWO, ("base/", "team/"), BOTH)
SUBJECT = "999999999999/eu-west-1: statement Theirs of its registry policy"


def allow(**edits: Any) -> dict[str, Any]:
    """A foreign statement for an account that is not in the fleet, with edits."""
    return {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::333333333333:root"},
        "Action": ["ecr:ReplicateImage"],
        "Resource": f"{BASE}*",
        **edits,
    }


def policy(*statements: Any) -> Policy:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return parse_policy(document, OWNER, HERE)


def lint(
    *statements: Any, needed: frozenset[Grant] = NEEDED, scope: str | None = None
) -> tuple[Finding, ...]:
    return judged(policy(*statements), needed, scope=scope)


def judged(
    policy: Policy,
    needed: frozenset[Grant] = NEEDED,
    *,
    scope: str | None = None,
    trusted: frozenset[str] = frozenset(),
) -> tuple[Finding, ...]:
    """What is found in a policy."""
    return findings(policy, needed, in_force(policy, HERE, Partition.AWS, trusted), scope=scope)


def only(kind: str, *statements: Any, **more: Any) -> str:
    """The message of the one finding there is, without its subject."""
    (finding,) = lint(*statements, **more)
    assert (finding.kind, finding.sid) == (kind, "Theirs")
    assert finding.message.startswith(f"{SUBJECT} ")
    return finding.message.removeprefix(f"{SUBJECT} ")


def test_a_sound_policy_has_no_findings() -> None:
    """None, ours alone, ours beside somebody's own grants and pull-through caches."""
    ours = statements_for(NEEDED, OWNER, HERE)
    assert judged(parse_policy(None, OWNER, HERE)) == ()
    assert lint(*ours, scope="V1") == ()
    cache = allow(
        Action=["ecr:CreateRepository", "ecr:BatchImportUpstreamImage"],
        Condition={"StringEquals": {"aws:SourceAccount": "3" * 12}},
    )
    assert lint(*ours, allow(), cache, scope="V1") == ()


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (f"{BASE.replace('eu-west-1', 'eu-west-2')}*", "it has region eu-west-2 instead of eu-w"),
        ("arn:aws:ecr::999999999999:repository/*", "it has region (none) instead of eu-west-1"),
        (
            f"{BASE.replace('9' * 12, '1' * 12)}*",
            f"it has account {'1' * 12} instead of {'9' * 12}",
        ),
        ("arn:aws-cn:ecr:eu-west-1:999999999999:repository/*", "it has partition aws-cn instead"),
        ("arn:aws:ecr-public:*:*:repository/*", "it has service ecr-public instead of ecr"),
        ("arn:aws:ecr:eu-west-1:999999999999:base/*", "it lacks repository/ before the name"),
        ("arn:aws:ecr:eu-west-1:999999999999:*/base", None),
        ("base/*", "it is not the ARN of a repository"),
        (BASE, "it ends where the name should begin"),
        (f"{BASE}base/", "no name ends in '/', and only base/* would be a prefix"),
        (f"{BASE}Base/*", "no name has 'B' in it"),
        (f"{BASE}base", None),
        (f"{BASE}base/app-1", None),
        (f"{BASE}*/app", None),
        ("arn:aws:ecr:*:*:repository/base", None),
        ("arn:aws:ecr:eu-*:9?9999999999:*", None),
        ("*", None),
        (f"{BASE}${{aws:PrincipalAccount}}/*", None),
    ],
)
def test_a_resource_that_no_repository_matches(resource: str, why: str | None) -> None:
    """Each reason; nothing about exact names, wildcards and variables."""
    if why is None:
        assert lint(allow(Resource=resource)) == ()
        return
    message = only("malformed-resource", allow(Resource=[f"{BASE}ok*", resource]))
    assert message.startswith(f"names {resource}, which no repository here matches: {why}")
    assert message.endswith("; correct it, because ECR takes it without a word and it does nothing")
    assert "more like it" not in message


def test_resources_matter_only_for_what_replication_needs() -> None:
    """Another feature's statement is not ours to judge; a Deny and an exemption are."""
    wrong = BASE.replace("eu-west-1", "eu-west-2")
    assert lint(allow(Action="ecr:BatchImportUpstreamImage", Resource=wrong)) == ()
    message = only("malformed-resource", allow(Effect="Deny", Resource=[f"{wrong}*", "x", "y"]))
    assert ", and 2 more like it;" in message
    deny = allow(Effect="Deny", NotResource=[wrong])
    del deny["Resource"]
    assert [warning.kind for warning in lint(deny)] == ["malformed-resource"]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (
            {"StringEquals": {"AWS:sourceAccount": "1" * 12, "aws:PrincipalOrgID": "o-1"}},
            (
                "allows replication under a condition on AWS:sourceAccount, which breaks "
                "replication without any error; take the condition out, or leave the grant to "
                "fleet-repl"
            ),
        ),
        (
            {"ArnLike": {"aws:SourceArn": "*"}, "StringEquals": {"aws:SourceAccount": "1"}},
            (
                "allows replication under a condition on aws:SourceAccount and aws:SourceArn, "
                "which breaks replication without any error; take the condition out, or leave "
                "the grant to fleet-repl"
            ),
        ),
        (
            {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
            (
                "allows replication under a condition on aws:PrincipalOrgID, which is not known to "
                "work for replication; it does not count here, so fleet-repl adds grants of its own"
            ),
        ),
        (
            {"Bool": {"aws:SecureTransport": "false"}},
            (
                "allows replication under a condition on aws:SecureTransport; it does not count "
                "here, so fleet-repl adds grants of its own"
            ),
        ),
        (
            {
                "StringEqualsIfExists": {"aws:SourceAccount": "1" * 12},
                "Null": {"aws:SourceArn": "true"},
                "StringEquals": {"aws:PrincipalOrgID": "o-1"},
            },
            (
                "allows replication under a condition on aws:PrincipalOrgID, which is not known to "
                "work for replication; it does not count here, so fleet-repl adds grants of its own"
            ),
        ),
        (
            "nonsense",
            (
                "allows replication under a condition on something unknown; it does not count "
                "here, so fleet-repl adds grants of its own"
            ),
        ),
    ],
)
def test_an_allow_under_a_condition(condition: Json, message: str) -> None:
    """What is known to break, what is not known to work, and what just does not count."""
    assert only("breaking-condition", allow(Condition=condition)) == message


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringEquals": {"aws:PrincipalAccount": "3" * 12}},
        {"StringEqualsIfExists": {"aws:SourceAccount": "1" * 12}},
        {"Null": {"aws:SourceArn": "true"}},
        {"ArnLikeIfExists": {"aws:SourceArn": "arn:aws:ecr:*:*:*"}},
    ],
)
def test_a_condition_that_is_met_is_none(condition: JsonObject) -> None:
    """Nothing is wrong with it: it breaks nothing, and the Allow counts."""
    assert lint(allow(Condition=condition)) == ()
    everybody = allow(Principal="*", Condition={**condition})
    kinds = {warning.kind for warning in lint(everybody)}
    assert ("breaking-condition" in kinds) is ("StringEquals" in condition)


def test_a_deny_of_which_nobody_can_tell() -> None:
    """It is worded as that, and nothing is said of one that somebody vouches for."""
    condition = {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}
    deny = allow(Effect="Deny", Principal="*", Action="*", Condition=condition)
    assert only("denied", deny) == (
        "may deny what accounts 111111111111 and 222222222222 must be able to do here: "
        "ecr:ReplicateImage and ecr:CreateRepository; that depends on aws:PrincipalOrgID, which "
        "cannot be told from here; narrow it, or list its Sid in trusted_statements if it keeps no "
        "image out"
    )
    assert judged(policy(deny), trusted=frozenset({"Theirs"})) == ()


def test_conditions_matter_only_where_replication_is_allowed() -> None:
    """Not in a Deny, not where the condition is empty; but for CreateRepository by itself."""
    condition = {"StringEquals": {"aws:SourceAccount": "3" * 12}}
    assert lint(allow(Effect="Deny", Condition=condition)) == ()
    assert lint(allow(Condition={})) == ()
    only("breaking-condition", allow(Action="ecr:CreateRepository", Condition=condition))


def test_a_deny_names_the_accounts_it_hits() -> None:
    """Needed grants, and those that are in place; one account, or several."""
    deny = allow(Effect="Deny", Principal="*", Action="ecr:Replicate*", Resource=f"{BASE}*/x")
    end = "; narrow it, or images fail with DESTINATION_REGISTRY_ACCESS_DENIED"
    assert only("denied", deny) == (
        "denies what accounts 111111111111 and 222222222222 must be able to do here: "
        f"ecr:ReplicateImage{end}"
    )
    ours = statements_for(grants_for(ONE, ("old/",), BOTH), OWNER, HERE)
    broad = allow(Effect="Deny", Principal="*", Action="*", Resource=f"{BASE}old/*")
    assert only("denied", *ours, broad) == (
        "denies what account 111111111111 must be able to do here: ecr:ReplicateImage and "
        f"ecr:CreateRepository{end}"
    )
    assert lint(allow(Effect="Deny")) == ()


def test_a_foreign_allow_that_makes_ours_needless() -> None:
    """Only where it has everything that is to be added for a source; said once."""
    theirs = allow(Principal="*", Action="ecr:*")
    assert only("already-granted", theirs) == (
        "already allows all that accounts 111111111111 and 222222222222 will be granted; "
        "fleet-repl adds its own statement all the same, and this one can go after that"
    )
    half = allow(Principal="*", Action="ecr:*", Resource=f"{BASE}base/*")
    assert only("already-granted", half).startswith(
        "already allows all that account 111111111111 will be granted;"
    )
    assert lint(allow(Principal="*")) == ()
    assert lint(*statements_for(NEEDED, OWNER, HERE), theirs) == ()
    wider = statements_for(grants_for(ONE, ("",), BOTH) | grants_for(TWO, ("",), BOTH), OWNER, HERE)
    assert lint(*wider, theirs) == ()


def test_many_accounts_are_counted() -> None:
    """Three are shown."""
    needed = frozenset(Grant(AccountId(f"{n:012}"), "", REPLICATE_IMAGE) for n in range(1_200))
    assert only("already-granted", allow(Principal="*"), needed=needed).startswith(
        "already allows all that 1,200 accounts (000000000000, 000000000001, 000000000002, …) "
        "will be granted;"
    )


@pytest.mark.parametrize(
    ("action", "beyond"),
    [
        (["ecr:ReplicateImage", "ECR:createrepository", "ecr:BatchImportUpstreamImage"], None),
        (["ecr:Replicate*", "ecr:BatchImport*"], None),
        (["ecr:ReplicateImage", "ecr:GetDownloadUrlForLayer"], "ecr:GetDownloadUrlForLayer"),
        ("ecr:*", "ecr:*"),
        ("ecr:CreateRepository*", "ecr:CreateRepository*"),
    ],
)
def test_the_first_scope_enforces_three_actions(action: Json, beyond: str | None) -> None:
    """Whatever else a statement is about: said under V1 only, and only then worth asking."""
    statement = allow(Action=action)
    assert scope_matters(policy(statement)) == (beyond is not None)
    assert lint(statement, scope="V2") == lint(statement) == ()
    if beyond is None:
        assert lint(statement, scope="V1") == ()
    else:
        assert only("policy-scope", statement, scope="V1") == (
            f"is about {beyond}, and the account's registry policy scope is V1, with which ECR "
            "enforces only ecr:ReplicateImage, ecr:BatchImportUpstreamImage and "
            "ecr:CreateRepository; set REGISTRY_POLICY_SCOPE to V2 if it shall hold"
        )


def test_all_actions_but_some_are_beyond_the_first_scope() -> None:
    """NotAction names what it leaves out."""
    statement = allow(Effect="Deny", NotAction="ecr:ReplicateImage")
    del statement["Action"]
    assert scope_matters(policy(statement))
    assert only("policy-scope", statement, scope="V1").startswith("is about every action but some,")


def test_ours_that_was_edited_will_be_put_right() -> None:
    """The same faults, another remedy; it is neither needless nor a matter of scope."""
    (ours,) = statements_for(grants_for(ONE, ("base/",), BOTH), OWNER, HERE)
    edited = {**ours, "Action": "ecr:*", "Condition": {"Bool": {"aws:SourceArn": "x"}}}
    assert not scope_matters(policy(edited))
    (finding,) = lint(edited, scope="V1")
    assert (finding.kind, finding.sid) == ("breaking-condition", ours["Sid"])
    assert finding.message == (
        f"999999999999/eu-west-1: statement {ours['Sid']} of its registry policy allows "
        "replication under a condition on aws:SourceArn, which breaks replication without any "
        "error; it is fleet-repl's own, edited, and will be put right"
    )
    assert lint({**ours, "Action": "ecr:*"}, scope="V1") == ()


def test_a_statement_without_sid_is_called_so() -> None:
    """Its finding has no Sid, nor has one whose Sid is empty."""
    deny = allow(Effect="Deny", Principal="*")
    for statement in ({**deny, "Sid": ""}, {key: deny[key] for key in deny if key != "Sid"}):
        (finding,) = lint(statement)
        assert finding.sid is None
        assert finding.message.startswith(
            "999999999999/eu-west-1: a statement without Sid of its registry policy denies "
        )


def test_long_texts_are_cut() -> None:
    """A policy may hold thousands of characters in one ARN."""
    assert len(only("malformed-resource", allow(Resource="x" * 9_000))) < 400


def test_what_is_found_changes_nothing() -> None:
    """Foreign statements with findings stay in the policy as they are."""
    theirs = allow(Resource="x", Condition={"Bool": {"aws:SourceArn": "x"}})
    after = compose(policy(theirs), NEEDED, OWNER, HERE).document
    assert after is not None
    assert lint(theirs)
    statements: Any = after["Statement"]
    assert theirs in statements
