"""Answers that are kept under keys."""

from __future__ import annotations

import secrets
import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from suelo.errors import ConflictError, KeyReusedError
from suelo.jobs.idempotency import ABANDONED, KEPT, LARGEST, IdempotencyKeys, KeptAnswer
from suelo.jobs.job import now
from suelo.jobs.tables import IdempotencyRow

ONE, OTHER = "1" * 64, "2" * 64
ANSWER = KeptAnswer(201, {"Location": "/v1/jobs/1"}, b'{"id": 1}')


def age(engine: Engine, by: timedelta) -> None:
    with Session(engine) as session, session.begin():
        session.execute(update(IdempotencyRow).values(created_at=now() - by))


def test_a_request_that_comes_again_gets_the_same_answer(engine: Engine) -> None:
    keys = IdempotencyKeys(engine)
    assert keys.begin("ana", "k", ONE) is None
    keys.keep("ana", "k", ANSWER)
    assert keys.begin("ana", "k", ONE) == ANSWER
    assert keys.begin("ana", "k", ONE) == ANSWER


def test_keys_of_others_and_other_keys_are_free(engine: Engine) -> None:
    keys = IdempotencyKeys(engine)
    assert keys.begin("ana", "k", ONE) is None
    assert keys.begin("luis", "k", OTHER) is None
    assert keys.begin("ana", "l", OTHER) is None


def test_a_key_stands_for_one_request(engine: Engine) -> None:
    keys = IdempotencyKeys(engine)
    keys.begin("ana", "k", ONE)
    with pytest.raises(KeyReusedError):
        keys.begin("ana", "k", OTHER)
    keys.keep("ana", "k", ANSWER)
    with pytest.raises(KeyReusedError):
        keys.begin("ana", "k", OTHER)


def test_two_at_the_same_moment_are_carried_out_once(engine: Engine) -> None:
    keys = IdempotencyKeys(engine)
    outcomes = []
    start = threading.Barrier(6)

    def send() -> None:
        start.wait()
        try:
            outcomes.append(keys.begin("ana", "k", ONE))
        except ConflictError:
            outcomes.append("busy")

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [None, *["busy"] * 5]


def test_what_failed_or_was_abandoned_may_be_tried_again(engine: Engine) -> None:
    keys = IdempotencyKeys(engine)
    keys.begin("ana", "k", ONE)
    keys.release("ana", "k")
    assert keys.begin("ana", "k", ONE) is None
    age(engine, ABANDONED + timedelta(seconds=1))
    assert keys.begin("ana", "k", ONE) is None


def test_keys_are_forgotten_after_a_day(engine: Engine) -> None:
    keys = IdempotencyKeys(engine)
    keys.begin("ana", "k", ONE)
    keys.keep("ana", "k", ANSWER)
    age(engine, KEPT - timedelta(minutes=1))
    assert keys.begin("ana", "k", ONE) == ANSWER
    age(engine, KEPT + timedelta(minutes=1))
    assert keys.begin("ana", "k", OTHER) is None


def test_very_large_answers_are_worked_out_again(engine: Engine) -> None:
    keys = IdempotencyKeys(engine)
    keys.begin("ana", "k", ONE)
    keys.keep("ana", "k", KeptAnswer(200, {}, secrets.token_bytes(LARGEST + 1000)))
    assert keys.begin("ana", "k", ONE) is None
    with pytest.raises(KeyReusedError):
        keys.begin("ana", "k", OTHER)
