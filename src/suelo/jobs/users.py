"""Who may use a server that asks for tokens."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from suelo.errors import ConflictError, InputError, NotFoundError
from suelo.jobs.job import new_id, now
from suelo.jobs.tables import UserRow

if TYPE_CHECKING:
    from sqlalchemy import Engine

_NAME = re.compile(r"[\w.@+-]{1,64}")
_PREFIX = "suelo_"
"""Makes a token that leaked into code or a log easy to find."""


@dataclass(frozen=True)
class User:
    """Somebody who may use the server.

    Attributes:
        name: Name, unique here.
        owner: What the records of jobs call them; it stays when the token changes.
        created_at: When they were added.
    """

    name: str
    owner: str
    created_at: datetime


class Users:
    """Users in a database, which holds digests of their tokens and never a token itself.

    Tokens have 256 random bits, so a plain SHA-256 hides them as well as a slow hash would.
    """

    def __init__(self, engine: Engine) -> None:
        """Use a database whose tables are up to date."""
        self._engine = engine
        self._readers = engine.execution_options(suelo_read_only=True)

    def add(self, name: str) -> str:
        """Add a user; their token, which is not kept anywhere.

        Raises:
            InputError: The name has characters that names do not have.
            ConflictError: There is one of this name.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"A user's name has up to 64 letters, digits and . _ - + @; {name!r} has others.")
        token = _new_token()
        row = UserRow(name=name, owner=f"user-{new_id()}", token_sha256=_digest(token), created_at=now())
        try:
            with Session(self._engine) as session, session.begin():
                session.add(row)
        except IntegrityError:
            raise ConflictError(f"There is a user {name!r} already; suelo user token gives them a new token.") from None
        return token

    def renew(self, name: str) -> str:
        """Give a user a new token; the old one stops working at once.

        Raises:
            NotFoundError: There is no such user.
        """
        token = _new_token()
        with Session(self._engine) as session, session.begin():
            change = update(UserRow).where(UserRow.name == name).values(token_sha256=_digest(token)).returning(UserRow)
            if session.scalar(change) is None:
                raise _nobody(name)
        return token

    def remove(self, name: str) -> None:
        """Remove a user; their jobs stay, for those who have the addresses.

        Raises:
            NotFoundError: There is no such user.
        """
        with Session(self._engine) as session, session.begin():
            if session.scalar(delete(UserRow).where(UserRow.name == name).returning(UserRow.name)) is None:
                raise _nobody(name)

    def list(self) -> Sequence[User]:
        """All users, by name."""
        with Session(self._readers) as session:
            return [_user(row) for row in session.scalars(select(UserRow).order_by(UserRow.name))]

    def of_token(self, token: str) -> User | None:
        """The user whose token this is; None if it is nobody's."""
        with Session(self._readers) as session:
            row = session.scalar(select(UserRow).where(UserRow.token_sha256 == _digest(token)))
            return None if row is None else _user(row)


def _new_token() -> str:
    return _PREFIX + secrets.token_urlsafe(32)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _user(row: UserRow) -> User:
    return User(row.name, row.owner, row.created_at)


def _nobody(name: str) -> NotFoundError:
    return NotFoundError(f"There is no user {name!r}; suelo user list shows all.")
