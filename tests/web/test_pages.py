"""What the pages say: the archive's facts, hostile text as text, and what a reader answers."""

from __future__ import annotations

import html
import re

import pytest
import requests

from tests.web.archive import HOSTILE
from tests.web.served import Served
from tests.web.test_door import TIMEOUT_S, form_token, visitor

__all__ = ["visitor"]

TOPIC = "russia-pakistan-us"


def get(page: Served, path: str, language: str = "en") -> str:
    answer = requests.get(page.address + path, headers={"Accept-Language": language}, timeout=TIMEOUT_S)
    assert answer.status_code == 200, answer.text
    assert f'<html lang="{language}">' in answer.text
    return answer.text


def test_stories_by_day_with_their_volume(page: Served) -> None:
    said = get(page, "/?days=30")
    volume = re.findall(r'<th scope="row">(\d{4}-\d\d-\d\d)</th><td class="number">(\d+)</td>', said)
    relevant = page.stores.articles.counts().relevant
    assert len(volume) == 30
    assert sum(int(number) for _, number in volume) == relevant
    assert said.count('class="story"') == len(
        {each.story for each in page.stores.articles.recent(1000, relevant_only=True)}
    )


def test_a_story_has_both_languages_side_by_side(page: Served) -> None:
    key = page.story_of(HOSTILE[0])
    said = get(page, f"/stories/{key}")
    columns = said.split('<div class="columns">')[1].split("</section>")[0]
    assert "<h3>English</h3>" in columns
    assert "<h3>Vietnamese</h3>" in columns
    assert columns.count("<mark") > 5
    assert 'class="timeline"' in said
    assert "Expected and silent" in said
    assert "given up" in said or "sent" in said


def test_an_article_shows_its_hits_and_its_score_taken_apart(page: Served) -> None:
    number = page.article_of(HOSTILE[0])
    said = get(page, f"/articles/{number}")
    stored = page.stores.articles.get(number)
    assert stored
    text = said.split('<div class="text"')[1].split("</div>")[0]
    shown = html.unescape(re.sub(r"<[^>]+>", "", text.split(">", 1)[1]))
    assert "".join(shown.split()) == "".join(stored.article.text.split())
    assert '<mark class="f-actor" title="actor.pakistan">Pakistan</mark>' in text
    shares = re.findall(r'class="number (?:plus|minus)">([+-][\d.]+)<', said)
    assert len(shares) >= 4
    irrelevant = [each.id for each in page.stores.articles.recent(1000) if not each.assessments[0].relevant]
    assert any("What would turn the verdict" in get(page, f"/articles/{each}") for each in irrelevant)


def test_hostile_text_is_text(page: Served) -> None:
    story, number = page.story_of(HOSTILE[0]), page.article_of(HOSTILE[1])
    for path in ("/", f"/stories/{story}", f"/articles/{number}", "/alerts", "/sources", "/sources/hostile"):
        said = get(page, path)
        assert "<script>" not in said
        assert "<b>Hostile" not in said
        assert "<img" not in said
        assert "49" not in re.findall(r"<title>(.*?)</title>", said)[0]
    assert html.escape(HOSTILE[1].split("\u202e")[0], quote=False).replace("&#39;", "'") in get(
        page, f"/articles/{number}"
    )


def test_what_an_outlet_changed_is_shown(page: Served) -> None:
    edited = next(each.id for each in page.stores.articles.recent(1000) if each.revision > 1)
    said = get(page, f"/articles/{edited}")
    assert "<ins><bdi>The two sides will meet again in Moscow in spring, an official said.</bdi></ins>" in said


def test_sources_have_health_and_coverage(page: Served) -> None:
    said = get(page, "/sources")
    assert "s-failing" in said
    assert said.index("s-failing", said.index("<tbody>")) < said.index("s-healthy", said.index("<tbody>"))
    assert 'class="cell-seen"' in said
    assert 'class="cell-blind"' in said
    failing = next(name for name, each in page.stores.health.everything().items() if each.state == "failing")
    assert "HTTP 503" in get(page, f"/sources/{failing}")


