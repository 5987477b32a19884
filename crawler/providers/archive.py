"""Publishers' own archives: date-addressed sitemaps and pages, and sitemap indexes; the most complete way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from lxml import etree

from crawler.listings import UnreadableListingError, read_listing, unpacked
from crawler.markup import parse_xml
from crawler.moments import read_any
from crawler.providers.reading import Reader, days_in, may_be_inside, names_words, overlap
from tripoint.domain.archives import addresses, has_pages, numbered
from tripoint.domain.backfill import Answer, Ask, Find, Memory, Shard, ShardState, Sought, Wanted, day_start
from tripoint.domain.text import one_line
from tripoint.domain.types import Failure, Found, Source, Step
from tripoint.domain.urls import normalise_url
from tripoint.domain.when import Days

MOST_CHILDREN = 5_000
MOST_PAGES = 200
_GONE = (404, 410)
NOTHING_THERE = {f"HTTP {each}": each for each in _GONE}  #: of a day or month on which a publisher published nothing
_SETTLED = timedelta(days=2)  # after its days an archive says no more: zones, and publishers that are late
_NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}news"


@dataclass(frozen=True, slots=True)
class Entry:
    """A page that an archive lists."""

    url: str
    title: str = ""
    published: datetime | None = None
    changed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one sitemap or archive page holds."""

    entries: tuple[Entry, ...] = ()
    children: tuple[Entry, ...] = ()  #: sitemaps of an index


def read_shelf(body: bytes, content_type: str, url: str, source: Source, now: datetime) -> Shelf:
    """Read a sitemap, an index of sitemaps, or a page of links; runs in a worker.

    Raises `UnreadableListingError` where nothing can be read.
    """
    plain = unpacked(body)
    if b"<urlset" not in plain[:4000] and b"<sitemapindex" not in plain[:4000]:
        try:
            listing = read_listing(body, content_type, url, source, Found.SECTION, now)
        except UnreadableListingError:
            if b"<html" in body[:4000].lower():
                return Shelf()  # a page of a day on which nothing was published
            raise
        return Shelf(tuple(Entry(each.url, each.title) for each in listing.candidates))
    try:
        tree = parse_xml(plain)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableListingError(f"not XML: {one_line(str(error))[:200]}") from error
    entries = tuple(_entries(tree, url, ZoneInfo(source.timezone)))
    return Shelf(children=entries) if etree.QName(tree).localname == "sitemapindex" else Shelf(entries)


def _entries(tree: etree._Element, base: str, zone: ZoneInfo) -> Iterator[Entry]:
    for each in tree:
        if not isinstance(each.tag, str):
            continue
        try:
            url = normalise_url((each.findtext("{*}loc") or "").strip(), base)
        except ValueError:
            continue
        news = each.find(_NEWS)
        title = one_line(news.findtext("{*}title") or "") if news is not None else ""
        said = read_any(news.findtext("{*}publication_date") or "", zone) if news is not None else None
        changed = read_any(each.findtext("{*}lastmod") or "", zone)
        yield Entry(url, title, said.at if said else None, changed.at if changed else None)


