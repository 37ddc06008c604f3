"""The API as AWS runs it: API Gateway's events into one emulated function, SQS's into another, PostgreSQL and S3."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from api_client import Client, Response
from botocore.session import get_session
from emulator import Function
from moto.server import ThreadedMotoServer
from sqlalchemy import create_engine, make_url, text
from werkzeug.datastructures import Headers

from suelo.aws.migrate import prepare
from suelo.settings import Settings

ROLE = "suelo_app"
EVENTS = Path(__file__).parent / "events"
MAX_EVENT = 6 * 1024 * 1024
"""Lambda takes no larger event, so API Gateway refuses the request that would make it."""


class LambdaBackend:
    """Two functions. Nothing takes messages from the queue: jobs stay queued until `work`."""

    https = True

    def __init__(self, settings: Settings, environment: Mapping[str, str], folder: Path) -> None:
        """Start the functions.

        Args:
            settings: With an empty PostgreSQL database, in which the connection may make roles, and a store in S3.
            environment: What reaches the store.
            folder: For logs and for what would be `/tmp` in Lambda.
        """
        self.environment = environment
        _prepare(settings.database)
        self._sqs = ThreadedMotoServer("127.0.0.1", 0)
        self._sqs.start()
        host, port = self._sqs.get_host_and_port()
        self.client = get_session().create_client(
            "sqs",
            "us-east-1",
            endpoint_url=f"http://{host}:{port}",
            aws_access_key_id="suelo",
            aws_secret_access_key="suelo",
        )
        self.queue = self.client.create_queue(QueueName=f"jobs-{uuid4().hex}")["QueueUrl"]
        self.settings = settings.model_copy(update={"queue": self.queue})
        self._variables = {
            **environment,
            "AWS_ENDPOINT_URL_SQS": f"http://{host}:{port}",
            "SUELO_DATABASE": make_url(settings.database).set(username=ROLE).render_as_string(hide_password=False),
            "SUELO_DATABASE_MIGRATE": "false",
            "SUELO_DATABASE_CONNECTIONS": "2",
            "SUELO_STORE": settings.store,
            "SUELO_QUEUE": self.queue,
            **{
                f"SUELO_{name.upper()}": str(getattr(settings, name))
                for name in settings.model_fields_set - {"home", "database", "store"}
            },
        }
        self._folder = folder
        self.api = self.function("api")
        self.worker = self.function("worker")
        self._turn = threading.Lock()

    def function(self, name: str, timeout_s: int = 300, **variables: str) -> Function:
        """Start a function of the service; `stop` it, unless it is one of the two."""
        home = self._folder / f"{name}-{uuid4().hex[:8]}"
        home.mkdir()
        own = {"SUELO_HOME": str(home / "tmp")} | variables
        return Function(f"suelo.aws.{name}.handler", self._variables | own, home / "log", timeout_s=timeout_s)

    def visit(self, subject: str = "") -> Client:
        """A new visitor: one without a token, or the user of a token that API Gateway has checked."""

        def send(method: str, path: str, headers: Headers, body: Any) -> Response:
            return self._send(
                method, http_event(method, path, headers, body if isinstance(body, bytes) else b"".join(body), subject)
            )

        return Client(send)

    def _send(self, method: str, event: dict[str, Any]) -> Response:
        if len(json.dumps(event)) > MAX_EVENT:
            return Response(413, Headers({"Content-Type": "application/json"}), b'{"message": "Request Too Long"}')
        with self._turn:  # the emulator takes one event at a time
            return http_response(method, self.api.invoke(event))

    def work(self, job_id: str) -> None:
        self.deliver(self.worker, job_id)

    def deliver(self, worker: Function, job_id: str) -> Any:
        """Hand the messages of a job to a worker, as Lambda does for a queue, and those that follow from them."""
        answer = None
        while messages := self.receive(job_id):
            answer = worker.invoke(sqs_event(messages))
            failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
            for message in messages:
                if message["MessageId"] not in failed:
                    self.client.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            if failed:
                break
        return answer

    def receive(self, job_id: str) -> list[dict[str, Any]]:
        """Messages of the queue that announce a job; those of other jobs stay where they are."""
        found = []
        others = []
        while messages := self.client.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                (found if json.loads(message["Body"]) == {"job": job_id} else others).append(message)
        for message in others:
            self.client.change_message_visibility(
                QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return found

    def stop(self) -> None:
        self.api.stop()
        self.worker.stop()
        self._sqs.stop()


def _prepare(database: str) -> None:
    """What the function `migrate` does when the stack is deployed."""
    engine = create_engine(database)
    with engine.begin() as connection:
        # RDS has this role from the beginning.
        connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
        if connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = 'rds_iam'")).scalar() is None:
            connection.execute(text("CREATE ROLE rds_iam"))
    prepare(engine, ROLE)
    engine.dispose()


def http_event(method: str, path: str, headers: Headers, body: bytes, subject: str = "") -> dict[str, Any]:
    """A request as an HTTP API hands it to a function (payload format 2.0).

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    event: dict[str, Any] = json.loads((EVENTS / "http_api.json").read_text())
    place, _, query = path.partition("?")
    single: dict[str, str] = {}
    for name, value in headers.items():
        if name.lower() == "cookie":
            event["cookies"] = value.split("; ")
        else:
            single[name.lower()] = f"{single[name.lower()]},{value}" if name.lower() in single else value
    event["headers"] |= single
    event["rawPath"] = unquote(place)
    event["rawQueryString"] = query
    event["requestContext"]["http"] |= {"method": method, "path": unquote(place)}
    event["requestContext"]["requestId"] = uuid4().hex
    if subject:
        event["requestContext"]["authorizer"] = {"jwt": {"claims": {"sub": subject}, "scopes": None}}
    if body:
        event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return event


def http_response(method: str, answer: dict[str, Any]) -> Response:
    """What API Gateway makes of a function's answer."""
    if "statusCode" not in answer:
        raise AssertionError(f"The function failed: {answer}")
    headers = Headers(answer.get("headers", {}))
    for cookie in answer.get("cookies", []):
        headers.add("Set-Cookie", cookie)
    body = answer.get("body", "")
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    return Response(answer["statusCode"], headers, b"" if method == "HEAD" else content)


def sqs_event(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Messages as Lambda hands them to a function."""
    template = json.loads((EVENTS / "sqs.json").read_text())["Records"][0]
    return {
        "Records": [
            template | {"messageId": m["MessageId"], "receiptHandle": m["ReceiptHandle"], "body": m["Body"]}
            for m in messages
        ]
    }
