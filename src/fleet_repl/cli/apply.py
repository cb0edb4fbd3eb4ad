"""`fleet-repl apply`: make the fleet as the inventory says, and report every registry."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.confirm import WriteOptions, carry_out
from fleet_repl.cli.flags import (
    NO_STATES,
    STANDARD_INPUT,
    Allowance,
    Force,
    TerraformStates,
    Yes,
    check_can_ask,
    completing,
    duration,
    inventory_argument,
)
from fleet_repl.cli.fleet_run import Target, run_target
from fleet_repl.cli.history import seen_from
from fleet_repl.cli.log import now
from fleet_repl.cli.output import hand_over
from fleet_repl.cli.run_options import SandboxOptions, ScopeOptions
from fleet_repl.cli.session import Session
from fleet_repl.cli.terraform_states import check_states, local_states
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.reports.formats import Kind
from fleet_repl.runs.history import Purpose
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.names import Registry

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory

MAX_AGE: Final = timedelta(hours=24)
"""The greatest age of a kept plan, unless --max-age says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions(ScopeOptions):
    """Flags of a command that carries out an inventory, or a plan that was kept."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.REPORT,)

    inventory: Annotated[
        Path | None, inventory_argument("; with --plan the one that the plan names")
    ] = None
    plan: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="Apply exactly this plan, which plan --out has kept, and make none.",
            show_default=False,
        ),
    ] = None
    max_age: Annotated[
        timedelta | None,
        typer.Option(
            metavar="TIME",
            parser=duration,
            help="Refuse a plan of --plan that is older, such as 15m. 24h unless given.",
            show_default=False,
        ),
    ] = None

    def check(self) -> None:
        SandboxOptions.check(self)
        if self.plan is None:
            if self.inventory is None:
                raise typer.BadParameter("name an INVENTORY, or a plan with --plan FILE")
            if self.max_age is not None:
                raise typer.BadParameter("--max-age is about a kept plan: it needs --plan FILE")
        elif self.account or self.label or self.region:
            raise typer.BadParameter(
                "a kept plan says what is changed: leave --account, --label and --region out"
            )


def apply(
    call: Call[ApplyOptions],
    *,
    yes: Yes = False,
    force: Force = False,
    allow: Annotated[
        list[Allowance],
        typer.Option(
            metavar="protected|unknown-fields",
            help="Write what is guarded: links of protected registries, documents with fields "
            "that this version does not know. Repeatable.",
            show_default=False,
        ),
    ] = [],  # noqa: B006 - typer's way of a repeatable option; nothing changes it
    wave: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="End after this wave; later ones are skipped.",
            autocompletion=completing("waves"),
            show_default=False,
        ),
    ] = None,
    tfstate: TerraformStates = NO_STATES,
) -> ExitCode:
    """Shows the plan and, on a terminal, asks before it writes; elsewhere it goes ahead. A plan
    that removes what may be somebody else's, or too much, is refused unless --force is given.
    With --plan it carries out exactly the plan that was kept. Run again at any time: what is in
    place is left alone.

    Example: fleet-repl apply inventories/prod.toml --yes --report report.json --report junit.xml
    """
    check_can_ask(call.options.inventory, yes=yes)
    check_states(tfstate, sandbox=call.options.sandbox)
    if tfstate and call.options.plan is not None:
        raise typer.BadParameter("a kept plan has its warnings: leave --tfstate out")
    allowed = tuple(allowance.value for allowance in allow)
    write_options = WriteOptions(yes=yes, force=force, allow=allowed, wave=wave)
    kept, target = _prepared(call)
    _check_wave(wave, target.waves)
    reads = (*target.reads, *local_states(tfstate))
    target = replace(target, last_wave=wave, reads=reads)
    return run_target(
        call, target, partial(_apply, kept=kept, write_options=write_options, tfstate=tfstate)
    )


def _prepared(call: Call[ApplyOptions]) -> tuple[Plan | None, Target]:
    """The kept plan, if --plan names one, and the fleet to apply it to."""
    options, backend = call.options, call.backend
    path, kept = options.inventory, None
    if options.plan is not None:
        kept = backend.load_plan(options.plan)
        path = path or _inventory_of(options.plan, kept)
    if path is None:
        # ApplyOptions.check has refused this already, in better words.
        raise typer.BadParameter("there is no INVENTORY")
    inventory = call.load_called(path, simulated=options.simulated is not None)
    if kept is not None:
        backend.check_plan(kept, inventory, now=now(), max_age=options.max_age or MAX_AGE)

    def scope(inventory: Inventory) -> Collection[Registry]:
        if kept is None:
            return backend.scope(inventory, options.selection)
        return [registry_plan.registry for registry_plan in kept.registries]

    return kept, Target(
        inventory=inventory,
        scope=scope,
        state=options.state,
        purpose=Purpose.APPLY,
        reads=() if options.plan is None else (options.plan,),
    )


def _inventory_of(file: Path, kept: Plan) -> Path:
    """The path of the inventory that the plan in `file` was made from."""
    if kept.inventory.path == str(STANDARD_INPUT):
        raise typer.BadParameter(
            "the plan was made from an inventory on standard input: name that INVENTORY, or give "
            "- and the same text again"
        )
    return seen_from(file.parent, kept.inventory.path)


def _check_wave(wave: str | None, waves: Sequence[str]) -> None:
    if wave is not None and wave not in waves:
        raise typer.BadParameter(
            f"--wave {wave}: there is no such wave; the inventory has {', '.join(waves)}"
        )


async def _apply(
    session: Session, *, kept: Plan | None, write_options: WriteOptions, tfstate: Sequence[str]
) -> ExitCode:
    if kept is None:
        plan = await session.plan(
            allow=write_options.allow, force=write_options.force, tfstate=tfstate
        )
    else:
        plan = kept
        session.take(plan)
    if plan is None:
        report = session.fleet.interrupted(selection=session.call.options.selection)
    else:
        report = await carry_out(session, plan, write_options)
    return hand_over(
        session.call, report, report_exit(report), waves=session.waves, inventory=session.inventory
    )
