"""What counts as an edit, and another look at relevant pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from storage.articles import ArticleStore
from storage.database import Database, open_database
from storage.frontier import FrontierStore
from tests.house import House
from tests.newsroom import DeskOutlet, Malformed, NewsroomThread
from tripoint.domain.types import (
    Article,
    Assessment,
    Candidate,
    Clues,
    Decision,
    Failure,
    Found,
    Placement,
    PlacementKind,
    Step,
)
from tripoint.stories.edits import edit

TEXT = "Pakistan and Russia signed a contract on Tuesday. Officers will train in Russia. The price was not told."
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "is_material"),
    [
        (TEXT, False),
        (TEXT.replace(". ", ".\n\n"), False),
        (f"{TEXT}\nUpdated 10:32", False),
        (f"Cập nhật lúc 14h05 ngày 24/11\n{TEXT}", False),
        (f"{TEXT}\nRussian, Pakistani navies meet off Karachi\nTyphoon nears Quảng Trị", False),
        (TEXT.replace("Officers will train in Russia. ", "") + " Officers will train in Russia.", False),
        (TEXT.replace("on Tuesday", "on Monday"), True),
        (TEXT.replace("The price was not told.", "The price is $20 million."), True),
        (TEXT + " The ministry denied the report.", True),
        (TEXT.replace(" Officers will train in Russia.", ""), True),
    ],
)
def test_what_is_an_edit(after: str, is_material: bool) -> None:
    assert edit(TEXT, after).is_material is is_material
    assert edit(after, TEXT).is_material is is_material


def test_an_edit_names_what_went_and_came() -> None:
    changed = edit(TEXT, TEXT.replace("was not told", "is $20 million"))
    assert changed.removed == ("The price was not told.",)
    assert changed.added == ("The price is $20 million.",)


def _article(at: datetime) -> Article:
    url = "https://a.example/1"
    return Article(url, url, "T", TEXT, NOW, "en", (), "A", "a", "h", at)


def _look(store: ArticleStore, at: datetime, *, relevant: bool = True) -> None:
    judged = Assessment("t", "v", 0.9, 0.5, relevant, (), ())
    candidate = Candidate("https://a.example/1", "a", Found.FEED, NOW, "T")
    kind = PlacementKind.NEW if at == NOW else PlacementKind.DUPLICATE
    store.keep(candidate, _article(at), Clues(), lambda _known: Decision(Placement("s", kind), (judged,)))


def _due(database: Database, at: datetime) -> int:
    frontier = FrontierStore(database)
    pending = frontier.pending("a", at, 9)
    assert (frontier.waiting(at) == {"a"}) == bool(pending)
    return len(pending)


def test_a_relevant_page_is_looked_at_on_a_falling_schedule(url: str) -> None:
    database = open_database(url)
    store = ArticleStore(database, (1, 6, 24, 72))
    _look(store, NOW)
    for hours in (1, 6, 24, 72):
        due = NOW + timedelta(hours=hours)
        assert _due(database, due - timedelta(minutes=1)) == 0
        assert _due(database, due) == 1
        _look(store, due)
    assert _due(database, NOW + timedelta(days=99)) == 0
    database.close()


def test_a_service_that_was_down_looks_once_and_not_four_times(url: str) -> None:
    database = open_database(url)
    store = ArticleStore(database, (1, 6, 24, 72))
    _look(store, NOW)
    late = NOW + timedelta(hours=30)
    _look(store, late)
    assert _due(database, late) == 0
    assert _due(database, NOW + timedelta(hours=72)) == 1
    store.keep_failure(
        Candidate("https://a.example/1", "a", Found.FEED, NOW, "T"),
        Failure(Step.FETCH, "https://a.example/1", "HTTP 410", retryable=False),
        NOW + timedelta(hours=72),
    )
    assert FrontierStore(database).states() == {"done": 1}
    assert store.counts().articles == 1
    database.close()


def test_what_is_irrelevant_or_old_is_looked_at_once(url: str) -> None:
    database = open_database(url)
    store = ArticleStore(database, (1, 6))
    _look(store, NOW, relevant=False)
    assert FrontierStore(database).states() == {"done": 1}
    _look(store, NOW + timedelta(hours=7))
    assert FrontierStore(database).states() == {"done": 1}
    database.close()


def test_a_changed_page_is_found_and_shown(reading_house: House, desk: list[DeskOutlet], room: NewsroomThread) -> None:
    house = reading_house
    house.settings["crawl"]["revisit_h"] = [0.0001, 0.0002, 72.0]
    outlet = next(each for each in desk if each.outlet.name == "indus-courier")
    page, other = [each for each in outlet.pages if each.is_told][:2]
    house.run("crawl", "--quiet")
    url, unchanged = (room.base("indus-courier") + each.page.path for each in (page, other))
    assert "never changed" in house.run("revisions", url).stdout
    body, beside = (each.page.body(room.base("indus-courier")).decode() for each in (page, other))
    changed = body.replace(
        page.paragraphs[-1], "The contract is worth 93 million dollars, the ministry said on Friday."
    )
    assert changed != body
    room.behave("indus-courier", page.page.path, Malformed(changed, "text/html; charset=utf-8"))
    boxed = re.sub(
        r'(?s)<div class="read-more">.*?</div>', '<p>Updated 10:32</p><a href="/x">Typhoon nears</a>', beside
    )
    assert boxed != beside
    room.behave("indus-courier", other.page.path, Malformed(boxed, "text/html; charset=utf-8"))
    house.run("crawl", "--quiet")
    assert room.count("indus-courier", other.page.path) > 1
    assert "never changed" in house.run("revisions", unchanged).stdout
    (revision,) = house.json("revisions", url)
    assert any("93 million" in each for each in revision["added"])
    assert revision["removed"]
