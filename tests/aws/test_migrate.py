"""What is done to the database when the stack is deployed, and what CloudFormation is told of it."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import get_session
from lambda_backend import ROLE
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.exc import ProgrammingError

from suelo.aws import migrate
from suelo.errors import InputError
from suelo.jobs.database import SCHEMA_VERSION
from suelo.jobs.records import Records
from suelo.jobs.tables import Table


@pytest.fixture
def database(new_database: Any, postgresql: str) -> str:
    """An empty database of a server that has RDS's role for tokens."""
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        if connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = 'rds_iam'")).scalar() is None:
            connection.execute(text("CREATE ROLE rds_iam"))
    engine.dispose()
    return new_database()


class CloudFormation:
    """Takes the answers of custom resources."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        answers = self.answers

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def event(self, kind: str, **properties: str) -> dict[str, Any]:
        return {
            "RequestType": kind,
            "ResponseURL": f"http://127.0.0.1:{self.server.server_port}/answer?X-Amz-Signature=abc",
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/suelo/1",
            "RequestId": "7e3f",
            "LogicalResourceId": "Tables",
            "ResourceType": "Custom::Tables",
            "ResourceProperties": properties,
        }


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    here = CloudFormation()
    yield here
    here.server.shutdown()


class Context:
    function_name = "suelo-migrate"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:suelo-migrate"
    aws_request_id = "c6af9ac6"
    log_stream_name = "2026/11/22/[$LATEST]abc"


def test_the_user_of_the_functions_can_work_and_no_more(database: str) -> None:
    admin = create_engine(database)
    migrate.prepare(admin, ROLE)
    migrate.prepare(admin, ROLE)
    user = create_engine(make_url(database).set(username=ROLE))
    try:
        assert set(Table.metadata.tables) <= set(inspect(user).get_table_names())
        assert Records(user).page("nobody", 1) == []
        with user.begin() as connection:
            for table in reversed(Table.metadata.sorted_tables):
                connection.execute(table.delete())
        for forbidden in ("CREATE TABLE more (a int)", "DROP TABLE jobs", "CREATE ROLE other", "TRUNCATE jobs"):
            with user.begin() as connection, pytest.raises(ProgrammingError):
                connection.execute(text(forbidden))
        with admin.connect() as connection:
            members = "SELECT pg_has_role(:role, 'rds_iam', 'member')"
            assert connection.execute(text(members), {"role": ROLE}).scalar() is True
    finally:
        user.dispose()
        admin.dispose()


def test_events_can_be_written_by_the_user(database: str) -> None:
    # Numbers of rows come from sequences, which need a permission of their own.
    admin = create_engine(database)
    migrate.prepare(admin, ROLE)
    with admin.connect() as connection:
        granted = connection.execute(
            text(
                "SELECT bool_and(has_sequence_privilege(:role, c.oid, 'USAGE')) FROM pg_class c WHERE c.relkind = 'S'"
            ),
            {"role": ROLE},
        ).scalar()
    admin.dispose()
    assert granted in {True, None}


@pytest.mark.parametrize("name", ["", "Robert'); DROP TABLE jobs; --", "a b", "x" * 64])
def test_a_name_that_is_none_is_refused(database: str, name: str) -> None:
    engine = create_engine(database)
    with pytest.raises(InputError, match="database user"):
        migrate.prepare(engine, name)
    engine.dispose()


def test_cloudformation_is_told_that_it_worked(
    database: str, cloudformation: CloudFormation, aws: str, queue: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws)
    url = make_url(database)
    secret = (
        get_session()
        .create_client("secretsmanager")
        .create_secret(
            Name=f"master-{url.database}", SecretString=json.dumps({"username": "suelo", "password": "of no use here"})
        )
    )
    properties = {
        "Secret": secret["ARN"],
        "Host": url.query["host"],
        "Port": "5432",
        "Database": url.database,
        "SslMode": "disable",
        "SslRootCert": "/var/task/ca.pem",
        "Role": ROLE,
    }
    migrate.handler(cloudformation.event("Create", **properties), Context())
    (answer,) = cloudformation.answers
    assert (answer["Status"], answer["RequestId"], answer["LogicalResourceId"]) == ("SUCCESS", "7e3f", "Tables")
    assert answer["Data"] == {"SchemaVersion": SCHEMA_VERSION}
    engine = create_engine(database)
    assert inspect(engine).has_table("jobs")
    engine.dispose()
    migrate.handler(cloudformation.event("Update", **properties), Context())
    migrate.handler(cloudformation.event("Delete", **properties), Context())
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"] * 3
    assert len({answer["PhysicalResourceId"] for answer in cloudformation.answers}) == 1


def test_cloudformation_is_told_that_it_failed_without_secrets(
    cloudformation: CloudFormation, aws: str, queue: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws)
    migrate.handler(
        cloudformation.event("Create", Secret="arn:aws:secretsmanager:us-east-1:123456789012:no"), Context()
    )
    (answer,) = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert Context.log_stream_name in answer["Reason"]
