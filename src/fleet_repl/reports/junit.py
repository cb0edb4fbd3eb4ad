"""Plans and reports as JUnit XML, so that a CI server shows a fleet as it shows tests.

Pure. A suite for the fleet and a case for each registry: `error` where a call failed,
`failure` where it is not as the inventory wants it, `skipped` where nothing was tried. A case
of its own stands for each objection: a refused run must not look green.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never
from xml.etree import ElementTree as ET

from fleet_repl.ecr.backfills import BackfillOutcome, BackfillState
from fleet_repl.planning.plan import Change, HeldLink, Objection, Plan, RegistryPlan
from fleet_repl.reports.to_json import Document
from fleet_repl.runs.delivery import (
    Delivery,
    DeliveryReport,
    DeliveryState,
    LinkDelivery,
    UnreadRegistry,
)
from fleet_repl.runs.drift import sentence
from fleet_repl.runs.outcomes import (
    BackfillReport,
    ChangeOutcome,
    Outcome,
    RegistryOutcome,
    Report,
    Writes,
)
from fleet_repl.topology import REST
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.text import timestamp, visible


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """Why a case is not simply passed."""

    element: Literal["failure", "error", "skipped"]
    kind: str
    message: str
    lines: tuple[str, ...] = ()
    """What else is to be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    group: str
    name: str
    seconds: float = 0
    verdict: _Verdict | None = None


def to_junit(subject: Document) -> str:
    """JUnit XML of what a run did, how a fleet differs from its inventory, or what arrived."""
    match subject:
        case Plan():
            cases = [_planned(subject.fleet, one) for one in subject.registries]
            cases += _objecting(subject.fleet, subject.objections)
            properties = {
                "plan_digest": subject.digest,
                "inventory": subject.inventory.path,
                **_taken_back(subject.rolls_back),
            }
            return _suite(subject.fleet, timestamp(subject.created_at), 0, properties, cases)
        case Report():
            cases = [_ended(subject.fleet, one) for one in subject.registries]
            cases += _waves(subject)
            cases += [_backfilled(subject.fleet, one) for one in subject.backfills]
            if not subject.forced:
                cases += _objecting(subject.fleet, subject.objections)
            properties = {
                "run_id": subject.run_id,
                "status": subject.status.value,
                **_written_by_wave(subject),
                "plan_digest": subject.plan_digest or "",
                "inventory": subject.inventory.path,
                **_taken_back(subject.rolls_back),
            }
            seconds = (subject.finished_at - subject.started_at).total_seconds()
            started = timestamp(subject.started_at)
            return _suite(subject.fleet, started, seconds, properties, cases)
        case DeliveryReport():
            cases = [_delivered(subject.fleet, one) for one in subject.links]
            cases += [_unread(subject.fleet, one) for one in subject.unreadable]
            properties = {
                "run_id": subject.run_id,
                "status": subject.status,
                "inventory": subject.inventory.path,
            }
            seconds = (subject.finished_at - subject.started_at).total_seconds()
            started = timestamp(subject.started_at)
            return _suite(subject.fleet, started, seconds, properties, cases)
        case BackfillReport():
            cases = [_backfilled(subject.fleet, one) for one in subject.backfills]
            properties = {
                "run_id": subject.run_id,
                "status": subject.status.value,
                "inventory": subject.inventory.path,
            }
            seconds = (subject.finished_at - subject.started_at).total_seconds()
            started = timestamp(subject.started_at)
            return _suite(subject.fleet, started, seconds, properties, cases)


def _backfilled(fleet: str, one: BackfillOutcome) -> _Case:
    """A destination: failed where copies are missing, skipped where none were to be made yet."""
    source = _name(one.source, one.source_name)
    name = f"backfill {source} to {_name(one.destination, one.destination_name)}"
    verdict, last = None, one.backfill
    if one.error is not None:
        verdict = _fault(one.error)
    elif one.state in (BackfillState.QUEUED, BackfillState.NONE, BackfillState.NOT_STARTED):
        because = one.because or "ECR tells of no backfill"
        verdict = _Verdict(element="skipped", kind=one.state.value, message=because)
    elif one.falls_short:
        codes = tuple(code for code in one.failures)
        failed = f"{one.state}; {last.failed} copies failed" if last else one.state.value
        message = one.because or failed
        verdict = _Verdict(element="failure", kind=one.state.value, message=message, lines=codes)
    return _Case(group=fleet, name=name, verdict=verdict)


