"""The function that runs when the stack is deployed: tables up to date, and a database user for the other functions."""

from __future__ import annotations

import json
import logging
import re
import urllib.request
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, create_engine, text

from suelo.aws.telemetry import observed
from suelo.errors import InputError
from suelo.jobs.database import SCHEMA_VERSION, migrate

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from sqlalchemy import Engine

_log = logging.getLogger(__name__)

_ROLE = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SECONDS = 20


def prepare(engine: Engine, role: str) -> None:
    """Bring the tables up to date, and let a user without a password of its own work with them.

    Whatever is there already stays; the owner of the tables is whom the engine signs in as.

    Args:
        engine: A connection of the database's administrator.
        role: The user that the functions sign in as, with a token of their role in AWS.

    Raises:
        InputError: The name of the user is not one.
    """
    if not _ROLE.fullmatch(role):
        raise InputError(f"The database user is a name of small letters, digits and _; {role!r} is not.")
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(7304211)"))
        if not _exists(connection, role):
            connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        # RDS asks the members of this role for a token instead of a password.
        connection.execute(text(f"GRANT rds_iam TO {role}"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {role}"))
        connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"))
        connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"))


def _exists(connection: Connection, role: str) -> bool:
    found = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    return found.scalar() is not None


def _handle(event: dict[str, Any], context: LambdaContext) -> None:
    """Answer CloudFormation, which waits an hour for who does not.

    The protocol: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
    """
    answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": event.get("PhysicalResourceId", "suelo-tables"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    try:
        # With the stack goes the database, or it is kept as it is: either way there is nothing to undo.
        if event["RequestType"] != "Delete":
            _prepare(event["ResourceProperties"])
            answer["Data"] = {"SchemaVersion": SCHEMA_VERSION}
    except Exception as error:
        _log.exception("The database could not be prepared")
        answer |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: see {context.log_stream_name}"}
    request = urllib.request.Request(  # noqa: S310  (CloudFormation's own https address)
        event["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
        pass


def _prepare(properties: dict[str, Any]) -> None:
    secret = _secret(properties["Secret"])
    url = URL.create(
        "postgresql+psycopg",
        secret["username"],
        secret["password"],
        properties["Host"],
        int(properties["Port"]),
        properties["Database"],
        {"sslmode": properties["SslMode"], "sslrootcert": properties["SslRootCert"]},
    )
    engine = create_engine(url, connect_args={"connect_timeout": _SECONDS})
    try:
        prepare(engine, properties["Role"])
    finally:
        engine.dispose()


def _secret(arn: str) -> dict[str, str]:
    from botocore.session import get_session

    answer = get_session().create_client("secretsmanager").get_secret_value(SecretId=arn)
    found: dict[str, str] = json.loads(answer["SecretString"])
    return found


handler = observed(_handle, "migrate")
