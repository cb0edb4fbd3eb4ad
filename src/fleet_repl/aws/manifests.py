"""Manifests read and put over the ECR API."""

from __future__ import annotations

from typing import Final

from fleet_repl.aws.account_calls import AccountCalls
from fleet_repl.aws.answers import body, check_account, objects
from fleet_repl.aws.error_codes import NO_IMAGE
from fleet_repl.aws.faults import garbage
from fleet_repl.aws.request import Answer, Call
from fleet_repl.ecr.manifests import MEDIA_TYPES, Manifest
from fleet_repl.values.errors import CallError
from fleet_repl.values.names import Registry

_THERE: Final = "ImageAlreadyExistsException"


class AwsManifests:
    """The manifests of registries. Every method raises CallError."""

    def __init__(self, calls: AccountCalls) -> None:
        self._calls = calls

    async def read_manifest(
        self, registry: Registry, repository: str, digest: str
    ) -> Manifest | None:
        """Returns an image's manifest; None where it, or its repository, cannot be pulled."""
        parameters = {
            "repositoryName": repository,
            "imageIds": [{"imageDigest": digest}],
            "acceptedMediaTypes": list(MEDIA_TYPES),
        }
        try:
            read = await self._calls.read(registry, "BatchGetImage", _manifest, parameters)
        except CallError as error:
            if error.fault.code in NO_IMAGE:
                return None
            raise
        return None if read is None or read.digest != digest else read

    async def put_manifest(
        self, registry: Registry, repository: str, manifest: Manifest, tag: str
    ) -> None:
        """Put a manifest under a tag. One attempt; that it is there under this tag already is what
        an earlier attempt without an answer has done."""
        media_type = manifest.media_type
        parameters = {
            "repositoryName": repository,
            "imageManifest": manifest.text,
            "imageDigest": manifest.digest,
            "imageTag": tag,
            **({} if media_type is None else {"imageManifestMediaType": media_type}),
        }
        try:
            await self._calls.write(registry, "PutImage", _put, parameters)
        except CallError as error:
            if error.fault.code != _THERE:
                raise


def _manifest(answer: Answer, call: Call) -> Manifest | None:
    for image in objects(body(answer, call), "images", answer, call):
        check_account(image, answer, call)
        match image:
            case {"imageManifest": str(text), "imageId": {"imageDigest": str(digest)}}:
                media_type = image.get("imageManifestMediaType")
                return Manifest(
                    digest=digest,
                    text=text,
                    media_type=media_type if isinstance(media_type, str) else None,
                )
            case _:
                raise garbage(call, "the answer holds no manifest", answer.request_id)
    return None


def _put(answer: Answer, call: Call) -> None:
    if not isinstance(body(answer, call).get("image"), dict):
        raise garbage(call, "the answer holds no image", answer.request_id)
