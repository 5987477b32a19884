"""Which records of a WARC file are worth reading: pages of the right hosts, days and languages that may match."""

from __future__ import annotations

import html
import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from crawler.outlet import site_of
from crawler.providers.reading import days_in, overlap
from crawler.warc.spans import Record
from tripoint.domain.text import has_vietnamese_marks
from tripoint.domain.urls import normalise_url
from tripoint.domain.when import Days
from tripoint.relevance.prematch import Cues, prematch_of

_KINDS = frozenset({"response", "resource"})
_HTML_LANGUAGE = re.compile(r"<html\b[^>]{0,2000}?\slang\s*=\s*[\"']?\s*([a-zA-Z]{2})(?![a-zA-Z])", re.IGNORECASE)
_HEAD_CHARACTERS = 10_000


class Passed(StrEnum):
    """Why a record was not read, or what came of reading it."""

    NO_PAGE = "no pages"
    OTHER_HOST = "of other hosts"
    OTHER_DAY = "of other days"
    TOO_LARGE = "too large"
    OTHER_LANGUAGE = "in other languages"
    NO_MATCH = "without a name of the topic"
    NO_ARTICLE = "without an article"
    UNREADABLE = "that could not be read"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Sift:
    """What is looked for; sent to the workers."""

    days: Days
    since: datetime  #: nothing that was captured before can be of these days
    sites: frozenset[str]  #: of the sources, as `site_of` names them
    only_sites: bool  #: whether other sites are passed over
    languages: frozenset[str]  #: ISO 639-1 codes
    cues: Cues | None  #: None reads pages whatever they name
    most_bytes: int  #: content of a larger record is not read


def by_head(record: Record, sift: Sift) -> Passed | None:
    """Return why a record need not even be unpacked, None where it may be worth it."""
    if record.kind not in _KINDS or not record.url.startswith(("http://", "https://")):
        return Passed.NO_PAGE
    if record.kind == "resource" and "html" not in record.content_type.lower():
        return Passed.NO_PAGE
    try:
        url = normalise_url(record.url)
        site = site_of(url)
    except ValueError:
        return Passed.NO_PAGE
    if sift.only_sites and not own_site(site, sift.sites):
        return Passed.OTHER_HOST
    if record.captured is not None and record.captured < sift.since:
        return Passed.OTHER_DAY
    if (named := days_in(url)) is not None and not overlap(named, sift.days):
        return Passed.OTHER_DAY
    return Passed.TOO_LARGE if record.content_bytes > sift.most_bytes else None


def own_site(site: str, sites: Container[str]) -> str:
    """Return the site of a source that a site is, or lies below; "" where there is none."""
    while site and site not in sites:
        site = site.partition(".")[2]
    return site


def by_text(text: str, language: str, sift: Sift) -> Passed | None:
    """Return why a page need not be read, None where it must be.

    `language` is that of its source, "" where there is none. What a page calls itself decides as little here as it
    does when it is read: letters that only Vietnamese has count for more.
    """
    said = _HTML_LANGUAGE.search(text, 0, _HEAD_CHARACTERS)
    spoken = said[1].lower() if said else language
    if spoken and spoken not in sift.languages and not ("vi" in sift.languages and _looks_vietnamese(text)):
        return Passed.OTHER_LANGUAGE
    if sift.cues is not None and not prematch_of(sift.cues).may_match(text):
        return Passed.NO_MATCH
    return None


def _looks_vietnamese(text: str) -> bool:
    return has_vietnamese_marks(text) or ("&" in text and has_vietnamese_marks(html.unescape(text)))
