"""The long form of the tests of searching the past: three years, 5,200 pages, each provider alone, thirty kills.

`make kills` runs it; the short forms are `test_indexes.py`, `test_cc_news.py` and `test_kills.py`.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from crawler.settings import UNREAD, WINDOW
from tests.backfill.killed import asked_too_often, search_and_kill
from tests.backfill.reading import house_that_reads, is_searched
from tests.backfill.test_indexes import served
from tests.backfill.warc_files import info, packed, record
from tests.house import House
from tests.newsroom.common_crawl import CommonCrawl
from tests.newsroom.indexes import Indexes
from tests.newsroom.past import PastOutlet, html_of, past_outlets, relevant, utc
from tests.newsroom.past_world import PastWorld
from tripoint.app.seeds import load_seeds
from tripoint.app.wiring import build_judge
from tripoint.relevance.querying import slugs_of

FIRST, END = date(2017, 1, 1), date(2020, 1, 1)
ASKED = ("--since", "2017-01-01", "--until", "2019-12-31")
KINDS = ("archive", "search", "gdelt", "google-news", "bing-news", "wayback", "cc-news")
PAGES, KNOWN = 5_200, 200
PER_HOST = 2
PATIENCE_S = 3_600.0


def main() -> None:
    """Run what is asked for, and print what each part found; an assertion ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.backfill.long", description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="how often the search by all providers is killed")
    parser.add_argument("--seed", type=int, default=20180809, help="where the kills fall")
    parser.add_argument("--via", action="append", choices=KINDS, help="test only these alone")
    parser.add_argument("--pages", type=int, default=PAGES)
    arguments = parser.parse_args()
    outlets = past_outlets(arguments.pages, FIRST, END, KNOWN)
    known = _known(outlets)
    labelled = len(relevant(outlets))
    said = f"{arguments.pages} pages of {FIRST} to {END - timedelta(days=1)}, {len(known)} known to be relevant"
    _say(f"{said} ({labelled - len(known)} more are by their label, and not by our judge of articles)")
    for name in arguments.via or KINDS:
        _alone(name, outlets, known)
    if arguments.kills:
        _killed(outlets, known, arguments.kills, arguments.seed)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - stdout is where results go


def _known(outlets: Sequence[PastOutlet]) -> set[str]:
    """Return the titles of what is relevant by its label, and is judged so where it is read by itself."""
    judge = build_judge(load_seeds())
    return {
        page.title
        for outlet in outlets
        for page in outlet.pages
        if page.is_relevant
        and any(each.relevant for each in judge.assess(page.title, "\n".join(page.paragraphs), outlet.language))
    }


@contextmanager
def _world(outlets: Sequence[PastOutlet]) -> Iterator[tuple[PastWorld, CommonCrawl, House]]:
    with (
        PastWorld(outlets, [Indexes]) as world,
        CommonCrawl() as crawl,
        tempfile.TemporaryDirectory(prefix="tripoint-long-") as folder,
    ):
        _capture(world, crawl)
        house = house_that_reads(world, Path(folder) / "house")
        house.settings["backfill"]["cc_news_url"] = crawl.base
        yield world, crawl, house


def _capture(world: PastWorld, crawl: CommonCrawl) -> None:
    """Put every page into the files of CC-NEWS, two a month, six hours after it was published."""
    files: defaultdict[tuple[int, int, int], list[bytes]] = defaultdict(list)
    pages = [(utc(page.published), outlet, page) for outlet in world.outlets for page in outlet.pages]
    for published, outlet, page in sorted(pages, key=lambda each: each[0]):
        at, base = published + timedelta(hours=6), world.sites[outlet.name].base
        files[at.year, at.month, 1 if at.day < 16 else 16].append(
            record(base + page.path, html_of(outlet, page, base), f"{at:%Y-%m-%dT%H:%M:%SZ}")
        )
    months: defaultdict[tuple[int, int], list[tuple[str, bytes]]] = defaultdict(list)
    for (year, month, day), records in sorted(files.items()):
        months[year, month].append((f"{year}{month:02}{day:02}000000", packed([info(), *records])))
    for (year, month), said in months.items():
        crawl.month(year, month, said)


