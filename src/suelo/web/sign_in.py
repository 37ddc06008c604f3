"""Signing in on the page with a token, where the server knows its users."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from suelo.api.addresses import PREFIXES
from suelo.api.guard import comes_from_elsewhere
from suelo.api.owner import TOKEN_COOKIE, is_signed_in
from suelo.api.state import service
from suelo.web.language import language_of
from suelo.web.texts import Texts

_ADDRESS = "/sign-in"
_OPEN = (*PREFIXES, _ADDRESS, "/sign-out", "/assets/")
"""Beginnings of addresses that need no cookie: the API asks for itself."""
_DAYS_30 = 30 * 24 * 3600


def ask_to_sign_in(app: Flask) -> None:
    """Make an app show its pages to those alone who are signed in, and let them sign in and out."""
    app.add_url_rule(_ADDRESS, "sign_in", _show)
    app.add_url_rule(_ADDRESS, "sign_in_now", _sign_in, methods=["POST"])
    app.add_url_rule("/sign-out", "sign_out", _sign_out, methods=["POST"])

    @app.before_request
    def _check() -> AnyResponse | None:
        if request.path.startswith(_OPEN) or is_signed_in():
            return None
        if request.method == "GET" and request.accept_mimetypes.accept_html:
            return redirect(f"{_ADDRESS}?next={quote(request.full_path.rstrip('?'))}")
        return Response(Texts(language_of(request))("sign_in.needed"), 401, mimetype="text/plain")


def _show() -> Response:
    return _form("" if not is_signed_in() else Texts(language_of(request))("sign_in.done"), 200)


def _sign_in() -> AnyResponse:
    if comes_from_elsewhere():
        return Response(status=403)
    token = request.form.get("token", "").strip()
    if service().users.of_token(token) is None:
        return _form(Texts(language_of(request))("sign_in.wrong"), 401)
    answer = redirect(_next(), 303)
    answer.set_cookie(
        TOKEN_COOKIE, token, max_age=_DAYS_30, httponly=True, samesite="Lax", secure=request.is_secure, path="/"
    )
    return answer


def _sign_out() -> AnyResponse:
    if comes_from_elsewhere():
        return Response(status=403)
    answer = redirect(_ADDRESS, 303)
    answer.delete_cookie(TOKEN_COOKIE, httponly=True, samesite="Lax", secure=request.is_secure, path="/")
    return answer


def _next() -> str:
    """Where to go afterwards: an address of this server, whatever the query says."""
    wanted = request.values.get("next", "/")
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if inside else "/"


def _form(notice: str, status: int) -> Response:
    texts = Texts(language_of(request))
    said = f"<p role='alert'>{escape(notice)}</p>" if notice else ""
    sign_out = f"<form method='post' action='/sign-out'><button>{escape(texts('sign_in.out'))}</button></form>"
    return Response(
        f"""<!DOCTYPE html>
<html lang="{texts.language}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Suelo · {escape(texts("sign_in.title"))}</title>
    <link rel="icon" href="/assets/favicon.svg" type="image/svg+xml">
    <style>
      body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 15vh auto; max-width: 24rem; padding: 0 1rem; }}
      input, button {{ box-sizing: border-box; font: inherit; margin-top: 0.75rem; padding: 0.6rem; width: 100%; }}
    </style>
  </head>
  <body>
    <h1>Suelo</h1>
    {said}
    <form method="post" action="{_ADDRESS}">
      <input type="hidden" name="next" value="{escape(_next())}">
      <label for="token">{escape(texts("sign_in.label"))}</label>
      <input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
      <button>{escape(texts("sign_in.button"))}</button>
    </form>
    {sign_out if is_signed_in() else ""}
  </body>
</html>""",
        status,
        mimetype="text/html",
    )
