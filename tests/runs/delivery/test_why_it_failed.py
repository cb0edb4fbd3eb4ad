"""A failure code in words: which statement is missing or denies, and whose move it is."""

from __future__ import annotations

from typing import Any

import pytest
from tests.runs.delivery.conftest import MakeImage, MakeLink
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import Owner, Policy, actions_for, parse_policy
from fleet_repl.runs.delivery import Delivery, DeliveryState, Knowledge, explained, needs_policy
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Partition

END = registry_of("2")
SIBLING = registry_of("1", "us-east-1")
PARTNER = registry_of("4")
DENIED = "DESTINATION_REGISTRY_ACCESS_DENIED"
ROOT = "arn:aws:iam::111111111111:root"
BOTH = "ecr:ReplicateImage and ecr:CreateRepository"
WHERE = "arn:aws:ecr:eu-west-1:222222222222:repository/base/*"
STATEMENT = {
    "Sid": "Them",
    "Effect": "Allow",
    "Principal": {"AWS": ROOT},
    "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
    "Resource": WHERE,
}
BAN = {
    "Sid": "Ban",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "ecr:*",
    "Resource": WHERE,
}


def policy(*statements: dict[str, Any]) -> Policy:
    owner = Owner(fleet="prod", partition=Partition.AWS)
    return parse_policy({"Version": "2012-10-17", "Statement": list(statements)}, owner, END)


def known(policy_: Policy | Fault | None = None, **other: Any) -> Knowledge:
    settings: dict[str, Any] = {
        "partition": Partition.AWS,
        "actions": actions_for(create_repositories=True),
        "manages_grants": True,
        "managed": {END.account, SIBLING.account},
        "policies": {} if policy_ is None else {END: policy_},
    }
    return Knowledge(**{**settings, **other})


@pytest.fixture
def failed(make_image: MakeImage) -> Delivery:
    """An image that a destination did not let in."""
    return Delivery(image=make_image("base/app"), state=DeliveryState.FAILED, code=DENIED)


def because_and_hint(
    delivery: Delivery, link: Any, knowledge: Knowledge
) -> tuple[str | None, str | None]:
    explanation = explained(delivery, link, knowledge)
    return explanation.because, explanation.hint


def test_a_statement_that_is_missing(failed: Delivery, make_link: MakeLink) -> None:
    """Apply writes it; where grants are off, its words are what the owner needs."""
    link = make_link(END, ("base/",))
    lacking = f"its registry policy does not grant {BOTH}"
    allow = f"allow {ROOT} {BOTH} on {WHERE}"
    for policy_ in (
        policy(),
        parse_policy(None, Owner(fleet="prod", partition=Partition.AWS), END),
    ):
        assert because_and_hint(failed, link, known(policy_)) == (
            lacking,
            f"fleet-repl apply does that: {allow}",
        )
    assert because_and_hint(failed, link, known(policy(), manages_grants=False)) == (
        lacking,
        f"grants are off, so its owner has to {allow}",
    )


def test_a_statement_that_denies(failed: Delivery, make_link: MakeLink) -> None:
    """By its Sid."""
    assert because_and_hint(failed, make_link(END, ("base/",)), known(policy(STATEMENT, BAN))) == (
        "statement Ban of its registry policy denies it",
        f"have its writer exempt {ROOT} from that statement",
    )


def test_a_statement_under_a_condition_does_not_count(
    failed: Delivery, make_link: MakeLink
) -> None:
    """Conditions are known to break replication."""
    limited = {**STATEMENT, "Condition": {"StringEquals": {"aws:SourceAccount": "1" * 12}}}
    because, _ = because_and_hint(failed, make_link(END, ("base/",)), known(policy(limited)))
    assert because == f"its registry policy does not grant {BOTH}"


