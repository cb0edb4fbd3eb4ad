"""`fleet-repl coverage`: is everything that routes carry where they send it, what goes nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.fleet_run import run_fleet
from fleet_repl.cli.output import hand_over
from fleet_repl.cli.session import Session
from fleet_repl.cli.verify import VerifyOptions
from fleet_repl.reports.exit_codes import delivery_exit
from fleet_repl.reports.formats import Kind
from fleet_repl.values.exit_code import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageOptions(VerifyOptions):
    """Flags of a command that compares both ends of links, and changes nothing."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.COVERAGE,)


def coverage(
    call: Call[CoverageOptions],
    *,
    images: Annotated[
        bool,
        typer.Option("--images", help="Compare the digests of all images, archived ones too."),
    ] = False,
    in_use: Annotated[
        str | None,
        typer.Option(
            metavar="SERVICE,…",
            help="Ask ecs, lambda or eks, one or several, what runs, and tell which running images "
            "would be nowhere without their region.",
            show_default=False,
        ),
    ] = None,
    kube_context: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A context of the kubeconfig, for eks: not asked without one. Repeatable.",
            show_default=False,
        ),
    ] = None,
) -> ExitCode:
    """Lists the repositories of every source and destination: which are in no route, which
    prefixes of routes match none, and which are missing where a link should carry them. With
    flags that narrow, of links into and out of what they select. Exits with 4 if a route falls
    short of its `complete`, or something could not be read.

    Example: fleet-repl coverage inventories/prod.toml --images --report coverage.csv
    """
    from fleet_repl.runs.coverage import runtimes_of  # noqa: PLC0415 - help needs no runs

    services = [part.strip() for part in in_use.split(",")] if in_use is not None else []
    contexts = kube_context or []
    if len(runtimes_of(services, contexts)) < len({*services}):
        call.log.note("no --kube-context names a cluster, so eks is not asked")
    work = partial(_coverage, images=images, in_use=services, contexts=contexts)
    return run_fleet(call, work)


async def _coverage(
    session: Session, *, images: bool, in_use: list[str], contexts: list[str]
) -> ExitCode:
    report = await session.coverage(images=images, in_use=in_use, contexts=contexts)
    return hand_over(session.call, report, delivery_exit(report), inventory=session.inventory)
