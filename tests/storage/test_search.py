"""Searching the archive: the same hits in the same order on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text

from storage import tables as t
from storage.articles import ArticleStore, Rejudged
from storage.database import Database, migration_config, open_database
from storage.search import Order, SearchHit, SearchQuery, SearchStore
from storage.search_index import write_words
from tripoint.domain.errors import MendError
from tripoint.domain.searchtext import SearchTextError
from tripoint.domain.searchwords import place_of
from tripoint.domain.text import content_hash
from tripoint.domain.types import (
    Article,
    Assessment,
    Candidate,
    Clues,
    Decision,
    Found,
    Hit,
    Placement,
    PlacementKind,
    Zone,
)

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Open an empty database."""
    opened = open_database(url)
    yield opened
    opened.close()


def judged(score: float, *concepts: str, topic: str = "t") -> Assessment:
    hits = tuple(Hit(each, "actor", Zone.TEXT, "x", 0, 1, 0) for each in concepts)
    return Assessment(topic, "v", score, 0.5, score >= 0.5, (), hits)


def keep(
    database: Database,
    key: str,
    title: str,
    body: str,
    *assessments: Assessment,
    days: float = 0,
    language: str = "vi",
    source: str = "a",
    published: bool = True,
) -> int:
    url = f"https://{source}.example/{key}"
    at = NOW - timedelta(days=days)
    page = Article(
        url,
        url,
        title,
        body,
        at if published else None,
        language,
        (),
        source.upper(),
        source,
        content_hash(title, body),
        NOW,
    )
    placement = Placement(key, PlacementKind.NEW)
    decision = Decision(placement, assessments)
    candidate = Candidate(url, source, Found.FEED, NOW)
    return ArticleStore(database).keep(candidate, page, Clues(), lambda _known: decision).article_id


@pytest.fixture
def archive(database: Database) -> Database:
    """Return five articles, of which some lack marks."""
    return filled(database)


def filled(database: Database) -> Database:
    keep(
        database,
        "marked",
        "Nga và Pakistan tập trận chung",
        "Hai nước đưa trực thăng Mi-35 tới.",
        judged(0.9, "platform.mi35", "actor.russia"),
    )
    keep(
        database,
        "bare",
        "Nga va Pakistan tap tran chung",
        "Dua truc thang toi.",
        judged(0.4, "actor.russia"),
        days=1,
        source="b",
    )
    keep(
        database,
        "english",
        "Russia and Pakistan start a drill",
        "Mi-35 helicopters, drills and the S-400 in the hills.",
        judged(0.8, "platform.mi35", topic="other"),
        days=2,
        language="en",
        source="c",
    )
    keep(database, "body", "Tin vắn", "Sẽ có một cuộc tập trận, rồi một cuộc khác chung.", days=3)
    keep(database, "away", "Trận bóng", "Đội tuyển tập chung.", days=4, source="b")
    return database


def keys(hits: Sequence[SearchHit]) -> list[str]:
    return [each.story for each in hits]


def find(database: Database, words: str = "", **rest: Any) -> list[str]:
    return keys(SearchStore(database).find(SearchQuery(words, **rest)).hits)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("tập trận chung", {"marked", "bare", "body", "away"}),
        ("tap tran chung", {"marked", "bare", "body", "away"}),
        ('"tập trận chung"', {"marked", "bare"}),
        ('"TẬP TRẬN" -khác -"mi 35"', {"bare"}),
        (unicodedata.normalize("NFD", '"tập trận"'), {"marked", "bare", "body"}),
        ("đội OR hills", {"away", "english"}),
        ("doi", {"away"}),
        ("dưa", {"marked", "bare"}),
        ("heli*", {"english"}),
        ('"start a dri*"', {"english"}),
        ("drill", {"english"}),
        ("Mi-35", {"marked", "english"}),
        ("S-400", {"english"}),
        ("concept:platform.mi35", {"marked", "english"}),
        ("concept:platform.*", {"marked", "english"}),
        ("concept:platform.mi35 -drill", {"marked"}),
        ("(drill OR bóng) NOT helicopters", {"away"}),
        ("chung NOT (tuyển OR pakistan)", {"body"}),
        ("pakistan (drill OR concept:actor.russia)", {"marked", "bare", "english"}),
        ("chung hai", {"marked"}),
        ('"chung hai"', set()),  # no phrase spans title and text
        ("nothing here", set()),
    ],
)
def test_what_is_found(archive: Database, asked: str, found: set[str]) -> None:
    assert set(find(archive, asked)) == found
    assert {each.story for each in SearchStore(archive).walk(SearchQuery(asked))} == found


