"""CC-NEWS as Common Crawl serves it, by the command line: lists, files in parts, refusals, kills."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from crawler.listings import UnreadableListingError
from crawler.warc.cc_news import CcNewsProvider, read_paths
from crawler.warc.local import Sieve
from crawler.warc.parts import Part, ServerParts
from tests.backfill.warc_files import base_of, info, knows, packed, record
from tests.house import House
from tests.killing import kill
from tests.newsroom.common_crawl import CommonCrawl
from tests.newsroom.past import PastOutlet, html_of, past_outlets, utc
from tripoint.domain.backfill import Answer, Patience, Wanted
from tripoint.domain.types import Failure, Step
from tripoint.domain.when import Days

FIRST, END = date(2018, 7, 30), date(2018, 8, 9)
ASKED = ("--since", "2018-07-30", "--until", "2018-08-08", "--via", "cc-news", "--alert", "none", "--quiet")
OTHERS = ("20180701", "20180705", "20180829")  # when files were begun that can hold nothing of these days
PATIENCE_S = 60.0


@pytest.fixture
def outlets() -> list[PastOutlet]:
    """Return ten days of four outlets, 16 of 64 pages relevant; the catalogue knows three of them."""
    return past_outlets(64, FIRST, END, 16)


@pytest.fixture
def crawl(outlets: list[PastOutlet]) -> Iterator[CommonCrawl]:
    """Serve what Common Crawl captured: a file for two days, as it is listed under the month in which it was begun."""
    with CommonCrawl() as served:
        months: dict[int, list[tuple[str, bytes]]] = {
            7: [(f"{time}000000", packed([info()])) for time in OTHERS[:2]] + [("20180728000000", packed([info()]))],
            8: [],
        }
        pages = sorted(
            ((utc(page.published), outlet, page) for outlet in outlets for page in outlet.pages), key=lambda e: e[0]
        )
        for begin in range(0, len(pages), 13):
            some = pages[begin : begin + 13]
            begun = some[0][0]
            records = [
                record(base_of(outlet) + page.path, html_of(outlet, page, base_of(outlet)), f"{at:%Y-%m-%dT%H:%M:%SZ}")
                for at, outlet, page in some
            ]
            months[begun.month].append((f"{begun:%Y%m%d%H%M%S}", packed([info(), *records])))
        months[8].append((f"{OTHERS[2]}000000", packed([info()])))
        for month, files in months.items():
            served.month(2018, month, files)
        yield served


@pytest.fixture
def reader(house: House, outlets: list[PastOutlet], crawl: CommonCrawl) -> House:
    """Return a house that knows three of the outlets."""
    knows(house, outlets[:3])
    house.settings["backfill"] = {"cc_news_url": crawl.base, "retry_s": 0.05}
    return house


def titles(house: House) -> list[str]:
    """Return the titles of the articles that are stored."""
    return sorted(title for (title,) in house.rows("select title from articles"))


def wanted(outlets: list[PastOutlet]) -> list[str]:
    """Return what is to be found: relevant, and of an outlet that somebody chose."""
    return sorted(page.title for outlet in outlets[:3] for page in outlet.pages if page.is_relevant)


def windows(house: House) -> dict[str, tuple[str, str]]:
    """Return state and reason of each window."""
    return {
        query: (state, reason)
        for query, state, reason in house.rows("select query, state, reason from backfill_windows")
    }


def files_of(crawl: CommonCrawl) -> list[str]:
    """Return the keys of the files that may hold something of the days."""
    return [each for each in crawl.files if each.endswith("warc.gz") and not any(far in each for far in OTHERS)]


def test_lists_name_files_and_files_are_read_in_parts(
    reader: House, crawl: CommonCrawl, outlets: list[PastOutlet]
) -> None:
    crawl.troubles += ["slow down", "cut off", "slow down", "slow down", "cut off", "slow down"]
    done: dict[str, Any] = reader.json("backfill", *ASKED)
    (news,) = done["providers"]
    assert done["complete"]
    assert titles(reader) == wanted(outlets)
    assert news["found"] == news["new"] == news["relevant"] == len(wanted(outlets))
    assert news["windows"] == 2 + len(files_of(crawl))
    said = windows(reader)
    assert said["files of 2018-08"][1].endswith("of them of these days")
    good = [each for each in crawl.requests if each.status == 206]
    assert {each.path for each in good} == set(files_of(crawl))
    # Each byte once: a request that was cut off is the only one that is repeated.
    assert len(good) <= len(files_of(crawl)) + 2
    assert any("of other hosts" in reason for name, (_, reason) in said.items() if name.startswith("CC-NEWS-"))
    before = len(crawl.requests)
    assert reader.json("backfill", *ASKED)["complete"]
    assert len(crawl.requests) == before


def test_killed_while_it_reads_it_goes_on_with_what_is_left(
    reader: House, crawl: CommonCrawl, outlets: list[PastOutlet]
) -> None:
    reader.settings["backfill"] |= {"at_once": 1}
    process = reader.start("backfill", *ASKED)
    assert crawl.wait_for(6, PATIENCE_S)  # robots.txt, two lists, and files one after the other
    kill(process)
    done = dict(reader.rows("select address, state from backfill_windows"))
    settled = [key for key, state in done.items() if state == "done"]
    asked = {key: len(crawl.asked_for(key)) for key in settled}
    assert asked
    assert reader.json("backfill", *ASKED)["complete"]
    assert titles(reader) == wanted(outlets)
    assert {key: len(crawl.asked_for(key)) for key in settled} == asked
    assert reader.rows("select count(*), count(distinct canonical_url), max(revision) from articles") == [
        (len(wanted(outlets)), len(wanted(outlets)), 1)
    ]


def test_what_it_refuses_or_does_wrong_is_told_and_asked_another_time(
    reader: House, crawl: CommonCrawl, outlets: list[PastOutlet]
) -> None:
    reader.settings["backfill"] |= {"at_once": 1}
    crawl.closed = set(files_of(crawl))
    said = reader.run("backfill", *ASKED, code=1).stdout
    assert "HTTP 403: it refuses who asks too often for some hours" in said
    assert "to finish: tripoint backfill resume 1" in said
    assert sum(each.status == 403 for each in crawl.requests) == 1
    crawl.closed.clear()
    crawl.troubles += ["other bytes"]
    assert (
        "1 windows failed: the server gave other bytes than were asked for"
        in reader.run("backfill", *ASKED, code=1).stdout
    )
    crawl.troubles += ["whole"]  # and no part, which does where a file is small
    assert reader.json("backfill", *ASKED)["complete"]
    assert crawl.troubles == []
    assert titles(reader) == wanted(outlets)


@pytest.mark.parametrize(("days", "state"), [(Days(FIRST, END), "failed"), (Days(FIRST, date(2018, 8, 1)), "done")])
def test_a_month_without_a_list_is_incomplete_and_a_later_one_is_none(days: Days, state: str) -> None:
    asked = Wanted(days, (), ())
    server = _Server(b"", [Failure(Step.LISTING, "f", "HTTP 404", retryable=False)])
    made = CcNewsProvider(_Here(), None, Sieve(True, 1000), "https://a.example", Patience(1, 10, 1))  # type: ignore[arg-type]
    august, _july = made.shards(asked)
    assert asyncio.run(made.search(august, asked, server)).state == state
    assert made.shards(Wanted(Days(date(2016, 1, 1), date(2016, 8, 26)), (), ())) == []


def test_a_plan_says_what_it_would_cost(reader: House, crawl: CommonCrawl) -> None:
    said = reader.run("backfill", *ASKED, "--dry-run").stdout
    assert "cc-news\t2018-08-01 to 2018-08-31\tfiles of 2018-08" in said
    assert "2 lists are asked for first" in said
    assert "about 1 GB and 32 requests for 32 MB each" in said
    assert crawl.requests == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"\x1f\x8bnonsense", b"crawl-data/CC-NEWS/2018/08/x.warc.gz\n"])
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableListingError):
        read_paths(body)


class _Here:
    """Reads in this process."""

    async def run(self, work: Callable[..., Any], *arguments: Any, subject: str) -> Any:
        return work(*arguments)


class _Server:
    """Gives parts of one file as a server would; `answers` come first."""

    def __init__(self, body: bytes, answers: list[Answer | Failure] | None = None) -> None:
        self.body = body
        self.answers = answers or []
        self.asked: list[tuple[int, int]] = []

    async def get(
        self, url: str, *, pause_s: float = 0.0, part: tuple[int, int] | None = None, patience: Patience | None = None
    ) -> Answer | Failure:
        if self.answers:
            return self.answers.pop(0)
        assert part is not None
        self.asked.append(part)
        return Answer(url, 206, "", self.body[part[0] : part[1] + 1], len(self.body))


def read_all(parts: ServerParts, size: int) -> bytes | Failure:
    """Read a file in pieces of which each overlaps the one before, as records do."""

    async def read() -> bytes | Failure:
        found, at = b"", 0
        while True:
            part = await parts.read(at, size)
            if isinstance(part, Failure):
                return part
            assert part.start == at
            found = found[:at] + part.body
            if part.is_last or not part.body:
                return found
            at += max(1, size - 7)

    return asyncio.run(read())


@pytest.mark.parametrize("most", [10, 64, 1000, 5000])
@pytest.mark.parametrize("size", [9, 100, 3000])
def test_each_byte_is_asked_for_once(most: int, size: int) -> None:
    server = _Server(bytes(range(256)) * 9)
    assert read_all(ServerParts("https://a.example/f", server, Patience(1, most, 1)), size) == server.body
    assert all(later[0] == earlier[0] + most for earlier, later in zip(server.asked, server.asked[1:], strict=False))
    assert server.asked[-1][0] < len(server.body)


def test_the_end_of_a_file_is_no_error() -> None:
    server = _Server(b"a" * 20, [Answer("", 416, "", b"", 20)])
    said = asyncio.run(ServerParts("https://a.example/f", server, Patience(1, 10, 1)).read(20, 5))
    assert said == Part(b"", 20, 20)
    assert isinstance(said, Part)
    assert said.is_last


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([Failure(Step.LISTING, "f", "HTTP 503", retryable=True)], "HTTP 503"),
        ([Answer("", 206, "", b"", 20)], "gave nothing"),
        ([Answer("", 206, "", b"a" * 10, 20), Answer("", 206, "", b"a" * 10, 30)], "changed while it was read"),
    ],
    ids=["refused", "nothing", "changed"],
)
def test_what_a_server_does_wrong_is_told(answers: list[Answer | Failure], said: str) -> None:
    found = read_all(ServerParts("https://a.example/f", _Server(b"a" * 20, answers), Patience(1, 10, 1)), 20)
    assert isinstance(found, Failure)
    assert said in found.reason
