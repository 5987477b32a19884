"""The three feed formats, written by hand so that no library's quirks hide in them."""

import json
from datetime import datetime
from email.utils import format_datetime
from html import escape

from tests.newsroom.edition import Edition
from tests.newsroom.page import NewsPage


def rss(edition: Edition) -> bytes:
    """Write RSS 2.0 with local RFC 822 dates, as most newsrooms do."""
    outlet = edition.outlet
    items = "".join(_rss_item(edition, page) for page in edition.feed_pages)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">\n<channel>\n'
        f"<title>{escape(outlet.title)}</title>\n<link>{escape(edition.base)}/</link>\n"
        f"<description>{escape(outlet.title)}</description>\n<language>{escape(outlet.language)}</language>\n"
        f'<atom:link rel="self" type="application/rss+xml" href="{escape(edition.url("/rss.xml"))}"/>\n'
        f"<lastBuildDate>{format_datetime(edition.changed.astimezone(edition.zone))}</lastBuildDate>\n"
        f"{items}</channel>\n</rss>\n"
    ).encode()


def _rss_item(edition: Edition, page: NewsPage) -> str:
    url = escape(edition.url(page.path))
    date = format_datetime(page.published.astimezone(edition.zone)) if page.published else ""
    return (
        f"<item>\n<title>{escape(page.title)}</title>\n<link>{url}</link>\n"
        f'<guid isPermaLink="true">{url}</guid>\n'
        + (f"<pubDate>{date}</pubDate>\n" if date else "")
        + f"<category>{escape(page.section)}</category>\n"
        + f"<description>{escape(page.summary)}</description>\n</item>\n"
    )


def atom(edition: Edition) -> bytes:
    """Write Atom 1.0, whose entries must carry an update time even when undated."""
    outlet = edition.outlet
    entries = "".join(_atom_entry(edition, page) for page in edition.feed_pages)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{escape(outlet.language)}">\n'
        f"<title>{escape(outlet.title)}</title>\n<id>{escape(edition.base)}/</id>\n"
        f"<author><name>{escape(outlet.title)}</name></author>\n"
        f'<link rel="self" href="{escape(edition.url("/atom.xml"))}"/>\n<link href="{escape(edition.base)}/"/>\n'
        f"<updated>{_local(edition, edition.changed)}</updated>\n{entries}</feed>\n"
    ).encode()


def _atom_entry(edition: Edition, page: NewsPage) -> str:
    url = escape(edition.url(page.path))
    published = f"<published>{_local(edition, page.published)}</published>\n" if page.published else ""
    updated = page.modified or page.published or edition.changed
    return (
        f'<entry>\n<title>{escape(page.title)}</title>\n<id>{url}</id>\n<link rel="alternate" href="{url}"/>\n'
        f"{published}<updated>{_local(edition, updated)}</updated>\n"
        f'<category term="{escape(page.section)}"/>\n<summary>{escape(page.summary)}</summary>\n</entry>\n'
    )


def json_feed(edition: Edition) -> bytes:
    """Write JSON Feed 1.1."""
    outlet = edition.outlet
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.title,
        "home_page_url": f"{edition.base}/",
        "feed_url": edition.url("/feed.json"),
        "language": outlet.language,
        "items": [_json_item(edition, page) for page in edition.feed_pages],
    }
    return json.dumps(feed, ensure_ascii=False).encode()


def _json_item(edition: Edition, page: NewsPage) -> dict[str, object]:
    url = edition.url(page.path)
    item: dict[str, object] = {
        "id": url,
        "url": url,
        "title": page.title,
        "summary": page.summary,
        "content_text": page.summary or page.title,
        "tags": [page.section],
    }
    if page.published:
        item["date_published"] = _local(edition, page.published)
    return item


def _local(edition: Edition, moment: datetime) -> str:
    return moment.astimezone(edition.zone).isoformat(timespec="seconds")
