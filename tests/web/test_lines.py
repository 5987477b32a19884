"""Lines kept in English are said in Vietnamese on a Vietnamese page: by the code that writes them, and on the pages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from tests.test_health import BAD, GOOD, NOW, SIGNS, VIDEOS
from tests.web.archive import HOSTILE
from tests.web.served import Served
from tests.web.test_door import TIMEOUT_S
from tripoint.app.web.lines import own_words
from tripoint.app.web.phrases import phrases
from tripoint.domain.coverage import span_of
from tripoint.domain.health import diagnose
from tripoint.domain.types import Entered, Found, Poll, PollStatus

POLL = Poll("https://a.example/rss", "a", Found.FEED, NOW, PollStatus.READ, listed=3)
CODE_SAYS = [
    diagnose(replace(SIGNS, listings=()), NOW).reason,
    diagnose(replace(SIGNS, listings=(replace(BAD, error=""),)), NOW).reason,
    diagnose(replace(SIGNS, listings=(replace(GOOD, status=PollStatus.UNCHANGED, failures=2),)), NOW).reason,
    diagnose(replace(SIGNS, listings=(replace(BAD, error="robots.txt forbids it"),)), NOW).reason,
    diagnose(replace(SIGNS, last_new_at=NOW - timedelta(hours=25)), NOW).reason,
    diagnose(replace(SIGNS, pages=(("not_article", "needs a script: it is empty"),) * 6), NOW).reason,
    span_of(replace(POLL, listed=0), 0, NOW).reason,
    span_of(POLL, 3, NOW).reason,
    span_of(POLL, 3, NOW, "", Entered((), 4, "max_waiting_per_host").said).reason,
]
KEPT = [
    "new; held for the hourly digest",
    "an update; held by quiet hours",
    "the same page, unchanged",
    "the same text at another address; it is in the story 8f3a",
    "story 8f3a was told there as alert 12 (sent)",
    "score 0.31 for russia-pakistan-us, 0.15 below its threshold 0.46",
    "it names none of the platform Mi-35M, Su-35",
    "an agreement (signed); platform: Mi-35M; date: 24 November",
    "a denial (denied)",
    "desk has accepted nothing since 2026-11-24 08:00 UTC",
]
# Words that our own English lines are made of, and no Vietnamese one.
ENGLISH = re.compile(
    r"\b(the|of|was|were|it|is|its|held|since|not|none|below|told|told there|pages?|known|story|score|for|new|an?)\b"
)


@pytest.mark.parametrize("line", [*CODE_SAYS, *KEPT])
def test_a_line_of_ours_has_no_english_word_left(line: str) -> None:
    assert line
    said = own_words(line, "vi")
    assert said != line
    without_names = re.sub(r"https?://\S+|crawl\.\w+|\(\w+\)|russia-pakistan-us|Mi-35M|Su-35", "", said)
    assert not ENGLISH.findall(without_names), said
    assert own_words(line, "en") == line


def test_what_others_said_stays_as_it_is() -> None:
    reason = diagnose(replace(SIGNS, pages=VIDEOS), NOW).reason
    assert own_words(reason, "vi") == "không có bài nào trong 6 trang gần nhất: video: it has no text"
    assert own_words("421: try later", "vi") == "421: try later"
    assert own_words("", "vi") == ""
    assert own_words(HOSTILE[0], "vi") == HOSTILE[0]
    assert own_words("{key} %s {0}; new", "vi") == "{key} %s {0}; tin mới"


def test_a_vietnamese_page_shows_none_of_them_in_english(page: Served) -> None:
    wanted = ["/", "/alerts", "/sources", "/calibration"]
    wanted += [f"/sources/{name}" for name in page.stores.health.everything()]
    recent = page.stores.articles.recent(40)
    wanted += [f"/articles/{each.id}" for each in recent] + [f"/stories/{each.story}" for each in recent[:10]]
    forms = [re.split(r"\{\w+\}", each) for key, each in phrases("en").of.items() if key.startswith("line.")]
    marks = {part.strip(" ;:,") for form in forms for part in form if len(part.strip(" ;:,")) >= 12}
    assert len(marks) > 20
    for path in dict.fromkeys(wanted):
        answer = requests.get(page.address + path, headers={"Accept-Language": "vi"}, timeout=TIMEOUT_S)
        assert answer.status_code == 200
        text = re.sub(r"<[^>]+>", " ", answer.text)
        assert [each for each in marks if each in text] == [], path