def test_the_best_comes_first_and_the_marks_that_were_typed_are_preferred(archive: Database) -> None:
    assert find(archive, '"tập trận"') == ["marked", "body", "bare"]
    assert find(archive, '"tap tran"') == ["bare", "marked", "body"]
    assert find(archive, "pakistan", order=Order.NEWEST) == ["marked", "bare", "english"]


def test_the_filters(archive: Database) -> None:
    everything = ["marked", "bare", "english", "body", "away"]
    assert find(archive) == everything
    assert find(archive, since=NOW - timedelta(days=2)) == everything[:3]
    assert find(archive, until=NOW - timedelta(days=2)) == everything[3:]
    assert find(archive, "chung", since=NOW - timedelta(days=1), until=NOW) == ["bare"]
    assert find(archive, outlets=("a", "c")) == ["marked", "english", "body"]
    assert find(archive, languages=("en",)) == ["english"]
    assert find(archive, relevant_only=True) == ["marked", "english"]
    assert find(archive, topic="other") == ["english"]
    assert find(archive, min_score=0.4) == ["marked", "bare", "english"]
    assert find(archive, min_score=0.45) == ["marked", "english"]
    assert find(archive, "pakistan", min_score=0.85) == ["marked"]
    assert find(archive, min_score=0.3, topic="t") == ["marked", "bare"]
    assert find(archive, min_score=0.0) == everything
    with pytest.raises(MendError, match="since is not before until"):
        find(archive, since=NOW, until=NOW)


