"""The function behind the queue: runs the jobs that messages announce, and hands a long scene on before time is up."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from suelo.aws.machine import job_service, warm_up
from suelo.aws.telemetry import count, observed
from suelo.jobs.queue import job_of_message

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

_log = logging.getLogger(__name__)


def _handle(event: dict[str, Any], context: LambdaContext) -> Any:  # noqa: ANN401  (what Lambda takes)
    def run(record: SQSRecord) -> None:
        _run(job_of_message(record.body), context)

    # Messages that fail come again, and after some tries go to the dead-letter queue; the others are done with.
    return process_partial_response(event, run, BatchProcessor(EventType.SQS), context)


def _run(job_id: str, context: LambdaContext) -> None:
    service = job_service()
    limit_ms = service.settings.handover_s * 1000
    started = time.monotonic()
    job = service.run_announced(job_id, lambda: context.get_remaining_time_in_millis() < limit_ms)
    if job is None:
        _log.info("There is nothing to do for job %s", job_id)
        return
    _log.info("Job %s is %s", job_id, job.status)
    count({"succeeded": "Succeeded", "failed": "Failed", "queued": "HandedOver"}.get(job.status, "Cancelled"))
    count("WorkSeconds", time.monotonic() - started, MetricUnit.Seconds)
    if job.status == "succeeded":
        count("Megapixels", job.width * job.height / 1e6)


handler = observed(_handle, "worker")
warm_up()
