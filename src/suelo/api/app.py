"""The HTTP API as a Flask blueprint, and as an app of its own."""

from __future__ import annotations

from flask import Blueprint, Flask, Response
from flask.json.provider import DefaultJSONProvider

from suelo.api import direct, files, jobs, maps, meta, reference, uploads
from suelo.api.addresses import API, keep_addresses
from suelo.api.compression import compress_answers
from suelo.api.context import IdConverter
from suelo.api.errors import handle_errors
from suelo.api.guard import refuse_foreign_pages
from suelo.api.owner import give_cookies, require_users
from suelo.api.request_id import number_requests
from suelo.api.timing import time_requests
from suelo.jobs.service import JobService


def create_api(service: JobService) -> Flask:
    """An app that serves the API and nothing else."""
    app = Flask("suelo.api", static_folder=None)
    add_api(app, service)
    return app


def add_api(app: Flask, service: JobService) -> None:
    """Serve the API from an app: routes, problem documents, owner cookies and timings.

    Args:
        app: A Flask app; its other routes keep their own error pages.
        service: The job service behind the API.
    """
    app.extensions["suelo"] = service
    app.url_map.converters["id"] = IdConverter
    # Members come in the order in which they are written: columns of a data frame are members of its records.
    assert isinstance(app.json, DefaultJSONProvider)
    app.json.sort_keys = False
    api = Blueprint(API, __name__)
    number_requests(app)
    keep_addresses(app)
    time_requests(api)
    refuse_foreign_pages(api)
    require_users(api)
    handle_errors(api)
    give_cookies(app)
    for subject in (meta, direct, uploads, jobs, files, maps, reference):
        subject.add_routes(api)
    compress_answers(api)
    api.after_request(_no_sniffing)
    app.register_blueprint(api)


def _no_sniffing(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
