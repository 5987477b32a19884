"""What an outlet has to show: its pages and how it presents itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

HTML_UTF8 = "text/html; charset=utf-8"

PageSource = bytes | Callable[[str], bytes]
"""Page bytes, or a function of the outlet's base URL for pages that carry absolute links."""


@dataclass(frozen=True, slots=True)
class NewsPage:
    """One page of an outlet, together with every place that may link to it."""

    path: str
    html: PageSource
    title: str
    published: datetime | None
    section: str
    summary: str = ""
    in_feed: bool = True
    content_type: str = HTML_UTF8
    modified: datetime | None = None
    in_sitemap: bool = True
    in_section: bool = True

    def __post_init__(self) -> None:
        """Refuse what would only show up later as a wrong feed."""
        if not self.path.startswith("/"):
            raise ValueError(f"page path must start with a slash: {self.path!r}")
        for moment in (self.published, self.modified):
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"page {self.path} has a time without a zone: {moment}")

    def body(self, base: str) -> bytes:
        """Return the bytes to serve when the outlet answers at `base`."""
        return self.html(base) if callable(self.html) else self.html


@dataclass(slots=True)
class Outlet:
    """A news site: `robots` may contain `{base}`, and None means allow everything."""

    name: str
    title: str
    language: str
    country: str
    timezone: str
    pages: list[NewsPage] = field(default_factory=list)
    robots: str | None = None
    crawl_delay_s: float | None = None
