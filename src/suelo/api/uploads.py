"""`/v1/uploads`: images on their way in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, request, url_for

from suelo.api.context import MAX_JSON, checked_id, json_object, service
from suelo.api.idempotent import idempotent
from suelo.api.operation import file_of, json_of, operation
from suelo.api.owner import current_owner
from suelo.api.timing import part
from suelo.errors import InputError
from suelo.jobs.job import Upload

_CHUNK = 1 << 20


def add_routes(api: Blueprint) -> None:
    """Add the routes of this module."""
    api.post("/v1/uploads")(create_upload)
    api.put("/v1/uploads/<id:upload_id>")(receive_upload)


@operation(
    "Jobs",
    answers={201: json_of("UploadRoom")},
    body=json_of("NewUpload"),
    headers=("Idempotency-Key",),
    problems=(400, 413, 415),
)
@idempotent(lambda: MAX_JSON)
def create_upload() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Make room for an image: takes its name, size and SHA-256, says where to send the bytes.

    The address may be one of S3 or of this server. Either takes the bytes without cookie or token: whoever knows the
    address may send them.
    """
    document = json_object()
    name, size, sha256 = document.get("name", "image.tif"), document.get("size"), document.get("sha256")
    if not isinstance(name, str):
        raise InputError("The name of an upload is a text.")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int)):
        raise InputError("The size of an upload is a whole number of bytes.")
    if sha256 is not None and not isinstance(sha256, str):
        raise InputError("The SHA-256 of an upload is a text of hexadecimal digits.")
    upload = service().create_upload(name, size, current_owner(), sha256)
    location = url_for("api.receive_upload", upload_id=upload.id)
    # Whole, as one of S3 is: who makes the request need not know which of them it got.
    url = service().upload_address(upload) or url_for("api.receive_upload", upload_id=upload.id, _external=True)
    return {"id": upload.id, "name": upload.name, "method": "PUT", "url": url}, 201, {"Location": location}


@operation(
    "Jobs",
    answers={200: json_of("Upload")},
    body=file_of("application/octet-stream"),
    problems=(400, 404, 409, 413),
    open=True,
)
def receive_upload(upload_id: str) -> dict[str, Any]:
    """Take the bytes of an image, as they come, without holding them in memory."""
    with part("receive"):
        upload = service().receive_upload(checked_id(upload_id, "upload"), _chunks())
    return _json(upload)


def _chunks() -> Iterator[bytes]:
    while chunk := request.stream.read(_CHUNK):
        yield chunk


def _json(upload: Upload) -> dict[str, Any]:
    return {"id": upload.id, "name": upload.name, "size": upload.received, "sha256": upload.sha256}
