"""What `tripoint run` says: a line a pass, that names what is amiss and how to see more."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from crawler.report import CrawlReport, Event, Result
from tests.house import House
from tests.newsroom import DeskOutlet
from tripoint.app.cli.passes import Tally
from tripoint.domain.types import Source

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def _source(name: str) -> Source:
    return Source(name, name.title(), "en", "GB", "UTC", f"https://{name}.example/")


def _report(name: str, *results: Result) -> CrawlReport:
    report = CrawlReport(NOW)
    for each in results:
        report.count(Event(each, name, f"https://{name}.example/rss"))
    return report


def test_many_sources_make_one_line_that_names_the_troubled() -> None:
    said: list[str] = []
    tally = Tally(said.append, lambda: NOW)
    for number in range(114):
        name = f"s{number:03}"
        tally.add([_source(name)], _report(name, Result.LISTING_FAILED if number < 5 else Result.LISTING_READ))
    assert said == []
    tally.tell()
    tally.tell()
    assert said == [
        "2026-11-24 08:00:00 UTC 114 sources: 5 listings failed, 109 listings read; 0 alerts queued; "
        "trouble with s000, s001, s002 and 2 more: `tripoint sources health` says why"
    ]


def test_a_long_pass_is_not_silent_and_nothing_new_is_no_news() -> None:
    said: list[str] = []
    clock = iter([NOW, NOW + timedelta(seconds=30), NOW + timedelta(seconds=61), NOW + timedelta(seconds=61)])
    tally = Tally(said.append, lambda: next(clock))
    tally.add([_source("same")], _report("same", Result.LISTING_UNCHANGED))
    for name in ("a", "b", "c"):
        tally.add([_source(name)], _report(name, Result.LISTING_READ))
    assert [each.split(" UTC ")[1] for each in said] == ["a, b, c: 3 listings read; 0 alerts queued"]


def test_verbose_says_a_line_a_source() -> None:
    said: list[str] = []
    tally = Tally(said.append, lambda: NOW, a_line_each=True)
    tally.add([_source("a")], _report("a", Result.LISTING_FAILED))
    tally.add([_source("b"), _source("c")], _report("b", Result.LISTING_READ))
    assert [each.split(" UTC ")[1] for each in said] == [
        "a: 1 listings failed; 0 alerts queued; `tripoint sources health` says why",
        "b, c: 1 listings read; 0 alerts queued",
    ]


def test_the_service_says_one_line_for_a_catalogue_that_nobody_reaches(house: House, desk: list[DeskOutlet]) -> None:
    house.reads([(each.outlet, f"http://127.9.9.{number}:9") for number, each in enumerate(desk, start=1)])
    service = house.start("run", "--interval", "600")
    assert service.stderr is not None
    lines = []
    end = time.monotonic() + 60
    while time.monotonic() < end and not any("listings failed" in each for each in lines):
        lines.append(service.stderr.readline())
    service.terminate()
    service.communicate(timeout=30)
    (line,) = [each for each in lines if "listings failed" in each]
    assert f"{len(desk)} sources: {len(desk)} listings failed" in line
    assert "`tripoint sources health` says why" in line
