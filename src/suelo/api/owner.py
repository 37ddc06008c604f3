"""Whose results are whose: a random token in a cookie that only this server reads."""

from __future__ import annotations

import hashlib
import re
import secrets

from flask import Flask, Response, g, request

COOKIE = "suelo_owner"
GATEWAY_USER = "suelo.gateway_user"
"""Key of the WSGI environment under which a gateway that has checked a token says whose it is; no client can."""
_YEARS = 2 * 365 * 24 * 3600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def current_owner() -> str:
    """The owner that the current request comes from; a new one if it has no cookie.

    The records hold a digest of the token, so that nobody who reads them can pass for an owner.
    """
    owner: str | None = g.get("suelo_owner")
    if owner is None:
        user = request.environ.get(GATEWAY_USER)
        token = f"gateway:{user}" if user else _token()
        owner = hashlib.sha256(token.encode()).hexdigest()
        g.suelo_owner = owner
    return owner


def _token() -> str:
    token = request.cookies.get(COOKIE, "")
    if not _TOKEN.fullmatch(token):
        token = secrets.token_urlsafe(32)
        g.suelo_new_token = token
    return token


def give_cookies(app: Flask) -> None:
    """Make an app give each new owner the cookie, with the answer to the request in which it was first asked for."""

    @app.after_request
    def _set_cookie(response: Response) -> Response:
        token: str | None = g.get("suelo_new_token")
        if token is not None:
            response.set_cookie(
                COOKIE, token, max_age=_YEARS, httponly=True, samesite="Lax", secure=request.is_secure, path="/"
            )
            # A shared cache must not hand one visitor's cookie to another.
            response.headers["Cache-Control"] = "no-store"
        return response
