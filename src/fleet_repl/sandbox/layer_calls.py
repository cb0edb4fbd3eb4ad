"""ECR's calls on layers: uploading one in parts, and asking which are there.

A layer's bytes are counted and digested but not kept, so none can be downloaded. Layers belong
to a repository, as they do in ECR without blob mounting.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.names import Registry
from fleet_repl.sandbox import manifests
from fleet_repl.sandbox.aws_errors import AwsError, invalid_parameter
from fleet_repl.sandbox.images import Repository, Upload
from fleet_repl.sandbox.repository_calls import REPOSITORY_NAME, find_repository
from fleet_repl.sandbox.shapes import Structure, Text, checked_text
from fleet_repl.sandbox.world import World

PART_SIZE: Final = 10_485_760
"""The parts that ECR asks for, and the largest it takes by its quota."""
SMALLEST_PART: Final = 5_242_880
"""Of all parts but the last, by ECR's quota."""
_LARGEST_BLOB: Final = 20_971_520
_LARGEST_LAYER: Final = 52_000 * 1_048_576
_IN_REPOSITORY: Final = frozenset({"registryId", "repositoryName"})
_UPLOAD: Final = _IN_REPOSITORY | {"uploadId", "partFirstByte", "partLastByte", "layerPartBlob"}
_COMPLETE: Final = _IN_REPOSITORY | {"uploadId", "layerDigests"}
_UPLOAD_ID: Final = Text(
    pattern=re.compile(
        r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    )
)
_LAYER_DIGEST: Final = Text(pattern=re.compile(r"[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+"))
_CHECKED_DIGEST: Final = Text(longest=1000)
_LAYER_TYPE: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
"""What an upload does not say and ECR tells of every layer."""


def initiate_layer_upload(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    repository = _repository(world, registry, Structure.read(body, _IN_REPOSITORY))
    upload_id = world.keyring.request_id()
    repository.uploads[upload_id] = Upload()
    return {"uploadId": upload_id, "partSize": PART_SIZE}


def upload_layer_part(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, _UPLOAD)
    repository = _repository(world, registry, asked)
    upload_id, upload = _upload(registry, repository, asked)
    first, last = _required(asked, "partFirstByte"), _required(asked, "partLastByte")
    blob = _blob(asked)
    if first != upload.received or last - first + 1 != len(blob) or not blob:
        raise _out_of_order(registry, repository, upload_id, upload)
    upload.short_part |= 0 < upload.last_part < SMALLEST_PART
    upload.received += len(blob)
    upload.last_part = len(blob)
    upload.sha256.update(blob)
    return {**_about(registry, repository, upload_id), "lastByteReceived": last}


def complete_layer_upload(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, _COMPLETE)
    repository = _repository(world, registry, asked)
    upload_id, upload = _upload(registry, repository, asked)
    digests = [
        checked_text(one, at, _LAYER_DIGEST) for at, one in asked.items("layerDigests", 1, 100)
    ]
    digest = f"sha256:{upload.sha256.hexdigest()}"
    if upload.received == 0:
        raise AwsError("EmptyUploadException", f"The upload with id '{upload_id}' has no parts")
    if upload.short_part:
        raise AwsError(
            "LayerPartTooSmallException", f"Layer parts have at least {SMALLEST_PART} bytes"
        )
    if digest not in digests:
        raise AwsError(
            "InvalidLayerException",
            f"The layer's digest is '{digest}', not '{', '.join(digests)}'",
        )
    if digest in repository.layers:
        raise AwsError(
            "LayerAlreadyExistsException",
            f"The layer with digest '{digest}' already exists in the repository with name "
            f"'{repository.name}' in the registry with id '{registry.account}'",
        )
    del repository.uploads[upload_id]
    repository.layers[digest] = upload.received
    return {**_about(registry, repository, upload_id), "layerDigest": digest}


def batch_check_layer_availability(
    world: World, registry: Registry, body: JsonObject
) -> JsonObject:
    asked = Structure.read(body, _IN_REPOSITORY | {"layerDigests"})
    repository = _repository(world, registry, asked)
    layers: list[Json] = []
    failures: list[Json] = []
    for at, value in asked.items("layerDigests", 1, 100):
        digest = checked_text(value, at, _CHECKED_DIGEST)
        if _LAYER_DIGEST.objection(digest) is None:
            layers.append(_availability(repository, digest))
        else:
            code = "InvalidLayerDigest" if digest else "MissingLayerDigest"
            reason = f"Invalid request parameters: '{digest}' is not a layer digest"
            failures.append({"layerDigest": digest, "failureCode": code, "failureReason": reason})
    return {"layers": layers, "failures": failures}


def check_references(registry: Registry, repository: Repository, manifest: JsonObject) -> None:
    """Refuse a manifest that names layers or images which the repository does not have."""
    place = (
        f"pushing image into repository with name '{repository.name}' in the registry with id "
        f"'{registry.account}' do not exist"
    )
    blobs = [one.digest for one in manifests.blobs(manifest)]
    missing = [one for one in blobs if one not in repository.layers]
    if missing:
        raise AwsError(
            "LayersNotFoundException",
            f"Layers with digests '[{', '.join(missing)}]' required for {place}",
        )
    images = [one.digest for one in manifests.images(manifest)]
    missing = [one for one in images if one not in repository.images]
    if missing:
        raise AwsError(
            "ReferencedImagesNotFoundException",
            f"Images with digests '[{', '.join(missing)}]' required for {place}",
        )


def _repository(world: World, registry: Registry, asked: Structure) -> Repository:
    return find_repository(world, registry, asked.text("repositoryName", REPOSITORY_NAME))


def _upload(registry: Registry, repository: Repository, asked: Structure) -> tuple[str, Upload]:
    upload_id = asked.text("uploadId", _UPLOAD_ID)
    upload = repository.uploads.get(upload_id)
    if upload is None:
        raise AwsError(
            "UploadNotFoundException",
            f"The upload with id '{upload_id}' does not exist in the repository with name "
            f"'{repository.name}' in the registry with id '{registry.account}'",
        )
    return upload_id, upload


def _required(asked: Structure, name: str) -> int:
    asked.required(name)
    return asked.integer(name, 0, _LARGEST_LAYER) or 0


def _blob(asked: Structure) -> bytes:
    try:
        blob = base64.b64decode(asked.text("layerPartBlob"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise AwsError("SerializationException", "layerPartBlob is not base64") from error
    if len(blob) > _LARGEST_BLOB:
        raise invalid_parameter(
            "layerPartBlob", f"Member must have length less than or equal to {_LARGEST_BLOB}"
        )
    return blob


def _out_of_order(
    registry: Registry, repository: Repository, upload_id: str, upload: Upload
) -> AwsError:
    about = _about(registry, repository, upload_id)
    return AwsError(
        "InvalidLayerPartException",
        "The layer part does not follow the last one, or its bytes are not as many as it says; "
        f"the next first byte is {upload.received}",
        members={**about, "lastValidByteReceived": max(upload.received - 1, 0)},
    )


def _about(registry: Registry, repository: Repository, upload_id: str) -> dict[str, Json]:
    return {
        "registryId": registry.account,
        "repositoryName": repository.name,
        "uploadId": upload_id,
    }


def _availability(repository: Repository, digest: str) -> JsonObject:
    size = repository.layers.get(digest)
    if size is None:
        return {"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}
    return {
        "layerDigest": digest,
        "layerAvailability": "AVAILABLE",
        "layerSize": size,
        "mediaType": _LAYER_TYPE,
    }
