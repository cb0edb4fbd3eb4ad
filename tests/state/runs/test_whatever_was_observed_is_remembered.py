"""Whatever AWS answers can be written to every document that a run leaves, and read from it again.

Otherwise one odd answer would make the state unreadable for every later run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.support.clock import NOON
from tests.support.registries import registry_of

from fleet_repl.aws.answers import body, objects, policy_document, registry_document
from fleet_repl.aws.request import Answer, Call
from fleet_repl.ecr.backfills import (
    BackfillOutcome,
    BackfillState,
    MalformedBackfillError,
    parse_backfill,
)
from fleet_repl.ecr.policy import VERSION, Grant, parse_policy, statements_for
from fleet_repl.ecr.rules import parse_answer
from fleet_repl.inventory import Inventory, parse
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.planning.objections import objections
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.planning.ownership import NO_RECORD
from fleet_repl.planning.plan import Plan
from fleet_repl.planning.planner import plan_registries
from fleet_repl.planning.registry_plan import summarize
from fleet_repl.reports.documents.plan import is_unaltered, parse_plan, plan_content, plan_digest
from fleet_repl.reports.documents.report import parse_report, report_content
from fleet_repl.runs.drift import attributed
from fleet_repl.runs.fingerprints import fingerprinted
from fleet_repl.runs.history import Holder, JournalEntry, Moment, PastRun, Purpose, RunMeta
from fleet_repl.runs.overwritten import each_before, prefix_of
from fleet_repl.runs.record import claim
from fleet_repl.runs.recovery import aftermath
from fleet_repl.state import Remembered, parse_record, record_document
from fleet_repl.state.fingerprints import fingerprints_content, parse_fingerprints
from fleet_repl.state.journal import JOURNAL_SCHEMA, entry_line, parse_journal
from fleet_repl.state.run_documents import before_pieces, parse_before
from fleet_repl.values.canonical_json import JsonObject, parse_json
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import AccountId, Registry

FLEET = """\
version = 1
name = "prod"
[aws]
role = "repl"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
[[accounts]]
id = "222222222222"
[[routes]]
name = "golden"
from = { accounts = "111111111111" }
to = { accounts = "222222222222" }
prefixes = ["base/"]
[[templates]]
name = "base"
prefix = "base"
select = { accounts = "222222222222" }
[ownership]
rules = "RULES"
"""
SILENT = Unreadable(error=Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no"))
RUN = "20261123T120000Z-ab12cd"

HUGE = "a number beyond all bounds"

characters = st.characters(exclude_categories=()) | st.sampled_from("\ud800\udc00\x00\x7f\u2028é")
texts = st.text(characters, max_size=6) | st.just("\ud800\udc00")
values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(HUGE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
accounts = st.sampled_from(["111111111111", "222222222222", "333333333333", "0", "a/b", ""])
regions = st.sampled_from(["eu-west-1", "EU-WEST-1", "x" * 40, "eu_west_1", "", "/"])
prefixes = st.sampled_from(["base/", "base", "", "Odd Prefix", "é", "\ud800"])


def _sometimes(**members: Any) -> Any:
    """An object that, now and then, lacks members, has another one, or odd values."""
    odd = {name: member | values for name, member in members.items()}
    unknown = st.fixed_dictionaries({}, optional={**odd, "another": values})
    usual = st.fixed_dictionaries(members)
    return st.integers(0, 9).flatmap(lambda nth: unknown if nth == 0 else usual)


destinations = _sometimes(registryId=accounts | texts, region=regions | texts)
filters = _sometimes(filter=prefixes | texts, filterType=st.just("PREFIX_MATCH") | texts)
rules = _sometimes(
    destinations=st.lists(destinations, max_size=3),
    repositoryFilters=st.lists(filters, max_size=3),
    deleteReplication=_sometimes(enabled=st.booleans()),
)
statements = st.dictionaries(
    st.sampled_from(["Sid", "Effect", "Principal", "Action", "Resource", "Condition", "Odd"]),
    values | st.sampled_from(["Allow", "Deny", "*", "ecr:*", "ecr:ReplicateImage"]),
    max_size=6,
)
templates = _sometimes(
    prefix=st.sampled_from(["base", "ROOT", "other"]) | texts,
    description=st.sampled_from(["FleetRepl55a7ca4e fleet-repl prod: base"]) | texts,
    lifecyclePolicy=texts,
    resourceTags=st.lists(_sometimes(Key=texts, Value=texts), max_size=2),
    appliedFor=st.lists(st.sampled_from(["REPLICATION", "ODD"]), max_size=2),
)


@pytest.fixture(scope="session")
def fleets(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Inventory]:
    """The same fleet, alone and beside others."""
    folder: Path = tmp_path_factory.mktemp("fleets")
    answers = {}
    for ownership in ("exclusive", "additive"):
        path = folder / f"{ownership}.toml"
        path.write_text(FLEET.replace("RULES", ownership))
        answers[ownership] = parse(path, environ={})
    return answers


class Wire:
    """Answers as AWS gives them, in one of the spellings that JSON has."""

    def __init__(self, registry: Registry, *, escaped: bool) -> None:
        self._escaped = escaped
        self._call = Call(
            service="ecr",
            operation="DescribeRegistry",
            region=registry.region,
            account=registry.account,
        )
        self._registry = registry

    def _answer(self, **members: Any) -> Answer:
        text = self._text({"registryId": self._registry.account, **members})
        return Answer(body=text.encode("utf-8", "surrogatepass"), parsed={}, request_id="9f")

    def _text(self, document: Any) -> str:
        # Python would not spell a number so.
        return json.dumps(document, ensure_ascii=self._escaped).replace(f'"{HUGE}"', "1e999")

    def observed(self, answers: Mapping[str, Any], desired: Desired) -> Observed | Unreadable:
        """What reading the registry comes to."""
        configuration = {"rules": answers["rules"], **answers["more"]}
        text = self._text({"Version": VERSION, "Statement": answers["statements"]})
        try:
            described = registry_document(
                self._answer(replicationConfiguration=configuration), self._call
            )
            policy = policy_document(self._answer(policyText=text), self._call)
            answer = self._answer(repositoryCreationTemplates=answers["templates"])
            key = "repositoryCreationTemplates"
            listed = objects(body(answer, self._call), key, answer, self._call)
        except CallError as error:
            return Unreadable(error=error.fault)
        return Observed(
            replication=parse_answer(described),
            policy=parse_policy(policy, desired.owner, self._registry),
            templates=listed,
        )


@st.composite
def observations(draw: st.DrawFn, desired: Desired) -> Observation:
    """What every registry of a fleet answers."""
    observation: dict[Registry, Observed | Unreadable] = {}
    for registry in desired.registries:
        ours = statements_for(
            [Grant(AccountId(draw(st.sampled_from(["111111111111", "4" * 12]))), "old/", action)
             for action in desired.actions],
            desired.owner,
            registry,
        )  # fmt: skip
        parts = draw(
            st.fixed_dictionaries(
                {
                    "rules": st.lists(rules, max_size=3),
                    "more": st.dictionaries(texts, values, max_size=1),
                    "statements": st.lists(statements | st.sampled_from(ours), max_size=3),
                    "templates": st.lists(templates, max_size=2),
                }
            )
        )
        wire = Wire(registry, escaped=draw(st.booleans()))
        observation[registry] = wire.observed(parts, desired)
    return observation


def _plan(inventory: Inventory, seen: Observation, allow: tuple[str, ...]) -> Plan:
    desired, _ = desired_state(inventory)
    planned = plan_registries(desired, seen, desired.registries, allow=allow)
    against = objections(
        planned.registries, {}, safety=inventory.safety, protected=desired.protected, allow=allow
    )
    registries = attributed(planned.registries, {})
    plan = Plan(
        digest="",
        created_at=NOON,
        fleet="prod",
        inventory=InventoryRef(path="fleet.toml", digest=inventory.digest),
        summary=summarize(registries),
        registries=registries,
        objections=tuple(against),
        warnings=planned.warnings,
    )
    return replace(plan, digest=plan_digest(plan))


def _journal(plan: Plan) -> tuple[JournalEntry, ...]:
    """Every write was sent, and none has ended."""
    return tuple(
        JournalEntry(
            moment=Moment.SENDING,
            at=NOON,
            registry=registry,
            resource=change.resource,
            action=change.action,
            phase=change.phase,
            wave=change.wave,
            prefix=prefix_of(change),
            before=change.before.document,
            after=change.after.document,
        )
        for registry, change in plan.changes
    )


def _check(inventory: Inventory, seen: Observation, later: Observation, *allow: str) -> None:
    """The plan, what was there before, the journal, the record, how registries were left, and
    what a later run makes of all that where this one died."""
    desired, _ = desired_state(inventory)
    plan = _plan(inventory, seen, allow)
    read_back = parse_plan(plan_content(plan), "plan.json")
    assert plan_content(read_back) == plan_content(plan)
    assert is_unaltered(read_back)
    before = dict(each_before(plan, NO_RECORD))
    content = b"".join(before_pieces(sorted(before.items())))
    again = parse_before(content, "before.json")
    assert b"".join(before_pieces(sorted(again.items()))) == content
    entries = _journal(plan)
    header = json.dumps({"schema": JOURNAL_SCHEMA}).encode() + b"\n"
    lines = header + b"".join(map(entry_line, entries))
    journal = parse_journal(lines, "journal.jsonl")
    assert header + b"".join(map(entry_line, journal)) == lines
    remembered = Remembered(record=claim({}, plan, {}))
    record = parse_record(record_document("prod", remembered), "prod", where="applied.json")
    assert record == remembered

    past = PastRun(
        meta=_meta(inventory), plan=read_back, before=before, journal=journal, report=None
    )
    ended = aftermath(past, later, desired.owner)
    report = parse_report(report_content(ended.report), "report.json")
    assert report_content(report) == report_content(ended.report)
    fingerprints = fingerprinted(
        {}, report.registries, run_id=RUN, at=NOON, inventory_digest=inventory.digest
    )
    assert parse_fingerprints(fingerprints_content(fingerprints), "traces.json") == fingerprints


@given(
    data=st.data(),
    ownership=st.sampled_from(["exclusive", "additive"]),
    allow=st.sampled_from([(), ("unknown-fields",)]),
)
def test_whatever_was_observed_is_read_back(
    fleets: Mapping[str, Inventory], data: st.DataObject, ownership: str, allow: tuple[str, ...]
) -> None:
    """However odd, and together with everything else."""
    inventory = fleets[ownership]
    desired, _ = desired_state(inventory)
    answers = observations(desired)
    _check(inventory, data.draw(answers), data.draw(answers), *allow)


ODDITIES: dict[str, dict[str, Any]] = {
    "another id": {"rules": [{"destinations": [{"registryId": "0", "region": "eu-west-1"}]}]},
    "a name that could be two": {
        "rules": [{"destinations": [{"registryId": "1/2", "region": "3/4"}]}]
    },
    "upper case": {"rules": [{"destinations": [{"registryId": "2" * 12, "region": "EU-WEST-1"}]}]},
    "a long region": {"rules": [{"destinations": [{"registryId": "2" * 12, "region": "x" * 40}]}]},
    "half a pair": {"statements": [{"Sid": "\ud800", "Effect": "Allow"}]},
    "two halves": {"statements": [{"Sid": "\ud800\udc00", "Effect": "Allow"}]},
    "no number": {"statements": [{"Sid": "A", "Effect": HUGE}]},
    "odd filters": {
        "rules": [
            {
                "destinations": [{"registryId": "4" * 12, "region": "eu-west-1"}],
                "repositoryFilters": [
                    {"filter": text, "filterType": "PREFIX_MATCH"}
                    for text in ("", "Odd Prefix", "\ud800", "\u0000")
                ],
            }
        ]
    },
}


@pytest.mark.parametrize("odd", ODDITIES)
@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("ownership", ["exclusive", "additive"])
def test_each_oddity_is_read_back(
    fleets: Mapping[str, Inventory], odd: str, ownership: str, *, escaped: bool
) -> None:
    """By itself, so that nothing else keeps it from being planned with."""
    inventory = fleets[ownership]
    desired, _ = desired_state(inventory)
    parts = {"rules": [], "more": {}, "statements": [], "templates": [], **ODDITIES[odd]}
    seen = {
        registry: Wire(registry, escaped=escaped).observed(parts, desired)
        for registry in desired.registries
    }
    _check(inventory, seen, seen)
    _check(inventory, seen, seen, "unknown-fields")


def _deepest() -> int:
    """So many levels can be read from here."""
    levels = sys.getrecursionlimit()
    while True:
        with suppress(ValueError):
            parse_json("[" * levels + "]" * levels)
            return levels
        levels -= 1


@pytest.mark.parametrize("less", range(8, 30))
def test_what_is_nested_too_deeply_is_no_answer(fleets: Mapping[str, Inventory], less: int) -> None:
    """A document that holds it is nested more deeply still."""
    deep: Any = "x"
    for _ in range(_deepest() - less):
        deep = [deep]
    inventory = fleets["exclusive"]
    desired, _ = desired_state(inventory)
    statements = [{"Sid": "A", "Effect": "Allow", "Condition": deep}]
    parts = {"rules": [], "more": {}, "statements": statements, "templates": []}
    seen = {
        registry: Wire(registry, escaped=True).observed(parts, desired)
        for registry in desired.registries
    }
    _check(inventory, seen, seen)


@pytest.mark.parametrize(
    "text", [b'"\xed\xa0\x80\xed\xb0\x80"', '"\ud800\\udc00"', b"1e999", b"-1e999", b"NaN"]
)
def test_what_would_be_read_as_something_else_is_no_json(text: str | bytes) -> None:
    """Two halves of a surrogate pair are one character once they were written; numbers beyond all
    bounds are no JSON then."""
    with pytest.raises(ValueError):  # noqa: PT011 - whichever it is
        parse_json(text)


def _meta(inventory: Inventory) -> RunMeta:
    return RunMeta(
        run_id=RUN,
        fleet="prod",
        purpose=Purpose.APPLY,
        holder=Holder(run_id=RUN, purpose=Purpose.APPLY, user="ops", host="h", pid=1, process="1"),
        started_at=NOON,
        inventory=InventoryRef(path="fleet.toml", digest=inventory.digest),
        plan_digest="sha256:0",
    )


backfills = _sometimes(
    replicationBackfillId=texts,
    destination=destinations,
    status=st.sampled_from(["COMPLETE", "ODD"]) | texts,
    startedAt=st.sampled_from([-62135596800, 1.5e9, 253402300799]) | st.floats(),
    endedAt=st.none() | st.integers(),
    progress=_sometimes(
        totalReplicationCount=st.integers(),
        completedReplicationCount=st.integers(),
        failedReplicationCount=st.integers(),
        failureCodes=st.lists(texts, max_size=2),
    ),
    failureCode=texts,
)


@given(answer=backfills, escaped=st.booleans(), codes=st.lists(texts, max_size=2))
def test_whatever_a_report_says_of_a_backfill_is_read_back(
    fleets: Mapping[str, Inventory], answer: JsonObject, codes: list[str], *, escaped: bool
) -> None:
    """It stands in the report of the run that has started it."""
    hub, spoke = map(registry_of, "12")
    wire = Wire(hub, escaped=escaped)
    try:
        last = parse_backfill(body(wire._answer(**answer), wire._call), spoke)
    except (CallError, MalformedBackfillError):
        return
    outcome = BackfillOutcome(
        source=hub,
        source_name="hub",
        destination=spoke,
        destination_name="spoke",
        state=BackfillState.UNKNOWN,
        started=True,
        backfill=replace(last, destination=spoke),
        failures=dict.fromkeys(codes),
    )
    desired, _ = desired_state(fleets["exclusive"])
    plan = _plan(fleets["exclusive"], dict.fromkeys(desired.registries, SILENT), ())
    past = PastRun(meta=_meta(fleets["exclusive"]), plan=plan, before={}, journal=(), report=None)
    report = replace(aftermath(past, {}, desired.owner).report, backfills=(outcome,))
    read_back = parse_report(report_content(report), "report.json")
    assert report_content(read_back) == report_content(report)
