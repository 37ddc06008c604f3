"""Structured logs, metrics and traces of the functions, through Powertools for AWS Lambda."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

from suelo.api.request_id import RequestIdFilter

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

NAME = "suelo"
"""Name of the service in logs and traces. The logger has it too, so that all of Suelo's messages come out as JSON."""
NAMESPACE = "Suelo"
"""Namespace of the metrics in CloudWatch."""

Handler = Callable[[dict[str, Any], "LambdaContext"], Any]


def observed(handle: Handler, function: str) -> Handler:
    """A handler whose invocations are logged, counted and traced.

    Args:
        handle: Does the work.
        function: What the function is for, in a word: a dimension of its metrics.
    """
    logger = Logger(service=NAME, level=os.environ.get("SUELO_LOG_LEVEL", "INFO"))
    logger.append_keys(function=function)
    for output in logger.handlers:
        output.addFilter(RequestIdFilter())
    warnings.filterwarnings("ignore", "No application metrics to publish")  # most requests count nothing
    measured = _metrics(function).log_metrics(capture_cold_start_metric=True)(handle)
    # Answers hold images and addresses that open results: they stay out of traces.
    traced = Tracer(service=NAME, patch_modules=["botocore"]).capture_lambda_handler(measured, capture_response=False)
    handler: Handler = logger.inject_lambda_context(traced)
    return handler


def count(name: str, value: float = 1, unit: MetricUnit = MetricUnit.Count) -> None:
    """Add to a metric of the current invocation."""
    Metrics(namespace=NAMESPACE, service=NAME).add_metric(name, unit, value)


def _metrics(function: str) -> Metrics:
    metrics = Metrics(namespace=NAMESPACE, service=NAME)
    metrics.set_default_dimensions(function=function)
    return metrics
