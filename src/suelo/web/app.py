"""The web application: API, page and scripts in one Flask app."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from dash import Dash, set_props
from flask import Flask, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from suelo.api.app import add_api
from suelo.api.owner import current_owner
from suelo.errors import SueloError
from suelo.jobs.service import JobService
from suelo.web import ids
from suelo.web.callbacks import register_callbacks
from suelo.web.language import LANGUAGE_COOKIE, job_name, language_of
from suelo.web.problems import explained
from suelo.web.shell import document, frame
from suelo.web.sign_in import ask_to_sign_in
from suelo.web.texts import LANGUAGES, Texts
from suelo.web.views import Views

_YEAR_S = 365 * 24 * 3600


class Page(Dash):
    """Dash with documents of our own: language, title, and 404 where nothing is."""

    def __init__(self, server: Flask, views: Views) -> None:
        """Put the page on a Flask app.

        Args:
            server: The app; it may have other routes.
            views: Content of the pages.
        """
        self._views = views
        flask: Any = server  # Dash's annotation forgets that it takes an app
        super().__init__(
            "suelo.web",
            server=flask,
            assets_folder=str(Path(__file__).parent / "assets"),
            serve_locally=True,
            suppress_callback_exceptions=True,
            add_log_handler=False,
            update_title="",
            enable_mcp=False,
            on_error=_say_error,
            meta_tags=[
                {"charset": "utf-8"},
                {"name": "viewport", "content": "width=device-width, initial-scale=1"},
            ],
        )
        self.layout = frame()
        register_callbacks(self, views)

    def index(self, *args: Any, **kwargs: Any) -> AnyResponse:  # noqa: ANN401
        """The document at an address; remembers a language that the address asks for."""
        language = request.args.get("lang")
        if language in LANGUAGES:
            return _with_language(language)
        status = 200 if self._views.exists(request.path) else 404
        index: Any = super().index
        return Response(index(*args, **kwargs), status, mimetype="text/html")

    def interpolate_index(self, *_args: Any, **kwargs: Any) -> str:  # noqa: ANN401
        """Write the document around the parts that Dash has made."""
        texts = Texts(language_of(request))
        job = self._views.job_at(request.path)
        title = f"{job_name(job, texts)} · Suelo" if job is not None else f"Suelo · {texts('tagline')}"
        return document(kwargs, title, texts, self._views.signed)


def create_app(service: JobService) -> Flask:
    """Make the web application.

    Args:
        service: Where jobs are; not started or stopped here.

    Returns:
        A WSGI app with the page at `/`, results at `/results/{id}` and the API at `/v1` and `/segment_tiff`.
    """
    server = Flask("suelo.web", static_folder=None)
    add_api(server, service)
    views = Views(service, current_owner)
    server.add_url_rule("/results/<job_id>/thumbnail.png", "thumbnail", partial(_thumbnail, views))
    page = Page(server, views)
    policy = content_policy(page.csp_hashes(), service.settings.basemap_url, service.downloads.origin())

    def protect(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.headers.setdefault("Content-Security-Policy", policy)
            response.headers.setdefault("Referrer-Policy", "same-origin")
            response.headers.setdefault("X-Content-Type-Options", "nosniff")
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    server.after_request(protect)
    if service.settings.auth == "token":
        ask_to_sign_in(server)
    return server


def content_policy(script_hashes: Sequence[str], basemap_url: str, store: str | None = None) -> str:
    """What the page may load: its own files, and images of the background map; and where it may send images.

    Args:
        script_hashes: Hashes of the scripts inside the document, quoted.
        basemap_url: Tile address of the background map; empty for none.
        store: Scheme and host of the S3 server that takes images, if there is one.
    """
    images = ["'self'", "data:", "blob:"]
    if basemap_url:
        address = urlsplit(basemap_url)
        # A tile address may begin with {s} for one of several hosts.
        images.append(f"{address.scheme}://{address.netloc.replace('{s}', '*')}")
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' {' '.join(script_hashes)}",
            "style-src 'self' 'unsafe-inline'",
            f"img-src {' '.join(images)}",
            *([f"connect-src 'self' {store}"] if store else []),
            "object-src 'none'",
            "base-uri 'self'",
            "frame-ancestors 'self'",
        ]
    )


def _thumbnail(views: Views, job_id: str) -> Response:
    try:
        picture = views.thumbnail(job_id)
    except SueloError as error:
        abort(error.status)
    headers = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response(picture, mimetype="image/png", headers=headers)


def _with_language(language: str) -> AnyResponse:
    """Remember a language, and go to the same address without it, so that shared addresses do not carry it."""
    rest = [(key, value) for key, value in request.args.items(multi=True) if key != "lang"]
    query = urlencode(rest)
    response = redirect(f"{request.path}?{query}" if query else request.path)
    response.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="Lax", httponly=True)
    return response


def _say_error(error: Exception) -> None:
    """Show the sentence of an expected error; others go on to the log."""
    if not isinstance(error, SueloError):
        raise error
    set_props(ids.NOTICE, {"children": explained(error, Texts(language_of(request)))})
