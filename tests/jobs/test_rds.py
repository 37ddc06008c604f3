"""Signing in to PostgreSQL with tokens: a server asks a directory about each password, as RDS asks IAM."""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

import pytest
from ports import free_port
from postgresql_server import own_postgresql
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

pytest.importorskip("botocore", reason="botocore is not installed")
from suelo.errors import InputError
from suelo.jobs.database import open_database
from suelo.jobs.rds import iam_token

SECRET = "a secret of the role/+"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIDROLE",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": "session//token==",
    "AWS_REGION": "us-east-1",
}


def verdict(token: str, host: str, user: str, now: datetime) -> bool:
    """What IAM says of a token: signature version 4 of a request to connect, made anew from its parts."""
    place, _, query = token.partition("/?")
    values = dict(parse_qsl(query))
    made = datetime.strptime(values["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    scope = f"{made:%Y%m%d}/us-east-1/rds-db/aws4_request"
    if (place, values["Action"], values["DBUser"]) != (host, "connect", user):
        return False
    if values["X-Amz-Credential"] != f"AKIDROLE/{scope}" or values["X-Amz-Security-Token"] != "session//token==":
        return False
    if not 0 <= (now - made).total_seconds() < int(values["X-Amz-Expires"]) <= 900:
        return False
    signed = "&".join(
        f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(values.items()) if k != "X-Amz-Signature"
    )
    request = f"GET\n/\n{signed}\nhost:{host}\n\nhost\n{hashlib.sha256(b'').hexdigest()}"
    to_sign = f"AWS4-HMAC-SHA256\n{values['X-Amz-Date']}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    secret = f"AWS4{SECRET}".encode()
    for part in (*scope.split("/"), to_sign):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(secret.hex(), values["X-Amz-Signature"])


class Directory:
    """An LDAP server that knows one operation, to sign in; it takes tokens for passwords."""

    def __init__(self, database: str) -> None:
        self.tokens: list[str] = []
        self._database = database
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                request = connection.recv(65536)
                # Of a simple bind (RFC 4511) the name is an octet string (04) and the password is tagged 80.
                _, message = _element(request)
                number_end = 2 + message[1]
                _, bind = _element(message[number_end:])
                rest = bind[2 + bind[1] :]
                name_bytes, after = _element(rest, with_rest=True)
                password, _ = _element(after, with_rest=True)
                token = password.decode()
                user = name_bytes.decode().removeprefix("uid=")
                self.tokens.append(token)
                good = verdict(token, self._database, user, datetime.now(UTC))
                code = 0 if good else 49
                result = message[:number_end] + bytes([0x61, 7, 0x0A, 1, code, 4, 0, 4, 0])
                connection.sendall(bytes([0x30, len(result)]) + result)
                connection.recv(65536)  # until the client lets go

    def close(self) -> None:
        self._socket.close()


def _element(data: bytes, with_rest: bool = False) -> tuple[bytes, bytes] | tuple[int, bytes]:
    """The first element of BER: its content and what follows, or its tag and its content."""
    length, start = data[1], 2
    if length & 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(data[2:start], "big")
    content = data[start : start + length]
    return (content, data[start + length :]) if with_rest else (data[0], content)


@pytest.fixture(scope="module")
def rds() -> Iterator[tuple[str, Directory]]:
    """A PostgreSQL server on TCP that takes tokens of one user, and the directory that it asks."""
    port = free_port()
    directory = Directory(f"127.0.0.1:{port}")
    try:
        with own_postgresql("suelo_app") as server:
            rule = f'host all all 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport={directory.port} ldapprefix="uid="\n'
            (server.folder / "data" / "pg_hba.conf").write_text(rule)
            server.start(port)
            yield f"postgresql+psycopg://suelo_app@127.0.0.1:{port}/postgres", directory
    finally:
        directory.close()


@pytest.fixture(autouse=True)
def role(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_the_server_lets_a_token_in(rds: tuple[str, Directory]) -> None:
    url, directory = rds
    before = len(directory.tokens)
    engine = open_database(url, iam=True, connections=3)
    with engine.connect() as first, engine.connect() as second:
        assert first.execute(text("SELECT current_user")).scalar() == "suelo_app"
        assert second.execute(text("SELECT count(*) FROM jobs")).scalar() == 0
    engine.dispose()
    assert len(directory.tokens) - before == 2, "every connection brings a token of its own"


def test_without_the_right_credentials_nobody_gets_in(
    rds: tuple[str, Directory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    engine = open_database(rds[0], iam=True, up_to_date=False)
    with pytest.raises(OperationalError, match="authentication failed"):
        engine.connect()
    engine.dispose()


def test_a_token_is_the_one_that_botocore_makes() -> None:
    from botocore.session import get_session

    client = get_session().create_client("rds", "us-east-1")
    for _ in range(20):
        theirs = client.generate_db_auth_token("db.example.com", 5432, "suelo_app")
        if iam_token("db.example.com", 5432, "suelo_app") == theirs:
            return
    pytest.fail("never the same")


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(InputError, match="region"):
        iam_token("db.example.com", 5432, "suelo_app")
    with pytest.raises(InputError, match="host and a user"):
        open_database("postgresql+psycopg:///postgres", iam=True, up_to_date=False)
