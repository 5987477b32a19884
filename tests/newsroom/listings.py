"""The HTML pages that lead to articles: home, sections and the small print."""

from html import escape

from tests.newsroom.edition import Edition, url_path
from tests.newsroom.page import NewsPage

_LABELS_EN = {"home": "Home", "about": "About us", "contact": "Contact", "share": "Follow us", "menu": "Menu"}
_LABELS_VI = {"home": "Trang chủ", "about": "Giới thiệu", "contact": "Liên hệ", "share": "Theo dõi", "menu": "Mục lục"}
SMALL_PRINT = ("about", "contact")


def section_path(section: str) -> str:
    """Return where a section's listing is served."""
    return f"/section/{section}"


def home(edition: Edition) -> bytes:
    """Link to the sections and announce the feeds, but to no article directly."""
    links = "".join(
        f'<li><a href="{escape(url_path(section_path(section)))}">{escape(section)}</a></li>\n'
        for section in edition.sections
    )
    return _document(edition, edition.outlet.title, f"<ul>\n{links}</ul>")


def section(edition: Edition, name: str) -> bytes:
    """List a section's pages with the three kinds of link that real listings mix."""
    pages = [page for page in edition.pages if page.in_section and page.section == name]
    rows = "".join(
        f'<article><h2><a href="{escape(_link(edition, page, row))}">{escape(page.title)}</a></h2>'
        f"<p>{escape(page.summary)}</p></article>\n"
        for row, page in enumerate(pages)
    )
    return _document(edition, f"{name} | {edition.outlet.title}", rows)


def small_print(edition: Edition, name: str) -> bytes:
    """Give the navigation somewhere dull to lead, since a crawler will try it."""
    return _document(edition, _labels(edition)[name], f"<p>{escape(edition.outlet.title)}</p>")


def _link(edition: Edition, page: NewsPage, row: int) -> str:
    path = url_path(page.path)
    return (path, f"..{path}", edition.base + path)[row % 3]


def _labels(edition: Edition) -> dict[str, str]:
    return _LABELS_VI if edition.outlet.language == "vi" else _LABELS_EN


def _document(edition: Edition, title: str, main: str) -> bytes:
    outlet, labels = edition.outlet, _labels(edition)
    menu = "".join(
        f'<a href="{escape(url_path(section_path(name)))}">{escape(name)}</a>\n' for name in edition.sections
    )
    return (
        f'<!doctype html>\n<html lang="{escape(outlet.language)}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n"
        '<link rel="alternate" type="application/rss+xml" title="RSS" href="/rss.xml">\n'
        '<link rel="alternate" type="application/atom+xml" title="Atom" href="/atom.xml">\n'
        '<link rel="alternate" type="application/feed+json" title="JSON" href="/feed.json">\n'
        f'</head>\n<body>\n<nav><a href="#menu">{labels["menu"]}</a>\n<a href="/">{labels["home"]}</a>\n{menu}'
        f'<a href="javascript:void(0)">…</a></nav>\n<main>\n<h1>{escape(title)}</h1>\n{main}\n</main>\n'
        f'<footer><a href="/about">{labels["about"]}</a> <a href="/contact">{labels["contact"]}</a> '
        f'<a href="mailto:desk@outlet.example">desk@outlet.example</a> '
        f'<a href="https://social.example/outlet">{labels["share"]}</a></footer>\n</body>\n</html>\n'
    ).encode()