def test_a_statement_that_was_put_since(failed: Delivery, make_link: MakeLink) -> None:
    """What failed before stays failed, so it has to be sent again."""
    link = make_link(END, ("base/",))
    again = (
        "fleet-repl repair or fleet-repl backfill --force copies it; "
        "to push the same tag again sends nothing"
    )
    now = "its registry policy grants it now, so it was changed after the push"
    assert because_and_hint(failed, link, known(policy(STATEMENT))) == (now, again)
    only = actions_for(create_repositories=False)
    assert because_and_hint(failed, link, known(policy(STATEMENT), actions=only)) == (
        f"{now}, or the repository is not there and nobody may create it",
        again,
    )


def test_an_external_destination(failed: Delivery, make_link: MakeLink) -> None:
    """Its owner gets the statement in words."""
    because, hint = because_and_hint(failed, make_link(PARTNER, ("base/",)), known())
    assert because == "the registry policy of the external destination does not let it in"
    assert hint == (
        f"its owner has to allow {ROOT} {BOTH} on "
        "arn:aws:ecr:eu-west-1:444444444444:repository/base/*, and to deny none of it"
    )


def test_a_policy_that_could_not_be_read(failed: Delivery, make_link: MakeLink) -> None:
    """What it has to say is known all the same."""
    fault = Fault(kind=FaultKind.ACCESS_DENIED, operation="GetRegistryPolicy", message="no")
    allow = f"it has to allow {ROOT} {BOTH} on {WHERE}"
    link = make_link(END, ("base/",))
    assert because_and_hint(failed, link, known(fault)) == (
        "its registry policy was not read (access-denied)",
        allow,
    )
    assert because_and_hint(failed, link, known()) == ("its registry policy was not read", allow)


def test_within_an_account_no_policy_is_asked(failed: Delivery, make_link: MakeLink) -> None:
    """So it is something else."""
    link = make_link(SIBLING)
    assert not needs_policy(failed, link, known().managed)
    because, hint = because_and_hint(failed, link, known())
    assert because == "ECR was not let into another region of the same account"
    assert hint == (
        "see that 111111111111 has enabled us-east-1, and that its role "
        "AWSServiceRoleForECRReplication exists"
    )


@pytest.mark.parametrize(
    ("code", "because"),
    [
        ("TAG_IMMUTABLE", "a tag of it is another image's at the destination, where tags stay"),
        ("SOMETHING_ELSE", "AWS publishes no list of these codes"),
        (None, "AWS publishes no list of these codes"),
    ],
)
def test_other_codes(
    make_image: MakeImage, make_link: MakeLink, code: str | None, because: str
) -> None:
    """No registry policy is to blame for them."""
    delivery = Delivery(image=make_image("base/app"), state=DeliveryState.FAILED, code=code)
    assert not needs_policy(delivery, make_link(END), known().managed)
    assert because_and_hint(delivery, make_link(END), known())[0] == because


def test_what_did_not_fail_is_left_alone(make_image: MakeImage, make_link: MakeLink) -> None:
    """There is nothing to explain."""
    delivery = Delivery(image=make_image("base/app"), state=DeliveryState.COMPLETE, because="kept")
    assert explained(delivery, make_link(END), known()) is delivery
    assert not needs_policy(delivery, make_link(END), known().managed)


def test_a_deny_of_which_nobody_can_tell(failed: Delivery, make_link: MakeLink) -> None:
    """It may be why; and so may one that somebody vouches for, where all is granted."""
    ban = {**BAN, "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}
    link = make_link(END, ("base/",))
    assert because_and_hint(failed, link, known(policy(STATEMENT, ban))) == (
        "statement Ban of its registry policy may deny it, depending on aws:PrincipalOrgID",
        "have the writer of that statement see whether it does",
    )
    trusting = {END.account: frozenset({"Ban"})}
    because, hint = because_and_hint(failed, link, known(policy(STATEMENT, ban), trusted=trusting))
    unless = "unless statement Ban denies it, depending on aws:PrincipalOrgID"
    assert because == f"its registry policy grants it, {unless}"
    assert hint == "trusted_statements says that it does not; take it out of there if it does"
    # A missing grant is the surer reason.
    because, _ = because_and_hint(failed, link, known(policy(ban)))
    assert because == f"its registry policy does not grant {BOTH}"
