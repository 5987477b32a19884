"""The whole of a search of the past, by the publishers' own archives and search pages."""

from __future__ import annotations

from collections import Counter
from datetime import date

from tests.backfill.conftest import ASKED
from tests.backfill.reading import is_searched
from tests.house import House
from tests.newsroom.past import PastOutlet, relevant
from tests.newsroom.past_world import PastWorld
from tripoint.domain.when import Days

_RELEVANT = "select title from articles a join assessments s on s.article_id = a.id where s.relevant"


def titles(house: House) -> list[str]:
    """Return the titles of the relevant articles that are stored."""
    return sorted(title for (title,) in house.rows(_RELEVANT))


def test_archives_bring_every_page_once_and_one_summary(
    reader: House, past: PastWorld, outlets: list[PastOutlet]
) -> None:
    done = reader.json("backfill", *ASKED, "--via", "archive")
    (archive,) = done["providers"]
    assert done["complete"]
    assert archive["found"] == archive["new"] == archive["fetched"] == 240
    assert titles(reader) == sorted(relevant(outlets))
    assert archive["relevant"] == len(relevant(outlets))
    assert max(Counter(past.fetched()).values()) == 1
    alerts = reader.json("alerts", "list")
    assert [(each["rule"], each["kind"]) for each in alerts] == [("backfill", "summary")]
    assert " 0.00 " not in reader.run("alerts", "list").stdout  # a summary has no score
    assert "24 relevant reports" in alerts[0]["evidence"]["title"]


def test_the_same_command_again_asks_nothing(reader: House, past: PastWorld) -> None:
    reader.run("backfill", *ASKED, "--via", "archive", "--quiet", "--alert", "none")
    before = len(past.requests)
    again = reader.json("backfill", *ASKED, "--via", "archive", "--quiet")
    assert len(past.requests) == before
    assert again["complete"]


def test_search_pages_give_exactly_what_is_within_the_days(
    reader: House, past: PastWorld, outlets: list[PastOutlet]
) -> None:
    days = Days(date(2018, 8, 1), date(2018, 9, 1))
    hits = [(outlet, page) for outlet in outlets for page in outlet.pages if is_searched(outlet, page)]
    inside = {page.title for _, page in hits if days.first <= page.published.date() < days.end}
    undated = {page.title for outlet, page in hits if outlet.language == "vi"} - inside  # their addresses tell no day
    assert len(inside) > 6
    assert undated
    arguments = ("--since", "2018-08-01", "--until", "2018-08-31", "--via", "search", "--quiet")
    said = reader.run("backfill", *arguments).stdout
    stored = {title for (title,) in reader.rows("select title from articles")}
    assert stored == inside | undated
    assert f"{len(undated)} articles were published on other days than those asked for; they are kept" in said
    assert len(past.fetched()) == len(stored)
    assert any("page=2" in each.query for each in past.requests)


def test_a_query_of_ones_own(reader: House) -> None:
    done = reader.json("backfill", "harbour", "library", *ASKED, "--lang", "en", "--via", "archive", "--via", "search")
    assert {each["provider"]: each["found"] > 0 for each in done["providers"]} == {
        "archive": False,
        "search": True,
    }  # who is asked first has them
    stored = [title for (title,) in reader.rows("select title from articles")]
    assert stored
    assert all("harbour" in each and "library" in each for each in stored)


def test_a_limit_leaves_the_rest_for_the_next_run(reader: House, past: PastWorld) -> None:
    first = reader.json("backfill", *ASKED, "--via", "archive", "--limit", "30", "--alert", "none")
    assert not first["complete"]
    assert len(past.fetched()) == 30
    # An index of sitemaps was read and its sitemaps were not: nothing speaks against the catalogue yet.
    said = reader.run("backfill", "status", "1").stdout
    assert "not finished; to finish: tripoint backfill resume 1" in said
    assert "no archive page listed anything" not in said
    reader.run("backfill", "resume", "--quiet", "--alert", "none")
    assert Counter(past.fetched()).most_common(1)[0][1] == 1
    assert len(past.fetched()) == 240
    assert "not finished" not in reader.run("backfill", "status", "1").stdout


def test_an_archive_that_lists_nothing_at_all_is_told(reader: House) -> None:
    file = reader.folder / "seeds" / "sources" / "newsroom.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("/archive/{YYYY}", "/archive/x{YYYY}"), encoding="utf-8")
    said = reader.run("backfill", *ASKED[:2], "--until", "2018-07-17", "--via", "archive", "--quiet").stdout
    assert (
        "coast-daily: no archive page listed anything: it keeps none of these days, or its `archives` are wrong" in said
    )


def test_a_dry_run_asks_nobody(reader: House, past: PastWorld) -> None:
    said = reader.run("backfill", *ASKED, "--dry-run").stdout
    assert "archive\t2018-08-09\tcoast-daily" in said
    assert "none was made" in said
    assert past.requests == []


def test_forgetting_begins_anew_and_keeps_articles(reader: House, past: PastWorld) -> None:
    reader.run("backfill", *ASKED, "--via", "archive", "--quiet", "--alert", "none")
    reader.run("backfill", "forget", "1")
    assert reader.json("backfill", "status") == []
    again = reader.json("backfill", *ASKED, "--via", "archive")
    (archive,) = again["providers"]
    assert (archive["found"], archive["known"], archive["new"]) == (240, 240, 0)
    assert len(past.fetched()) == 240
    assert reader.json("alerts", "list") == []