def _delivered(fleet: str, one: LinkDelivery) -> _Case:
    """A link: failed where images did not arrive, skipped where there was nothing to tell by."""
    source, destination = (
        _name(one.source, one.source_name),
        _name(one.destination, one.destination_name),
    )
    verdict = None
    if one.state.is_problem and one.images:
        bad = [image for image in one.images if image.state.is_problem]
        verdict = _Verdict(
            element="failure",
            kind=one.state.value,
            message=f"{len(bad)} of {len(one.images)} images did not arrive",
            lines=tuple(dict.fromkeys(line for image in bad for line in _told(image))),
        )
    elif one.state in (DeliveryState.UNKNOWN, DeliveryState.IDLE):
        because = "the source was not read" if one.state.is_problem else "no recent image"
        verdict = _Verdict(element="skipped", kind=one.state.value, message=because)
    return _Case(group=fleet, name=f"{source} to {destination}", verdict=verdict)


def _told(image: Delivery) -> Iterator[str]:
    what = " ".join(one for one in (image.code, image.because) if one)
    yield f"{image.image.repository}@{image.image.digest} {image.state}: {what}"
    if image.hint:
        yield image.hint


def _unread(fleet: str, one: UnreadRegistry) -> _Case:
    return _Case(group=fleet, name=_name(one.registry, one.name), verdict=_fault(one.error))


def _planned(fleet: str, one: RegistryPlan) -> _Case:
    held = _held(one.held)
    verdict = _fault(one.error if one.fails else None) or _drift(one) or held
    return _Case(group=fleet, name=_name(one.registry, one.name), verdict=_with(verdict, held))


def _ended(fleet: str, one: RegistryOutcome) -> _Case:
    held = _held(one.held)
    match one.outcome:
        case Outcome.APPLIED | Outcome.UNCHANGED:
            verdict = held
        case Outcome.FAILED:
            verdict = _fault(one.error) or _Verdict(
                element="error", kind="failed", message=one.because or "it failed"
            )
        case Outcome.PARTIAL | Outcome.SKIPPED | Outcome.CANCELLED:
            because = one.because or one.outcome.value
            lines = tuple(map(_done, one.changes)) if one.outcome is Outcome.PARTIAL else ()
            verdict = _Verdict(
                element="skipped", kind=one.outcome.value, message=because, lines=lines
            )
        case _:
            assert_never(one.outcome)
    return _Case(
        group=fleet,
        name=_name(one.registry, one.name),
        seconds=one.duration_ms / 1000,
        verdict=_with(verdict, held),
    )


def _done(change: ChangeOutcome) -> str:
    return f"{_written(change)}: {change.outcome}"


def _written_by_wave(report: Report) -> dict[str, str]:
    """Properties of the suite: all writes, and those of each wave where there are several."""
    waves = report.waves if len(report.waves) > 1 else ()
    by_wave = {f"wave {one.name}": _counts(one.writes) for one in waves}
    return {"writes": _counts(report.writes), **by_wave}


def _waves(report: Report) -> Iterator[_Case]:
    """A case for each wave with a write, where there are several waves: passed where all of it
    is done."""
    for wave in report.waves if len(report.waves) > 1 else ():
        if not wave.writes.total:
            continue
        verdict, counts = None, wave.writes
        if counts.failed:
            verdict = _Verdict(element="failure", kind="failed", message=_counts(counts))
        elif counts.skipped or counts.cancelled:
            kind = "skipped" if counts.skipped else "cancelled"
            lines = () if wave.because is None else (wave.because,)
            verdict = _Verdict(element="skipped", kind=kind, message=_counts(counts), lines=lines)
        yield _Case(group=report.fleet, name=f"wave {wave.name}", verdict=verdict)


