"""Which links of a page lead to articles: pure, scored by the shape of the address and the place on the page.

No single sign is trusted. A ministry's `?id=77` has no telling shape, a portal's footer has long slugs, and a list of
`<div>`s has no headings; together, place, words and shape part articles from menus on pages nobody has seen before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from lxml import html

from crawler.outlet import site_of
from tripoint.domain.text import one_line
from tripoint.domain.urls import canonical_url, normalise_url

BAR = 3.0  # a link below it is not taken for an article
_MOST_LINKS = 3_000  # of one page; what comes later is not looked at
_HIGHEST = 12  # ancestors of a link that are looked at

_SKIPPED = re.compile(
    r"/(?:tags?|tac-gia|authors?|staff|columnists?|topics?|hub|chu-de|search|tim-kiem|login|dang-nhap|rss|videos?"
    r"|podcasts?|photos?|multimedia|galler(?:y|ies)|about(?:-us)?|contact(?:-us)?|lien-he|privacy[\w-]*|terms[\w-]*"
    r"|cookies?[\w-]*|category|section|live|newsletters?|subscribe)(?:[/.]|$)",
    re.IGNORECASE,
)
_FILE = re.compile(r"\.(?:jpe?g|png|gif|webp|svg|pdf|docx?|xlsx?|zip|rar|mp[34]|xml|rss|css|js|apk)$", re.IGNORECASE)
_DATE = re.compile(r"/(?:19|20)\d{2}/(?:\d{1,2}|[a-z]{3})(?:/|$)|(?:^|[/_-])(?:19|20)\d{2}-?[01]\d-?[0-3]\d(?:[/_-]|$)")
_LONG_ID = re.compile(r"\d{5,}")
_PAGE_ENDING = re.compile(r"\.(?:s?html?|chn|aspx?|php|ldo|tpo|vov|vgp|jsp)$", re.IGNORECASE)
_ID_KEY = re.compile(r"^(?:\w*id|\w*news\w*|article|story|item|p|n|a)$", re.IGNORECASE)
_MORE = re.compile(
    r"^(?:read (?:more|full.*)|continue reading|more|details?|full story|xem (?:thêm|tiếp|chi tiết)|chi tiết|đọc tiếp"
    r"|подробнее|читать далее|next|older|trang sau)\W*$",
    re.IGNORECASE,
)
_MENU_WORDS = frozenset(
    "nav navbar navigation menu submenu breadcrumb breadcrumbs footer social share sharing tag tags pagination pager"
    " paging login lang language languages copyright cookie cookies banner ads advert sponsor sitemap toolbar".split()
)
_STORY_WORDS = frozenset(
    "article story stories item card news post posts entry teaser headline title tin bai listing archive feed".split()
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where on a page a link stands."""

    in_heading: bool = False
    in_story: bool = False  #: inside an `<article>`, or what a class calls a story
    in_menu: bool = False
    in_prose: bool = False
    in_aside: bool = False


@dataclass(frozen=True, slots=True)
class SeenLink:
    """A link as a page shows it, all its places taken together."""

    url: str  #: normalised
    key: str  #: canonical
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class ScoredLink:
    """A link, and how much it looks like one to an article."""

    link: SeenLink
    score: float


def score_links(links: list[SeenLink], page_url: str) -> list[ScoredLink]:
    """Return every link with its score, in the order of the page; above `BAR` it leads to an article."""
    here = canonical_url(page_url)
    shapes = Counter(_shape(each.url) for each in links if not each.place.in_menu and len(each.text) >= 25)
    hubs = Counter(parent for each in links for parent in _parents(each.key))
    return [ScoredLink(each, _score(each, here, shapes[_shape(each.url)], hubs[each.key])) for each in links]


def _score(link: SeenLink, here: str, alike: int, below: int) -> float:
    path = urlsplit(link.url).path
    if _SKIPPED.search(path) or _FILE.search(path) or link.key == here or here.startswith(f"{link.key}/"):
        return -10.0
    score = _of_address(link.url) + _of_place(link.place) + _of_text(link.text, link.place)
    if alike >= 3:
        score += 1.5  # headlines of one shape, again and again: that is what a list of articles is
    if below >= 2:
        score -= 3.0  # others lie below it: a section
    return score


def _of_address(url: str) -> float:
    parts = urlsplit(url)
    segments = [each for each in parts.path.split("/") if each]
    slug = max((len(re.findall(r"[^\W_]{2,}", each)) for each in segments[-2:]), default=0)
    score = 2.0 * bool(_DATE.search(parts.path)) + 1.5 * bool(_LONG_ID.search(parts.path)) + 1.5 * (slug >= 4)
    score += 0.5 * bool(_PAGE_ENDING.search(parts.path)) + 0.5 * (len(segments) >= 2)
    query = parse_qsl(parts.query)
    if any(_ID_KEY.match(key) and any(c.isdigit() for c in value) for key, value in query):
        return score + 1.5
    if not segments or (len(segments) == 1 and slug <= 2 and not _LONG_ID.search(parts.path)):
        score -= 2.0
    return score


