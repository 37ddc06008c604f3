"""A queue, a stack of emulated functions, and a service with both."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from botocore.session import get_session
from moto.server import ThreadedMotoServer

from suelo.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
from lambda_backend import LambdaBackend

EVENTS = Path(__file__).parent / "events"


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """Address of a server that stands for SQS and Secrets Manager."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def queue(aws: str, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """An empty queue: its address, its client, and the bodies of the messages that wait in it."""
    for name, value in (
        ("AWS_ENDPOINT_URL_SQS", aws),
        ("AWS_ACCESS_KEY_ID", "suelo"),
        ("AWS_SECRET_ACCESS_KEY", "suelo"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    client = get_session().create_client("sqs")
    url = client.create_queue(QueueName=f"jobs-{uuid4().hex}")["QueueUrl"]

    def bodies() -> list[str]:
        found = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in found]

    return SimpleNamespace(url=url, client=client, bodies=bodies)


@pytest.fixture(scope="session")
def stack(new_database: Any, s3: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LambdaBackend]:
    """The functions behind a gateway that checks tokens; images of more than 200 × 200 pixels are queued."""
    folder = tmp_path_factory.mktemp("stack")
    settings = Settings(
        home=folder,
        database=new_database(),
        store=f"s3://results/{uuid4().hex}",
        max_direct_pixels=200 * 200,
        auth="gateway",
        presign=True,
    )
    backend = LambdaBackend(settings, s3, folder)
    yield backend
    backend.stop()


@pytest.fixture
def chip(draw_image: Any, tmp_path: Path) -> bytes:
    """A chip of 128 × 96 pixels that no other test has."""
    return draw_image(tmp_path / "chip.tif", seed=int(uuid4()) % 10**6).read_bytes()


@pytest.fixture
def image(draw_image: Any, tmp_path: Path) -> bytes:
    """A small scene that is queued, and that no other test has."""
    return draw_image(tmp_path / "scene.tif", 300, 260, seed=int(uuid4()) % 10**6).read_bytes()
