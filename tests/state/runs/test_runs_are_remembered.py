"""Runs on record: everything of them comes back, in the order in which it has to be there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.state.runs.conftest import MemoryStore
from tests.support.registries import registry_of

from fleet_repl.planning.change import Resource
from fleet_repl.planning.ownership import NO_RECORD, Applied
from fleet_repl.planning.plan import Plan
from fleet_repl.runs.history import JournalEntry, Moment, RunMeta, RunSummary, UnreadableRun
from fleet_repl.runs.outcomes import Outcome, Report, Status
from fleet_repl.runs.overwritten import each_before
from fleet_repl.state import FolderStore, RunRecords, fleets
from fleet_repl.values.errors import StateError
from fleet_repl.values.names import AccountId, Registry

FOLDER = "prod/runs/20261123T081500Z-ab12cd"
HUB, SPOKE = map(registry_of, "12")


async def test_a_run_is_announced_last(store: MemoryStore, meta: RunMeta, plan: Plan) -> None:
    """Whoever finds run.json finds the plan and the documents from before, too."""
    await RunRecords(store, "prod").begin(meta, plan)
    assert store.order == [f"{FOLDER}/{name}.json" for name in ("plan", "before", "run")]


async def test_the_documents_from_before_are_whole(
    store: MemoryStore, meta: RunMeta, plan: Plan
) -> None:
    """Each as the first write to it expects it; what is refused is not written, so not there."""
    await RunRecords(store, "prod").begin(meta, plan)
    assert json.loads(store.documents[f"{FOLDER}/before.json"]) == {
        "schema": "fleet-repl/before/1",
        "registries": {
            "111111111111/eu-west-1": {
                "replication-configuration": {"rules": [], "kept": "é"},
                "creation-templates": {"base": None},
            },
            "222222222222/eu-west-1": {"registry-policy": None},
        },
    }
    hub, spoke = plan.registries
    fault: Any = object()
    refused = replace(hub, refused={Resource.REPLICATION_CONFIGURATION: fault})
    before = dict(each_before(replace(plan, registries=(refused, spoke)), NO_RECORD))
    assert before[HUB].documents == {}
    assert before[HUB].templates == {"base": None}


async def test_whose_the_links_were_comes_back(
    store: MemoryStore, meta: RunMeta, plan: Plan
) -> None:
    """What the record said when the run began, of registries that it writes to."""
    links = {SPOKE: ("base/", "team/"), HUB: ("",)}
    record = {HUB: Applied(links=links), Registry(AccountId("9" * 12), HUB.region): Applied()}
    records = RunRecords(store, "prod")
    await records.begin(meta, plan, record)
    run = await records.load(meta.run_id)
    assert run is not None
    assert run.before == dict(each_before(plan, record))
    assert (run.before[HUB].owned, run.before[SPOKE].owned) == (links, {})


async def test_everything_comes_back(
    tmp_path: Path, meta: RunMeta, plan: Plan, report: Report
) -> None:
    """From a folder, journal and report included."""
    records = RunRecords(FolderStore(tmp_path), "prod")
    change = plan.registries[0].changes[0]
    sending = JournalEntry(
        moment=Moment.SENDING,
        at=meta.started_at,
        registry=HUB,
        resource=change.resource,
        action=change.action,
        phase=change.phase,
        wave="rest",
        prefix="base",
        before=change.before.document,
        after=change.after.document,
    )
    ended = replace(
        sending,
        moment=Moment.ENDED,
        before=None,
        after=None,
        outcome=Outcome.APPLIED,
        request_id="9f",
    )
    await records.begin(meta, plan)
    async with records.journal(meta.run_id) as journal:
        await journal.announce(sending)
        journal.note(ended)
    open_run = await records.load(meta.run_id)
    assert open_run is not None
    assert open_run.report is None
    assert await records.unfinished() == (meta,)
    assert await records.summaries() == (RunSummary(meta=meta, status=None),)
    await records.finish(report)
    run = await records.load(meta.run_id)
    assert run is not None
    assert run.meta == meta
    assert run.plan == plan
    assert run.before == dict(each_before(plan, NO_RECORD))
    assert run.journal == (sending, ended)
    assert run.report == report
    assert await records.unfinished() == ()
    assert await records.summaries() == (
        RunSummary(
            meta=meta,
            status=Status.PARTIAL,
            finished_at=report.finished_at,
            applied=1,
            failed=1,
            writes=report.writes,
        ),
    )
    assert await fleets(FolderStore(tmp_path)) == ("prod",)


async def test_the_newest_comes_first(store: MemoryStore, meta: RunMeta, plan: Plan) -> None:
    """Ids sort by time, whatever order runs were put on record in."""
    records = RunRecords(store, "prod")
    ids = [f"2026112{day}T081500Z-ab12cd" for day in range(9)]
    for run_id in (*ids[4:], *ids[:4]):
        await records.begin(replace(meta, run_id=run_id), plan)
    summaries = await records.summaries()
    assert [summary.meta.run_id for summary in summaries if isinstance(summary, RunSummary)] == ids[
        ::-1
    ]
    assert [item.run_id for item in await records.unfinished()] == ids
    newest = await records.summaries(since=ids[7])
    assert [item.meta.run_id for item in newest if isinstance(item, RunSummary)] == [ids[8], ids[7]]


async def test_what_was_never_announced_is_no_run(
    store: MemoryStore, meta: RunMeta, plan: Plan
) -> None:
    """A process that died before run.json was there has written nothing to AWS."""
    records = RunRecords(store, "prod")
    await records.begin(meta, plan)
    del store.documents[f"{FOLDER}/run.json"]
    store.documents["prod/runs/notes/run.json"] = b"mine"
    store.documents["prod/applied.json"] = b"{}"
    assert await records.summaries() == ()
    assert await records.unfinished() == ()
    assert await records.load(meta.run_id) is None
    assert await fleets(store) == ()


@pytest.mark.parametrize("run_id", ["..", "../../etc", "", "last", "20261123T081500Z-ab12cd/x"])
async def test_an_id_never_leads_elsewhere(run_id: str, store: MemoryStore, meta: RunMeta) -> None:
    """Ids come from the command line: one that is none is not looked for."""
    records = RunRecords(store, "prod")
    assert await records.load(run_id) is None
    with pytest.raises(StateError, match="is no id of a run, such as 20261123T081500Z-ab12cd"):
        async with records.journal(run_id):
            pass


def test_a_name_never_leads_elsewhere(store: MemoryStore) -> None:
    """Names of fleets may come from there, too."""
    with pytest.raises(StateError, match=r"^'\.\./prod' is no name of a fleet$"):
        RunRecords(store, "../prod")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("run.json", b"{", "it is no JSON: Expecting property name"),
        ("before.json", b"{}", "schema: it is no fleet-repl/before/1"),
        (
            "before.json",
            b'{"schema": "fleet-repl/before/1", "registries": {"x": {}}}',
            'registries: "x" is no registry',
        ),
        (
            "before.json",
            b'{"schema": "fleet-repl/before/1", "registries": {"111111111111/eu": {"a": {}}}}',
            "registries.111111111111/eu.a: this version does not know this member",
        ),
        ("plan.json", b"[]", "an object is needed, not a list"),
        ("report.json", b"null", "an object is needed, not null"),
    ],
)
async def test_damage_is_reported_with_its_place(
    name: str,
    content: bytes,
    reason: str,
    store: MemoryStore,
    meta: RunMeta,
    plan: Plan,
    report: Report,
) -> None:
    """A document that somebody else has changed is never taken for what it is not."""
    records = RunRecords(store, "prod")
    await records.begin(meta, plan)
    await records.finish(report)
    store.documents[f"{FOLDER}/{name}"] = content
    with pytest.raises(StateError) as raised:
        await records.load(meta.run_id)
    assert f"memory/{FOLDER}/{name}: {reason}" in str(raised.value)


async def test_a_missing_document_is_reported(
    store: MemoryStore, meta: RunMeta, plan: Plan
) -> None:
    """A run that is announced without its plan was not left so by this package."""
    records = RunRecords(store, "prod")
    await records.begin(meta, plan)
    del store.documents[f"{FOLDER}/plan.json"]
    with pytest.raises(StateError) as raised:
        await records.load(meta.run_id)
    assert str(raised.value) == (
        f"what is remembered of a run is not complete: memory/{FOLDER}/plan.json is missing\n"
        "    move the run's folder away to go on without it"
    )


async def test_a_damaged_run_hides_no_other(store: MemoryStore, meta: RunMeta, plan: Plan) -> None:
    """It is listed with what is wrong with it, and set aside it is unfinished no more."""
    records = RunRecords(store, "prod")
    await records.begin(meta, plan)
    other = replace(meta, run_id="20261124T081500Z-ab12cd")
    await records.begin(other, plan)
    store.documents[f"{FOLDER}/run.json"] = b"{}"
    damaged = UnreadableRun(
        run_id=meta.run_id,
        fleet="prod",
        reason=f"what is remembered of a run cannot be read: {store}/{FOLDER}/run.json: schema: it "
        "is no fleet-repl/run/1",
    )
    assert await records.summaries() == (RunSummary(meta=other, status=None), damaged)
    assert await records.unfinished() == (damaged, other)
    assert await records.metas() == {other.run_id: other}
    await records.set_aside(damaged, meta.started_at)
    assert await records.unfinished() == (other,)
    assert await records.summaries() == (RunSummary(meta=other, status=None), damaged)


async def test_a_place_that_cannot_be_read_is_an_error(
    store: MemoryStore, meta: RunMeta, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says nothing of a run; a list raises what a single read would."""
    records = RunRecords(store, "prod")
    await records.begin(meta, plan)

    async def broken(name: str) -> bytes | None:
        raise StateError("no such host")

    monkeypatch.setattr(store, "read", broken)
    for listing in (records.summaries, records.unfinished):
        with pytest.raises(StateError, match="no such host"):
            await listing()


