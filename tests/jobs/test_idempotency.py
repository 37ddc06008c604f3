"""Answers that are kept under keys."""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from suelo.errors import KeyInUseError, KeyReusedError
from suelo.jobs.idempotency import ABANDONED, ABANDONED_ON_LAMBDA, KEPT, LARGEST, IdempotencyKeys, KeptAnswer
from suelo.jobs.identity import Worker
from suelo.jobs.job import now
from suelo.jobs.tables import IdempotencyRow

ME = Worker.here()
ONE, OTHER = "1" * 64, "2" * 64
ANSWER = KeptAnswer(201, {"Location": "/v1/jobs/1"}, b'{"id": 1}')


def age(engine: Engine, by: timedelta) -> None:
    with Session(engine) as session, session.begin():
        session.execute(update(IdempotencyRow).values(created_at=now() - by))


def test_a_request_that_comes_again_gets_the_same_answer(engine: Engine) -> None:
    keys = IdempotencyKeys(engine, ME)
    assert keys.begin("ana", "k", ONE) is None
    keys.keep("ana", "k", ANSWER)
    assert keys.begin("ana", "k", ONE) == ANSWER
    assert keys.begin("ana", "k", ONE) == ANSWER


def test_keys_of_others_and_other_keys_are_free(engine: Engine) -> None:
    keys = IdempotencyKeys(engine, ME)
    assert keys.begin("ana", "k", ONE) is None
    assert keys.begin("luis", "k", OTHER) is None
    assert keys.begin("ana", "l", OTHER) is None


def test_a_key_stands_for_one_request(engine: Engine) -> None:
    keys = IdempotencyKeys(engine, ME)
    keys.begin("ana", "k", ONE)
    with pytest.raises(KeyReusedError):
        keys.begin("ana", "k", OTHER)
    keys.keep("ana", "k", ANSWER)
    with pytest.raises(KeyReusedError):
        keys.begin("ana", "k", OTHER)


def test_two_at_the_same_moment_are_carried_out_once(engine: Engine) -> None:
    keys = IdempotencyKeys(engine, ME)
    outcomes = []
    start = threading.Barrier(6)

    def send() -> None:
        start.wait()
        try:
            outcomes.append(keys.begin("ana", "k", ONE))
        except KeyInUseError:
            outcomes.append("busy")

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [None, *["busy"] * 5]


def test_what_failed_or_was_abandoned_may_be_tried_again(engine: Engine) -> None:
    keys = IdempotencyKeys(engine, ME)
    keys.begin("ana", "k", ONE)
    keys.release("ana", "k")
    assert keys.begin("ana", "k", ONE) is None
    age(engine, ABANDONED + timedelta(seconds=1))
    assert keys.begin("ana", "k", ONE) is None


def test_the_key_of_a_server_that_died_is_free_at_once_and_for_one(engine: Engine) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    IdempotencyKeys(engine, replace(ME, pid=ended.pid)).begin("ana", "k", ONE)
    with pytest.raises(KeyReusedError):
        IdempotencyKeys(engine, ME).begin("ana", "k", OTHER)
    assert IdempotencyKeys(engine, ME).begin("ana", "k", ONE) is None
    with pytest.raises(KeyInUseError):
        IdempotencyKeys(engine, ME).begin("ana", "k", ONE)


def test_the_key_of_a_server_elsewhere_is_free_after_the_longest_request(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = replace(ME, host="another-host")
    for longest in (ABANDONED, ABANDONED_ON_LAMBDA):
        IdempotencyKeys(engine, elsewhere).begin("ana", "k", ONE)
        age(engine, longest - timedelta(seconds=5))
        with pytest.raises(KeyInUseError):
            IdempotencyKeys(engine, ME).begin("ana", "k", ONE)
        age(engine, longest + timedelta(seconds=1))
        assert IdempotencyKeys(engine, ME).begin("ana", "k", ONE) is None
        IdempotencyKeys(engine, ME).release("ana", "k")
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "suelo-api")


def test_keys_are_forgotten_after_a_day(engine: Engine) -> None:
    keys = IdempotencyKeys(engine, ME)
    keys.begin("ana", "k", ONE)
    keys.keep("ana", "k", ANSWER)
    age(engine, KEPT - timedelta(minutes=1))
    assert keys.begin("ana", "k", ONE) == ANSWER
    age(engine, KEPT + timedelta(minutes=1))
    assert keys.begin("ana", "k", OTHER) is None


def test_very_large_answers_are_worked_out_again(engine: Engine) -> None:
    keys = IdempotencyKeys(engine, ME)
    keys.begin("ana", "k", ONE)
    keys.keep("ana", "k", KeptAnswer(200, {}, secrets.token_bytes(LARGEST + 1000)))
    assert keys.begin("ana", "k", ONE) is None
    with pytest.raises(KeyReusedError):
        keys.begin("ana", "k", OTHER)
