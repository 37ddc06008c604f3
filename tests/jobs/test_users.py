"""Users and their tokens."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from suelo.errors import ConflictError, InputError, NotFoundError
from suelo.jobs.users import Users


def test_a_token_says_whose_it_is(engine: Engine) -> None:
    users = Users(engine)
    ana, luis = users.add("ana"), users.add("luis@sdde.example")
    assert ana != luis
    found = users.of_token(ana)
    assert found is not None
    assert (found.name, [user.name for user in users.list()]) == ("ana", ["ana", "luis@sdde.example"])
    assert found.owner != users.of_token(luis).owner
    assert users.of_token("suelo_made_up") is None
    assert users.of_token("") is None


def test_the_database_does_not_hold_tokens(engine: Engine) -> None:
    token = Users(engine).add("ana")
    with engine.connect() as connection:
        (row,) = connection.execute(text("SELECT * FROM users"))
    assert token.removeprefix("suelo_") not in repr(row)
    # What the database holds opens nothing.
    assert Users(engine).of_token(row.token_sha256) is None


def test_a_new_token_ends_the_old_one_and_keeps_the_jobs(engine: Engine) -> None:
    users = Users(engine)
    old = users.add("ana")
    owner = users.of_token(old).owner
    new = users.renew("ana")
    assert users.of_token(old) is None
    assert users.of_token(new).owner == owner


def test_whoever_is_added_again_is_somebody_else(engine: Engine) -> None:
    users = Users(engine)
    first = users.add("ana")
    owner = users.of_token(first).owner
    users.remove("ana")
    assert users.of_token(first) is None
    assert users.list() == []
    assert users.of_token(users.add("ana")).owner != owner


def test_mistakes(engine: Engine) -> None:
    users = Users(engine)
    users.add("ana")
    with pytest.raises(ConflictError, match="'ana'"):
        users.add("ana")
    for name in ("", "two words", "a" * 65, "a/b", "a\n"):
        with pytest.raises(InputError):
            users.add(name)
    for change in (users.renew, users.remove):
        with pytest.raises(NotFoundError, match="'eva'"):
            change("eva")
