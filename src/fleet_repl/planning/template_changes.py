"""The changes that the creation templates of one registry need.

Templates come before everything else: a repository keeps for good what it was created with.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from fleet_repl.ecr.rules import compare
from fleet_repl.ecr.templates import TemplateChange, plan_templates, template_documents
from fleet_repl.planning.change import Action, Change, Phase, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan_warnings import UNKNOWN_FIELDS
from fleet_repl.planning.rule_changes import RuleDecision
from fleet_repl.topology import REST
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDecision:
    """The decision about the creation templates of one registry."""

    changes: tuple[Change, ...] = ()
    faults: tuple[Fault, ...] = ()
    """Faults of templates that cannot be written as wanted."""
    owned: tuple[str, ...] = ()
    """Prefixes of the templates that are ours after the run."""


_NOTHING: Final = TemplateDecision()


def decide_templates(
    registry: Registry,
    seen: Observed | Unreadable,
    desired: Desired,
    recorded: Applied | None,
    allow: Collection[str],
    wave: str = REST,
) -> TemplateDecision:
    """Decides which creation templates are created, changed or deleted in `wave`."""
    if isinstance(seen, Unreadable):
        return _NOTHING
    if seen.templates is None:
        error = seen.templates_error
        if error is None and recorded is None:
            return _NOTHING
        return TemplateDecision(
            faults=(error,) if error is not None else (),
            owned=recorded.templates if recorded is not None else (),
        )
    signature = desired.signature
    wanted = template_documents(desired.templates.get(registry, ()), registry, signature)
    plan = plan_templates(wanted, seen.templates, signature)
    changes, faults = list(plan.changes), list(plan.conflicts)
    if UNKNOWN_FIELDS in allow:
        changes += [refusal.change for refusal in plan.refused]
    else:
        faults += [refusal.fault for refusal in plan.refused]
    return TemplateDecision(
        changes=tuple(as_change(change, wave) for change in changes),
        faults=tuple(faults),
        owned=tuple(sorted(str(document["prefix"]) for document in wanted)),
    )


def as_change(change: TemplateChange, wave: str = REST) -> Change:
    """Returns a template's change as a change of a plan."""
    return Change(
        resource=Resource.CREATION_TEMPLATE,
        action=Action(change.action),
        phase=Phase.TEMPLATES,
        wave=wave,
        before=change.before,
        after=change.after,
    )


def template_waves(
    rule_decisions: Mapping[Registry, RuleDecision], desired: Desired
) -> dict[Registry, int]:
    """Returns the first wave that brings new links to a registry, for registries of a later wave: a
    repository keeps for good the settings that it was created with."""
    waves = desired.waves
    first_waves: dict[Registry, int] = {}
    if len(waves.names) == 1:
        return first_waves
    for registry, source in rule_decisions.items():
        for end in compare(source.present.links, source.merged.links).added:
            wave = waves.of_link(registry, end)
            first_waves[end] = min(wave, first_waves.get(end, waves.position(end)))
    return first_waves