class ArchiveProvider:
    """Walks what publishers keep of past days; a shard is a day, a month, a year or a sitemap."""

    name = "archive"

    def __init__(self, reader: Reader, memory: Memory) -> None:
        self._reader = reader
        self._memory = memory
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def shards(self, wanted: Wanted) -> Sequence[Shard]:
        """Return a shard for each address; a source without patterns is searched by its sitemaps."""
        found = []
        for source in wanted.sources:
            for pattern in source.archives:
                for span, address in addresses(pattern, wanted.days, source.timezone):
                    found.append(_shard(source, span, address))
            if not source.archives:
                found += [_shard(source, wanted.days, address) for address in source.sitemaps]
        return found

    async def search(self, shard: Shard, wanted: Wanted, ask: Ask, *, is_lookup: bool = False) -> Sought:
        """Read a sitemap or an archive page, and its further pages where the address has a place for their number.

        Whoever only looks something up believes an address that was gone; a window that failed so is asked anew.
        """
        source = next((each for each in wanted.sources if each.name == shard.source), None)
        if source is None:
            return Sought(state=ShardState.FAILED, reason=f"there is no source {shard.source} any more")
        finds: dict[str, Find] = {}
        split: list[Shard] = []
        for number in range(1, MOST_PAGES + 1):
            shelf = await self._shelf(numbered(shard.address, number), source, shard, ask, is_lookup=is_lookup)
            if isinstance(shelf, Failure):
                if number > 1 and shelf.reason in NOTHING_THERE:
                    break  # the page after the last
                return Sought.failed(shelf, list(finds.values()))
            split += _children(shelf, shard, source, wanted)
            if short := _falls_short(shelf, shard, source, wanted):
                return Sought(tuple(finds.values()), ShardState.CAPPED, short)
            before = len(finds)
            finds |= {each.url: each for each in _wanted(shelf, source, wanted)}
            if not has_pages(shard.address) or len(finds) == before:
                break
        else:
            return Sought(tuple(finds.values()), ShardState.CAPPED, f"more than {MOST_PAGES} pages")
        if len(split) > MOST_CHILDREN:
            return Sought(tuple(finds.values()), ShardState.CAPPED, f"{len(split)} sitemaps in one index")
        return Sought(tuple(finds.values()), split=tuple(split))

    async def _shelf(self, url: str, source: Source, shard: Shard, ask: Ask, *, is_lookup: bool) -> Shelf | Failure:
        async with self._turns.setdefault(url, asyncio.Lock()):
            known = await self._memory.recall(url, shard.end + _SETTLED)
            if known is not None and known.status in _GONE:
                if is_lookup:
                    return Failure(Step.LISTING, url, f"HTTP {known.status}", retryable=False)
                known = None
            answer = known or await ask.get(url)
            if isinstance(answer, Failure):
                if (status := NOTHING_THERE.get(answer.reason)) is not None:
                    await self._memory.keep(url, Answer(url, status, "", b""))
                return answer
            shelf = await self._reader.run(
                read_shelf, answer.body, answer.content_type, answer.url, source, shard.end, subject=url
            )
            # What cannot be read is asked for again another time.
            if known is None and not isinstance(shelf, Failure):
                await self._memory.keep(url, answer)
            return shelf


def _shard(source: Source, days: Days, address: str) -> Shard:
    start, end = day_start(days), day_start(Days(days.end, days.end))
    return Shard(ArchiveProvider.name, f"{source.name} {address}", start, end, source.name, source.language, address)


def _children(shelf: Shelf, shard: Shard, source: Source, wanted: Wanted) -> list[Shard]:
    """Return a shard for each sitemap of an index that can list one of the days."""
    found = []
    for child in shelf.children:
        named = days_in(child.url)
        if named is not None and not overlap(named, wanted.days):
            continue
        if named is None and not may_be_inside("", None, child.changed, source, wanted.days):
            continue
        days = named or Days(shard.start.date(), shard.end.date())  # its own days are the same whatever was asked for
        found.append(_shard(source, days, child.url))
    return found


def _falls_short(shelf: Shelf, shard: Shard, source: Source, wanted: Wanted) -> str:
    """Return how far back a sitemap reaches that is no archive, such as one of two days of news; "" if far enough.

    Without this a search of an outlet that has nothing else would count as whole.
    """
    if shard.address not in source.sitemaps or shelf.children or not shelf.entries:
        return ""
    moments = [each.published or each.changed for each in shelf.entries]
    known = [each for each in moments if each is not None]
    if len(known) < len(moments):
        return ""
    oldest = min(known).astimezone(ZoneInfo(source.timezone)).date()
    return f"it reaches back to {oldest} only" if oldest > wanted.days.first else ""


def _wanted(shelf: Shelf, source: Source, wanted: Wanted) -> Iterator[Find]:
    for each in shelf.entries:
        inside = may_be_inside(each.url, each.published, each.changed, source, wanted.days)
        if inside and names_words(each.title, each.url, wanted):
            yield Find(each.url, each.title, each.published, source.outlet, source.language)
