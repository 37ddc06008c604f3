"""What API Gateway knows of a request: whose token it has checked, and under which number its own log has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suelo.api.owner import GATEWAY_USER

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def know_gateway(app: WSGIApplication) -> WSGIApplication:
    """Tell an app who sent a request, and its number.

    Without an authorizer the app finds out itself who it was, by cookies or tokens of its own.
    """

    def tell(environ: WSGIEnvironment, start_response: StartResponse) -> Any:  # noqa: ANN401  (WSGI)
        known = environ.get("apig_wsgi.request_context", {})
        subject = _subject(known)
        if subject:
            environ[GATEWAY_USER] = subject
        if "requestId" in known:
            environ.setdefault("HTTP_X_REQUEST_ID", known["requestId"])
        return app(environ, start_response)

    return tell


def _subject(request_context: dict[str, Any]) -> str:
    """`sub` of the token: where an HTTP API has it, and where a REST API has it."""
    authorizer = request_context.get("authorizer") or {}
    claims = (authorizer.get("jwt") or authorizer).get("claims") or {}
    return str(claims.get("sub", ""))
