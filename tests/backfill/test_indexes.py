"""Each index of past news by itself, with its errors and quirks; and all of them together."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from crawler.providers.news_rss import either
from tests.backfill.conftest import ASKED
from tests.backfill.test_backfill import titles
from tests.house import House
from tests.newsroom.exchange import Answer
from tests.newsroom.indexes import Indexes, matches
from tests.newsroom.past import PastOutlet, PastPage, relevant
from tests.newsroom.past_world import PastWorld
from tripoint.app.seeds import load_seeds
from tripoint.domain.backfill import Terms
from tripoint.relevance.querying import terms_of


@pytest.fixture
def index(past: PastWorld) -> Indexes:
    """Return the indexes of the world."""
    found = past.index_sites[0]
    assert isinstance(found, Indexes)
    return found


def served(outlets: list[PastOutlet], what: str) -> list[PastPage]:
    """Return the relevant pages that an index can serve: those that hold a word of each group of the question."""
    seeds = load_seeds()
    questions = {each: either(terms_of(seeds.topics[0], seeds.lexicon, each)) for each in ("vi", "en")}
    pages = [(outlet, page) for outlet in outlets for page in outlet.pages if page.is_relevant]
    if what == "english":
        english = terms_of(seeds.topics[0], seeds.lexicon, "en")
        long = tuple(tuple(word for word in group if len(word) > 2) for group in english.groups)  # it takes no shorter
        return [page for _, page in pages if matches(either(Terms("en", long)), page.english)]
    return [
        page for outlet, page in pages if matches(questions[outlet.language], " ".join((page.title, *page.paragraphs)))
    ]


def ask(reader: House, *via: str) -> dict[str, Any]:
    """Search by some providers and return what was printed."""
    names = [each for name in via for each in ("--via", name)]
    done: dict[str, Any] = reader.json("backfill", *ASKED, *names, "--quiet")
    return done


def test_gdelt_is_asked_in_halves_where_it_is_full(
    reader: House, past: PastWorld, index: Indexes, outlets: list[PastOutlet]
) -> None:
    record = '{{"url": "https://elsewhere.example/{}", "title": "x", "domain": "elsewhere.example"}}'
    full = f'{{"articles": [{", ".join(record.format(each) for each in range(250))}]}}'
    index.trouble["gdelt"] = [Answer(full.encode(), "application/json")]
    done = ask(reader, "gdelt")
    (gdelt,) = done["providers"]
    assert done["complete"]
    assert (gdelt["windows"], gdelt["elsewhere"]) == (8, 250)  # two languages, three months, and two halves
    assert titles(reader) == sorted(page.title for page in served(outlets, "english"))
    assert max(Counter(past.fetched()).values()) == 1


def test_gdelts_errors_come_with_a_good_status(reader: House, index: Indexes) -> None:
    too_soon = Answer(b"Please limit requests to one every 5 seconds or contact us.", "text/html")
    index.trouble["gdelt"] = [too_soon, Answer(b"", "text/plain", 429), too_soon]
    assert ask(reader, "gdelt")["complete"]


def test_a_provider_that_answers_nonsense_is_incomplete_and_asked_again(
    reader: House, index: Indexes, outlets: list[PastOutlet]
) -> None:
    nonsense = [Answer(b"<html><body>Your query was too long</body></html>", "text/html")]
    index.trouble["gdelt"] = nonsense * 2
    said = reader.run("backfill", *ASKED, "--via", "gdelt", "--quiet", code=1).stdout
    assert "GDELT says: Your query was too long" in said
    assert "to finish: tripoint backfill resume 1" in said
    assert ask(reader, "gdelt")["complete"]


def test_google_hides_addresses_and_the_publishers_archives_tell_them(
    reader: House, past: PastWorld, outlets: list[PastOutlet]
) -> None:
    done = ask(reader, "google-news")
    (google,) = done["providers"]
    assert google["opaque"] == 0
    archives = Counter(each for each in past.addresses() if "/sitemap" in each or "/archive/" in each)
    assert max(archives.values()) == 1
    assert titles(reader) == sorted(page.title for page in served(outlets, "text"))
    assert max(Counter(past.fetched()).values()) == 1


def test_what_stays_hidden_is_told(reader: House, past: PastWorld) -> None:
    file = reader.folder / "seeds" / "sources" / "newsroom.toml"
    text = file.read_text(encoding="utf-8").replace("sitemaps = ", "feeds = ")
    file.write_text("\n".join(line for line in text.split("\n") if not line.startswith("archives")), encoding="utf-8")
    said = reader.run("backfill", *ASKED, "--via", "google-news", "--quiet").stdout
    assert "finds hide their address" in said
    assert past.fetched() == []


def test_a_full_day_of_google_is_capped(reader: House, index: Indexes) -> None:
    index.trouble["google"] = [_items(100)]
    arguments = ("--since", "2018-08-01", "--until", "2018-08-04", "--via", "google-news", "--quiet")
    said = reader.run("backfill", *arguments).stdout
    assert "google-news: 1 windows capped: 100 items in a day" in said
    assert "not finished" not in said  # to ask again would bring no more
    assert not reader.json("backfill", "status", "1")["complete"]


def test_a_page_of_another_day_is_kept_and_told_and_alerts_may_be_as_of_today(
    reader: House, past: PastWorld, outlets: list[PastOutlet]
) -> None:
    late = max(served(outlets, "english"), key=lambda each: each.published)
    until = f"{late.published.date() - timedelta(days=1)}"  # GDELT is asked for a day more: it sees pages later
    reader.settings["backfill"] |= {"gdelt_pause_s": 0.2}
    arguments = ("--since", "2018-07-15", "--until", until, "--via", "gdelt", "--alert", "instant", "--quiet")
    said = reader.run("backfill", *arguments).stdout
    assert "1 articles were published on other days than those asked for; they are kept" in said
    assert late.title in titles(reader)
    rules = dict(reader.rows("select rule, count(*) from alerts group by 1"))
    stories = reader.rows(
        "select count(distinct story) from articles a join assessments s on s.article_id = a.id where relevant"
    )
    assert [(sum(rules.values()),)] == stories
    assert "backfill" not in rules
    asked = [at for each, at in past.times if each.path.startswith("/gdelt")]
    assert len(asked) > 2
    assert all(later - earlier > 0.19 for earlier, later in pairwise(asked))


def _items(number: int) -> Answer:
    item = "<item><title>A - B</title><link>https://news.example/x{}</link></item>"
    items = "".join(item.format(each) for each in range(number))
    return Answer(f"<rss><channel>{items}</channel></rss>".encode(), "application/xml")


def test_bing_wraps_addresses(reader: House, past: PastWorld, outlets: list[PastOutlet]) -> None:
    done = ask(reader, "bing-news")
    assert done["complete"]
    assert titles(reader) == sorted(page.title for page in served(outlets, "text"))
    assert max(Counter(past.fetched()).values()) == 1


def test_wayback_goes_on_with_its_key_and_its_copies_stand_in(
    reader: House, past: PastWorld, index: Indexes, outlets: list[PastOutlet]
) -> None:
    index.most["cdx"] = 2
    index.trouble["cdx"] = [Answer(b"busy", "text/plain", 503)]
    named = {
        (outlet.name, page.path): page.title
        for outlet in outlets
        for page in outlet.pages
        if any(each in page.path for each in ("pakistan", "islamabad", "pa-ki-xtan", "pa-kit-xtan", "ispr"))
    }
    gone = sorted(named)[:2]
    for name, path in gone:
        past.sites[name].gone.add(path)
    done = ask(reader, "wayback")
    assert done["complete"]
    assert done["providers"][0]["found"] == len(named)
    assert set(titles(reader)) == set(named.values()) & relevant(outlets)


def test_all_together_find_the_known_once_each(reader: House, past: PastWorld, outlets: list[PastOutlet]) -> None:
    done = ask(reader, "archive", "search", "gdelt", "google-news", "bing-news", "wayback")
    assert done["complete"]
    assert titles(reader) == sorted(relevant(outlets))
    assert max(Counter(past.fetched()).values()) == 1


def test_the_loopback_index_reads_questions() -> None:
    assert matches('(pakistan OR nga) "quân sự"', "Nga dùng đường quân sự")
    assert not matches('(pakistan OR nga) "quân sự"', "Nga quân và sự")