def _counts(writes: Writes) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in writes.counts.items())


def _with(verdict: _Verdict | None, held: _Verdict | None) -> _Verdict | None:
    """A case takes one verdict; held links are added to a worse one as lines."""
    if verdict is None or held is None or verdict is held:
        return verdict
    return _Verdict(
        element=verdict.element,
        kind=verdict.kind,
        message=verdict.message,
        lines=(*verdict.lines, held.message, *held.lines),
    )


def _fault(fault: Fault | None) -> _Verdict | None:
    if fault is None:
        return None
    lines = (fault.hint,) if fault.hint else ()
    return _Verdict(element="error", kind=fault.kind.value, message=str(fault), lines=lines)


def _drift(one: RegistryPlan) -> _Verdict | None:
    if not one.changes:
        return None
    why = (sentence(one.moved),) if one.moved is not None else ()
    return _Verdict(
        element="failure",
        kind="drift",
        message="it differs from the inventory",
        lines=(*why, *map(_written, one.changes)),
    )


def _written(change: Change | ChangeOutcome) -> str:
    when = f" (wave {change.wave})" if change.wave != REST else ""
    return f"{change.action} {change.resource}{when}"


def _taken_back(run_id: str | None) -> dict[str, str]:
    """A property of the suite, where the plan or the run is a rollback."""
    return {"rolls_back": run_id} if run_id is not None else {}


def _held(links: Sequence[HeldLink]) -> _Verdict | None:
    if not links:
        return None
    noun = "link is" if len(links) == 1 else "links are"
    return _Verdict(
        element="failure",
        kind="held",
        message=f"{len(links)} {noun} held",
        lines=tuple(
            f"{link.destination} {', '.join(link.prefixes) or 'every repository'}: {link.because}"
            for link in links
        ),
    )


def _objecting(fleet: str, objections: Iterable[Objection]) -> Iterator[_Case]:
    for one in objections:
        verdict = _Verdict(element="failure", kind=one.kind, message=one.message)
        yield _Case(group=fleet, name=f"objection: {one.kind}", verdict=verdict)


def _name(registry: Registry, name: str) -> str:
    return f"{registry.account} {registry.region} ({name})"


def _suite(
    fleet: str,
    started: str,
    seconds: float,
    properties: dict[str, str],
    cases: Sequence[_Case],
) -> str:
    counts = {
        "tests": len(cases),
        "failures": _count(cases, "failure"),
        "errors": _count(cases, "error"),
        "skipped": _count(cases, "skipped"),
    }
    attributes = {
        "name": fleet,
        **{name: str(count) for name, count in counts.items()},
        "time": f"{seconds:.3f}",
    }
    root = _element("testsuites", attributes)
    suite = _element("testsuite", {**attributes, "timestamp": started}, root)
    listed = _element("properties", {}, suite)
    for name, value in properties.items():
        _element("property", {"name": name, "value": value}, listed)
    for case in cases:
        _add_case(suite, case)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _count(cases: Iterable[_Case], element: str) -> int:
    return sum(case.verdict is not None and case.verdict.element == element for case in cases)


def _add_case(suite: ET.Element, case: _Case) -> None:
    attributes = {"classname": case.group, "name": case.name, "time": f"{case.seconds:.3f}"}
    element = _element("testcase", attributes, suite)
    if case.verdict is not None:
        verdict = case.verdict
        attributes = {"type": verdict.kind, "message": verdict.message}
        told = _element(verdict.element, attributes, element)
        told.text = "\n".join(visible(line) for line in (verdict.message, *verdict.lines))


def _element(tag: str, attributes: dict[str, str], parent: ET.Element | None = None) -> ET.Element:
    """An element whose attributes hold nothing that XML forbids."""
    plain = {name: visible(value) for name, value in attributes.items()}
    return ET.Element(tag, plain) if parent is None else ET.SubElement(parent, tag, plain)
