"""Where queued jobs are announced to workers elsewhere: a queue of Amazon SQS, which carries their ids."""

from __future__ import annotations

import json
import os
import re
from typing import Any

from suelo.errors import InputError, UnavailableError

_ID = re.compile(r"[0-9a-f]{32}")
_QUEUE = re.compile(r"https?://[^/]+/\d{12}/[A-Za-z0-9_-]{1,80}")


class SqsQueue:
    """A standard queue. Its messages may come twice and out of order, which does no harm: the records decide."""

    def __init__(self, url: str) -> None:
        """Use a queue; access to it is set by the `AWS_*` variables.

        Args:
            url: `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`.

        Raises:
            InputError: The address is of another form, or botocore is not installed.
        """
        if not _QUEUE.fullmatch(url):
            raise InputError(f"A queue is given as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME; {url!r} is not that.")
        try:
            from botocore.config import Config
            from botocore.session import get_session
        except ModuleNotFoundError:
            raise InputError("SQS needs botocore; in Suelo's source folder: pip install '.[aws]'.") from None
        self._url = url
        patience = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
        session = get_session()
        region = os.environ.get("AWS_REGION") or session.get_config_variable("region")
        self._client: Any = session.create_client("sqs", region_name=region, config=patience)

    def announce(self, job_id: str) -> None:
        """Say that a job is queued.

        Raises:
            UnavailableError: SQS cannot be reached or does not take the message.
        """
        self._ask("send_message", MessageBody=json.dumps({"job": job_id}))

    @property
    def empty(self) -> bool:
        """True if no message waits to be taken; SQS itself knows it only roughly.

        Messages that were taken do not count: one that failed is shown again after the visibility timeout only, which
        is far longer than a scene should wait.

        Raises:
            UnavailableError: SQS cannot be reached.
        """
        name = "ApproximateNumberOfMessages"
        return int(self._ask("get_queue_attributes", AttributeNames=[name])["Attributes"][name]) == 0

    def _ask(self, operation: str, **arguments: object) -> Any:  # noqa: ANN401  (botocore has no types)
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(QueueUrl=self._url, **arguments)
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError("The queue of jobs cannot be reached; try again soon.") from error


def job_of_message(body: str) -> str:
    """The id of the job that a message announces.

    Raises:
        InputError: The message is not one that `SqsQueue.announce` sent.
    """
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    job_id = document.get("job") if isinstance(document, dict) else None
    if not isinstance(job_id, str) or not _ID.fullmatch(job_id):
        raise InputError('A message announces a job as {"job": ID}; this one does not.')
    return job_id
