"""The indexes that others keep of past news, as their documentation describes them, with their errors and quirks."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from urllib.parse import quote, urlsplit

from tests.newsroom.exchange import Answer
from tests.newsroom.past import PastOutlet, PastPage, html_of
from tests.newsroom.past_world import PastWorld
from tripoint.domain.text import strip_marks

_JSON = "application/json; charset=utf-8"
_RSS = "application/xml; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_TERM = re.compile(r'\(([^()]*)\)|"([^"]*)"|(\S+)')


_Hit = tuple[PastOutlet, PastPage, str]


class Indexes:
    """GDELT, Google News, Bing News and the Wayback Machine over one world, each under a path of its own."""

    def __init__(self, world: PastWorld, base: str) -> None:
        self._world = world
        self._base = base
        self.trouble: dict[str, list[Answer]] = {}  #: answers that a path gives first, each once
        self.most = {"gdelt": 250, "google": 100, "cdx": 2_000, "bing": 10}
        self._all: tuple[_Hit, ...] = ()  # once every outlet has its address
        self._by_question: dict[tuple[str, str], tuple[_Hit, ...]] = {}

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """Return what an address says."""
        name = path.split("/")[1]
        if waiting := self.trouble.get(name):
            return waiting.pop(0)
        if path == "/robots.txt":
            return Answer(b"User-agent: *\nAllow: /\n", "text/plain")
        if name == "gdelt":
            return self._gdelt(query)
        if name == "google":
            return self._google(query)
        if name == "bing":
            return self._bing(query)
        if name == "cdx":
            return self._cdx(query)
        return self._snapshot(path)

    def _pages(self) -> tuple[_Hit, ...]:
        if not self._all:
            sites = {name: site.base for name, site in self._world.sites.items()}
            self._all = tuple(
                (outlet, page, sites[outlet.name] + page.path)
                for outlet in self._world.outlets
                for page in outlet.pages
            )
        return self._all

    def _hits(self, kind: str, asked: str, is_hit: Callable[[PastOutlet, PastPage, str], bool]) -> tuple[_Hit, ...]:
        """Return what a question hits, newest first: the same one is asked for every day of three years."""
        key = kind, asked
        if key not in self._by_question:
            hits = [each for each in self._pages() if is_hit(*each)]
            self._by_question[key] = tuple(sorted(hits, key=lambda each: each[1].published, reverse=True))
        return self._by_question[key]

    def _gdelt(self, query: Mapping[str, str]) -> Answer:
        asked, _, language = query["query"].partition(" sourcelang:")
        if re.search(r"\([^()]*\)", asked) and any(" OR " not in each for each in re.findall(r"\(([^()]*)\)", asked)):
            return Answer(b"Parentheses may only be used around OR'd statements.\n", _HTML)
        start, end = (
            datetime.strptime(query[key], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            for key in ("startdatetime", "enddatetime")
        )
        found = []
        for outlet, page, url in self._hits("english", asked, lambda _, page, __: matches(asked, page.english)):
            seen = page.published + timedelta(minutes=20)  # later than it was published
            if language == {"vi": "vietnamese", "en": "english"}[outlet.language] and start <= seen <= end:
                found.append(
                    {
                        "url": url,
                        "url_mobile": "",
                        "title": page.title,
                        "seendate": f"{seen.astimezone(UTC):%Y%m%dT%H%M%SZ}",
                        "domain": urlsplit(url).hostname,
                        "language": language.title(),
                        "sourcecountry": outlet.country,
                    }
                )
        return Answer(json.dumps({"articles": found[: self.most["gdelt"]]} if found else {}).encode(), _JSON)

    def _google(self, query: Mapping[str, str]) -> Answer:
        asked, _, days = query["q"].partition(" after:")
        first, _, before = days.partition(" before:")
        language = query["ceid"].split(":")[1]
        items = []
        for outlet, page, url in self._hits("text", asked, lambda _, page, __: matches(asked, page.text)):
            day = f"{page.published.astimezone(UTC):%Y-%m-%d}"
            if outlet.language != language or not first <= day < before:
                continue
            opaque = base64.urlsafe_b64encode(url[::-1].encode()).decode()
            home = self._world.sites[outlet.name].base
            items.append(
                f"<item><title>{escape(page.title)} - {escape(outlet.title)}</title>"
                f'<link>{self._base}/hidden/rss/articles/{opaque}?oc=5</link><guid isPermaLink="false">{opaque}</guid>'
                f"<pubDate>{format_datetime(page.published.astimezone(UTC), usegmt=True)}</pubDate>"
                f'<source url="{home}">{escape(outlet.title)}</source></item>'
            )
        return _rss("".join(items[: self.most["google"]]))

    def _bing(self, query: Mapping[str, str]) -> Answer:
        language = query["mkt"].split("-")[0]
        first = int(query["first"])
        items = []
        for outlet, page, url in self._hits("text", query["q"], lambda _, page, __: matches(query["q"], page.text)):
            if outlet.language != language:
                continue
            link = f"http://www.bing.com/news/apiclick.aspx?ref=FexRss&aid=&tid=5f&url={quote(url, safe='')}&c=17&mkt=x"
            items.append(
                f"<item><title>{escape(page.title)}</title><link>{escape(link)}</link>"
                f"<pubDate>{format_datetime(page.published.astimezone(UTC), usegmt=True)}</pubDate>"
                f"<News:Source>{escape(outlet.title)}</News:Source></item>"
            )
        return _rss("".join(items[first - 1 : first - 1 + self.most["bing"]]))

    def _cdx(self, query: Mapping[str, str]) -> Answer:
        filters = query.getall("filter")  # type: ignore[attr-defined]
        pattern = next(each.removeprefix("urlkey:") for each in filters if each.startswith("urlkey:"))
        found = []
        named = self._hits(
            "address",
            pattern,
            lambda outlet, page, _: bool(re.fullmatch(pattern, f"{outlet.name}){page.path}".lower())),
        )
        for _, page, url in reversed(named):
            copied = page.published.astimezone(UTC) + timedelta(days=9)
            day = f"{copied:%Y%m%d}"
            if urlsplit(url).netloc != query["url"] or not query["from"] <= day <= query["to"]:
                continue
            found.append([f"{copied:%Y%m%d%H%M%S}", url])
        start = int(query.get("resumeKey", "0"))
        end = start + min(int(query["limit"]), self.most["cdx"])
        rows: list[list[str]] = [["timestamp", "original"], *found[start:end]]
        if end < len(found):
            rows += [[], [str(end)]]
        return Answer(json.dumps(rows).encode() if found else b"[]", _JSON)

    def _snapshot(self, path: str) -> Answer:
        original = re.sub(r"^/web/\d{14}id_/", "", path)
        for outlet, page, url in self._pages():
            if url in (original, original.replace("http:/1", "http://1")):
                return Answer(html_of(outlet, page, self._world.sites[outlet.name].base), _HTML)
        return Answer(b"<!doctype html>", _HTML, 404)


def matches(asked: str, text: str) -> bool:
    """Return whether a text holds each word, phrase or alternative of a question."""
    words = re.findall(r"[\w.-]+", text.lower())
    said = f" {' '.join(words)} "
    for group, phrase, word in _TERM.findall(asked):
        choices = group.split(" OR ") if group else [phrase or word]
        if not any(strip_marks(each.strip(' "').lower()) in strip_marks(said) for each in choices):
            return False
    return True


def _rss(items: str) -> Answer:
    return Answer(
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:News="https://www.bing.com/news/search">'
        f"<channel><title>News</title>{items}</channel></rss>".encode(),
        _RSS,
    )
