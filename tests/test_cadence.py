"""When a listing is visited again: the rule by itself, and over restarts against a newsroom that asks for patience."""

from __future__ import annotations

import random
import subprocess
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from aiohttp import web

from crawler.answers import fresh_for_s, hold_s
from tests.house import House
from tests.newsroom import DeskOutlet, NewsroomThread, Status, TooMany
from tests.newsroom.exchange import Exchange
from tripoint.domain.cadence import Pace, Plan, Rhythm, Visit, plan, spread
from tripoint.domain.types import PollStatus

READ, SAME, FAILED = PollStatus.READ, PollStatus.UNCHANGED, PollStatus.FAILED
PACE = Pace(600, 120, 7200)
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "visit", "wait_s"),
    [
        (None, Visit(READ, None, 30, 30), 600),
        (Rhythm(600), Visit(READ, 600, 30, 1), 600),
        (Rhythm(600), Visit(READ, 600, 30, 3), 200),
        (Rhythm(600), Visit(READ, 600, 30, 0), 1200),
        (Rhythm(600), Visit(READ, 600, 30, 30), 120),
        (Rhythm(7200, 0.1), Visit(READ, 7200, 30, 0), 7200),
        (Rhythm(7200, 0.1), Visit(READ, 7200, 10, 6), 2400),
        (Rhythm(600, 6.0), Visit(READ, 600, 30, 1, hour=3), 1200),
        (Rhythm(600, 6.0), Visit(READ, 600, 30, 1, fresh_for_s=1800), 1800),
        (Rhythm(600, 6.0), Visit(READ, 600, 30, 1, fresh_for_s=30), 600),
        (Rhythm(600, 6.0), Visit(READ, 600, 30, 1, fresh_for_s=30 * 86400), 6 * 3600),
        (Rhythm(600, 6.0), Visit(FAILED), 600),
        (Rhythm(600, 6.0, 1), Visit(FAILED), 1200),
        (Rhythm(600, 6.0, 4), Visit(FAILED), 9600),
        (Rhythm(600, 6.0, 60), Visit(FAILED), 6 * 3600),
        (Rhythm(600, 6.0), Visit(FAILED, retry_after_s=86400), 86400),
    ],
)
def test_the_wait_follows_from_the_visit(before: Rhythm | None, visit: Visit, wait_s: float) -> None:
    assert plan(before, visit, PACE).wait_s == pytest.approx(wait_s, rel=0.02)


def test_an_unchanged_answer_after_failures_is_no_recovery() -> None:
    failing = Rhythm(600, 6.0, 4)
    same = plan(failing, Visit(SAME, 600), PACE)
    assert same.rhythm.failures == 4
    assert same.wait_s >= plan(failing, Visit(FAILED), PACE).wait_s / 2
    read = plan(same.rhythm, Visit(READ, 600, 30, 1), PACE)
    assert read.rhythm.failures == 0
    assert read.wait_s < same.wait_s


def test_only_what_the_server_asked_for_is_held() -> None:
    assert plan(None, Visit(FAILED), PACE).held_s == 0
    assert plan(None, Visit(FAILED, retry_after_s=900), PACE).held_s == 900
    assert plan(None, Visit(READ, None, 5, 5, fresh_for_s=900), PACE).held_s == 0


def test_one_interval_means_that_interval() -> None:
    fixed = Pace(300, 300, 300)
    rhythm = None
    dice = random.Random(7)  # noqa: S311 - a test's
    for _ in range(200):
        planned = plan(rhythm, Visit(READ, 300, 30, dice.randrange(30)), fixed)
        rhythm = planned.rhythm
        assert planned.wait_s == 300


def test_listings_do_not_fire_together() -> None:
    urls = [f"https://outlet-{number}.example/rss" for number in range(200)]
    waits = [spread(url, Plan(Rhythm(600), 600)) for url in urls]
    assert len({round(each) for each in waits}) > 40
    assert min(waits) >= 570
    assert max(waits) <= 630
    assert abs(sum(waits) / len(waits) - 600) < 5
    assert min(spread(url, Plan(Rhythm(600), 600, least_s=600)) for url in urls) == 600


@pytest.mark.parametrize(
    ("cache_control", "expires", "wanted"),
    [
        ("max-age=300", "", 300),
        ('public, Max-Age="60", must-revalidate', "", 60),
        ("no-cache, max-age=300", "", 0),
        ("no-store", "Tue, 24 Nov 2026 09:00:00 GMT", 0),
        ("", "Tue, 24 Nov 2026 08:10:00 GMT", 600),
        ("public", "Tue, 24 Nov 2026 07:00:00 GMT", 0),
        ("max-age=-1", "0", 0),
        ("s-maxage=900", "", 0),
        ("", "", 0),
    ],
)
def test_how_long_an_answer_stays_fresh(cache_control: str, expires: str, wanted: float) -> None:
    assert fresh_for_s(cache_control, expires, NOW) == wanted


