"""Stories in the archive: copies, further reports, updates, corrections, and what the command line shows of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.policy import Policy
from storage.alerts import AlertStore
from storage.articles import ArticleStore
from storage.database import Database, open_database
from storage.stories import StoryStore
from tests.house import House
from tripoint.app.evaluated import Report, load_reports
from tripoint.app.seeds import load_seeds
from tripoint.app.wiring import build_judge
from tripoint.domain.errors import MendError
from tripoint.domain.policies import Rule
from tripoint.domain.text import content_hash
from tripoint.domain.types import Article, Candidate, Found, Kept
from tripoint.pipeline import Pipeline
from tripoint.stories.corroboration import corroborate
from tripoint.stories.placement import Placer

SEEDS = load_seeds()
REPORTS = load_reports(Path(__file__).parent / "labelled.jsonl")
COUNTRIES = {"dawn": "PK", "tass": "RU", "vnexpress": "VN", "the-hindu": "IN"}
PLACER = Placer(SEEDS.glossary, SEEDS.grouping, SEEDS.wires, COUNTRIES)
JUDGE = build_judge(SEEDS)


class Press:
    """A pipeline into one database, at a time that tests set."""

    def __init__(self, database: Database) -> None:
        self.now = datetime(2026, 11, 24, tzinfo=UTC)
        self.articles, self.alerts, self.stories = ArticleStore(database), AlertStore(database), StoryStore(database)
        policy = Policy([Rule("relevant", ("c",), timedelta(days=9999))], {})
        self._pipeline = Pipeline(JUDGE, PLACER, self.articles, policy.who_must_hear, lambda: self.now)

    def reads(self, report: Report, outlet: str, url: str = "", **changes: str) -> Kept:
        """Take in a report as an outlet prints it."""
        source = outlet.lower().replace(" ", "-")
        url = url or f"https://{source}.example/{report.id}"
        title, text = changes.get("title", report.title), changes.get("text", report.text)
        self.now = max(self.now, report.published)
        article = Article(
            url, url, title, text, report.published, report.language, (), outlet, source, content_hash(title, text),
            self.now,
        )  # fmt: skip
        return self._pipeline.article(Candidate(url, source, Found.FEED, self.now, title), article)

    def kinds(self) -> list[str]:
        """Return the kinds of the queued alerts, oldest first, without what tells one update from another."""
        history = self.alerts.history(limit=99)
        return [each.queued.alert.key.kind.partition(":")[0] for each in reversed(history)]


@pytest.fixture
def press(url: str) -> Iterator[Press]:
    """Open an empty database of each kind."""
    database = open_database(url)
    yield Press(database)
    database.close()


def _event(name: str) -> list[Report]:
    return sorted((each for each in REPORTS if each.story == name), key=lambda each: each.published)


def _stories(kept: Sequence[Kept]) -> int:
    return len({each.placement.story for each in kept})


def test_one_event_in_two_languages_is_told_once(press: Press) -> None:
    english, vietnamese = (
        next(each for each in _event("training-pact") if each.language == lang) for lang in ("en", "vi")
    )
    kept = [press.reads(english, "Dawn"), press.reads(vietnamese, "VnExpress")]
    assert [each.placement.kind for each in kept] == ["new", "further"]
    assert _stories(kept) == 1
    assert press.kinds() == ["new"]
    (reports,) = press.stories.since(english.published)
    assert [each.language for each in reports] == ["en", "vi"]
    assert reports[1].because


def test_a_copy_joins_the_story_and_is_told_to_nobody(press: Press) -> None:
    report = next(each for each in _event("training-pact") if each.language == "en")
    first = press.reads(report, "Dawn")
    copy = press.reads(report, "The Hindu", text=f"RAWALPINDI (Reuters) - {report.text}\nRead more in our app.")
    other_page = press.reads(report, "Dawn", url="https://dawn.example/print/1")
    assert [copy.placement.kind, other_page.placement.kind] == ["syndicated", "duplicate"]
    assert copy.placement.copy_of == first.article_id
    assert _stories([first, copy, other_page]) == 1
    assert press.kinds() == ["new"]


def test_a_changed_page_is_found_by_its_new_text(press: Press) -> None:
    one, other = _event("training-pact")[0], _event("khan-moscow")[0]
    first = press.reads(one, "Dawn", url="https://dawn.example/1")
    assert press.reads(other, "Dawn", url="https://dawn.example/1").placement.kind == "revision"
    assert press.reads(other, "TASS").placement.copy_of == first.article_id
    assert press.reads(one, "The Hindu").placement.kind != "syndicated"


def test_material_news_is_an_update_that_says_what_is_new(press: Press) -> None:
    announced = next(each for each in _event("amraam-contract") if each.language == "en")
    press.reads(announced, "Dawn")
    denied = press.reads(
        announced,
        "The Hindu",
        title="US denies AMRAAM missile sale to Pakistan in Raytheon contract",
        text=f"The United States on Tuesday denied that AIM-120 AMRAAM missiles will go to Pakistan. {announced.text}",
    )
    assert denied.placement.kind == "further"
    assert denied.placement.is_material
    assert "a denial" in denied.placement.what_is_new
    assert press.kinds() == ["new", "update"]
    evidence = press.alerts.history(limit=1)[0].queued.alert.evidence
    assert "a denial" in evidence.what_is_new
    assert "also in 1 outlet" in evidence.corroboration


def test_nobody_hears_of_an_update_who_does_not_know_the_story(press: Press) -> None:
    report = _event("training-pact")[0]
    press.reads(
        report, "Dawn", title="Football", text="Two teams met in Lahore on Sunday and nobody scored a goal. " * 9
    )
    press.reads(report, "TASS")
    assert press.kinds() == ["new"]


def test_what_stands_behind_a_story(press: Press) -> None:
    report = next(each for each in _event("rd93-denied") if "TASS" in each.text)
    press.reads(report, "TASS")
    line = press.stories.reports(press.stories.find("1"))
    concepts = press.stories.concepts([line[0].story])[line[0].story]
    soon = corroborate(SEEDS.wires, COUNTRIES, line, concepts, press.now + timedelta(hours=1))
    late = corroborate(SEEDS.wires, COUNTRIES, line, concepts, press.now + timedelta(hours=7))
    assert "TASS only" in soon.line
    assert "no Pakistani outlet" not in soon.line
    assert "no Pakistani outlet after 7 h" in late.line
    press.reads(report, "Dawn", text=f"MOSCOW: {report.text}")
    copied = corroborate(SEEDS.wires, COUNTRIES, press.stories.reports(line[0].story), concepts, press.now)
    assert (copied.independent, copied.outlets, copied.countries) == (1, ("TASS", "Dawn"), ("RU", "PK"))


def test_corrections_hold_for_later_reports_and_can_be_taken_back(url: str) -> None:
    database = open_database(url)
    press = Press(database)
    one, other = _event("khan-moscow"), _event("training-pact")
    first, second = press.reads(one[0], "Dawn"), press.reads(other[0], "Dawn")
    stories = press.stories
    mine, theirs = first.placement.story, second.placement.story
    assert mine != theirs
    merged = stories.merge(mine, [theirs], press.now)
    assert merged.articles == (second.article_id,)
    later = press.reads(other[1], "TASS")
    assert later.placement.story == mine
    apart = stories.split(mine, [second.article_id, later.article_id], press.now)
    assert {each.article_id for each in stories.reports(apart.becomes)} == {second.article_id, later.article_id}
    assert press.reads(other[2], "The Hindu").placement.story == apart.becomes
    with pytest.raises(MendError, match="nothing would be left"):
        stories.split(mine, [first.article_id], press.now)
    with pytest.raises(MendError, match="is not of the story"):
        stories.split(mine, [second.article_id], press.now)
    stories.undo(press.now)
    assert second.article_id in {each.article_id for each in stories.reports(mine)}
    stories.undo(press.now)
    assert {each.article_id for each in stories.reports(theirs)} >= {second.article_id}
    with pytest.raises(MendError, match="no correction to take back"):
        stories.undo(press.now)
    database.close()


def test_the_command_line_lists_shows_and_mends_stories(reading_house: House) -> None:
    house = reading_house
    house.run("crawl", "--quiet")
    listed = house.json("stories")
    assert len(listed) >= 8
    both = next(each for each in listed if set(each["languages"]) == {"en", "vi"})
    assert both["independent"] >= 1
    assert len(both["reports"]) >= 2
    shown = house.json("story", both["story"][:8])
    assert set(shown["sentences"]) == {"en", "vi"}
    assert shown["reports"] == both["reports"]
    text = house.run("story", both["story"]).stdout
    assert "first seen" in text
    assert "en\t" in text
    house.run("stories", "split", both["story"], str(both["reports"][1]["article"]))
    assert len(house.json("stories")) == len(listed) + 1
    assert "undo split" in house.run("stories", "undo").stdout
    assert [each["story"] for each in house.json("stories")] == [each["story"] for each in listed]
    other = next(each for each in listed if each["story"] != both["story"])
    house.run("stories", "merge", both["story"], other["story"])
    assert len(house.json("stories", "--since", "2d")) == len(listed) - 1
    assert "no story is called" in house.run("story", "zzz", code=2).stderr
    assert "is no time" in house.run("stories", "--since", "soon", code=2).stderr