def _of_place(place: Place) -> float:
    score = 2.0 * place.in_heading + 1.0 * (place.in_story and not place.in_heading)
    return score - 3.0 * place.in_menu - 0.5 * place.in_aside


def _of_text(text: str, place: Place) -> float:
    words = len(text.split())
    if not words:
        return 0.0
    if words >= 5 or len(text) >= 25:
        return 2.0 if words >= 8 else 1.5
    return 0.0 if words > 2 or place.in_prose else -1.0


def _shape(url: str) -> str:
    """Return an address with its particulars taken out, so that those of one template are equal."""
    parts = urlsplit(url)
    path = re.sub(r"[^/.]*[^\W\d_]-[^/.]*", "s", parts.path)  # a slug
    path = re.sub(r"\d+", "9", path)
    *folders, last = path.split("/")
    ending = _PAGE_ENDING.search(last)
    keys = ",".join(sorted(key for key, _ in parse_qsl(parts.query)))
    return f"{len(folders)}/{'9' if '9' in last else 's' if 's' in last else 'x'}{ending[0] if ending else ''}?{keys}"


def _parents(key: str) -> Iterator[str]:
    """Yield the addresses of the folders that an address lies in, but for the site's own."""
    base = "/".join(key.split("/")[:3])
    folders = key[len(base) :].split("?")[0].split("/")[1:-1]
    for depth in range(1, len(folders) + 1):
        yield base + "/" + "/".join(folders[:depth])


def links_of(tree: html.HtmlElement, page_url: str) -> list[SeenLink]:
    """Return the links of a page in their order, one for each page that they lead to."""
    found: dict[str, SeenLink] = {}
    base = _base(tree, page_url)
    for number, element in enumerate(tree.iterfind(".//a[@href]")):
        if number >= _MOST_LINKS:
            break
        href = str(element.get("href", "")).strip()
        if not href or href.startswith(("#", "javascript:", "mailto:", "tel:")):
            continue
        try:
            url = normalise_url(href, base)
            key = canonical_url(url)
        except ValueError:
            continue
        seen = SeenLink(url, key, _text(element), _place(element))
        found[key] = _together(found[key], seen) if key in found else seen
    return list(found.values())


def _base(tree: html.HtmlElement, page_url: str) -> str:
    element = tree.find(".//base[@href]")
    try:
        return normalise_url(str(element.get("href")), page_url) if element is not None else page_url
    except ValueError:
        return page_url


def _together(one: SeenLink, other: SeenLink) -> SeenLink:
    """Return two links to one page, such as a picture and a headline, as one."""
    a, b = one.place, other.place
    place = Place(
        a.in_heading or b.in_heading,
        a.in_story or b.in_story,
        a.in_menu and b.in_menu,
        a.in_prose or b.in_prose,
        a.in_aside and b.in_aside,
    )
    return SeenLink(one.url, one.key, max(one.text, other.text, key=len), place)


def _text(element: html.HtmlElement) -> str:
    text = one_line(element.text_content())
    if not text:
        pictures = [str(each.get("alt") or "") for each in element.iter("img")]
        text = one_line(next(filter(None, [str(element.get("title") or ""), *pictures]), ""))
    return "" if _MORE.match(text) else text


def _place(element: html.HtmlElement) -> Place:
    heading = any(True for _ in element.iter(*_HEADINGS))
    story = menu = banner = prose = aside = False
    for depth, ancestor in enumerate(element.iterancestors()):
        tag = str(ancestor.tag)
        if tag in {"body", "html"} or depth >= _HIGHEST:
            break
        words = set(
            re.split(r"[\s_-]+", f"{ancestor.get('class')} {ancestor.get('id')} {ancestor.get('role')}".lower())
        )
        heading |= tag in _HEADINGS
        story |= tag == "article" or bool(words & _STORY_WORDS)
        menu |= tag == "nav" or bool(words & _MENU_WORDS)
        banner |= tag in {"header", "footer"}
        prose |= tag == "p"
        aside |= tag == "aside" or "sidebar" in words
    return Place(heading, story, menu or (banner and not story), prose, aside)


def article_links(tree: html.HtmlElement, page_url: str, pattern: str = "", homepage: str = "") -> list[ScoredLink]:
    """Return the links of a page to articles of its site or its outlet's, in their order; a pattern decides alone."""
    sites = {site_of(page_url), site_of(homepage or page_url)}  # an archive may have a host of its own
    scored = [each for each in score_links(links_of(tree, page_url), page_url) if site_of(each.link.url) in sites]
    if pattern:
        here = canonical_url(page_url)
        return [each for each in scored if re.search(pattern, each.link.url) and each.link.key != here]
    return [each for each in scored if each.score >= BAR]
