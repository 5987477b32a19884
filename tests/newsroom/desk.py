"""Outlets written for tests and the demo: texts in a TOML file, pages from each outlet's own template."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2

from tests.newsroom.charsets import encode_text
from tests.newsroom.page import NewsPage, Outlet

DESK = Path(__file__).parent / "desk"
_WEEKDAYS_VI = ("Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy", "Chủ nhật")
_RELATED = 4
_IN_INDEX = 14
_FRESH_H = 72


@dataclass(frozen=True, slots=True)
class DeskPage:
    """One written page, and what a reader of it should conclude."""

    page: NewsPage
    kind: str  #: article, video, gallery, login or index
    grade: int  #: 0 to 3, as docs/relevance.md has it
    authors: tuple[str, ...]
    paragraphs: tuple[str, ...]
    is_fresh: bool  #: young enough for an alert by the default settings
    event: str  #: what it tells; pages of several outlets tell the same

    @property
    def is_relevant(self) -> bool:
        """Return whether it is about the topic."""
        return self.kind == "article" and self.grade >= 2

    @property
    def is_told(self) -> bool:
        """Return whether an alert is due for it."""
        return self.is_relevant and self.is_fresh


@dataclass(frozen=True, slots=True)
class DeskOutlet:
    """One written outlet."""

    outlet: Outlet
    pages: tuple[DeskPage, ...]


def events_told(desk: list[DeskOutlet]) -> list[str]:
    """Return the events that an alert is due for, each once, however many outlets tell it."""
    return sorted({page.event for outlet in desk for page in outlet.pages if page.is_told})


def events_of(desk: list[DeskOutlet], titles: Iterable[str]) -> list[str]:
    """Return the event of each of these titles."""
    events = {page.page.title: page.event for outlet in desk for page in outlet.pages}
    return sorted(events[title] for title in titles)


def load_desk(now: datetime, folder: Path = DESK) -> list[DeskOutlet]:
    """Return every outlet of a folder, its pages dated back from `now`."""
    return [_load(file, now) for file in sorted(folder.glob("*.toml"))]


def _load(file: Path, now: datetime) -> DeskOutlet:
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
        facts = {key: said[key] for key in ("name", "title", "language", "country", "timezone")}
        template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
            file.with_suffix(".html").read_text(encoding="utf-8")
        )
        drafts = [_Draft(each, number, facts, now) for number, each in enumerate(said["page"])]
        pages = tuple(_page(draft, drafts, template) for draft in drafts)
    except (KeyError, tomllib.TOMLDecodeError, jinja2.TemplateError) as error:
        raise ValueError(f"{file}: {error!r}") from error
    return DeskOutlet(Outlet(**facts, pages=[each.page for each in pages]), pages)


class _Draft:
    """What a template is given of one page."""

    def __init__(self, said: dict[str, Any], number: int, facts: dict[str, str], now: datetime) -> None:
        self.outlet = facts
        self.slug: str = said["slug"]
        self.title: str = said["title"]
        self.summary: str = said.get("summary", "")
        self.authors: list[str] = said.get("authors", [])
        self.section: str = said["section"]
        self.kind: str = said.get("kind", "article")
        self.grade: int = said.get("grade", 0)
        self.paragraphs: list[str] = [each.strip() for each in said.get("text", "").strip().split("\n") if each.strip()]
        self.encoding: str = said.get("encoding", "utf-8")
        self.is_fresh: bool = said["hours_ago"] < _FRESH_H
        self.event: str = said.get("event", self.slug)
        moment = now - timedelta(hours=said["hours_ago"])
        self.published = moment.replace(second=0, microsecond=0).astimezone(ZoneInfo(facts["timezone"]))
        self.weekday_vi = _WEEKDAYS_VI[self.published.weekday()]
        self.path = f"/{self.slug}-post{100200 + number}.html"
        if facts["language"] == "en":
            self.path = f"/{self.published:%Y/%m/%d}/{self.slug}/"


def _page(draft: _Draft, drafts: list[_Draft], template: jinja2.Template) -> DeskPage:
    place = drafts.index(draft)
    others = [each for each in (*drafts[place + 1 :], *drafts[:place]) if each.kind == "article"]
    shown = others[: _IN_INDEX if draft.kind == "index" else _RELATED]

    def write(base: str) -> bytes:
        related = [{"title": each.title, "url": base + each.path} for each in shown]
        text = template.render(page=draft, outlet=draft.outlet, base=base, url=base + draft.path, related=related)
        return encode_text(text, draft.encoding)

    page = NewsPage(
        path=draft.path,
        html=write,
        title=draft.title,
        published=draft.published,
        section=draft.section,
        summary=draft.summary,
        content_type=f"text/html; charset={draft.encoding}",
    )
    return DeskPage(
        page, draft.kind, draft.grade, tuple(draft.authors), tuple(draft.paragraphs), draft.is_fresh, draft.event
    )