def test_alerts_have_outcomes(page: Served) -> None:
    said = get(page, "/alerts?state=dead")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; no such room" in said
    assert "refused" in said
    assert "accepted" not in said
    assert "accepted" in get(page, "/alerts?state=sent")


def test_an_article_says_why_it_was_told_or_not(page: Served) -> None:
    number = page.article_of(HOSTILE[0])
    kept = page.stores.alerts.rulings(number)
    assert kept
    said = get(page, f"/articles/{number}")
    assert "Why it was told, or not" in said
    section = said.split('id="why"')[1].split("</section>")[0]
    assert section.count("<li>") == len(kept)
    for each in kept:
        assert html.escape(each.ruling.detail, quote=False) in html.unescape(section) or not each.ruling.detail


def test_another_threshold_shows_what_would_turn(page: Served) -> None:
    scores = {each.id: each.assessments[0] for each in page.stores.articles.recent(1000)}
    relevant = sorted(each.score for each in scores.values() if each.relevant)
    at = round(relevant[len(relevant) // 2], 2)
    assert "No stored article would turn." in get(page, "/calibration?threshold=0.46&days=365")
    said = get(page, f"/calibration?threshold={at}&days=365")
    lost, gained = re.search(r'class="minus">−(\d+)<', said), re.search(r'class="plus">\+(\d+)<', said)
    assert lost
    assert gained
    assert int(lost[1]) == sum(each < at for each in relevant) > 0
    assert int(gained[1]) == 0
    assert f"tripoint topic apply --threshold {at:.2f}" in said
    low = re.search(r'class="plus">\+(\d+)<', get(page, "/calibration?threshold=0&days=365"))
    assert low
    assert int(low[1]) == sum(not each.relevant and not each.note for each in scores.values()) > 0


def test_feedback_is_taken_down_and_taken_back(page: Served, visitor: requests.Session) -> None:
    number = page.article_of(HOSTILE[2])
    url = f"{page.address}/articles/{number}"
    sent = {"csrf": form_token(visitor, url), "topic": TOPIC, "note": "<b>cricket</b>"}
    answer = visitor.post(f"{url}/feedback", data={**sent, "verdict": "irrelevant"}, timeout=TIMEOUT_S)
    assert "You said: irrelevant" in answer.text
    assert page.stores.feedback.of_article(number) == {TOPIC: False}
    visitor.post(f"{url}/feedback", data={**sent, "verdict": "forget"}, timeout=TIMEOUT_S)
    assert page.stores.feedback.of_article(number) == {}
    for wrong in ({"verdict": "maybe"}, {"topic": "nothing"}, {}):
        answer = visitor.post(f"{url}/feedback", data={**sent, **wrong}, timeout=TIMEOUT_S)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/stories/nothing", 404),
        ("/articles/99999", 404),
        ("/articles/x", 404),
        ("/sources/nobody", 404),
        ("/calibration?topic=nothing", 404),
        ("/?days=0", 400),
        ("/?days=1e9", 400),
        ("/alerts?state=odd", 400),
        ("/calibration?threshold=2", 400),
        ("/static/000000000000/page.css", 404),
        ("/static/x/..%2f..%2fsettings.py", 404),
    ],
)
def test_what_is_not_there_is_said(page: Served, path: str, code: int) -> None:
    answer = requests.get(page.address + path, timeout=TIMEOUT_S)
    assert answer.status_code == code
    assert "Traceback" not in answer.text


def test_a_language_is_chosen_and_kept(page: Served, visitor: requests.Session) -> None:
    sent = {"csrf": form_token(visitor, page.address), "language": "vi", "next": "/alerts"}
    answer = visitor.post(f"{page.address}/language", data=sent, timeout=TIMEOUT_S)
    assert answer.url.endswith("/alerts")
    assert '<html lang="vi">' in answer.text
    assert "Cảnh báo" in visitor.get(page.address, timeout=TIMEOUT_S).text
