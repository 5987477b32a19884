"""What a page says of itself: JSON-LD, meta tags and links, read once and believed with care."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree, html

from tripoint.domain.text import one_line

ARTICLE_TYPES = frozenset(
    "Article NewsArticle ReportageNewsArticle AnalysisNewsArticle BackgroundNewsArticle OpinionNewsArticle BlogPosting"
    " ReviewNewsArticle AdvertiserContentArticle LiveBlogPosting Report Review".split()
)
_COMMENT = re.compile(r"<!--|-->|/\*.*?\*/|//<!\[CDATA\[|//\]\]>", re.DOTALL)
_MAX_DEPTH = 6
_DATED = etree.XPath("//@itemprop[. = 'datePublished']/..")
_NO_PERSON = re.compile(r"https?:|@|www\.|\.com\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Head:
    """What a page says of itself."""

    types: frozenset[str]  #: JSON-LD types of the page's main things
    headline: str
    published: tuple[str, ...]  #: dates as written, the most trustworthy first
    authors: tuple[str, ...]
    free: bool  #: false where JSON-LD says that reading needs an account
    meta: dict[str, str]  #: name or property in small letters, first value
    canonical: str
    language: str

    @property
    def is_article(self) -> bool:
        """Return whether the page calls itself an article."""
        return bool(self.types & ARTICLE_TYPES) or self.meta.get("og:type", "").lower() in {"article", "newsarticle"}


def read_head(tree: html.HtmlElement) -> Head:
    """Collect what the page says of itself; broken JSON-LD is skipped."""
    things = list(_things(tree))
    articles = [each for each in things if _types(each) & ARTICLE_TYPES]
    meta = _meta(tree)
    first: dict[str, Any] = articles[0] if articles else {}
    return Head(
        types=frozenset().union(*(_types(each) for each in things)),
        headline=_text(first.get("headline") or first.get("name")),
        published=tuple(dict.fromkeys(each for each in _published(articles, meta, tree) if each)),
        authors=_authors(first, meta, tree),
        free=str(first.get("isAccessibleForFree", True)).lower() != "false",
        meta=meta,
        canonical=_canonical(tree, meta),
        language=str(tree.get("lang") or tree.get("xml:lang") or meta.get("og:locale", ""))[:2].lower(),
    )


def _things(tree: html.HtmlElement) -> Iterator[dict[str, Any]]:
    for script in tree.iter("script"):
        if "ld+json" in str(script.get("type", "")).lower() and script.text:
            try:
                yield from _flatten(json.loads(_COMMENT.sub("", script.text), strict=False), 0)
            except (ValueError, RecursionError):
                continue


def _flatten(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for each in value[:200]:
            yield from _flatten(each, depth + 1)
    elif isinstance(value, dict):
        if "@type" in value:
            yield value
        for key in ("@graph", "mainEntity"):
            if key in value:
                yield from _flatten(value[key], depth + 1)


def _types(thing: dict[str, Any]) -> frozenset[str]:
    kind = thing.get("@type")
    return frozenset(str(each).rsplit("/", 1)[-1] for each in (kind if isinstance(kind, list) else [kind]))


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict):
        value = value.get("name") or value.get("@value") or ""
    return one_line(html_text(value)) if isinstance(value, str) else ""


def html_text(value: str) -> str:
    """Return JSON-LD text without the markup and entities that some outlets put there."""
    if "<" not in value and "&" not in value:
        return value
    try:
        return str(html.fromstring(f"<div>{value}</div>").text_content())
    except (ValueError, AssertionError):
        return value


_META_DATES = (
    "article:published_time",
    "og:article:published_time",
    "article:published",
    "datepublished",
    "og:published_time",
    "parsely-pub-date",
    "sailthru.date",
    "pubdate",
    "publishdate",
    "publish-date",
    "dc.date.issued",
    "dcterms.created",
    "dc.date",
    "cxenseparse:recs:publishtime",
    "date",
)


def _published(articles: list[dict[str, Any]], meta: dict[str, str], tree: html.HtmlElement) -> Iterator[str]:
    for each in articles:
        yield _text(each.get("datePublished"))
    for name in _META_DATES:
        yield meta.get(name, "")
    for each in _DATED(tree):
        yield str(each.get("content") or each.get("datetime") or "")
    for each in articles:
        yield _text(each.get("dateCreated") or each.get("uploadDate"))


def _meta(tree: html.HtmlElement) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in tree.iter("meta"):
        name = str(tag.get("property") or tag.get("name") or tag.get("itemprop") or "").lower()
        content = one_line(str(tag.get("content") or ""))
        if name and content:
            found.setdefault(name, content)
    return found


def _canonical(tree: html.HtmlElement, meta: dict[str, str]) -> str:
    for link in tree.iter("link"):
        if str(link.get("rel", "")).lower() == "canonical" and link.get("href"):
            return str(link.get("href")).strip()
    return meta.get("og:url", "")


def _authors(article: dict[str, Any], meta: dict[str, str], tree: html.HtmlElement) -> tuple[str, ...]:
    named = article.get("author") or article.get("creator") or []
    found = [_text(each) for each in (named if isinstance(named, list) else [named])]
    if not any(found):
        found = [
            meta.get(key, "") for key in ("author", "article:author", "parsely-author", "sailthru.author", "dc.creator")
        ]
    if not any(each and not _NO_PERSON.search(each) for each in found):
        found = [one_line(each.text_content()) for each in tree.xpath(_BYLINE)[:3]]
    people = [each for each in found if 1 < len(each) <= 80 and not _NO_PERSON.search(each)]
    return tuple(dict.fromkeys(people))


_BYLINE = (
    "//*[@rel='author' or @itemprop='author' or contains(concat(' ', @class, ' '), ' author ')"
    " or contains(@class, 'byline') or contains(@class, 'author-name') or contains(@class, 'author__name')]"
)
