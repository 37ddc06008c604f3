"""Signing in to PostgreSQL on Amazon RDS: a short-lived token of the machine's role in place of a password."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import Engine, event

from suelo.errors import InputError

TOKEN_SECONDS = 900
"""RDS takes a token for so long after it was made; a connection that stands lives on."""
_PORT = 5432


def sign_in_with_iam(engine: Engine) -> None:
    """Give every new connection of an engine a new token as its password.

    Tokens are made on this machine, without asking anybody, so that making one per connection costs nothing.

    Raises:
        InputError: The address of the database names no host or no user.
    """
    url = engine.url
    if not url.host or not url.username:
        raise InputError("Signing in to RDS needs a database address with a host and a user.")

    @event.listens_for(engine, "do_connect")
    def _sign_in(_dialect: object, _record: object, _args: object, parameters: dict[str, Any]) -> None:
        parameters["password"] = iam_token(url.host or "", url.port or _PORT, url.username or "")


def iam_token(host: str, port: int, user: str) -> str:
    """A token for a user of a database: a signed request to connect, as RDS documents it.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html

    Args:
        host: Name of the instance or of its proxy, as clients connect to it.
        port: Port of it.
        user: User of the database.

    Raises:
        InputError: There are no credentials, no region, or no botocore here.
    """
    try:
        from botocore.auth import SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.session import get_session
    except ModuleNotFoundError:
        raise InputError("Signing in to RDS needs botocore; in Suelo's source folder: pip install '.[aws]'.") from None
    session = get_session()
    credentials = session.get_credentials()
    region = os.environ.get("AWS_REGION") or session.get_config_variable("region")
    if credentials is None or not region:
        raise InputError("Signing in to RDS needs AWS credentials and a region (AWS_REGION); they were not found.")
    request = AWSRequest("GET", f"https://{host}:{port}/?Action=connect&DBUser={user}")
    SigV4QueryAuth(credentials, "rds-db", region, expires=TOKEN_SECONDS).add_auth(request)
    return str(request.url).removeprefix("https://")
