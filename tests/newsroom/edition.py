"""One outlet at one moment, which is all that feeds, sitemaps and listings need to know."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from tests.newsroom.page import NewsPage, Outlet

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Edition:
    """An outlet's pages, newest first, at the address the outlet answers on."""

    outlet: Outlet
    base: str
    pages: tuple[NewsPage, ...]
    changed: datetime

    @property
    def zone(self) -> ZoneInfo:
        """The outlet's own clock, because newspapers date their feeds locally."""
        return ZoneInfo(self.outlet.timezone)

    @property
    def feed_pages(self) -> list[NewsPage]:
        """The pages the feeds announce."""
        return [page for page in self.pages if page.in_feed]

    @property
    def sections(self) -> list[str]:
        """Section names in the order their newest page appears."""
        return list(dict.fromkeys(page.section for page in self.pages if page.in_section))

    def url(self, path: str) -> str:
        """Return the absolute URL of a path, percent-encoded as a feed must carry it."""
        return self.base + url_path(path)


def url_path(path: str) -> str:
    """Percent-encode a path so that a Vietnamese slug survives in XML and in headers."""
    return quote(path, safe="/:@!$&'()*+,;=~-._%")


def newest_first(pages: Iterable[NewsPage]) -> tuple[NewsPage, ...]:
    """Order pages as a front page does, undated ones last."""
    return tuple(sorted(pages, key=lambda page: page.published or _LONG_AGO, reverse=True))
