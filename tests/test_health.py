"""Whether a source still gives news: the verdict by itself, and what the operator hears of it, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.house import House
from tests.newsroom import DeskOutlet, NewsroomThread, Status
from tripoint.domain.health import HealthState, ListingSign, Signs, diagnose
from tripoint.domain.types import PollStatus

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
READ, FAILED, SAME = PollStatus.READ, PollStatus.FAILED, PollStatus.UNCHANGED
GOOD = ListingSign("https://a.example/rss", READ, 0, "")
BAD = ListingSign("https://a.example/other", FAILED, 3, "HTTP 500")
SIGNS = Signs((GOOD,), (("done", ""),) * 6, NOW - timedelta(hours=2), NOW - timedelta(days=9), timedelta(hours=1))
VIDEOS = (("not_article", "video: it has no text"),) * 6


@pytest.mark.parametrize(
    ("signs", "state", "said"),
    [
        (SIGNS, "healthy", ""),
        (replace(SIGNS, listings=()), "unknown", "not visited"),
        (replace(SIGNS, listings=(GOOD, replace(BAD, failures=1))), "degraded", "HTTP 500"),
        (replace(SIGNS, listings=(replace(BAD, failures=2),)), "degraded", "HTTP 500"),
        (replace(SIGNS, listings=(replace(GOOD, status=SAME, failures=2),)), "degraded", "unchanged since it failed"),
        (replace(SIGNS, listings=(BAD,)), "failing", "HTTP 500"),
        (replace(SIGNS, listings=(replace(BAD, status=SAME),)), "failing", "HTTP 500"),
        (replace(SIGNS, listings=(GOOD, BAD)), "degraded", "HTTP 500"),
        (replace(SIGNS, listings=(replace(BAD, error="HTTP 403"),)), "forbidden", "HTTP 403"),
        (replace(SIGNS, listings=(replace(BAD, error="robots.txt forbids it"),)), "forbidden", "robots.txt"),
        (replace(SIGNS, pages=VIDEOS), "parse-broken", "no article in the last 6 pages"),
        (replace(SIGNS, pages=(*VIDEOS[:5], ("done", ""))), "healthy", ""),
        (replace(SIGNS, pages=VIDEOS[:4]), "healthy", ""),
        (replace(SIGNS, pages=(("failed", "HTTP 403"),) * 6), "forbidden", "HTTP 403"),
        (replace(SIGNS, last_new_at=NOW - timedelta(hours=25)), "empty", "nothing new since 2026-11-23 07:00"),
        (replace(SIGNS, last_new_at=NOW - timedelta(hours=23)), "healthy", ""),
        (replace(SIGNS, last_new_at=NOW - timedelta(days=4), usual_gap=timedelta(days=1)), "healthy", ""),
        (replace(SIGNS, last_new_at=NOW - timedelta(days=9), usual_gap=timedelta(days=1)), "empty", "nothing new"),
        (replace(SIGNS, last_new_at=None, usual_gap=None), "empty", "nothing new since 2026-11-15"),
        (replace(SIGNS, last_new_at=None, usual_gap=None, first_seen_at=NOW - timedelta(hours=40)), "healthy", ""),
    ],
)
def test_the_verdict_follows_from_the_signs(signs: Signs, state: str, said: str) -> None:
    found = diagnose(signs, NOW)
    assert found.state == HealthState(state)
    assert said in found.reason


def _health(house: House) -> dict[str, str]:
    return {each["name"]: each["state"] for each in house.json("sources", "health")}


def _told(house: House) -> list[str]:
    alerts = [each for each in house.json("alerts", "list") if each["rule"] == "health"]
    return [each["evidence"]["title"] for each in reversed(alerts)]


def test_the_operator_hears_once_that_a_source_fell_silent_and_once_that_it_is_back(
    reading_house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    house = reading_house
    name, title = desk[0].outlet.name, desk[0].outlet.title
    assert set(_health(house).values()) == {"unknown"}
    house.run("crawl", "--quiet")
    assert set(_health(house).values()) == {"healthy"}
    assert _told(house) == []
    room.behave(name, "/rss.xml", Status(403, times=5))
    house.run("crawl", "--quiet")
    house.run("crawl", "--quiet")
    assert _health(house)[name] == "degraded"
    assert _told(house) == []
    done = house.run("crawl", "--quiet")
    shown = done.stdout + done.stderr
    assert _health(house)[name] == "forbidden"
    assert _told(house) == [f"Source forbidden: {title}"]
    assert f"Source forbidden: {title}" in shown
    assert "HTTP 403" in shown
    assert "score 0.00" not in shown
    (row,) = (each for each in house.json("sources", "health") if each["name"] == name)
    assert row["last_article_at"] < row["since"] < row["next_try_at"]
    assert row["reason"].endswith("HTTP 403")
    house.run("crawl", "--quiet")
    house.run("crawl", "--quiet")
    assert len(_told(house)) == 1
    house.run("crawl", "--quiet")
    assert _health(house)[name] == "healthy"
    assert _told(house) == [f"Source forbidden: {title}", f"Source works again: {title}"]
    assert {each for key, each in _health(house).items() if key != name} == {"healthy"}
    assert "healthy" in house.run("sources", "health").stdout


def test_a_source_that_never_worked_is_shown_and_not_told(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = desk[0].outlet
    room.behave(outlet.name, "/rss.xml", Status(404))
    house.reads([(outlet, room.base(outlet.name))])
    for _ in range(4):
        house.run("crawl", "--quiet")
    assert _health(house) == {outlet.name: "failing"}
    assert house.json("alerts", "list") == []


def test_an_operator_channel_that_is_not_there_is_refused(reading_house: House) -> None:
    reading_house.settings["alerts"] = {"operator": ["nobody"]}
    found = reading_house.run("crawl", "--quiet", code=2)
    assert "there is no channel `nobody`" in found.stderr
