"""What publishers' archives said, kept until a search is done: nothing is asked twice, and no more is kept than may be."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from storage.answers import AnswerStore, Packed
from storage.backfill import BackfillStore
from storage.database import Database, open_database
from tests.backfill.conftest import ASKED
from tests.backfill.test_backfill import titles
from tests.backfill.test_indexes import served
from tests.house import House
from tests.killing import kill
from tests.newsroom.past import PastOutlet
from tests.newsroom.past_world import PastWorld
from tripoint.app.backfill.memory import JobMemory, RunMemory
from tripoint.app.writer import Writer
from tripoint.domain.backfill import Answer

NOW = datetime(2026, 11, 28, tzinfo=UTC)
KILLS = (10, 15)  # when so many addresses of archives were asked
_AT_ONCE = 8  # windows that are asked beside each other, and so addresses that may be under way


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Open a database, and close it again."""
    opened = open_database(url)
    yield opened
    opened.close()


def _answer(number: int, body: bytes = b"") -> Answer:
    return Answer(f"https://x.example/{number}", 200, "text/xml", body or f"<urlset>{number}</urlset>".encode())


def _archives(past: PastWorld) -> Counter[str]:
    bases = {name: site.base for name, site in past.sites.items()}
    asked = (f"{bases[each.outlet]}{each.path}" for each in list(past.requests) if each.outlet in bases)
    return Counter(each for each in asked if "/sitemap" in each or "/archive/" in each)


def test_killed_while_google_news_is_looked_up_no_archive_is_asked_again(
    reader: House, past: PastWorld, outlets: list[PastOutlet]
) -> None:
    """Trap: every process asked the publishers' archives anew for what Google News hides."""
    arguments = (*ASKED, "--via", "google-news")
    under_way: Counter[str] = Counter()
    for number in KILLS:
        process = reader.start("backfill", *arguments, "--quiet")
        while len(_archives(past)) < number:
            assert past.wait_for(len(past.requests) + 1, 60), "it asks for nothing more"
        kill(process)
        kept = {address for (address,) in reader.rows("select address from backfill_answers")}
        lost = set(_archives(past)) - kept
        assert len(lost) <= _AT_ONCE
        under_way.update(lost)
    assert reader.json(*("backfill", *arguments), "--quiet")["complete"]
    assert {url: times for url, times in _archives(past).items() if times - 1 > under_way[url]} == {}
    assert titles(reader) == sorted(page.title for page in served(outlets, "text"))
    assert reader.rows("select count(*) from backfill_answers") == [(0,)]  # it is done: nobody will ask again


def test_google_news_and_the_archives_ask_an_address_once(reader: House, past: PastWorld) -> None:
    via = ("--via", "archive", "--via", "google-news")
    assert reader.json("backfill", "--since", "2018-09-01", "--until", "2018-09-14", *via, "--quiet")["complete"]
    assert max(_archives(past).values()) == 1


def test_answers_are_kept_by_job_and_the_oldest_go(database: Database) -> None:
    body = random.Random(1).randbytes(1000)  # noqa: S311 - bytes that cannot be packed
    jobs, store = BackfillStore(database), AnswerStore(database, most_bytes=3500)
    one, other = (jobs.open(key, {"via": []}, NOW).id for key in ("a", "b"))
    for number in range(4):
        store.keep(one if number else other, "x", Packed.of(_answer(number, body), NOW + timedelta(number)))
        store.keep(one, f"x{number}", Packed.of(_answer(number, body), NOW + timedelta(number)))
    kept = {each: store.recall(one, each) for each in ("x", "x0", "x1", "x2", "x3")}
    assert {key for key, each in kept.items() if each} == {"x", "x2", "x3"}
    assert kept["x"] is not None
    assert kept["x"].unpacked() == _answer(3, body)
    assert store.recall(other, "x") is None
    jobs.forget(one)
    assert store.recall(one, "x3") is None


def test_what_an_archive_said_before_its_days_were_over_is_believed_for_a_day(database: Database) -> None:
    now = NOW
    job = BackfillStore(database).open("a", {"via": []}, NOW).id

    async def said(memory: RunMemory, settled: datetime) -> Answer | None:
        return await memory.recall("x", settled)

    with closing(Writer()) as writer:
        first, later = (JobMemory(lambda: now, writer, AnswerStore(database), job) for _ in range(2))
        asyncio.run(first.keep("x", _answer(1)))
        assert asyncio.run(said(later, NOW + timedelta(days=2))) == _answer(1)
        now += timedelta(hours=25)
        assert asyncio.run(said(later, NOW + timedelta(days=2))) is None
        assert asyncio.run(said(later, NOW)) == _answer(1)
        assert asyncio.run(later.recall("y", NOW)) is None
