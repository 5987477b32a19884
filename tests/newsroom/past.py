"""Outlets with an archive of dated pages over years, made by rule and the same each time; nothing of it is a file."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

from tripoint.domain.text import strip_marks

EXAMPLES = Path(__file__).resolve().parents[2] / "seeds" / "examples"
_SUBJECTS = {
    "en": ("The harbour council", "A village school", "The rice cooperative", "The city orchestra", "A ferry company"),
    "vi": ("Hội đồng cảng", "Trường làng", "Hợp tác xã lúa", "Dàn nhạc thành phố", "Công ty phà"),
}
_DEEDS = {
    "en": (
        "opened a new library",
        "repaired the old bridge",
        "planted mangroves",
        "held a kite fair",
        "sold its barge",
    ),
    "vi": ("mở thư viện mới", "sửa cây cầu cũ", "trồng rừng ngập mặn", "tổ chức hội diều", "bán chiếc sà lan"),
}
_LINES = {
    "en": "Residents who came in the morning of day {n} said that the work of group {m} had taken longer than the "
    "{k} weeks which were planned, and that the weather along the coast had been kind this season.",
    "vi": "Người dân có mặt từ sáng ngày thứ {n} cho biết công việc của tổ {m} kéo dài hơn {k} tuần so với dự kiến, "
    "và thời tiết ven biển mùa này khá thuận lợi cho bà con trong vùng.",
}


@dataclass(frozen=True, slots=True)
class PastPage:
    """One page of an archive."""

    path: str
    title: str
    paragraphs: tuple[str, ...]
    published: datetime
    is_relevant: bool  #: by the label of the example that it tells
    english: str  #: what an index that translates knows it by

    @property
    def text(self) -> str:
        """Return title and paragraphs."""
        return " ".join((self.title, *self.paragraphs))


@dataclass(frozen=True, slots=True)
class PastOutlet:
    """One outlet and all that it ever published."""

    name: str
    title: str
    language: str
    country: str
    timezone: str
    shape: str  #: how its archive is addressed: day-pages, month-sitemaps, index or year-sitemap
    pages: tuple[PastPage, ...]


_OUTLETS = (
    ("coast-daily", "Coast Daily", "en", "PK", "Asia/Karachi", "day-pages"),
    ("volga-wire", "Volga Wire", "en", "RU", "Europe/Moscow", "month-sitemaps"),
    ("ban-tin-bien", "Bản Tin Biển", "vi", "VN", "Asia/Ho_Chi_Minh", "index"),
    ("nhat-bao-song", "Nhật Báo Sông", "vi", "VN", "Asia/Ho_Chi_Minh", "month-sitemaps"),
)


def past_outlets(pages: int, first: date, end: date, known: int) -> list[PastOutlet]:
    """Return four outlets with so many pages in all, so many of them known to be relevant, over these days."""
    dice = random.Random(20180809)  # noqa: S311 - the same world each time is the point
    days = (end - first).days
    told = {language: _relevant_examples(language) for language in ("en", "vi")}
    outlets = []
    for number, (name, title, language, country, zone, shape) in enumerate(_OUTLETS):
        share = [told[language][at] for at in range(number % 2, len(told[language]), 2)][: known // len(_OUTLETS)]
        total = pages // len(_OUTLETS)
        places = set(dice.sample(range(total), len(share)))
        stories = iter(share)
        made = []
        for at in range(total):
            day = first + timedelta(days=at * days // total)
            moment = datetime(
                day.year, day.month, day.day, dice.randrange(24), dice.randrange(60), tzinfo=ZoneInfo(zone)
            )
            said = next(stories) if at in places else _dull(language, at, dice)
            made.append(_page(at, moment, language, said))
        outlets.append(PastOutlet(name, title, language, country, zone, shape, tuple(made)))
    return outlets


@cache
def _relevant_examples(language: str) -> tuple[tuple[str, tuple[str, ...], bool], ...]:
    """Return title and paragraphs of our own examples that everybody calls relevant, in a fixed order."""
    found = []
    prefix = {"en": "english", "vi": "vietnamese"}[language]
    for file in sorted(EXAMPLES.glob(f"{prefix}-*.jsonl")):
        for line in file.read_text(encoding="utf-8").split("\n"):
            if not line:
                continue
            said = json.loads(line)
            if said["grade"] >= 2 and "topic" not in said and len(said["text"]) > 350:
                found.append((said["title"], tuple(each for each in said["text"].split("\n") if each), True))
    return tuple(found)


def _dull(language: str, number: int, dice: random.Random) -> tuple[str, tuple[str, ...], bool]:
    title = f"{dice.choice(_SUBJECTS[language])} {dice.choice(_DEEDS[language])} {number}"
    lines = [
        _LINES[language].format(n=number, m=dice.randrange(10_000), k=dice.randrange(2, 300))
        for _ in range(dice.randrange(3, 6))
    ]
    return title, tuple(lines), False


def _page(number: int, moment: datetime, language: str, said: tuple[str, tuple[str, ...], bool]) -> PastPage:
    title, paragraphs, is_relevant = said
    slug = "-".join(strip_marks(title).lower().split())
    slug = "".join(each for each in slug if each.isalnum() or each == "-")[:80].strip("-")
    path = f"/{moment:%Y/%m/%d}/{slug}-{number}/" if language == "en" else f"/{slug}-post{1_000_000 + number}.html"
    english = " ".join((title, *paragraphs))
    if language == "vi" and is_relevant:
        english = f"{english} Pakistan Russia United States military"
    return PastPage(path, title, paragraphs, moment, is_relevant, english)


def html_of(outlet: PastOutlet, page: PastPage, base: str) -> bytes:
    """Write a page as its outlet's template has it."""
    data = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": page.title,
        "datePublished": page.published.isoformat(),
    }
    text = "\n".join(f"<p>{escape(each)}</p>" for each in page.paragraphs)
    return (
        f'<!doctype html><html lang="{outlet.language}"><head><meta charset="utf-8"><title>{escape(page.title)} | '
        f'{escape(outlet.title)}</title><link rel="canonical" href="{base}{page.path}">'
        f'<script type="application/ld+json">{json.dumps(data, ensure_ascii=False)}</script></head><body>'
        f'<nav><a href="/">{escape(outlet.title)}</a></nav><article><h1>{escape(page.title)}</h1>\n{text}</article>'
        "</body></html>"
    ).encode()


def relevant(outlets: Sequence[PastOutlet]) -> set[str]:
    """Return the titles of what is known to be relevant."""
    return {page.title for outlet in outlets for page in outlet.pages if page.is_relevant}


def utc(moment: datetime) -> datetime:
    """Return a time in UTC."""
    return moment.astimezone(UTC)
