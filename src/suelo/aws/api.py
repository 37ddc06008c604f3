"""The function behind API Gateway: the same HTTP API as everywhere, through apig-wsgi."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from apig_wsgi import make_lambda_handler

from suelo.api.app import create_api
from suelo.aws.gateway import know_gateway
from suelo.aws.machine import job_service, warm_up
from suelo.aws.overflow import redirect_large_answers
from suelo.aws.telemetry import Handler, count, observed

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@cache
def _adapter() -> Handler:
    service = job_service()
    app = create_api(service)
    inner = redirect_large_answers(know_gateway(app.wsgi_app), service.downloads.lend)
    # REST APIs need to be told that bytes may come out; HTTP APIs always take them.
    adapter: Handler = make_lambda_handler(inner, binary_support=True)
    return adapter


def _handle(event: dict[str, Any], context: LambdaContext) -> Any:  # noqa: ANN401  (what API Gateway takes)
    answer = _adapter()(event, context)
    if answer["statusCode"] >= 500:
        count("ServerErrors")
    return answer


handler = observed(_handle, "api")
warm_up()
