"""What the outlets of a soak publish: the examples that people judged, each once, over the days."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.newsroom import NewsPage, Outlet
from tests.soak.outside import Outside
from tripoint.relevance.assess import Judge

_EXAMPLES = Path(__file__).resolve().parents[2] / "seeds" / "examples"
_SURE = 0.15  # beyond the threshold: what is nearer might be read a little differently from a page
_SURELY_NOT = 0.2

OUTLETS = (
    Outlet("bay-courier", "The Bay Courier", "en", "GB", "Europe/London"),
    Outlet("east-coast-post", "The East Coast Post", "en", "US", "America/New_York"),
    Outlet("harbour-news", "Harbour News", "en", "AU", "Australia/Sydney"),
    Outlet("tin-bien", "Tin Biển", "vi", "VN", "Asia/Ho_Chi_Minh"),
    Outlet("tin-moi", "Tin Mới Đến", "vi", "VN", "Asia/Ho_Chi_Minh"),
)
LATE = "tin-moi"  #: joins when some days have passed


@dataclass(frozen=True, slots=True)
class Story:
    """An article that an outlet will publish."""

    at: datetime
    outlet: str
    path: str
    title: str
    text: str
    is_relevant: bool

    def page(self, outlet: Outlet) -> NewsPage:
        """Return its page."""
        local = self.at.astimezone(ZoneInfo(outlet.timezone))
        paragraphs = "".join(f"<p>{escape(each)}</p>" for each in self.text.split("\n") if each.strip())
        html = (
            f'<!doctype html><html lang="{outlet.language}"><head><meta charset="utf-8"><title>{escape(self.title)}</title>'
            f'<meta property="og:type" content="article"><meta property="og:title" content="{escape(self.title)}">'
            f'<meta property="article:published_time" content="{local.isoformat(timespec="seconds")}"></head><body>'
            f"<article><h1>{escape(self.title)}</h1><div>{paragraphs}</div></article></body></html>"
        )
        return NewsPage(self.path, html.encode(), self.title, self.at, "world")


def stories(judge: Judge, start: datetime, days: float, of_each: int, dice: random.Random) -> list[Story]:
    """Return so many relevant and so many other articles, spread over the days, in the order in which they appear."""
    chosen: list[tuple[dict[str, str], bool]] = []
    for is_relevant in (True, False):
        fitting = [each for each in _examples() if _verdict(judge, each) is is_relevant]
        dice.shuffle(fitting)
        chosen += [(each, is_relevant) for each in fitting[:of_each]]
    found = []
    for example, is_relevant in chosen:
        speaking = [each.name for each in OUTLETS if each.language == example["lang"]]
        at = (start + timedelta(days=days * dice.random())).replace(microsecond=0)
        outlet = dice.choice(speaking)
        path = f"/{at:%Y/%m/%d}/report-{example['id']}.html"
        found.append(Story(at, outlet, path, example["title"], example["text"], is_relevant))
    return sorted(found, key=lambda each: each.at)


def _examples() -> Iterator[dict[str, str]]:
    for file in sorted(_EXAMPLES.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            example: dict[str, str] = json.loads(line)
            if len(example["text"]) > 300:  # a shorter one may be taken for no article
                yield example


def _verdict(judge: Judge, example: dict[str, str]) -> bool | None:
    """Return whether an example is surely relevant, surely not, or None for what is neither."""
    (found,) = judge.assess(example["title"], example["text"], example["lang"])
    if found.score >= found.threshold + _SURE:
        return True
    return False if found.score <= found.threshold - _SURELY_NOT else None


class Publisher:
    """Publishes each article when its time has come."""

    def __init__(self, outside: Outside, planned: Sequence[Story]) -> None:
        self._outside = outside
        self._outlets = {each.name: each for each in OUTLETS}
        self._waiting = list(planned)
        self.published: list[Story] = []

    def next_relevant(self) -> Story | None:
        """Return the relevant article that appears next, None after the last."""
        return next((each for each in self._waiting if each.is_relevant), None)

    def publish(self, now: datetime) -> list[Story]:
        """Publish what is due; returns it."""
        fresh = []
        while self._waiting and self._waiting[0].at <= now:
            story = self._waiting.pop(0)
            self._outside.publish(story.outlet, story.page(self._outlets[story.outlet]))
            fresh.append(story)
        self.published += fresh
        return fresh
