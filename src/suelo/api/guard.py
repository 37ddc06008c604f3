"""Keeps pages of other sites from changing anything through a visitor's browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, request

from suelo.errors import NotAllowedError

_SAFE = {"GET", "HEAD", "OPTIONS"}


def refuse_foreign_pages(api: Blueprint) -> None:
    """Make a blueprint refuse changes that a page of another site asks for.

    Browsers say where a request comes from in `Sec-Fetch-Site` (W3C Fetch Metadata) or, older ones, in `Origin`; other
    programs send neither. The owner cookie is `SameSite=Lax`, so such a request would not carry it; this also spares
    the work.
    """

    @api.before_request
    def _check() -> None:
        if request.method in _SAFE:
            return
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        foreign = (
            site not in {"same-origin", "none"} if site else bool(origin) and urlsplit(origin).netloc != request.host
        )
        if foreign:
            raise NotAllowedError("Pages of other sites may not use this service through a browser.")
