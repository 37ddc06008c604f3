"""Large files that S3 gives away itself, by an address that holds for a while."""

from __future__ import annotations

from pathlib import Path

from suelo.jobs.job import new_id, now
from suelo.jobs.objects import Objects, export_key
from suelo.jobs.recovery import EXPORT_AGE

DIRECT_BYTES = 4_000_000
"""Smaller files come through the server, which knows whether a visitor has them already. AWS Lambda answers with up to
6 MB, a third of which base64 takes."""


class Downloads:
    """Addresses of S3 for files, where clients may have such."""

    def __init__(self, objects: Objects, presign: bool) -> None:
        """Use a store; without `presign` everything comes through the server."""
        self._objects = objects
        self._presign = presign

    def of_object(self, object_key: str) -> str | None:
        """Where an object can be fetched; None if the server should send it."""
        if not self._presign or (self._objects.size(object_key) or 0) <= DIRECT_BYTES:
            return None
        return self._objects.address_for_download(object_key)

    def of_export(self, job_id: str, path: Path, name: str, media_type: str) -> str | None:
        """Where an export can be fetched; None if the server should send it.

        Args:
            job_id: Its job.
            path: The file, whose stem tells it from other exports of the job.
            name: File name for who downloads it.
            media_type: What it is.
        """
        if not self._presign or path.stat().st_size <= DIRECT_BYTES:
            return None
        object_key = export_key(job_id, f"{path.stem}/{name}")
        address = self._objects.address_for_download(object_key)
        if address is not None:
            changed = self._objects.changed(object_key)
            # One that is old may be swept before the address has run out.
            if changed is None or changed < now() - EXPORT_AGE:
                self._objects.put_file(object_key, path, name, media_type)
        return address

    def lend(self, path: Path, name: str, media_type: str) -> str | None:
        """Put a file where anybody with the address can fetch it for an hour.

        Args:
            path: The file; it may be gone afterwards.
            name: File name for who fetches it.
            media_type: Media type for them.

        Returns:
            The address; None if the store is a folder.

        Raises:
            UnavailableError: The store is away.
        """
        if not self._objects.remote:
            return None
        place = export_key("answers", new_id())
        self._objects.put_file(place, path, name, media_type)
        return self._objects.address_for_download(place)

    def origin(self) -> str | None:
        """Scheme and host of the addresses, for the page's content policy; None if there are none."""
        address = self._objects.address_for_upload("origin") if self._presign else None
        return None if address is None else "/".join(address.split("/", 3)[:3])
