"""The row of a registry in the table of a plan or a run, and the blocks that it opens to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from fleet_repl.planning.attribution import Moved
from fleet_repl.planning.change import Change, HeldLink, Resource
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.reports.html.diff import diff_lines
from fleet_repl.reports.html.labels import Labels
from fleet_repl.reports.html.links import prefix_words
from fleet_repl.reports.html.marks import Mark, Tone
from fleet_repl.reports.html.model import Block, Fact, Row
from fleet_repl.reports.html.problems import ordered_held, place_words
from fleet_repl.runs.drift import call_sentences, sentence
from fleet_repl.runs.outcomes import ChangeOutcome, RegistryOutcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId
from fleet_repl.values.text import counted

WITH_HELD: Final = "with held links"
"""The word of the outcome filter that selects registries with held links."""


def registry_row(
    result: RegistryPlan | RegistryOutcome,
    mark: Mark,
    labels: Labels,
    *,
    changes: Iterable[str],
    reasons: Iterable[str],
    blocks: Iterable[Block],
    also: Iterable[str] = (),
) -> Row:
    """Returns the row of a registry.

    `changes` and `reasons`: in a few words, for its summary. `also`: more words of the outcome
    filter that select it.
    """
    held = (counted(len(result.held), "held link"),) if result.held else ()
    with_held = (WITH_HELD,) if result.held else ()
    return Row(
        mark=mark,
        name=result.name,
        account=result.registry.account,
        region=result.registry.region,
        wave=result.wave,
        summary=", ".join(dict.fromkeys((*changes, *held, *reasons))),
        outcomes=(mark.word, *with_held, *also),
        labels=labels.of(result.registry.account),
        blocks=tuple(blocks),
    )


def moved_block(moved: Moved) -> Block:
    """Returns why a registry differs, and who has changed it as far as CloudTrail tells."""
    attribution = moved.attribution
    calls = () if attribution is None else attribution.calls
    return Block(
        title="Why it differs",
        note=sentence(moved),
        items=call_sentences(attribution),
        facts=tuple(Fact(term="CloudTrail event", value=call.event_id) for call in calls),
    )


def trouble_blocks(
    result: RegistryPlan | RegistryOutcome, names: Mapping[AccountId, str]
) -> Iterator[Block]:
    """Yields the error of a registry and its held links, as far as it has them."""
    if result.error is not None:
        yield fault_block(result.error)
    if result.held:
        yield _held_block(result.held, names)


def _name(resource: Resource, document: JsonObject | None) -> str:
    """Returns a resource in words; a creation template with its prefix."""
    match resource:
        case Resource.REPLICATION_CONFIGURATION:
            return "Replication configuration"
        case Resource.REGISTRY_POLICY:
            return "Registry policy"
        case Resource.CREATION_TEMPLATE:
            return f"Creation template {(document or {}).get('prefix', '')}".rstrip()


def change_block(
    change: Change | ChangeOutcome,
    tone: Tone,
    facts: Iterable[Fact],
    items: Iterable[str] = (),
) -> Block:
    """Returns a change as a difference of its documents."""
    before, after = change.before.document, change.after.document
    return Block(
        title=f"{_name(change.resource, after or before)}: {change.action}",
        tone=tone,
        facts=tuple(facts),
        items=tuple(items),
        diff=diff_lines(before, after),
    )


def fault_block(fault: Fault, title: str = "Error") -> Block:
    """Returns an error with its request id and its remedy."""
    facts = {
        "Call": fault.operation,
        "Kind": fault.kind.value,
        "AWS code": fault.code,
        "Message": fault.message,
        "Request id": fault.request_id,
    }
    return Block(
        title=title,
        tone=Tone.BAD,
        facts=tuple(Fact(term=term, value=value) for term, value in facts.items() if value),
        note="What to do:" if fault.hint else "",
        items=tuple((fault.hint or "").splitlines()),
    )


def _held_block(held: Sequence[HeldLink], names: Mapping[AccountId, str]) -> Block:
    """Returns the links of a registry that are left out, each with its reason."""
    return Block(
        title=f"{counted(len(held), 'held link')}",
        tone=Tone.HELD,
        items=tuple(
            f"→ {place_words(link.destination, names.get(link.destination.account))}: "
            f"{prefix_words(link.prefixes)}; {link.because}"
            for link in ordered_held(held)
        ),
    )
