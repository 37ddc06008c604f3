"""Keeps pages of other sites from changing anything through a visitor's browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, request

from suelo.api.owner import GATEWAY_USER
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
        # A browser sends tokens only where a page has them, and a gateway has checked which pages may come.
        if request.method in _SAFE or GATEWAY_USER in request.environ:
            return
        if comes_from_elsewhere():
            raise NotAllowedError("Pages of other sites may not use this service through a browser.")


def comes_from_elsewhere() -> bool:
    """True if a page of another site makes a browser send the current request."""
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return bool(origin) and urlsplit(origin).netloc != request.host