def test_a_stretch_of_time_is_exact_however_long(archive: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index knows stretches of days; what lies in one of them and outside of the question is left out."""
    monkeypatch.setattr("storage.search._FIRST", 2)
    for days in (6, 7, 8, 9, 40, 200, 1000, 9000):
        keep(archive, f"old{days}", "Tập trận", "x", days=days)
    for since, until in ((7.5, 6.5), (8.5, 0), (250, 39), (1500, 8), (9500, 900), (30_000, 0.5), (-1, -2)):
        query = SearchQuery("tập trận", since=NOW - timedelta(days=since), until=NOW - timedelta(days=until), limit=50)
        found = {each.story for each in SearchStore(archive).find(query).hits}
        every = {"marked": 0, "bare": 1, "body": 3, "away": 4} | {
            f"old{days}": days for days in (6, 7, 8, 9, 40, 200, 1000, 9000)
        }
        assert found == {name for name, days in every.items() if until < days <= since}, (since, until)


def test_a_question_of_many_parts_is_asked(archive: Database) -> None:
    """The parts are nested in the index's language, whose parser takes only so many parentheses in each other."""
    words = "nga pakistan chung hai nước đưa trực thăng mi tới 35"
    filters: dict[str, Any] = {"outlets": ("a",), "languages": ("vi",), "min_score": 0.5, "since": NOW}
    assert find(archive, f"{words} concept:actor.russia -bóng", **filters) == ["marked"]
    for deep in ("x OR (" * 14 + "nga" + ")" * 14, "(nga " * 19 + "nước" + ")" * 19):
        assert find(archive, deep, **filters) == ["marked"]
    assert find(archive, f"{words} {words} {words} (bóng OR nga) -(đội OR cầu)", **filters) == ["marked"]


def test_a_beginning_finds_what_its_words_find_however_many_they_are(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, title in enumerate(("drilling on", "Drills began", "no drill", "a dril", "tập trận chung", "tập trận")):
        keep(database, title, title, f"drill{number} takes place", days=number)
    for most in (200, 3):  # words that are asked for one by one
        monkeypatch.setattr("storage.search_prefix._MOST", most)
        assert set(find(database, "dril*")) == set(find(database))
        assert find(database, "drills*") == ["Drills began"]
        assert set(find(database, '"no dril*" OR "tập trận chun*"')) == {"no drill", "tập trận chung"}
        assert set(find(database, "take* -drilli*")) == set(find(database)) - {"drilling on"}
        assert find(database, "drilz*") == find(database, '"tập trận chunk*"') == []
        assert find(database, "drills* began OR nothing*", outlets=("a",), since=NOW - timedelta(days=5)) == [
            "Drills began"
        ]


def test_pages_hold_every_hit_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.search._FIRST", 20)  # of the articles, as PostgreSQL is asked
    for number in range(230):
        keep(database, f"k{number}", f"drill {number}", "word " * (number % 7), days=number / 10)
    store = SearchStore(database)
    for order in Order:
        seen: list[str] = []
        while True:
            page = store.find(SearchQuery("drill", order=order, limit=50, offset=len(seen)))
            seen.extend(keys(page.hits))
            if not page.is_more:
                break
        assert sorted(seen) == sorted(f"k{number}" for number in range(230))
    assert [each.story for each in store.walk(SearchQuery("drill"))] == [f"k{number}" for number in range(230)]


def test_a_title_comes_before_the_newest_texts(database: Database) -> None:
    keep(database, "title", "A drill", "x", days=30)
    for number in range(70):
        keep(database, f"k{number}", "News", "There was a drill.", days=number / 10)
    store = SearchStore(database)
    first = store.find(SearchQuery("drill", limit=50))
    assert [each.story for each in first.hits[:2]] == ["title", "k0"]
    assert not first.all_ranked
    assert store.find(SearchQuery("drill", since=NOW - timedelta(days=5))).all_ranked
    rest = store.find(SearchQuery("drill", limit=50, offset=50))
    assert sorted(keys(first.hits) + keys(rest.hits)) == sorted(["title", *(f"k{number}" for number in range(70))])


def test_a_hit_shows_where_the_words_stand(archive: Database) -> None:
    (hit,) = SearchStore(archive).find(SearchQuery("dưa mi-35 trực")).hits
    assert [hit.snippet.text[a:b] for a, b in hit.snippet.spans] == ["đưa", "trực", "Mi-35"]
    assert hit.title.spans == ()
    assert (hit.score, hit.is_relevant, hit.source, hit.language) == (0.9, True, "a", "vi")
    assert hit.rank > 0


def test_what_changes_is_found_as_it_is_now(archive: Database) -> None:
    keep(archive, "body", "Tin vắn", "Một cuộc diễn tập.", judged(0.7, "actor.pakistan"), days=3)
    assert find(archive, "cuộc khác") == []
    assert find(archive, "diễn tập") == ["body"]
    assert find(archive, "concept:actor.pakistan") == ["body"]
    store = ArticleStore(archive)
    number = store.find("https://a.example/body")
    assert number is not None
    store.rejudge([Rejudged(number, 2, (judged(0.1, "actor.russia"),))])
    assert find(archive, "concept:actor.pakistan") == []
    assert find(archive, "concept:actor.russia", since=NOW - timedelta(days=5)) == ["marked", "bare", "body"]
    assert find(archive, min_score=0.6) == ["marked", "english"]


def test_what_is_deleted_is_not_found(archive: Database) -> None:
    with archive.write() as connection:
        connection.execute(delete(t.articles).where(t.articles.c.story == "marked"))
        assert connection.scalar(text("SELECT count(*) FROM search_words")) == 4
    assert sorted(find(archive, "tập trận")) == ["away", "bare", "body"]


def test_articles_of_one_second_have_places_of_their_own(database: Database) -> None:
    """An outlet that names days and no hours gives thousands of articles one time: a taken place moves them on."""
    first = keep(database, "first", "one", "x")
    with database.write() as connection:  # takes the place that the next article would have
        connection.execute(text("DELETE FROM search_docs"))
        wanted = place_of(NOW, first + 1)
        connection.execute(t.search_docs.insert().values(place=wanted, article_id=first, score=0.0))
        write_words(connection, wanted, "one", "x", [])
    keep(database, "second", "one", "x")
    keep(database, "third", "one", "x")
    assert sorted(find(database, "one")) == ["first", "second", "third"]


def test_a_long_text_is_searched_as_far_as_both_databases_can(database: Database) -> None:
    keep(database, "long", "T" * 5000, "word " * 15_000 + "needle " + "tail " * 3_000 + "beyond")
    assert find(database, "needle") == ["long"]
    assert find(database, '"word needle"') == []  # the word before it was not kept so often
    assert find(database, "beyond") == []


@pytest.mark.parametrize(
    "title", ["", "…", "\x00\ud800", "'; DROP TABLE articles; --", '" OR "', "{title} : x", "中文 東京"]
)
def test_a_hostile_title_is_only_text(database: Database, title: str) -> None:
    keep(database, "k", title, "plain \\ 'body' \"x\" :* & |")
    assert find(database, "plain body") == ["k"]
    assert find(database, '"body x"') == ["k"]


def test_the_migration_indexes_what_is_stored(archive: Database, url: str) -> None:
    before = {asked: find(archive, asked) for asked in ("tập trận", "concept:platform.mi35", "", "heli*")}
    archive.close()
    opened = open_database(url)
    config = migration_config()
    with opened.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0008")
    opened.close()
    again = open_database(url)
    assert {asked: find(again, asked) for asked in before} == before
    assert find(again, min_score=0.85) == ["marked"]
    again.close()


@given(st.text(max_size=60) | st.text('ab"()*-: ORNTD“”đ{}^', max_size=40))
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_question_is_answered_or_refused_with_its_place(archive: Database, asked: str) -> None:
    """The archive stays as it is between examples: searching writes nothing."""
    try:
        SearchStore(archive).find(SearchQuery(asked))
    except SearchTextError as error:
        place = error.at
    else:
        place = 0
    assert 0 <= place <= len(asked) * 4


WORDS = "tap trận tập Chung pakistan drill* heli* mi-35 s-400 -the đội concept:platform.mi35 nga".split()
QUESTIONS = st.recursive(
    st.sampled_from(WORDS)
    | st.lists(st.sampled_from(WORDS), min_size=2, max_size=3).map(lambda each: f'"{" ".join(each)}"'),
    lambda inner: st.tuples(inner, st.sampled_from((" ", " OR ", " NOT ")), inner).map(
        lambda each: f"({''.join(each)})"
    ),
    max_leaves=5,
)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_both_databases_answer_alike(archive: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.search._FIRST", 1)
    monkeypatch.setattr("storage.search._LONGER", 1)
    with closing(filled(open_database(f"sqlite:///{tmp_path / 'same.db'}"))) as lite:

        @given(QUESTIONS, st.sampled_from(list(Order)), st.sampled_from([(), ("a",), ("b", "c")]))
        @settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
        def alike(asked: str, order: Order, outlets: tuple[str, ...]) -> None:
            query = SearchQuery(asked, order=order, outlets=outlets)
            try:
                one = SearchStore(archive).find(query)
            except SearchTextError:
                return
            assert SearchStore(lite).find(query) == one

        alike()
