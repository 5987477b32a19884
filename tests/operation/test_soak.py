"""A short soak: a day of faults, the day of a clock change among them; `make soak` is the long one."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.database import open_database
from tests.soak.accounts import Post, settle
from tests.soak.clock import Clock
from tests.soak.drive import Diary, Sample, Visits
from tests.soak.faults import Kind
from tests.soak.month import grown
from tests.soak.world import Story

ROOT = Path(__file__).resolve().parents[2]
SHORT = ("--days", "1", "--articles", "10", "--faults", "1", "--interval", "7200", "--step", "900", "--seed", "3")


def test_every_article_is_told_once_whatever_goes_wrong() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", *SHORT, "--start", "2026-10-24T12:00:00+00:00", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert told["wrong"] == []
    assert done.returncode == 0
    assert told["faults"] == {str(kind): 1 for kind in sorted(Kind)}
    assert told["published"] == 20
    assert told["relevant"] >= 8
    assert told["verdicts"]["at-once: queued"] >= 5
    assert told["job_runs"]["failed"] > 0
    assert told["visits"] > 100
    assert all(number > 0 for number in told["digests"].values())


def test_the_account_finds_what_is_amiss(tmp_path: Path) -> None:
    """An account that finds nothing wrong with an empty archive would prove nothing."""
    open_database(f"sqlite:///{tmp_path / 'x.db'}").close()
    now = datetime(2026, 10, 25, tzinfo=UTC)
    story = Story(now, "a", "/1", "T", "text", is_relevant=True)
    base, rules, zones = {"a": "http://a.example"}, {"at-once": "desk"}, {"desk": "Europe/London"}
    (missing,) = settle(tmp_path / "x.db", base, [story], rules, zones, Post()).wrong
    assert "http://a.example/1 is stored 0 times" in missing

    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        for number, (kind, state) in enumerate(
            (("new", "sent"), ("update", "dead"), ("digest:1", "sent"), ("digest:2", "sent"))
        ):
            connection.execute(
                "insert into alerts (id, story, rule, channel, kind, evidence, queued_at, state, attempts, next_attempt_at,"
                " last_detail, period) values (?, ?, 'at-once', 'desk', ?, '{}', ?, ?, 1, ?, 'no', '')",
                (number, f"s{number}", kind, f"{now:%F %T}.000000", state, f"{now:%F %T}.000000"),
            )
        connection.commit()
    twice = Post(Counter({("desk", "aaaaaaaaaaaa"): 2, ("desk", "bbbbbbbbbbbb"): 1, ("desk", "cccccccccccc"): 1}))
    twice.subjects[("desk", "aaaaaaaaaaaa")] = "Told"
    wrong = "\n".join(settle(tmp_path / "x.db", base, [], rules, zones, twice).wrong)
    assert "desk got aaaaaaaaaaaa 2 times: Told" in wrong
    assert "(at-once, update) is dead: no" in wrong
    assert "sent were {'desk': 3}, arrived are {'desk': 4}" in wrong
    assert "desk had 2 digests on 2026-10-25" in wrong


def test_what_grows_is_told_apart_from_what_wavers() -> None:
    flat = [Sample(day, 180.0 + day % 2, 100.0 + day % 3, 30 + day % 3, 9) for day in range(30)]
    assert grown(flat) == []
    assert grown([replace(each, resident_mb=180.0 + 0.2 * each.day) for each in flat]) == []
    leaks = [replace(each, resident_mb=180.0 + each.day) for each in flat]
    (memory,) = grown(leaks)
    assert memory == "memory grew by 1.00 MB a day in the last 10 days"
    handles, threads, workers = grown(
        [
            replace(each, descriptors=30 + each.day, threads=9 + each.day, workers_mb=100.0 + 3 * each.day)
            for each in flat
        ]
    )
    assert (handles, threads) == ("descriptors grew from 49 to 59", "threads grew from 28 to 38")
    assert workers == "memory of workers grew from 157 to 187 MB"


def test_a_page_that_is_asked_for_before_its_time_is_found(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path / 'x.db'}").close()
    clock, diary = Clock(datetime(2026, 10, 25, tzinfo=UTC)), Diary()
    visits = Visits(tmp_path / "x.db", clock, 300.0, 1800.0, diary, storage_was_away_s=lambda _start, _end: 0.0)

    def failed(attempts: int, due_in: timedelta) -> None:
        due_at = f"{clock() + due_in:%F %T.%f}"
        with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
            connection.execute(
                "insert into frontier (url, source, found_by, found_at, title, summary, state, attempts, due_at, reason)"
                " values ('http://a.example/1', 'a', 'feed', ?, '', '', 'pending', ?, ?, '')"
                " on conflict (url) do update set attempts = excluded.attempts, due_at = excluded.due_at",
                (due_at, attempts, due_at),
            )
            connection.commit()
        visits.look()
        clock.go_on(300.0)

    failed(1, timedelta(minutes=5))
    failed(2, timedelta(minutes=10))  # just in time
    assert diary.early == []
    failed(3, timedelta(minutes=10))
    (early,) = diary.early
    assert "http://a.example/1 was tried again at 2026-10-25 00:10:00.000000, and was due at 2026-10-25 00:15" in early
    clock.set_by(-7200.0)
    failed(4, timedelta(minutes=10))  # the house moved it with its clock
    assert len(diary.early) == 1
