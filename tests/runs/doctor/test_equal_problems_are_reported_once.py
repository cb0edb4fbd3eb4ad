"""Problems: each failed check is in exactly one, and equal ones are told together."""

from __future__ import annotations

from collections import Counter
from itertools import product

from hypothesis import given, strategies as st
from tests.runs.doctor.conftest import BASE, fault

from fleet_repl import Inventory
from fleet_repl.runs.doctor import (
    DESCRIBE,
    POLICY,
    SETTING,
    AccountExamination,
    CheckState,
    ExaminedAccount,
    ProblemKind,
    Question,
    fleet_problems,
    is_reached,
    needs_of,
    permissions_of,
    stops,
)
from fleet_repl.runs.doctor.checks import checks_of
from fleet_repl.runs.doctor.problems import Finding, group_findings
from fleet_repl.runs.doctor.questions import questions_of
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry

REGIONS = tuple(map(Region, ("eu-west-1", "us-east-1")))
EVERYWHERE = {ProblemKind.ROLE_REFUSED, ProblemKind.WRITE_DENIED}
REGISTRIES = st.builds(
    Registry,
    st.sampled_from([AccountId(f"{n:012d}") for n in range(1, 6)]),
    st.sampled_from(REGIONS),
)
FINDINGS = st.builds(
    Finding,
    st.sampled_from([ProblemKind.ROLE_REFUSED, ProblemKind.READ_DENIED, ProblemKind.WRITE_DENIED]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["do this", "do that"]),
)
FAULTS = st.builds(
    fault,
    st.sampled_from(FaultKind),
    st.sampled_from(["AssumeRole", "credentials", "DescribeRegistry"]),
    code=st.sampled_from([None, "AccessDenied", "SomeCode"]),
    refused=st.booleans(),
)
DENIED = st.builds(fault, operation=st.just("GetRegistryPolicy"))


@st.composite
def reads(draw: st.DrawFn) -> dict[str, Fault | None]:
    """The reads of a registry as an examination makes them."""
    first = draw(st.none() | FAULTS)
    if stops(first):
        return {DESCRIBE: first}
    answers: dict[str, Fault | None] = {DESCRIBE: first, POLICY: draw(st.none() | DENIED)}
    if draw(st.booleans()):
        answers[SETTING] = draw(st.none() | DENIED)
    return answers


@given(st.lists(st.tuples(REGISTRIES, FINDINGS), max_size=30))
def test_every_finding_is_in_one_problem(findings: list[tuple[Registry, Finding]]) -> None:
    """And a problem of registries has each of its accounts in each of its regions."""
    problems = group_findings(findings)
    reported = Counter(
        (Registry(account, region), (problem.kind, problem.message, problem.remedy))
        for problem in problems
        for account, region in product(problem.accounts, problem.regions)
    )
    exact = {(at, tuple(finding)) for at, finding in findings if finding.kind not in EVERYWHERE}
    assert {key for key in reported if key[1][0] not in EVERYWHERE} == exact
    assert {(at, tuple(finding)) for at, finding in findings} <= set(reported)
    assert set(reported.values()) <= {1}


@given(st.data(), st.lists(st.tuples(REGISTRIES, FINDINGS), max_size=30))
def test_the_order_of_findings_does_not_matter(
    data: st.DataObject, findings: list[tuple[Registry, Finding]]
) -> None:
    """Problems of most accounts come first, and a list is sorted."""
    shuffled = data.draw(st.permutations(findings))
    problems = group_findings(findings)
    assert group_findings(shuffled) == problems
    sizes = [len(problem.accounts) for problem in problems]
    assert sizes == sorted(sizes, reverse=True)
    for problem in problems:
        assert list(problem.accounts) == sorted(set(problem.accounts))
        assert list(problem.regions) == sorted(set(problem.regions))


