"""One page to one article, or to the reason why it holds none; runs in a worker, and never waits for anything."""

from __future__ import annotations

import re
from collections import Counter
from zoneinfo import ZoneInfo

import tldextract
import trafilatura
from lxml import etree, html

from crawler.extract.head import Head, read_head
from crawler.extract.kind import LONG_PARAGRAPH_CHARACTERS, not_article_kind
from crawler.extract.published import find_published
from crawler.markup import decode, parse_html
from tripoint.domain.text import content_hash, has_vietnamese_marks, nfc, one_line
from tripoint.domain.types import Article, Candidate, NotArticle, NotArticleKind, Page, Source
from tripoint.domain.urls import canonical_url, host, is_local, normalise_url

_SITE_SUFFIX = re.compile(r"\s+[|\-–—»·]\s+[^|–—»·]{2,60}$")
_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
_BLANK = re.compile(r"[ \t\u00a0]+")
_SAPO = re.compile(r"sapo|standfirst|chapeau|article__summary|article-summary")
_NEVER_TEXT = (
    *("script", "style", "svg", "noscript", "template", "iframe", "button", "input", "select", "footer", "nav", "head"),
    *("img", "picture", "source", "video", "audio", "map", "object", "embed"),
)
_SAPO_TAGS = ("h2", "p", "div", "strong")


def read_page(page: Page, candidate: Candidate, source: Source) -> Article | NotArticle:
    """Read title, body, authors, time, language and canonical URL out of one page."""
    tree = parse_html(decode(page.body, page.content_type), page.final_url)
    if tree is None:
        return NotArticle(page.final_url, NotArticleKind.EMPTY, "the page is empty")
    head = read_head(tree)
    title = _title(tree, head, candidate)
    # trafilatura cuts the tree down while it reads, so that everything else is asked before.
    language = _language(tree, head, source)
    zone = ZoneInfo(source.timezone)
    published = find_published(tree, head, candidate.published, language, zone, page.fetched_at)
    sapo = _standfirst(tree)
    shape = not_article_kind(tree, head)
    text = _body(page, tree, shape.paragraph_characters, title, sapo)
    if found := shape.verdict(text):
        return NotArticle(page.final_url, *found)
    if not title:
        return NotArticle(page.final_url, NotArticleKind.EMPTY, "the page has no title")
    if has_vietnamese_marks(text[:2000]):
        language = "vi"
    return Article(
        url=page.final_url,
        canonical_url=_canonical(head.canonical, page.final_url),
        title=title,
        text=text,
        published=published.moment.at if published.moment else None,
        language=language,
        authors=head.authors,
        outlet=source.outlet,
        source=source.name,
        content_hash=content_hash(title, text),
        fetched_at=page.fetched_at,
        date_only=bool(published.moment and published.moment.date_only),
    )


def _body(page: Page, tree: html.HtmlElement, paragraphs: int, title: str, sapo: str) -> str:
    """Return the paragraphs in NFC, parted by newlines; the standfirst first, the title not again."""
    etree.strip_elements(tree, *_NEVER_TEXT, with_tail=False)  # each step of trafilatura walks or copies the tree
    raw = _extract(tree, fast=True)
    if not _is_prose(raw, paragraphs):
        # Its fallbacks cost a fifth of a page's time, and find the article where the first answer is a menu.
        raw = _extract(parse_html(decode(page.body, page.content_type), page.final_url), fast=False)
    lines = [_BLANK.sub(" ", line).strip() for line in nfc(raw).split("\n")]
    lines = [line for line in lines if line and line != title]
    if sapo and not any(sapo[:60] in line for line in lines):
        lines.insert(0, sapo)
    return "\n".join(lines)


def _extract(tree: html.HtmlElement | None, *, fast: bool) -> str:
    document = trafilatura.bare_extraction(tree, include_comments=False, with_metadata=False, fast=fast)
    return getattr(document, "text", None) or ""


def _is_prose(text: str, paragraphs: int) -> bool:
    """Return whether it is written in long lines, and holds a good part of what the page's long paragraphs hold."""
    prose = sum(len(line) for line in text.split("\n") if len(line) >= LONG_PARAGRAPH_CHARACTERS)
    return prose > 0.7 * len(text) and prose > 0.25 * paragraphs


def _title(tree: html.HtmlElement, head: Head, candidate: Candidate) -> str:
    """Return the title that most of a page's own places agree on, the filed headline before what is shown."""
    shown = [one_line(each.text_content()) for each in tree.iter("h1")]
    shown = [each for each in shown if len(each) > 8]
    filed = _without_site(one_line(tree.findtext(".//title") or ""), head)
    choices = [head.headline, _without_site(head.meta.get("og:title", ""), head), *shown[:1]]
    choices = [each for each in choices if each]
    if not choices:
        return filed or candidate.title
    votes = Counter(map(_plain_quotes, choices))
    return max(choices, key=lambda each: votes[_plain_quotes(each)])


def _plain_quotes(title: str) -> str:
    return title.translate(_QUOTES)


def _without_site(title: str, head: Head) -> str:
    site = head.meta.get("og:site_name", "")
    found = _SITE_SUFFIX.search(title)
    if found and len(title) - len(found[0]) > 15 and (not site or site.lower() in found[0].lower()):
        return title[: found.start()].strip()
    return title


def _language(tree: html.HtmlElement, head: Head, source: Source) -> str:
    return head.language if re.fullmatch(r"[a-z]{2}", head.language) else source.language


def _standfirst(tree: html.HtmlElement) -> str:
    for element in tree.iter(*_SAPO_TAGS):
        if _SAPO.search(f"{element.get('class')} {element.get('data-gu-name')}"):
            text = one_line(nfc(element.text_content()))
            if 8 <= len(text.split()) <= 120:
                return text
    return ""


_SUFFIXES = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


def _canonical(link: str, final_url: str) -> str:
    """Return the page's own canonical link if it stays on the same site, else the address that it came from."""
    own = canonical_url(final_url)
    try:
        named = canonical_url(normalise_url(link, final_url)) if link else own
    except ValueError:
        return own
    path = named.split("/", 3)[-1]
    if not path and own.split("/", 3)[-1]:
        return own  # a template that names the front page on every page would make one article of them all
    return named if _site(named) == _site(own) else own


def _site(url: str) -> str:
    name = host(url)
    if is_local(name):
        return url.split("/")[2]
    parts = _SUFFIXES(name)
    return f"{parts.domain}.{parts.suffix}" if parts.suffix else name
