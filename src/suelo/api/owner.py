"""Whose request it is: a visitor known by a cookie, a user known by a token, or somebody whom a gateway knows."""

from __future__ import annotations

import hashlib
import re
import secrets

from flask import Blueprint, Flask, Response, current_app, g, request

from suelo.api.operation import operation_of
from suelo.api.state import service
from suelo.errors import NotSignedInError

GATEWAY_USER = "suelo.gateway_user"
"""Key of the WSGI environment under which a gateway that has checked a token says whose it is; no client can."""
COOKIE = "suelo_owner"
"""Cookie of a visitor where nobody signs in."""
TOKEN_COOKIE = "suelo_token"  # noqa: S105  (its name)
"""Cookie of a browser whose user has signed in."""
_YEARS = 2 * 365 * 24 * 3600
_VISITOR = re.compile(r"[A-Za-z0-9_-]{43}")


def current_owner() -> str:
    """The owner that the current request comes from; a new one if it has no cookie and nobody has to sign in.

    The records hold a digest of the visitor's cookie, so that nobody who reads them can pass for an owner.

    Raises:
        NotSignedInError: The server knows its users, and this is none of them.
    """
    owner: str | None = g.get("suelo_owner")
    if owner is None:
        owner = g.suelo_owner = _find_owner()
    return owner


def _find_owner() -> str:
    known: str | None = request.environ.get(GATEWAY_USER)
    if known:
        return hashlib.sha256(f"gateway:{known}".encode()).hexdigest()
    auth = service().settings.auth
    if auth == "gateway":
        raise NotSignedInError("The gateway in front of this server did not say who this is.")
    return _user() if auth == "token" else _visitor()


def is_signed_in() -> bool:
    """True if the current request may go on: nobody has to sign in, or its user has."""
    try:
        return service().settings.auth == "none" or bool(current_owner())
    except NotSignedInError:
        return False


def _visitor() -> str:
    token = request.cookies.get(COOKIE, "")
    if not _VISITOR.fullmatch(token):
        token = secrets.token_urlsafe(32)
        g.suelo_new_token = token
    return hashlib.sha256(token.encode()).hexdigest()


def _user() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = request.cookies.get(TOKEN_COOKIE, "")
    if not token.strip():
        raise NotSignedInError("This server knows its users by tokens: send the header Authorization: Bearer …")
    user = service().users.of_token(token.strip())
    if user is None:
        raise NotSignedInError("This token is nobody's, or not any more; the operator of this server gives out tokens.")
    return user.owner


def require_users(api: Blueprint) -> None:
    """Make a blueprint answer only to those who are signed in, where that is asked for."""

    @api.before_request
    def _check() -> None:
        noted = operation_of(current_app.view_functions[request.endpoint or ""])
        if service().settings.auth != "none" and not (noted is not None and noted.open):
            current_owner()


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
