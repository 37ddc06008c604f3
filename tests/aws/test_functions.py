"""The functions in Lambda's emulator: who may see what, both kinds of events, batches, logs, metrics."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from uuid import uuid4

from lambda_backend import LambdaBackend, http_event, sqs_event
from werkzeug.datastructures import Headers

EVENTS = Path(__file__).parent / "events"
ALICE, BOB = "alice-0001", "bob-0002"


def message(body: str) -> dict[str, str]:
    return {"MessageId": uuid4().hex, "ReceiptHandle": "handle", "Body": body}


def test_the_user_of_the_token_owns_what_is_made(stack: LambdaBackend, chip: bytes) -> None:
    alice, bob = stack.visit(ALICE), stack.visit(BOB)
    job = alice.post("/segment_tiff?name=mine.tif", body=chip).json()["job"]
    assert job["id"] in {found["id"] for found in alice.get("/v1/jobs").json()["jobs"]}
    assert job["id"] not in {found["id"] for found in bob.get("/v1/jobs").json()["jobs"]}
    assert bob.delete(job["url"]).status == 403
    assert alice.cookies == {}


def test_without_a_token_nothing_but_what_is_open(stack: LambdaBackend) -> None:
    nobody = stack.visit()
    assert nobody.get("/v1/jobs").status == 401
    assert nobody.get("/healthz").json() == {"status": "ok"}
    assert nobody.get("/openapi.json").status == 200
    # A header is not what the gateway says.
    forged = {"Suelo.Gateway-User": ALICE, "X-Suelo-Gateway-User": ALICE, "suelo.gateway_user": ALICE}
    assert nobody.get("/v1/jobs", headers=forged).status == 401


def test_a_rest_api_works_too(stack: LambdaBackend) -> None:
    event = json.loads((EVENTS / "rest_api.json").read_text())
    answer = stack.api.invoke(event)
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"status": "ok"})
    answer = stack.api.invoke(event | {"path": "/v1/jobs"})
    assert answer["statusCode"] == 200
    del event["requestContext"]["authorizer"]
    assert stack.api.invoke(event | {"path": "/v1/jobs"})["statusCode"] == 401


def test_a_page_of_the_allowed_origin_may_send_requests(stack: LambdaBackend, chip: bytes) -> None:
    page = {"Origin": "https://maps.example.com", "Sec-Fetch-Site": "cross-site"}
    assert stack.visit(ALICE).post("/segment_tiff", body=chip, headers=page).status == 200


def test_an_image_goes_straight_to_s3_and_a_worker_segments_it(stack: LambdaBackend, image: bytes) -> None:
    alice = stack.visit(ALICE)
    room = alice.post("/v1/uploads", json={"name": "scene.tif", "size": len(image)}).json()
    assert room["url"].startswith(stack.environment["AWS_ENDPOINT"])
    with urllib.request.urlopen(urllib.request.Request(room["url"], image, method="PUT"), timeout=60) as sent:
        assert sent.status == 200
    made = alice.post("/v1/jobs", json={"upload": room["id"]})
    assert (made.status, made.json()["status"]) == (201, "queued")
    stack.work(room["id"])
    job = alice.get(made.json()["url"]).json()
    assert (job["status"], job["progress"]) == ("succeeded", 1.0)
    assert alice.get(job["files"]["classes.csv"]).text.startswith("class_id,class,")
    assert stack.receive(room["id"]) == []


def queued(stack: LambdaBackend, image: bytes) -> str:
    alice = stack.visit(ALICE)
    room = alice.post("/v1/uploads", json={"name": "scene.tif", "size": len(image)}).json()
    with urllib.request.urlopen(urllib.request.Request(room["url"], image, method="PUT"), timeout=60):
        pass
    assert alice.post("/v1/jobs", json={"upload": room["id"]}).json()["status"] == "queued"
    return room["id"]


def test_only_the_messages_that_fail_come_again(stack: LambdaBackend, image: bytes) -> None:
    job_id = queued(stack, image)
    bad, good, gone = message('{"job": "../../etc"}'), stack.receive(job_id), message(json.dumps({"job": "0" * 32}))
    assert len(good) == 1
    answer = stack.worker.invoke(sqs_event([bad, *good, gone]))
    assert answer == {"batchItemFailures": [{"itemIdentifier": bad["MessageId"]}]}
    assert stack.visit(ALICE).get(f"/v1/jobs/{job_id}").json()["status"] == "succeeded"
    # A message that comes again finds nothing to do.
    assert stack.worker.invoke(sqs_event(good)) == {"batchItemFailures": []}
    stack.client.delete_message(QueueUrl=stack.queue, ReceiptHandle=good[0]["ReceiptHandle"])


def test_a_batch_that_fails_whole_is_an_error_that_alarms_see(stack: LambdaBackend) -> None:
    answer = stack.worker.invoke(sqs_event([message("?"), message("[]")]))
    assert answer["errorType"] == "BatchProcessingError"


def test_logs_are_json_with_the_gateways_number_and_metrics_count(stack: LambdaBackend, image: bytes) -> None:
    job_id = queued(stack, image)
    event = http_event("GET", f"/v1/jobs/{uuid4().hex}", Headers(), b"", ALICE)
    assert stack.api.invoke(event)["headers"]["x-request-id"] == event["requestContext"]["requestId"]
    stack.work(job_id)
    lines = [line for line in stack.api.records() if line.get("request_id") == event["requestContext"]["requestId"]]
    assert {line["service"] for line in lines} == {"suelo"}
    assert "404" in lines[0]["message"]
    metrics = [line for line in stack.worker.records() if "_aws" in line and "Succeeded" in line]
    assert metrics[-1]["Succeeded"] == [1.0]
    assert metrics[-1]["function"] == "worker"
    assert metrics[-1]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Suelo"
    assert metrics[-1]["Megapixels"] == [300 * 260 / 1e6]


def test_a_job_that_nobody_works_on_any_more_is_taken_up(stack: LambdaBackend, image: bytes) -> None:
    job_id = queued(stack, image)
    (lost,) = stack.receive(job_id)
    stack.client.delete_message(QueueUrl=stack.queue, ReceiptHandle=lost["ReceiptHandle"])
    upkeep = stack.function("upkeep")
    try:
        assert upkeep.invoke({"task": "recover"}) is None
        assert upkeep.invoke({"task": "tidy"}) is None
        assert upkeep.invoke({"task": "dance"})["errorType"] == "InputError"
    finally:
        upkeep.stop()
    assert [json.loads(found["Body"]) for found in stack.receive(job_id)] == [{"job": job_id}]


def test_a_chip_through_an_upload_needs_no_worker(stack: LambdaBackend, chip: bytes) -> None:
    alice = stack.visit(ALICE)
    room = alice.post("/v1/uploads", json={"name": "chip.tif", "size": len(chip)}).json()
    with urllib.request.urlopen(urllib.request.Request(room["url"], chip, method="PUT"), timeout=60):
        pass
    assert alice.post("/v1/jobs", json={"upload": room["id"]}).json()["status"] == "succeeded"
