"""When a page was published: what it says to machines, then the listing's hint, then what it shows to people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import dateparser
import htmldate
from lxml import html

from crawler.extract.head import Head
from crawler.moments import Moment, read_any, read_day_first
from tripoint.domain.text import one_line

_EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
_CLOCK_SKEW = timedelta(hours=24)
_SHOWN = (
    "//time | //*[contains(@class,'date') or contains(@class,'time') or contains(@class,'publish')"
    " or contains(@class,'ngay') or contains(@class,'meta') or contains(@id,'date')]"
)
_MAX_SHOWN = 25
_RIGHTS = re.compile(r"©|copyright|bản quyền|giấy phép", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")


@dataclass(frozen=True, slots=True)
class Published:
    """When a page was published, and what said so."""

    moment: Moment | None
    method: str


def find_published(
    tree: html.HtmlElement, head: Head, hint: datetime | None, language: str, zone: ZoneInfo, fetched_at: datetime
) -> Published:
    """Return the first believable time, the most trustworthy way first.

    A day without a time gives way to a way that knows the time of the same day.
    """
    day_only = Published(None, "")
    for method, moment in _ways(tree, head, hint, language, zone, fetched_at):
        if moment is None or not _EARLIEST <= moment.at <= fetched_at + _CLOCK_SKEW:
            continue
        if not moment.date_only:
            same_day = day_only.moment is None or abs(moment.at - day_only.moment.at) < timedelta(hours=36)
            return Published(moment, method) if same_day else day_only
        if day_only.moment is None:
            day_only = Published(moment, method)
    return day_only


def _ways(
    tree: html.HtmlElement, head: Head, hint: datetime | None, language: str, zone: ZoneInfo, fetched_at: datetime
) -> Iterator[tuple[str, Moment | None]]:
    for written in head.published:
        yield "markup", read_any(written, zone)
    if hint is not None:
        yield "listing", Moment(hint)
    shown = _shown(tree)
    for element in tree.iter("time"):
        yield "time element", read_any(str(element.get("datetime") or ""), zone, day_first=False)
    for text in shown:
        yield "shown day first", read_day_first(text, zone) if language != "en" else None
    for text in shown:
        yield "dateparser", _parse(text, language, zone, fetched_at)
    yield "htmldate", _htmldate(tree, zone)


def _shown(tree: html.HtmlElement) -> list[str]:
    """Return the short texts at which a page shows its time: before or just after the headline, never the footer."""
    texts = []
    for element in tree.xpath(_SHOWN)[: _MAX_SHOWN * 4]:
        text = one_line(element.text_content()[:400])
        if 6 <= len(text) <= 200 and _YEAR.search(text) and not _RIGHTS.search(text):
            texts.append(text)
    return texts[:_MAX_SHOWN]


def _parse(text: str, language: str, zone: ZoneInfo, fetched_at: datetime) -> Moment | None:
    if len(text) > 80:
        return None
    settings = {
        "DATE_ORDER": "DMY",
        "TIMEZONE": str(zone),
        "RETURN_AS_TIMEZONE_AWARE": True,
        "REQUIRE_PARTS": ["day", "month", "year"],
        "RELATIVE_BASE": fetched_at.astimezone(zone).replace(tzinfo=None),
        "PARSERS": ["absolute-time"],
    }
    found = dateparser.parse(text, languages=[language or "en"], settings=settings)
    if found is None:
        return None
    return Moment(found.astimezone(UTC), date_only=not re.search(r"\d[:h]\d\d", text))


def _htmldate(tree: html.HtmlElement, zone: ZoneInfo) -> Moment | None:
    try:
        # Without the extensive search, which takes a copyright year for the first of January.
        found = htmldate.find_date(tree, original_date=True, extensive_search=False, outputformat="%Y-%m-%d")
    except (ValueError, TypeError):
        return None
    return read_any(found, zone) if found else None
