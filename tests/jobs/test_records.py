"""The records of jobs, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from suelo.errors import ConflictError, NotFoundError
from suelo.imagery.statistics import BandStatistics
from suelo.jobs.job import Job, JobOptions, new_id, now
from suelo.jobs.place import Place
from suelo.jobs.records import Records

STATISTICS = BandStatistics((1.5,) * 8, (9.25,) * 8, 1.0, 99.0, 0.75)
NewJob = Callable[..., Job]


def test_a_job_comes_back_as_it_was_written(records: Records, new_job: NewJob) -> None:
    written = new_job(statistics=STATISTICS, options=JobOptions(gsd_m=0.5, statistics=STATISTICS))
    records.add(written)
    assert records.get(written.id) == written


def test_an_unknown_job_is_not_found(records: Records) -> None:
    with pytest.raises(NotFoundError):
        records.get(new_id())


def test_the_same_image_model_and_options_are_kept_once_per_owner(records: Records, new_job: NewJob) -> None:
    first = new_job()
    records.add(first)
    again = replace(first, id=new_id())
    assert records.add(again).id == first.id
    for other in (
        replace(again, owner="ben"),
        replace(again, model_sha256="n" * 64),
        replace(again, options=JobOptions(gsd_m=2.0)),
    ):
        added = records.add(replace(other, id=new_id()))
        assert added.id not in {first.id, again.id}


def test_a_failed_job_does_not_stand_for_its_image(records: Records, new_job: NewJob) -> None:
    first = new_job(status="running")
    records.add(first, "w")
    records.finish(first.id, "w", "failed", "The disk is full.")
    assert records.find_same(first.owner, first.image_sha256, first.model_sha256, first.options) is None
    again = replace(first, id=new_id())
    assert records.add(again, "w").id == again.id


def test_requests_at_the_same_moment_make_one_job(records: Records, new_job: NewJob) -> None:
    first = new_job()
    twins = [replace(first, id=new_id()) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        ids = {added.id for added in pool.map(records.add, twins)}
    assert len(ids) == 1


def test_the_list_has_ones_own_and_shared_jobs_newest_first_in_pages(records: Records, new_job: NewJob) -> None:
    start = now()
    mine = [new_job(created_at=start + timedelta(seconds=i)) for i in range(5)]
    sample = new_job(owner="", shared=True, created_at=start + timedelta(seconds=2.5))
    for added in (*mine, sample, new_job(owner="ben")):
        records.add(added)
    twins = sorted(
        (new_job(created_at=start - timedelta(seconds=1)) for _ in range(2)), key=lambda j: j.id, reverse=True
    )
    for added in twins:
        records.add(added)
    expected = [mine[4].id, mine[3].id, sample.id, mine[2].id, mine[1].id, mine[0].id, *(twin.id for twin in twins)]
    assert [j.id for j in records.page("ana", 50)] == expected
    first = records.page("ana", 4)
    second = records.page("ana", 3, before=first[-1].id)
    third = records.page("ana", 3, before=second[-1].id)
    assert [j.id for j in (*first, *second, *third)] == expected


def test_the_list_goes_on_where_a_job_was_that_is_deleted(records: Records, new_job: NewJob) -> None:
    moment = now()
    jobs = [new_job(status="failed", created_at=moment + timedelta(microseconds=i // 2)) for i in range(6)]
    for added in jobs:
        records.add(added)
    expected = [j.id for j in records.page("ana", 6)]
    seen: list[str] = []
    before = None
    while page := records.page("ana", 1, before):
        seen.append(page[0].id)
        before = Place.parse(str(Place.of(page[0])))
        assert before is not None
        records.delete(page[0].id)
    assert seen == expected
    with pytest.raises(NotFoundError):
        records.page("ana", 1, before=expected[0])


def test_what_is_no_place_is_none() -> None:
    for text in ("", new_id(), f"-1-{new_id()}", f"{'9' * 18}-{new_id()}", "1-x"):
        assert Place.parse(text) is None


def test_each_queued_job_is_claimed_once_oldest_first(records: Records, new_job: NewJob) -> None:
    start = now()
    queued = [new_job(created_at=start + timedelta(seconds=i)) for i in range(6)]
    for added in reversed(queued):
        records.add(added)
    assert records.claim("w0").id == queued[0].id
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(records.claim, [f"w{i}" for i in range(8)]))
    assert sorted(j.id for j in claimed if j) == sorted(j.id for j in queued[1:])
    running = records.get(queued[3].id)
    assert running.status == "running"
    assert running.started_at is not None


def test_only_the_holder_moves_a_job(records: Records, new_job: NewJob) -> None:
    queued = new_job()
    records.add(queued)
    records.claim("w1")
    assert records.advance(queued.id, "w1", 0.5, "network")
    assert records.get(queued.id).progress == 0.5
    assert not records.advance(queued.id, "w2", 0.9, "network")
    assert not records.finish(queued.id, "w2", "failed", "no")
    assert records.finish(queued.id, "w1", "succeeded")
    done = records.get(queued.id)
    assert (done.status, done.progress, done.stage) == ("succeeded", 1.0, "")
    assert done.finished_at >= done.started_at


def test_a_cancelled_job_tells_its_worker_to_stop(records: Records, new_job: NewJob) -> None:
    queued, running = new_job(), new_job()
    records.add(running)
    records.claim("w")
    records.add(queued)
    assert records.cancel(queued.id).status == "cancelled"
    assert records.claim("w") is None
    asked = records.cancel(running.id)
    assert (asked.status, asked.cancel_requested) == ("running", True)
    assert not records.advance(running.id, "w", 0.5, "network")


def test_a_job_goes_back_into_the_queue_and_counts_its_tries(records: Records, new_job: NewJob) -> None:
    queued = new_job()
    records.add(queued)
    for counted in (False, True, True):
        records.claim("w")
        records.requeue(queued.id, "w", counted=counted, reason="It was tired.")
    records.claim("w")
    (row,) = records.unfinished()
    assert row.attempts == 3


def test_only_finished_jobs_are_deleted(records: Records, new_job: NewJob) -> None:
    queued = new_job()
    records.add(queued)
    with pytest.raises(ConflictError):
        records.delete(queued.id)
    records.cancel(queued.id)
    records.delete(queued.id)
    with pytest.raises(NotFoundError):
        records.delete(queued.id)


def test_known_ids(records: Records, new_job: NewJob) -> None:
    jobs = [new_job() for _ in range(3)]
    for added in jobs:
        records.add(added)
    strangers = [new_id() for _ in range(1200)]
    assert records.known([*strangers, *(j.id for j in jobs)]) == {j.id for j in jobs}


def test_a_worker_says_that_it_lives_for_its_own_jobs_only(records: Records, new_job: NewJob) -> None:
    mine, other = new_job(), new_job()
    for added, worker in ((mine, "w1"), (other, "w2")):
        records.add(added)
        records.claim(worker)
    before = {row.id: row.heartbeat_at for row in records.unfinished()}
    records.beat("w1")
    after = {row.id: row.heartbeat_at for row in records.unfinished()}
    assert after[mine.id] > before[mine.id]
    assert after[other.id] == before[other.id]
