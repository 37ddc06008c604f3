"""Announcing jobs through SQS, with a server that checks signatures and policies."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

pytest.importorskip("botocore", reason="botocore is not installed")
pytest.importorskip("moto", reason="moto is not installed")
from botocore.session import get_session
from ports import free_port

from suelo.errors import InputError, UnavailableError
from suelo.jobs.queue import SqsQueue, job_of_message

JOB = "0123456789abcdef0123456789abcdef"
SETUP_CALLS = 4


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Address of SQS, of a queue there, and the key of somebody who may only send to it and look at its length."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        # From this number of calls on, every one is checked.
        env=os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": str(SETUP_CALLS)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(400):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)

        def client(service: str) -> object:
            return get_session().create_client(
                service, "us-east-1", endpoint_url=address, aws_access_key_id="x", aws_secret_access_key="x"
            )

        url = client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
        iam = client("iam")
        iam.create_user(UserName="api")
        actions = ["sqs:SendMessage", "sqs:GetQueueAttributes"]
        statement = {"Effect": "Allow", "Action": actions, "Resource": "arn:aws:sqs:us-east-1:123456789012:jobs"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="api", PolicyName="announce", PolicyDocument=document)
        key = iam.create_access_key(UserName="api")["AccessKey"]
        variables = {
            "AWS_ENDPOINT_URL_SQS": address,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_REGION": "us-east-1",
        }
        yield address, url, variables
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def queue_url(server: tuple[str, str, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in server[2].items():
        monkeypatch.setenv(name, value)
    return server[1]


def test_a_job_is_announced_and_counted(queue_url: str) -> None:
    queue = SqsQueue(queue_url)
    assert queue.empty
    queue.announce(JOB)
    assert not queue.empty


def test_without_the_right_key_nothing_is_announced(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(UnavailableError, match="queue of jobs"):
        SqsQueue(queue_url).announce(JOB)


def test_a_queue_that_is_away_is_said_to_be(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="queue of jobs"):
        SqsQueue(queue_url).announce(JOB)


@pytest.mark.parametrize("url", ["jobs", "https://example.com/queue", "s3://bucket/jobs", "https://a/12/b"])
def test_an_address_that_is_none_of_a_queue_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="A queue is given as"):
        SqsQueue(url)


def test_messages_are_read_back() -> None:
    assert job_of_message(json.dumps({"job": JOB})) == JOB


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"job": 7}', '{"job": "../x"}', '{"job": "ABC"}', "{"])
def test_other_messages_are_refused(body: str) -> None:
    with pytest.raises(InputError, match="announces a job"):
        job_of_message(body)
