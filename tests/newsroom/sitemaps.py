"""What an outlet tells crawlers about itself: robots.txt and its sitemaps."""

from html import escape

from tests.newsroom.edition import Edition
from tests.newsroom.page import NewsPage


def robots(edition: Edition) -> bytes:
    """Write robots.txt, allowing everything unless the outlet has its own text."""
    outlet = edition.outlet
    if outlet.robots is not None:
        return outlet.robots.replace("{base}", edition.base).encode()
    delay = "" if outlet.crawl_delay_s is None else f"Crawl-delay: {outlet.crawl_delay_s:g}\n"
    return f"User-agent: *\nAllow: /\n{delay}\nSitemap: {edition.url('/sitemap.xml')}\n".encode()


def sitemap_index(edition: Edition) -> bytes:
    """Point at the news sitemap, so that a reader has to follow an index."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        f"<sitemap><loc>{escape(edition.url('/news-sitemap.xml'))}</loc>"
        f"<lastmod>{edition.changed.astimezone(edition.zone).isoformat(timespec='seconds')}</lastmod></sitemap>\n"
        "</sitemapindex>\n"
    ).encode()


def news_sitemap(edition: Edition) -> bytes:
    """List pages in the news sitemap format, the only one that carries titles."""
    entries = "".join(_entry(edition, page) for page in edition.pages if page.in_sitemap)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">\n'
        f"{entries}</urlset>\n"
    ).encode()


def _entry(edition: Edition, page: NewsPage) -> str:
    outlet = edition.outlet
    date = page.published.astimezone(edition.zone).isoformat(timespec="seconds") if page.published else ""
    return (
        f"<url><loc>{escape(edition.url(page.path))}</loc><news:news><news:publication>"
        f"<news:name>{escape(outlet.title)}</news:name><news:language>{escape(outlet.language)}</news:language>"
        "</news:publication>"
        + (f"<news:publication_date>{date}</news:publication_date>" if date else "")
        + f"<news:title>{escape(page.title)}</news:title></news:news></url>\n"
    )