def _alone(name: str, outlets: Sequence[PastOutlet], known: set[str]) -> None:
    with _world(outlets) as (world, crawl, house):
        began = time.monotonic()
        done = _run(house, *ASKED, "--via", name)
        (counted,) = done["providers"]
        found, expected = _titles(house), [each for each in _servable(name, outlets) if each in known]
        pages = Counter(world.fetched())
        said = f"{counted['windows']} windows, {counted['found']} found, {len(found)} of {len(expected)} relevant"
        asked = len(world.requests) + len(crawl.requests)
        _say(f"{name}: {said}, {asked} requests, {time.monotonic() - began:.0f} s")
        assert done["complete"], done
        assert Counter(found) == Counter(expected), (set(found) ^ set(expected), name)
        assert not pages or max(pages.values()) == 1


def _killed(outlets: Sequence[PastOutlet], known: set[str], kills: int, seed: int) -> None:
    via = [part for name in KINDS for part in ("--via", name)]
    with _world(outlets) as (world, crawl, house):
        began = time.monotonic()
        usual = len(relevant(outlets)) + PAGES + _INDEX_REQUESTS
        killed = search_and_kill(house, world, (*ASKED, *via), kills, usual=usual, dice=random.Random(seed))  # noqa: S311
        done = _run(house, *ASKED, *via)
        pages = Counter(world.fetched())
        (stored,) = house.rows("select count(*), count(distinct canonical_url) from articles")
        in_parts = Counter(each.path for each in crawl.requests if each.status == 206)
        _say(
            f"all, {killed.kills} kills ({killed.early} before anything was asked): {stored[0]} articles, "
            f"{len(_titles(house))} relevant; {len(pages)} pages asked for, {sum(pages.values()) - len(pages)} of them "
            f"again, at most {killed.most} under way at a kill; {len(in_parts)} files of CC-NEWS in "
            f"{sum(in_parts.values())} parts; {time.monotonic() - began:.0f} s"
        )
        assert done["complete"], done
        assert Counter(_titles(house)) == Counter(known)
        assert stored == (sum(len(each.pages) for each in outlets),) * 2
        assert asked_too_often(world, killed) == []
        assert killed.most <= len(outlets) * (WINDOW * PER_HOST + UNREAD)
        assert house.rows("select count(*) from alerts where rule = 'backfill'") == [(1,)]


_INDEX_REQUESTS = 2 * 1_095 + 500  # Google News by days, and everything else


def _run(house: House, *arguments: str) -> dict[str, Any]:
    """Search to the end, however long that takes."""
    process = house.start("backfill", *arguments, "--quiet", "--json")
    said, wrong = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, wrong
    done: dict[str, Any] = json.loads(said)
    return done


def _titles(house: House) -> list[str]:
    query = "select title from articles a join assessments s on s.article_id = a.id where s.relevant"
    return [title for (title,) in house.rows(query)]


def _servable(name: str, outlets: Sequence[PastOutlet]) -> list[str]:
    """Return the titles of the relevant pages that a provider can serve."""
    pages = [(outlet, page) for outlet in outlets for page in outlet.pages if page.is_relevant]
    if name in {"archive", "cc-news"}:
        return [page.title for _, page in pages]
    if name == "gdelt":
        return [page.title for page in served(list(outlets), "english")]
    if name == "search":
        return [page.title for outlet, page in pages if is_searched(outlet, page)]
    if name == "wayback":
        return [page.title for _, page in pages if any(each in page.path for each in _slugs())]
    in_text = {page.title for page in served(list(outlets), "text")}
    days = {page.title: page.published.astimezone(UTC).date() for _, page in pages}
    # Google News knows the days of no zone but UTC.
    return [each for each in in_text if name != "google-news" or FIRST <= days[each] < END]


@cache
def _slugs() -> tuple[str, ...]:
    seeds = load_seeds()
    return slugs_of(seeds.topics[0], seeds.lexicon)


if __name__ == "__main__":
    main()
