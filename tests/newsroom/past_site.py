"""One outlet of the past on its own site: pages, its archive in the shape that it keeps, and its search page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from html import escape
from urllib.parse import quote

from tests.newsroom.exchange import Answer
from tests.newsroom.page import HTML_UTF8
from tests.newsroom.past import PastOutlet, PastPage, html_of

_XML = "application/xml; charset=utf-8"
_RESULTS_A_PAGE = 10
_NOT_FOUND = Answer(b"<!doctype html><title>404</title>", HTML_UTF8, 404)


class PastSite:
    """Answers every address of one outlet."""

    def __init__(self, outlet: PastOutlet, base: str) -> None:
        self.outlet = outlet
        self.base = base
        self._pages = {page.path: page for page in outlet.pages}
        self._days: defaultdict[str, list[PastPage]] = defaultdict(list)
        for page in outlet.pages:
            self._days[f"{page.published:%Y-%m-%d}"].append(page)
        self.gone: set[str] = set()  #: paths that are no more

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """Return what a path says."""
        if path in self._pages and path not in self.gone:
            return Answer(html_of(self.outlet, self._pages[path], self.base), HTML_UTF8)
        if path == "/robots.txt":
            return Answer(b"User-agent: *\nAllow: /\n", "text/plain")
        if path == "/search":
            return self._search(query.get("q", ""), int(query.get("page", "1")))
        if path.startswith("/archive/"):
            return self._day(path.removeprefix("/archive/"))
        if path.startswith("/sitemap"):
            return self._sitemap(path)
        return _NOT_FOUND

    def _day(self, day: str) -> Answer:
        links = "".join(f'<li><a href="{each.path}">{escape(each.title)}</a></li>' for each in self._days.get(day, ()))
        menu = '<a href="/about">About</a> <a href="/archive/1999-01-01">Older</a>'
        return _html(f"<nav>{menu}</nav><ul>{links}</ul>")

    def _sitemap(self, path: str) -> Answer:
        months = sorted({day[:7] for day in self._days})
        if path == "/sitemap.xml":
            rows = "".join(
                f"<sitemap><loc>{self.base}/sitemap-{each}.xml</loc><lastmod>2026-01-01</lastmod></sitemap>"
                for each in months
            )
            return _xml("sitemapindex", rows)
        month = path.removeprefix("/sitemap-").removesuffix(".xml")
        pages = [page for day, pages in sorted(self._days.items()) if day.startswith(month) for page in pages]
        if not pages:
            return _NOT_FOUND
        return _xml("urlset", "".join(self._entry(each) for each in pages))

    def _entry(self, page: PastPage) -> str:
        loc, time = escape(self.base + quote(page.path)), page.published.isoformat()
        news = (
            f"<news:news><news:publication_date>{time}</news:publication_date>"
            f"<news:title>{escape(page.title)}</news:title></news:news>"
        )
        return f"<url><loc>{loc}</loc><lastmod>{time}</lastmod>{news if self.outlet.language == 'vi' else ''}</url>"

    def _search(self, words: str, number: int) -> Answer:
        wanted = words.lower().split()
        hits = [
            page
            for page in reversed(self.outlet.pages)
            if all(each in f" {page.title} {' '.join(page.paragraphs)} ".lower() for each in wanted)
        ]
        shown = hits[(number - 1) * _RESULTS_A_PAGE : number * _RESULTS_A_PAGE]
        rows = "".join(f'<h3 class="hit"><a href="{each.path}">{escape(each.title)}</a></h3>' for each in shown)
        return _html(f'<a href="/about">About</a><main>{rows or "<p>Nothing</p>"}</main>')


def _html(body: str) -> Answer:
    return Answer(f"<!doctype html><html><body>{body}</body></html>".encode(), HTML_UTF8)


def _xml(name: str, rows: str) -> Answer:
    return Answer(
        f'<?xml version="1.0" encoding="utf-8"?><{name} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">{rows}</{name}>'.encode(),
        _XML,
    )
