"""`tripoint jobs`: what there is to see and to run, with and without a service beside it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from tests.house import House
from tests.newsroom import DeskOutlet, NewsroomThread


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


def test_a_job_is_run_here_where_no_service_is(house: House) -> None:
    assert "no service has run" in house.run("jobs").stdout
    assert house.run("jobs", "run", "maintain").stdout.startswith("maintain: done in ")
    jobs = {each["name"]: each for each in house.json("jobs")}
    assert jobs["maintain"]["last"]["result"] == "done"
    assert jobs["maintain"]["rule"] == "daily 03:40 Asia/Ho_Chi_Minh"
    assert jobs["poll"]["last"] is None
    assert "statistics renewed" in house.run("jobs").stdout


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
