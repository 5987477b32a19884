"""The page after this one of a section: pure, by rel=next or by the number that an address bears."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lxml import html

from crawler.outlet import site_of
from tripoint.domain.urls import canonical_url, normalise_url

_KEYS = frozenset({"page", "p", "paged", "pg", "pageno", "pageindex", "trang", "pagenumber"})
_IN_PATH = re.compile(r"(?:/(?:page|trang|p)[/-]?|[-_](?:page|trang|p))(\d{1,4})(?=/?$|\.\w{2,5}$)", re.IGNORECASE)
_ENDING = re.compile(r"\.(?:s?html?|chn|aspx?|php|vov|ldo|tpo)$|/$", re.IGNORECASE)


def next_page(tree: html.HtmlElement, page_url: str) -> str:
    """Return the address of the next page of a list, "" where the page links to none on its own site."""
    marked = [str(each.get("href")) for each in tree.iterfind(".//*[@href][@rel]") if _is_next(str(each.get("rel")))]
    numbered = (str(each.get("href")) for each in tree.iterfind(".//a[@href]"))
    for href in marked:
        if address := _on_site(href, page_url):
            return address
    stem, number = _split(page_url)
    for href in numbered:
        address = _on_site(href, page_url)
        if address and _split(address) == (stem, number + 1):
            return address
    return ""


def _is_next(rel: str) -> bool:
    return "next" in rel.lower().split()


def _on_site(href: str, page_url: str) -> str:
    if href.startswith(("#", "javascript:", "mailto:", "tel:")):
        return ""
    try:
        address = normalise_url(href, page_url)
        is_other = canonical_url(address) != canonical_url(page_url)
    except ValueError:
        return ""
    return address if is_other and site_of(address) == site_of(page_url) else ""


def _split(url: str) -> tuple[str, int]:
    """Return an address without the number of its page, and the number; a first page bears none."""
    parts = urlsplit(url)
    number, kept = 1, []
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key.lower() in _KEYS and value.isdigit() and len(value) < 5:
            number = int(value)
        else:
            kept.append((key, value))
    path = parts.path
    if found := _IN_PATH.search(path):
        number = int(found[1])
        path = path[: found.start()] + path[found.end() :]
    stem = _ENDING.sub("", path)
    return urlunsplit(("", site_of(url), stem, urlencode(sorted(kept)), "")), number
