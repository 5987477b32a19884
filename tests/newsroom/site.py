"""One outlet's answers by path, rendered once and kept until something is published."""

from datetime import UTC, datetime, timedelta

from tests.newsroom import feeds, listings, sitemaps
from tests.newsroom.edition import Edition, newest_first
from tests.newsroom.exchange import Answer, body_tag
from tests.newsroom.page import HTML_UTF8, NewsPage, Outlet

_NEVER_DATED = datetime(2020, 1, 1, tzinfo=UTC)
_ONE_SECOND = timedelta(seconds=1)
_XML = "text/xml; charset=utf-8"
_FIXED = {
    "/": (HTML_UTF8, listings.home),
    "/robots.txt": ("text/plain; charset=utf-8", sitemaps.robots),
    "/rss.xml": ("application/rss+xml; charset=utf-8", feeds.rss),
    "/atom.xml": ("application/atom+xml; charset=utf-8", feeds.atom),
    "/feed.json": ("application/feed+json; charset=utf-8", feeds.json_feed),
    "/sitemap.xml": (_XML, sitemaps.sitemap_index),
    "/news-sitemap.xml": (_XML, sitemaps.news_sitemap),
}
_NOT_FOUND = Answer(b"<!doctype html><title>404</title><h1>404</h1>\n", HTML_UTF8, 404)


class OutletSite:
    """Answers every path of one outlet; the caller's Outlet is never changed."""

    def __init__(self, outlet: Outlet, base: str) -> None:
        self.outlet = outlet
        self.base = base
        self._pages = {page.path: page for page in outlet.pages}
        if len(self._pages) != len(outlet.pages):
            raise ValueError(f"outlet {outlet.name} has two pages on one path")
        self._modified = {page.path: _page_time(page) for page in outlet.pages}
        self._changed = max((time for time in self._modified.values() if time), default=_NEVER_DATED)
        self._edition = self._new_edition()
        self._answers: dict[str, Answer] = {}

    def publish(self, page: NewsPage) -> None:
        """Add or replace a page; validators move on by a second at least, so nobody is told 304 wrongly."""
        time, before = _page_time(page), self._modified.get(page.path)
        if time and before:
            time = max(time, before + _ONE_SECOND)
        self._pages[page.path] = page
        self._modified[page.path] = time
        self._changed = max(time or _NEVER_DATED, self._changed + _ONE_SECOND)
        self._edition = self._new_edition()
        self._answers.clear()

    def answer(self, path: str) -> Answer:
        """Return what a path says when nothing misbehaves."""
        known = self._answers.get(path)
        if known is None:
            known = self._render(path)
            if known.status == 200:
                self._answers[path] = known
        return known

    def _render(self, path: str) -> Answer:
        page = self._pages.get(path)
        if page is not None:
            return _validated(page.body(self.base), page.content_type, self._modified[path])
        if path in _FIXED:
            content_type, write = _FIXED[path]
            return _validated(write(self._edition), content_type, self._changed)
        folder, _, name = path.rpartition("/")
        if folder == "/section" and name in self._edition.sections:
            return _validated(listings.section(self._edition, name), HTML_UTF8, self._changed)
        if not folder and name in listings.SMALL_PRINT:
            return _validated(listings.small_print(self._edition, name), HTML_UTF8, self._changed)
        return _NOT_FOUND

    def _new_edition(self) -> Edition:
        return Edition(self.outlet, self.base, newest_first(self._pages.values()), self._changed)


def _page_time(page: NewsPage) -> datetime | None:
    moment = page.modified or page.published
    return moment.replace(microsecond=0) if moment else None


def _validated(body: bytes, content_type: str, modified: datetime | None) -> Answer:
    return Answer(body, content_type, last_modified=modified, etag=body_tag(body))
