"""What a search will cost is said before anything is asked, and a person at a terminal may say no."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import pytest

from storage.backfill import BackfillStore
from storage.database import open_database
from tests.backfill.conftest import ASKED
from tests.house import House
from tests.newsroom.past_world import PastWorld
from tripoint.app.backfill.asked import Asked, read_asked, wanted_of
from tripoint.app.backfill.plan import PAGES_A_DAY, key_of, lasting, plan_of
from tripoint.app.seeds import load_seeds
from tripoint.app.settings import Settings
from tripoint.app.wiring import utc_now
from tripoint.domain.backfill import Ask, Provider, Shard, Sought, Wanted, day_start
from tripoint.domain.types import Source
from tripoint.domain.when import Days

DAYS = Days(date(2018, 8, 1), date(2018, 8, 11))
SOURCES = tuple(
    Source(name, name, "en", "PK", "UTC", f"https://{name}.example/", archives=(f"https://{name}.example/{{YYYY}}",))
    for name in ("a", "b")
)
WANTED = Wanted(DAYS, SOURCES, ())
SINCE = date(2026, 11, 28)


@dataclass(frozen=True, slots=True)
class Planned:
    """Plans so many windows of each source, and is never asked."""

    name: str
    number: int

    def shards(self, wanted: Wanted) -> Sequence[Shard]:
        """Plan."""
        start = day_start(wanted.days)
        return [
            Shard(self.name, f"{each.name} {number}", start, start, each.name)
            for each in SOURCES
            for number in range(self.number)
        ]

    async def search(self, shard: Shard, wanted: Wanted, ask: Ask) -> Sought:
        """Refuse."""
        raise AssertionError("a plan asks nobody")


def _lines(*providers: Provider, wanted: Wanted = WANTED) -> list[str]:
    return plan_of(providers, wanted, Settings()).lines()


def test_hosts_are_asked_beside_each_other_and_an_index_by_itself() -> None:
    said = "3,600 windows, at least one request each in {} or more: {} 3,600; and one for each page found"
    assert _lines(Planned("search", 1800)) == [said.format("30 minutes", "search")]
    assert _lines(Planned("wayback", 1800)) == [said.format("60 minutes", "wayback")]
    assert _lines(Planned("gdelt", 1800)) == [said.format("5 hours", "gdelt")]
    assert _lines(Planned("warc", 2)) == ["4 windows, at least one request each: warc 4; and one for each page found"]


def test_an_archive_names_every_page_and_a_query_only_what_it_asks_for() -> None:
    archive = Planned("archive", 10)
    first, second = _lines(archive)
    assert first.startswith("20 windows")
    assert second.startswith(
        f"archive: all that 2 outlets published is listed, and each page is fetched: about {2000:,}"
    )
    assert plan_of([archive], WANTED, Settings()).requests == 20 + 2 * 10 * PAGES_A_DAY
    assert len(_lines(archive, wanted=replace(WANTED, words=("S-400",)))) == 1


def test_what_is_settled_is_not_asked_again() -> None:
    provider = Planned("search", 5)
    settled = [key_of(each) for each in provider.shards(WANTED)[:7]]
    assert len(plan_of([provider], WANTED, Settings(), settled).shards) == 3


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "1 minute"), (3600, "60 minutes"), (7200, "2 hours"), (90_000, "25 hours"), (200_000, "2 days")],
)
def test_times_are_for_people(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


def _asked(until: str, today: date, since: str = "2018-08") -> Asked:
    return read_asked([], since, until, ["gdelt"], [], "", today)


def test_a_command_without_an_end_is_the_same_search_tomorrow(url: str) -> None:
    """Trap: each day made a search of its own of it, which asked everything anew."""
    first, later = _asked("", SINCE), _asked("", SINCE.replace(day=29))
    assert (first.key, first.command) == (later.key, later.command)
    assert first.command == "tripoint backfill --since 2018-08-01 --via gdelt"
    assert _asked("today", SINCE).key != first.key
    database = open_database(url)
    jobs = BackfillStore(database)
    said = [{"via": ["gdelt"], "end": each.end} for each in (first, later)]
    one, other = (jobs.open(first.key, each, utc_now()) for each in said)
    assert (one.id, other.asked["end"]) == (other.id, later.end)
    assert jobs.find(first.key) == other
    database.close()


def test_days_that_lie_ahead_are_not_asked_about() -> None:
    seeds = load_seeds()
    assert wanted_of(_asked("2026", SINCE), seeds, SINCE).days == Days(date(2018, 8, 1), date(2026, 11, 29))
    assert wanted_of(_asked("2019", SINCE), seeds, SINCE).days.end == date(2020, 1, 1)


def test_the_number_is_said_first_and_nobody_is_asked_where_no_terminal_is(reader: House, past: PastWorld) -> None:
    reader.settings["backfill"] |= {"batch": 1}
    arguments = ("backfill", "--since", "2000", "--until", "2018-09-14", "--via", "archive", "--limit", "1")
    done = reader.run(*arguments)
    lines = done.stderr.splitlines()
    assert lines[0].endswith("and one for each page found")
    assert lines[1].startswith("archive: all that 3 outlets published is listed")
    assert len(past.fetched()) == 1
    assert "windows" not in reader.run("backfill", *ASKED, "--via", "bing-news", "--quiet", "--json").stderr


@pytest.mark.skipif(os.name != "posix", reason="there is no pseudo-terminal")
def test_at_a_terminal_a_person_may_say_no(reader: House, past: PastWorld) -> None:
    ours, theirs = os.openpty()
    command = reader.command("backfill", "--since", "2000", "--via", "archive", "--json")
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=reader.environ())
    os.close(theirs)
    os.write(ours, b"n\n")
    said = b""
    while process.poll() is None:
        said += _read(ours)
    said += _read(ours)
    os.close(ours)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.read() == b""
    assert b"search for all of this? [y/N]" in said
    assert b"nothing was asked" in said
    assert process.returncode == 1
    assert past.requests == []
    assert reader.rows("select count(*) from backfill_jobs") == [(0,)]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # whoever wrote to it has ended
        return b""
