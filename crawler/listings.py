"""What a feed, a sitemap or a section page lists: candidates to fetch, with the hints that came along."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import feedparser
from lxml import etree, html

from crawler.links import ScoredLink, article_links, links_of
from crawler.markup import decode, parse_html, parse_xml
from crawler.moments import Moment, read_any
from crawler.outlet import is_own
from crawler.paging import next_page
from crawler.scripted import needs_script
from tripoint.domain.health import NEEDS_SCRIPT
from tripoint.domain.text import one_line
from tripoint.domain.types import Candidate, Found, Source
from tripoint.domain.urls import canonical_url, normalise_url

MAX_CHILD_SITEMAPS = 3
_MOST_ENTRIES = 2_000  # of a feed; real ones hold some dozens
_MOST_IN_SITEMAP = 50_000  # as the protocol has it
_ENTRY = re.compile(rb"<(?:item|entry)[\s>/]", re.IGNORECASE)
_MAX_UNPACKED_BYTES = 64 * 1024 * 1024
_TAGS = re.compile(r"<[^>]{0,2000}>")
_NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"


@dataclass(frozen=True, slots=True)
class Listing:
    """What one listing holds."""

    candidates: tuple[Candidate, ...] = ()
    sitemaps: tuple[str, ...] = ()  #: children of a sitemap index, newest first
    ttl_s: int | None = None  #: how long the publisher asks us to wait
    next_page: str = ""  #: where a section page goes on


class UnreadableListingError(ValueError):
    """Nothing can be read from a listing; the message says why, on one line."""


def read_listing(body: bytes, content_type: str, url: str, source: Source, kind: Found, found_at: datetime) -> Listing:
    """Read a listing of any kind; a damaged one gives what can be read.

    Raises `UnreadableListingError` where that is nothing at all.
    """
    if not body.strip():
        raise UnreadableListingError("the answer is empty")
    reader = _Reader(url, source, kind, found_at)
    match kind:
        case Found.FEED:
            return reader.json_feed(body) if body.lstrip()[:1] == b"{" else reader.feed(body, content_type)
        case Found.SITEMAP:
            return reader.sitemap(unpacked(body))
        case Found.SECTION:
            return reader.section(body, content_type)
        case Found.LINK:
            return reader.links(body, content_type)
        case Found.BACKFILL:
            raise UnreadableListingError("this is no listing")


def unpacked(body: bytes) -> bytes:
    """Return the XML of a `.xml.gz` sitemap, and no more of it than a sitemap may be long."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        unpacker = zlib.decompressobj(wbits=31)
        plain = unpacker.decompress(body, _MAX_UNPACKED_BYTES)
    except (zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableListingError(f"damaged gzip: {error}") from error
    if unpacker.unconsumed_tail:
        raise UnreadableListingError(f"unpacks to more than {_MAX_UNPACKED_BYTES} bytes")
    return plain


class _Reader:
    """Reads the listings of one source; knows what every candidate of it shares."""

    def __init__(self, url: str, source: Source, kind: Found, found_at: datetime) -> None:
        self._url = url
        self._source = source
        self._kind = kind
        self._found_at = found_at
        self._zone = ZoneInfo(source.timezone)

    def feed(self, body: bytes, content_type: str) -> Listing:
        """Read RSS, RDF or Atom."""
        parsed = feedparser.parse(
            _first_entries(body), response_headers={"content-type": content_type, "content-location": self._url}
        )
        if not parsed.entries and not parsed.version:
            raise UnreadableListingError(_why_no_feed(body, parsed))
        entries = ((_link(each), each) for each in parsed.entries)
        found = self._candidates(
            (link, each.get("title", ""), _feed_date(each), each.get("summary", "")) for link, each in entries
        )
        if parsed.entries and not found:
            raise UnreadableListingError(f"{len(parsed.entries)} entries, and not one with a link")
        ttl = str(parsed.feed.get("ttl", ""))
        return Listing(found, ttl_s=int(ttl) * 60 if ttl.isdigit() and len(ttl) < 6 else None)

    def json_feed(self, body: bytes) -> Listing:
        """Read JSON Feed 1.0 and 1.1."""
        try:
            items = json.loads(body)["items"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UnreadableListingError(f"no JSON Feed: {type(error).__name__}") from error
        if not isinstance(items, list):
            raise UnreadableListingError("no JSON Feed: `items` is no list")
        found = self._candidates(
            (
                str(each.get("url") or each.get("external_url") or each.get("id") or ""),
                str(each.get("title") or ""),
                str(each.get("date_published") or ""),
                str(each.get("summary") or ""),
            )
            for each in items[:_MOST_ENTRIES]
            if isinstance(each, dict)
        )
        return Listing(found)

    def sitemap(self, body: bytes) -> Listing:
        """Read a news sitemap, a plain sitemap, or an index of sitemaps."""
        try:
            tree = parse_xml(body)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise UnreadableListingError(f"not XML: {_line(error)}") from error
        name = etree.QName(tree).localname
        if name == "sitemapindex":
            return Listing(sitemaps=tuple(self._children(tree)))
        if name != "urlset":
            raise UnreadableListingError(f"no sitemap: the document is <{one_line(name)[:40]}>")
        entries = [_sitemap_entry(each) for each in tree if isinstance(each.tag, str)]
        entries.sort(key=lambda each: each[0], reverse=True)  # newest first, since a bound takes the first
        return Listing(self._candidates(entry for _, entry in entries[:_MOST_IN_SITEMAP]))

    def _children(self, tree: etree._Element) -> Iterator[str]:
        children = [
            (_child_text(each, "lastmod"), _child_text(each, "loc")) for each in tree if isinstance(each.tag, str)
        ]
        newest = sorted(children, key=_newness, reverse=True)
        for _, address in newest[:MAX_CHILD_SITEMAPS]:
            try:
                yield normalise_url(address, self._url)
            except ValueError:
                continue

    def section(self, body: bytes, content_type: str) -> Listing:
        """Read the links of a section page that look like articles of the same site."""
        tree = parse_html(decode(body, content_type), self._url)
        if tree is None:
            raise UnreadableListingError("no HTML in it")
        entries = [(each.link.url, each.link.text, "", "") for each in self._articles(tree)]
        if not entries and (script := needs_script(tree)):
            raise UnreadableListingError(f"{NEEDS_SCRIPT}: {script}")
        if not entries:
            links = len(links_of(tree, self._url))
            raise UnreadableListingError(f"{links} links, and not one that looks like an article")
        return Listing(self._candidates(entries), next_page=next_page(tree, self._url))

    def links(self, body: bytes, content_type: str) -> Listing:
        """Read the links of an article to others of its outlet, those in its own words before those beside them."""
        tree = parse_html(decode(body, content_type), self._url)
        found = [] if tree is None else [each for each in self._articles(tree) if is_own(each.link.url, self._source)]
        found.sort(key=lambda each: (each.link.place.in_prose, each.score), reverse=True)
        return Listing(self._candidates((each.link.url, each.link.text, "", "") for each in found))

    def _articles(self, tree: html.HtmlElement) -> list[ScoredLink]:
        return article_links(tree, self._url, self._source.article_pattern, self._source.homepage)

    def _candidates(self, entries: Iterable[tuple[str, str, str, str]]) -> tuple[Candidate, ...]:
        """Return one candidate for each page, however often and under how many addresses it is listed."""
        found: dict[str, Candidate] = {}
        for address, title, date_text, summary in entries:
            try:
                url = normalise_url(address, self._url) if address else ""
                key = canonical_url(url) if url else ""
            except ValueError:
                continue
            if not key or (key in found and found[key].title):
                continue
            moment = read_any(date_text, self._zone) if date_text else None
            found[key] = Candidate(
                url=url,
                source=self._source.name,
                found_by=self._kind,
                found_at=self._found_at,
                title=_plain(title)[:300],
                published=_believable(moment, self._found_at),
                summary=_plain(summary)[:1000],
            )
        return tuple(found.values())


def _first_entries(body: bytes) -> bytes:
    """Return a feed cut before the entry that is one too many: a million of them would take minutes and gigabytes."""
    for number, found in enumerate(_ENTRY.finditer(body)):
        if number == _MOST_ENTRIES:
            return body[: found.start()]
    return body


def _believable(moment: Moment | None, now: datetime) -> datetime | None:
    """Return a hint only if it has a time and is not of the future."""
    if moment is None or moment.date_only or (moment.at - now).total_seconds() > 86_400:
        return None
    return moment.at


def _link(entry: Any) -> str:
    """Return the address of an entry; an RSS guid is one unless it says otherwise."""
    link = str(entry.get("link", ""))
    guid = str(entry.get("id", ""))
    return link or (guid if guid.startswith(("http://", "https://")) else "")


def _feed_date(entry: Any) -> str:
    return str(entry.get("published") or entry.get("updated") or entry.get("created") or "")


def _why_no_feed(body: bytes, parsed: Any) -> str:
    head = body[:1000].lower()
    if b"<html" in head or b"<!doctype html" in head:
        return "an HTML page instead of a feed"
    return f"no feed: {_line(parsed.get('bozo_exception', 'nothing that looks like RSS, Atom or JSON Feed'))}"


def _line(error: object) -> str:
    return one_line(str(error))[:200]


def _newness(child: tuple[str, str]) -> tuple[bool, str, tuple[int, ...]]:
    """Return what a newer child of an index has more of: it is for news, its time, else the numbers in its name."""
    changed, address = child
    name = address.rsplit("/", 1)[-1].lower()
    return "news" in name, changed, tuple(int(each) for each in re.findall(r"\d{1,12}", name))


def _sitemap_entry(entry: etree._Element) -> tuple[str, tuple[str, str, str, str]]:
    """Return when an entry was last changed, as written, and what it says."""
    news = entry.find(f"{_NEWS}news")
    title = news.findtext(f"{_NEWS}title", "") if news is not None else ""
    moment = news.findtext(f"{_NEWS}publication_date", "") if news is not None else ""
    changed = moment or _child_text(entry, "lastmod")
    return changed, (_child_text(entry, "loc"), title or "", moment or "", "")


def _child_text(entry: etree._Element, name: str) -> str:
    for child in entry:
        if isinstance(child.tag, str) and etree.QName(child).localname == name:
            return (child.text or "").strip()
    return ""


def _plain(text: str) -> str:
    return one_line(_TAGS.sub(" ", text))
