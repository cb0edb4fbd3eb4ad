"""Puts the images again that a document names as missing, in place of backfills."""

from __future__ import annotations

from collections.abc import Iterable

from fleet_repl.engine.reput import ReputContext, put_again
from fleet_repl.fleet.context import RunContext
from fleet_repl.runs.repair import LackingLink
from fleet_repl.runs.reput import Reput, ReputState
from fleet_repl.values.images import ImageName
from fleet_repl.values.names import Registry


def reputs_of(links: Iterable[LackingLink], context: RunContext) -> tuple[Reput, ...]:
    """Returns the images that links lack, each once for its source."""
    desired = context.desired
    lacking: dict[tuple[Registry, tuple[str, str]], list[Registry]] = {}
    for link in links:
        for image in link.images:
            lacking.setdefault((link.source, image), []).append(link.destination)
    return tuple(
        Reput(
            source=source,
            source_name=desired.names.get(source.account, ""),
            image=ImageName(repository=repository, digest=digest),
            destinations=tuple(end for end in ends if end.account in desired.by_account),
            external=not all(end.account in desired.by_account for end in ends),
            state=ReputState.LACKING,
        )
        for (source, (repository, digest)), ends in lacking.items()
    )


async def reput_images(
    reputs: tuple[Reput, ...], context: RunContext, *, dry_run: bool
) -> tuple[Reput, ...]:
    """Puts images again; with `dry_run` only looks which ones destinations still lack."""
    # Importing the library loads no AWS code.
    from fleet_repl.aws.manifests import AwsManifests  # noqa: PLC0415

    how = ReputContext(
        run_id=context.run_id,
        images=context.registries,
        manifests=AwsManifests(context.registries.calls),
        pace=context.pace,
        stop=context.stop,
        admit=context.access.halt_if_frozen,
        concurrency=context.inventory.apply.concurrency,
        on_event=context.on_event,
        dry_run=dry_run,
    )
    return await put_again(reputs, how)