@pytest.mark.parametrize(
    ("status", "retry_after_s", "wanted"),
    [(429, None, 300), (429, 7.0, 7), (503, None, 0), (503, 90.0, 90), (500, 9.0, 0)],
)
def test_how_long_a_host_is_left_alone(status: int, retry_after_s: float | None, wanted: float) -> None:
    assert hold_s(status, retry_after_s) == wanted


def _outlet(desk: list[DeskOutlet], name: str) -> DeskOutlet:
    return next(each for each in desk if each.outlet.name == name)


@pytest.mark.parametrize("answer", [TooMany(retry_after_s=3600), Status(503, {"Retry-After": "3600"})])
def test_a_host_that_says_too_many_is_left_alone_over_a_restart(
    answer: TooMany | Status, house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    one, two = _outlet(desk, "bien-thuy"), _outlet(desk, "indus-courier")
    first = max(
        (page.page for page in one.pages if page.kind == "article"), key=lambda page: page.published or NOW
    ).path
    room.behave("bien-thuy", first, answer)
    house.settings["crawl"] |= {"per_host": 1}
    house.reads([(each.outlet, room.base(each.outlet.name)) for each in (one, two)])
    house.run("crawl", "--quiet")
    articles = sum(page.kind == "article" for page in one.pages)
    ((pending,),) = house.rows("select count(*) from frontier where source = 'bien-thuy' and state = 'pending'")
    assert pending >= articles - 2  # what was on its way may have come through
    assert house.rows("select max(attempts) from frontier where source = 'bien-thuy' and state = 'pending'") == [(1,)]
    others = sum(page.kind == "article" for page in two.pages)
    assert house.rows("select count(*) from articles where source = 'indus-courier'") == [(others,)]
    room.forget()
    house.run("crawl", "--quiet")
    assert room.count("bien-thuy") == 0
    assert room.count("indus-courier", "/rss.xml") == 1


def test_a_listing_that_asks_for_patience_is_not_hurried_even_by_hand(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = _outlet(desk, "bien-thuy")
    room.behave("bien-thuy", "/rss.xml", Status(503, {"Retry-After": "7200"}, times=1))
    house.reads([(outlet.outlet, room.base("bien-thuy"))])
    house.run("crawl", "--quiet")
    ((held_s,),) = house.rows("select (julianday(held_until) - julianday('now')) * 86400 from listings")
    assert 7000 < held_s <= 7200
    room.forget()
    house.run("crawl", "--quiet")
    assert room.requests == []


@dataclass(frozen=True, slots=True)
class Fresh:
    """The usual answer, with a time to keep it."""

    seconds: int

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer as usual and say how long it stays fresh."""
        usual = exchange.usual
        return exchange.respond(
            replace(usual, headers={**usual.headers, "Cache-Control": f"public, max-age={self.seconds}"})
        )


def test_a_listing_is_not_visited_before_its_cache_control_ends(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = _outlet(desk, "bien-thuy")
    room.behave("bien-thuy", "/rss.xml", Fresh(5400))
    house.reads([(outlet.outlet, room.base("bien-thuy"))])
    house.run("crawl", "--quiet")
    query = "select (julianday(due_at) - julianday(polled_at)) * 86400, interval_s, failures_in_a_row from listings"
    ((wait_s, interval_s, failures),) = house.rows(query)
    assert 5399 <= wait_s <= 5400 * 1.1 + 1
    assert (interval_s, failures) == (600, 0)


def _until(service: subprocess.Popen[str], ready: object, deadline_s: float = 60) -> None:
    end = time.monotonic() + deadline_s
    while not ready():  # type: ignore[operator]
        assert service.poll() is None, "the service ended"
        assert time.monotonic() < end
        time.sleep(0.2)


def test_the_service_visits_a_busy_outlet_again_while_a_slow_one_holds_its_pass(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    slow, busy = _outlet(desk, "bien-thuy"), _outlet(desk, "indus-courier")
    slow.outlet.crawl_delay_s = 20
    house.settings["run"] = {"interval_s": 1, "min_interval_s": 1, "max_interval_s": 1}
    house.reads([(each.outlet, room.base(each.outlet.name)) for each in (slow, busy)])
    service = house.start("run")
    try:
        _until(service, lambda: room.count("indus-courier", "/rss.xml") >= 3)
        assert room.count("bien-thuy", "/rss.xml") <= 1  # it is still busy with its first pages
    finally:
        service.terminate()
        service.communicate(timeout=20)
    assert service.returncode == 0