async def test_a_full_disk_refuses_a_run(store: MemoryStore, meta: RunMeta, plan: Plan) -> None:
    """Nothing is announced that could not be put down."""
    store.broken = StateError("no space left")
    with pytest.raises(StateError, match="no space left"):
        await RunRecords(store, "prod").begin(meta, plan)
    assert store.documents == {}


async def test_ends_of_earlier_versions(
    store: MemoryStore, meta: RunMeta, plan: Plan, report: Report
) -> None:
    """They did not count writes, and knew no registry that is written in part."""
    records = RunRecords(store, "prod")
    await records.begin(meta, plan)
    partial = replace(report.registries[0], outcome=Outcome.PARTIAL)
    await records.finish(replace(report, registries=(partial, report.registries[1])))
    (summary,) = await records.summaries()
    assert isinstance(summary, RunSummary)
    assert (summary.applied, summary.partial, summary.failed) == (0, 1, 1)
    assert summary.writes == report.writes
    document = json.loads(store.documents[f"{FOLDER}/ended.json"])
    document["summary"] = {
        "applied": 0, "unchanged": 0, "failed": 1, "skipped": 1, "cancelled": 0,
    }  # fmt: skip
    store.documents[f"{FOLDER}/ended.json"] = json.dumps(document).encode()
    (summary,) = await records.summaries()
    assert isinstance(summary, RunSummary)
    assert (summary.applied, summary.partial, summary.failed, summary.writes) == (0, 0, 1, None)
