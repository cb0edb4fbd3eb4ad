"""Puts images again under a tag of their own, so that ECR sends them once more.

Of a manifest list, the images that a destination lacks go first: ECR takes a list only where they
are. Nothing is deleted, and no tag that was there is moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from fleet_repl.ecr.manifests import Manifest, reput_tag
from fleet_repl.engine.answers import answer_of
from fleet_repl.engine.ports import EventSink, ImageReader
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.retry_events import retry_event
from fleet_repl.engine.stop import Admit, Stop
from fleet_repl.engine.workers import work_through
from fleet_repl.runs.events import ImagePut
from fleet_repl.runs.reput import Reput, ReputState
from fleet_repl.values.errors import CallError, Fault
from fleet_repl.values.names import Registry


class Manifests(Protocol):
    """Manifests of registries."""

    async def read_manifest(
        self, registry: Registry, repository: str, digest: str
    ) -> Manifest | None:
        """Returns the manifest of an image; None where the image cannot be pulled."""

    async def put_manifest(
        self, registry: Registry, repository: str, manifest: Manifest, tag: str
    ) -> None:
        """Put a manifest under a tag. One attempt, which may be repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReputContext:
    """Everything that putting images again needs besides the images."""

    run_id: str
    images: ImageReader
    manifests: Manifests
    pace: Pace
    stop: Stop
    admit: Admit
    """Called before each attempt at a put."""
    concurrency: int
    on_event: EventSink
    dry_run: bool = False
    """True if the run only looks for what is lacking."""


async def put_again(reputs: Sequence[Reput], context: ReputContext) -> tuple[Reput, ...]:
    """Put each image again that one of its destinations still lacks; returns what became of each.
    `reputs`: the images, with the destinations that can be looked into."""
    done: dict[int, Reput] = {}

    async def work(nth: int) -> None:
        reput = reputs[nth]
        result = await answer_of("PutImage", _put(reput, context))
        if isinstance(result, Fault):
            result = replace(reput, state=ReputState.FAILED, error=result)
        done[nth] = result
        event = ImagePut(
            source=reput.source, what=str(reput.image), tag=done[nth].tag, error=done[nth].error
        )
        if done[nth].state in (ReputState.PUT, ReputState.FAILED):
            context.on_event(event)

    every = range(len(reputs))
    await work_through(every, work, concurrency=context.concurrency, stop=context.stop)
    return tuple(done.get(nth) or _skipped(reputs[nth], context.stop) for nth in every)


def _skipped(reput: Reput, stop: Stop) -> Reput:
    error = None if stop.interrupted else stop.timeout("PutImage")
    return replace(reput, state=ReputState.SKIPPED, error=error)


async def _put(reput: Reput, context: ReputContext) -> Reput:
    digest = reput.image.digest or ""
    if not await _is_lacking(reput, digest, context):
        return replace(reput, state=ReputState.THERE)
    if context.dry_run:
        return replace(reput, state=ReputState.LACKING)
    manifest = await _read(reput, digest, context)
    if manifest is None:
        return replace(reput, state=ReputState.GONE)
    for listed in manifest.listed:
        part = await _read(reput, listed, context)
        if part is None:
            return replace(reput, state=ReputState.GONE)
        if await _is_lacking(reput, listed, context):
            if await _send(reput, part, context) is None:
                return _skipped(reput, context.stop)
            reput = replace(reput, parts=reput.parts + 1)
    tag = await _send(reput, manifest, context)
    return replace(reput, state=ReputState.PUT, tag=tag) if tag else _skipped(reput, context.stop)


async def _is_lacking(reput: Reput, digest: str, context: ReputContext) -> bool:
    """Returns whether a destination lacks an image. An external one counts as lacking it."""
    repository = reput.image.repository
    for destination in reput.destinations:
        if await context.images.find_image(destination, repository, digest) is None:
            return True
    return reput.external


async def _read(reput: Reput, digest: str, context: ReputContext) -> Manifest | None:
    return await context.manifests.read_manifest(reput.source, reput.image.repository, digest)


async def _send(reput: Reput, manifest: Manifest, context: ReputContext) -> str | None:
    """Put a manifest under a tag of its own; returns the tag, and None where the run was stopped
    before. Raises CallError."""
    source, tag = reput.source, reput_tag(context.run_id, manifest.digest)
    failed: CallError | None = None

    async def once() -> str | None:
        if await context.stop.admits(context.admit):
            await context.manifests.put_manifest(source, reput.image.repository, manifest, tag)
            return tag
        if failed is not None:
            raise failed
        return None

    def announce(error: CallError, attempt: int, delay: float) -> None:
        nonlocal failed
        failed = CallError(error.fault)
        context.on_event(retry_event(source, "PutImage", error, attempt, delay))

    return await context.pace.retry(once, on_retry=announce)
