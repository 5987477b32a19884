"""What we know that we saw: by the overlap of two visits, over outages and overflows."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from tests.house import House
from tests.newsroom import DeskOutlet, Malformed, NewsroomThread, Outlet, Status
from tripoint.domain.coverage import Span, merged, share_seen, span_of, timeline
from tripoint.domain.types import Found, Poll, PollStatus

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("status", "listed", "new", "outage", "is_seen", "said"),
    [
        (PollStatus.UNCHANGED, 0, 0, "", True, ""),
        (PollStatus.READ, 30, 0, "", True, ""),
        (PollStatus.READ, 30, 29, "3 visits failed: HTTP 500", True, ""),
        (PollStatus.READ, 30, 30, "", False, "not one of 30 entries was known"),
        (PollStatus.READ, 30, 30, "3 visits failed: HTTP 500", False, "3 visits failed: HTTP 500"),
        (PollStatus.READ, 0, 0, "", False, "it listed nothing"),
    ],
)
def test_overlap_proves_that_nothing_was_missed(
    status: PollStatus, listed: int, new: int, outage: str, is_seen: bool, said: str
) -> None:
    span = span_of(Poll("u", "s", Found.FEED, at(1), status, listed=listed), new, at(0), outage)
    assert (span.start, span.until, span.is_seen) == (at(0), at(1), is_seen)
    assert said in span.reason


def test_what_one_listing_saw_is_seen() -> None:
    seen, blind = Span(at(0), at(4), True), Span(at(2), at(6), False, "overflow")
    assert merged([seen, blind]) == [Span(at(0), at(4), True), Span(at(4), at(6), False, "overflow")]
    assert merged([]) == []
    assert merged([Span(at(0), at(1), True), Span(at(1), at(2), True)]) == [Span(at(0), at(2), True)]
    apart = [Span(at(0), at(1), True), Span(at(3), at(4), True)]
    assert merged(apart) == apart


def test_share_and_timeline_say_the_same() -> None:
    spans = [Span(at(0), at(2), True), Span(at(2), at(3), False, "x")]
    assert share_seen(spans, at(0), at(4)) == 0.5
    assert timeline(spans, at(0), at(4), 4) == "██░·"
    assert timeline(spans, at(0), at(4), 2) == "█░"
    assert timeline(spans, at(1.5), at(3.5), 2) == "▒░"
    assert share_seen([], at(0), at(4)) == 0.0


def _feed(base: str, paths: list[str]) -> str:
    items = "".join(f"<item><title>One</title><link>{base}{path}</link></item>" for path in paths)
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{items}</channel></rss>'


def test_an_outage_that_the_feed_outlasts_is_seen_and_an_overflow_is_not(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = desk[0].outlet
    outlet.robots = "User-agent: *\nAllow: /\n"  # no sitemap could repair what is seen here
    base, name = room.base(outlet.name), outlet.name
    house.reads([(outlet, base)])
    paths = [each.path for each in outlet.pages]
    house.run("crawl", "--quiet")
    assert house.json("coverage")[0]["spans"] == []  # one visit says nothing of the time before it
    room.behave(name, "/rss.xml", Status(500, times=2))
    house.run("crawl", "--quiet")
    house.run("crawl", "--quiet")
    assert house.json("coverage")[0]["spans"] == []  # and a failed one says nothing yet
    house.run("crawl", "--quiet")
    (row,) = house.json("coverage", "--days", "0.01")
    assert [each["is_seen"] for each in row["spans"]] == [True]
    assert row["share_seen"] > 0

    unknown = [f"/2026/11/24/never-heard-of-{number}-before" for number in range(3)]
    room.behave(name, "/rss.xml", Malformed(_feed(base, unknown), "application/rss+xml"))
    house.run("crawl", "--quiet")
    (row,) = house.json("coverage")
    assert [each["is_seen"] for each in row["spans"]] == [True, False]
    assert "not one of 3 entries was known" in row["spans"][1]["reason"]
    room.behave(name, "/rss.xml", Malformed(_feed(base, [unknown[0], paths[0]]), "application/rss+xml"))
    house.run("crawl", "--quiet")
    (row,) = house.json("coverage")
    assert [each["is_seen"] for each in row["spans"]] == [True, False, True]
    shown = house.run("coverage", "--source", name, "--days", "0.01").stdout
    assert "not one of 3" in shown
    assert {"·", "░"} <= set(shown) or {"·", "▒"} <= set(shown)


def _overflowed(house: House, outlet: Outlet, room: NewsroomThread) -> None:
    """Crawl, then let the feed show nothing that was known: what came in between is in the sitemap alone."""
    base = room.base(outlet.name)
    house.reads([(outlet, base)])
    house.run("crawl", "--quiet")
    page = outlet.pages[0]
    moment = datetime.now(UTC) - timedelta(minutes=5)
    dropped = replace(page, path="/dropped-by-the-feed-post999.html", title="Dropped", published=moment, in_feed=False)
    room.publish(outlet.name, dropped)
    unknown = [f"/2026/11/24/never-heard-of-{number}-before" for number in range(3)]
    room.behave(outlet.name, "/rss.xml", Malformed(_feed(base, unknown), "application/rss+xml"))


def test_what_an_overflowed_feed_dropped_is_found_in_the_sitemap(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = desk[0].outlet
    _overflowed(house, outlet, room)
    report = json.loads(house.run("crawl", "--json").stdout.splitlines()[-1])
    assert report["results"]["gaps repaired"] == 1
    assert house.rows("select state from frontier where url like '%dropped-by-the-feed%'") == [("again",)]
    (row,) = house.json("coverage")
    assert all(each["is_seen"] for each in row["spans"])
    ((reason,),) = house.rows("select reason from coverage where reason like 'repaired%'")
    assert reason.endswith("/news-sitemap.xml: 1 more")
    old = house.rows("select count(*) from frontier where found_by = 'sitemap'")
    assert old == [(1,)]  # what the sitemap lists from before the gap is left alone


def test_what_a_repair_finds_is_told_in_a_summary_where_it_is_old(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    house.settings["alerts"] = {"max_age_h": 0.02}  # the dropped page is five minutes old
    outlet = desk[0].outlet
    missed = next(each.page for each in desk[0].pages if each.grade == 3 and each.kind == "article")
    outlet.pages.remove(missed)
    _overflowed(house, outlet, room)
    room.publish(outlet.name, replace(missed, published=datetime.now(UTC) - timedelta(minutes=5), in_feed=False))
    report = json.loads(house.run("crawl", "--json").stdout.splitlines()[-1])
    assert report["results"]["gaps repaired"] == 1
    relevant = house.rows("select a.id, a.url from articles a join assessments s on s.article_id = a.id and s.relevant")
    (article,) = (number for number, url in relevant if url.endswith(missed.path))
    assert {each["verdict"] for each in house.json("alerts", "why", str(article))} == {"too-old"}
    house.run("jobs", "run", "digests")
    alerts = house.json("alerts", "list")
    assert [each for each in alerts if each["digest"] and missed.path in json.dumps(each["digest"])]
    alone = [each for each in alerts if not each["digest"] and missed.path in each["evidence"]["url"]]
    assert {(each["state"], each["attempts"]) for each in alone} == {("digested", 0)}


def test_a_gap_stays_a_gap_without_a_sitemap_that_reaches_back(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = desk[0].outlet
    _overflowed(house, outlet, room)
    room.behave(outlet.name, "/sitemap.xml", Status(500, times=9))
    report = json.loads(house.run("crawl", "--json").stdout.splitlines()[-1])
    assert "gaps repaired" not in report["results"]
    (row,) = house.json("coverage")
    assert [each["is_seen"] for each in row["spans"]] == [False]


@pytest.mark.parametrize("blind", ["overflow", "outage", "unreadable"])
def test_what_was_missed_is_found_on_the_archive_page_of_the_day(
    blind: str, house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = desk[0].outlet
    outlet.robots = "User-agent: *\nAllow: /\n"  # no sitemap
    base = room.base(outlet.name)
    house.reads([(outlet, base)])
    file = house.folder / "seeds" / "sources" / "newsroom.toml"
    file.write_text(
        file.read_text() + f'archives = ["{base}/archive/{{YYYY}}-{{MM}}", "{base}/archive/{{YYYY}}/{{MM}}/{{DD}}"]\n'
    )
    house.run("crawl", "--quiet")
    trouble = {"outage": Status(500, times=2), "unreadable": Malformed("<html>no feed</html>", "text/html")}
    if blind in trouble:
        room.behave(outlet.name, "/rss.xml", trouble[blind])
        house.run("crawl", "--quiet")
        house.run("crawl", "--quiet")
    unknown = [f"/2026/11/24/never-heard-of-{number}-before" for number in range(3)]
    room.behave(outlet.name, "/rss.xml", Malformed(_feed(base, unknown), "application/rss+xml"))
    links = "".join(
        f'<li><a href="/2026/11/24/dropped-by-the-feed-{n}/">A story that was dropped {n}</a></li>' for n in range(4)
    )
    for day in (datetime.now(UTC) + timedelta(days=days) for days in (-1, 0, 1)):
        room.behave(outlet.name, f"/archive/{day:%Y/%m/%d}", Malformed(f"<main><ul>{links}</ul></main>", "text/html"))
    report = json.loads(house.run("crawl", "--json").stdout.splitlines()[-1])
    assert report["results"]["gaps repaired"] == 1
    ((reason,),) = house.rows("select reason from coverage where reason like 'repaired%'")
    assert "/archive/" in reason
    assert reason.endswith(": 4 more")
    (row,) = house.json("coverage")
    assert all(each["is_seen"] for each in row["spans"])


def test_the_service_repairs_and_looks_again_by_jobs_of_their_own(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = desk[0].outlet
    house.settings["crawl"]["revisit_h"] = [0.0001, 24.0]
    _overflowed(house, outlet, room)
    file = house.folder / "seeds" / "sources" / "newsroom.toml"
    file.write_text(f'{file.read_text()}sitemaps = ["{room.base(outlet.name)}/news-sitemap.xml"]\n')
    with sqlite3.connect(house.folder / "tripoint.db") as connection:  # an hour later
        connection.execute("update listings set due_at = '2026-01-01 00:00:00.000000'")
    house.run("jobs", "run", "poll")
    blind = "select count(*) from coverage where not is_seen and url like '%/rss.xml'"
    assert house.rows(blind) == [(1,)]
    read = room.count(outlet.name, "/rss.xml")
    assert "1 sources, " in house.run("jobs", "run", "repair").stdout
    assert house.rows(blind) == [(0,)]
    assert house.rows("select state from frontier where url like '%dropped-by-the-feed%'") == [("again",)]
    again = {url: room.count(outlet.name, urlsplit(url).path) for (url,) in house.rows(_AGAIN)}
    assert again
    assert "1 sources, " in house.run("jobs", "run", "revisit").stdout
    assert all(room.count(outlet.name, urlsplit(url).path) == times + 1 for url, times in again.items())
    assert room.count(outlet.name, "/rss.xml") == read  # neither visits a listing


_AGAIN = "select url from frontier where state = 'again' and julianday(due_at) <= julianday('now')"
