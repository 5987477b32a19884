"""`tripoint jobs`: what there is to see and to run, with and without a service beside it."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from tests.house import House
from tests.newsroom import DeskOutlet, NewsroomThread
from tripoint.app.settings import load_settings
from tripoint.app.wiring import opened_stores
from tripoint.domain.service import AskVerb


@contextmanager
def service(house: House) -> Iterator[subprocess.Popen[str]]:
    """Run the service until the end of the block, and see that it ends cleanly."""
    process = house.start("run")
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "watching" in line:
                break
        yield process
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
    finally:
        process.kill()
        process.wait()


def each_job_is_asked_for(house: House) -> dict[str, str]:
    """Ask the running service for each job by name, as `tripoint jobs run` does, all of them at one pulse."""
    with opened_stores(load_settings(None, {"database": {"url": house.database}}, {})) as stores:
        names = [each.name for each in stores.jobs.everything()]
        assert {"deliver", "poll", "repair", "revisit", "digests", "retention", "maintain", "selfcheck"} <= set(names)
        asks = {name: stores.asks.ask(AskVerb.RUN, name, datetime.now(UTC)) for name in names}
        end = time.monotonic() + 60
        while stores.asks.open():
            assert time.monotonic() < end
            time.sleep(0.1)
        answers = {name: stores.asks.get(number) for name, number in asks.items()}
    return {name: each.answer if each and each.good else f"failed: {each}" for name, each in answers.items()}


def test_a_job_is_run_here_where_no_service_is(house: House) -> None:
    assert "no service has run" in house.run("jobs").stdout
    with sqlite3.connect(house.folder / "tripoint.db") as connection:
        connection.executemany(
            "insert into failures (subject, source, step, reason, retryable, at) values (?, 'a', 'fetch', 'HTTP 500', 1, ?)",
            [
                ("https://a.example/old", "2020-01-01 00:00:00.000000"),
                ("https://a.example/new", "2999-01-01 00:00:00.000000"),
            ],
        )
    connection.close()
    assert re.fullmatch(
        r"retention: done in \d+\.\d s: .*\b1 failures\b.*\n", house.run("jobs", "run", "retention").stdout
    )
    assert house.rows("select subject from failures") == [("https://a.example/new",)]
    jobs = {each["name"]: each for each in house.json("jobs")}
    assert jobs["retention"]["last"]["result"] == "done"
    assert jobs["retention"]["rule"] == "daily 03:10 Asia/Ho_Chi_Minh"
    assert jobs["poll"]["last"] is None


def test_a_name_that_is_none_is_refused_with_those_that_are(house: House) -> None:
    done = house.run("jobs", "run", "mantain", code=2)
    assert done.stderr.count("\n") == 1
    assert "there is no job `mantain`" in done.stderr
    assert "maintain" in done.stderr


def test_a_running_service_runs_what_another_process_asks_for(
    reading_house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    with service(reading_house) as process:
        assert process.poll() is None
        checked = reading_house.run("jobs", "run", "selfcheck").stdout
        assert "selfcheck: done" in checked
        assert "database: whole" in checked
        assert "disk: " in checked
        refused = reading_house.run("jobs", "run", "mantain", code=2)
        assert "there is no job `mantain`" in refused.stderr
        for name, said in each_job_is_asked_for(reading_house).items():
            assert said.startswith((f"{name}: done in ", f"{name} is under way already")), said
        end = time.monotonic() + 60
        while not reading_house.rows("select 1 from articles") and time.monotonic() < end:
            time.sleep(0.2)
    jobs = {each["name"]: each for each in reading_house.json("jobs")}
    assert {"deliver", "poll", "digests", "maintain"} <= set(jobs)
    poll = jobs["poll"]
    assert poll["last"]["result"] == "done"
    assert "4 sources" in poll["last"]["detail"]
    assert datetime.fromisoformat(poll["due_at"]) >= datetime.fromisoformat(poll["last"]["started_at"])
    assert room.count(desk[0].outlet.name, "/rss.xml") == 1


def test_a_service_that_does_not_answer_is_said(house: House) -> None:
    with service(house) as process:
        process.send_signal(signal.SIGSTOP)
        try:
            silent = house.run("jobs", "run", "maintain", "--wait", "1", code=1)
        finally:
            process.send_signal(signal.SIGCONT)
    assert "did not answer within 1 s" in silent.stderr
    assert house.rows("select count(*) from asks where answered_at is null") == [(0,)]