def test_accounts_of_other_regions_are_a_group_of_their_own() -> None:
    """Nobody reads of a region in which an account has no trouble."""
    first, second = AccountId("0" * 11 + "1"), AccountId("0" * 11 + "2")
    finding = Finding(ProblemKind.READ_DENIED, "a", "do this")
    findings = [(Registry(first, REGIONS[0]), finding), (Registry(second, REGIONS[1]), finding)]
    assert [(p.accounts, p.regions) for p in group_findings(findings)] == [
        ((first,), REGIONS[:1]),
        ((second,), REGIONS[1:]),
    ]


def test_a_role_is_reported_once_whatever_its_regions() -> None:
    """37 accounts with a role that is refused are one group."""
    first, second = AccountId("0" * 11 + "1"), AccountId("0" * 11 + "2")
    finding = Finding(ProblemKind.ROLE_REFUSED, "a", "do this")
    findings = [(Registry(first, REGIONS[0]), finding), (Registry(second, REGIONS[1]), finding)]
    (problem,) = group_findings(findings)
    assert (problem.accounts, problem.regions) == ((first, second), REGIONS)


@given(
    by_region=st.fixed_dictionaries({region: reads() for region in REGIONS}),
    allowed=st.lists(st.sampled_from(CheckState), min_size=5, max_size=5),
)
def test_what_failed_has_a_problem(
    inventory: Inventory,
    by_region: dict[Region, dict[str, Fault | None]],
    allowed: list[CheckState],
) -> None:
    """A registry has a failed check exactly if a problem names its account and its region, or one
    of the whole account does."""
    needs, account = needs_of(inventory, ()), inventory.accounts[0]
    examination = AccountExamination(reads=by_region)
    if is_reached(examination):
        permissions = dict(zip(needs.writes, allowed, strict=False))
        examination = AccountExamination(reads=by_region, permissions=permissions)
    subject = ExaminedAccount(
        account=account, needs=needs, base=BASE, via=(), inventory="fleet.toml"
    )
    problems = fleet_problems([subject], {account.id: examination})
    for region in REGIONS:
        checks = checks_of(Registry(account.id, region), needs, examination)
        failed = CheckState.FAILED in checks.values()
        named = any(region in problem.regions for problem in problems)
        assert failed is named, (checks, problems)
        assert all(problem.remedy.splitlines()[1:] for problem in problems)


def test_a_setting_that_is_denied_is_no_problem(inventory: Inventory) -> None:
    """It is optional: nothing fails without it."""
    needs, account = needs_of(inventory, ()), inventory.accounts[0]
    reads = {REGIONS[0]: {DESCRIBE: None, POLICY: None, SETTING: fault()}}
    examination = AccountExamination(
        reads=reads, permissions=dict.fromkeys(needs.writes, CheckState.OK)
    )
    subject = ExaminedAccount(
        account=account, needs=needs, base=BASE, via=(), inventory="fleet.toml"
    )
    assert fleet_problems([subject], {account.id: examination}) == ()
    checks = subject.checks(Registry(account.id, REGIONS[0]), examination)
    assert {name for name, state in checks.items() if state is not CheckState.OK} == {SETTING}
    assert checks[SETTING] is CheckState.UNKNOWN


@given(st.lists(st.sampled_from(CheckState), max_size=4))
def test_an_action_is_as_allowed_as_by_the_worst_answer(states: list[CheckState]) -> None:
    """It may be asked about for several services."""
    question = Question(principal="x", resources={"iam:CreateServiceLinkedRole": ("*",)})
    answers = [{"iam:CreateServiceLinkedRole": state} for state in states]
    permissions = permissions_of([question] * len(states), answers)
    if not states:
        assert permissions == {}
    elif CheckState.FAILED in states:
        assert set(permissions.values()) == {CheckState.FAILED}
    else:
        assert (set(permissions.values()) == {CheckState.OK}) is (set(states) == {CheckState.OK})


def test_an_action_without_an_answer_is_unknown(inventory: Inventory) -> None:
    """IAM may cut its answer short."""
    (first, *_) = questions_of(needs_of(inventory, ()), inventory.accounts[0], BASE)
    answered, *others = first.resources
    permissions = permissions_of([first], [{answered: CheckState.OK}])
    assert permissions[answered] is CheckState.OK
    assert {permissions[action] for action in others} == {CheckState.UNKNOWN}
