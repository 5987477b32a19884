"""Topics are data: a second one without code, an edited one tried on the archive, and what readers say of articles."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.house import House
from tests.newsroom import DeskOutlet, NewsPage, NewsroomThread, Outlet
from tripoint.app.calibrated import load_fitted
from tripoint.app.replay import with_key
from tripoint.app.seeds import load_seeds, packaged_seeds
from tripoint.domain.errors import SeedError
from tripoint.domain.seedfile import read_seed
from tripoint.relevance.assess import Judge
from tripoint.relevance.language import LanguageGuesser
from tripoint.relevance.topic import parse_topic

MAIN, SECOND = "russia-pakistan-us", "india-russia-air-defence"
_SEEDS = load_seeds()
_BOTH = Judge(_SEEDS.all_topics, _SEEDS.lexicon, LanguageGuesser())

S400 = """India will take delivery of the fourth S-400 regiment from Russia by spring, the defence ministry in New Delhi
said. The contract for the air defence systems was signed with Moscow in 2018, and Russian specialists train the crews."""
S400_VI = """Nga sẽ bàn giao trung đoàn S-400 thứ tư cho Ấn Độ vào mùa xuân, Bộ Quốc phòng Ấn Độ cho biết. Hợp đồng mua các
tổ hợp phòng không được ký năm 2018 tại New Delhi, và chuyên gia Nga huấn luyện kíp trắc thủ."""
DRILL = """India and Russia began the Indra military exercise in Rajasthan on Monday. Troops of both armies will train
together for two weeks, the Indian army said."""
OIL = "India bought more oil from Russia in May, traders said. New Delhi and Moscow also agreed on fertiliser."
TURKEY = (
    "Turkey will keep the S-400 systems bought from Russia, Ankara said after talks with Moscow. India was not named."
)
OURS = """Russia and Pakistan signed an agreement on the training of Pakistani officers at Russian military institutes,
the defence ministry in Rawalpindi said after talks of the joint military commission."""


@pytest.mark.parametrize(
    ("text", "language", "relevant_to"),
    [
        (S400, "en", {SECOND}),
        (S400_VI, "vi", {SECOND}),
        (DRILL, "en", set()),
        (OIL, "en", set()),
        (TURKEY, "en", set()),
        (OURS, "en", {MAIN}),
    ],
    ids=["S-400", "S-400 in Vietnamese", "drill", "oil", "Turkey", "the first topic"],
)
def test_two_topics_judge_one_text_each_by_its_own_lights(text: str, language: str, relevant_to: set[str]) -> None:
    found = _BOTH.assess("", text, language)
    assert [each.topic for each in found] == [SECOND, MAIN]
    assert {each.topic for each in found if each.relevant} == relevant_to


def _page(path: str, title: str, text: str) -> NewsPage:
    paragraphs = "".join(f"<p>{each}</p>" for each in text.split("\n"))
    html = (
        f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>{paragraphs}</article></body></html>"
    )
    return NewsPage(path, html.encode(), title, datetime.now(UTC) - timedelta(minutes=20), "world")


def test_a_second_topic_is_watched_after_one_command(house: House) -> None:
    outlet = Outlet("two-topics", "Two Topics", "en", "GB", "UTC")
    outlet.pages += [
        _page("/2026/11/24/india-gets-its-fourth-regiment", "India gets its fourth S-400 regiment", S400),
        _page("/2026/11/24/pakistani-officers-to-train", "Pakistani officers to train in Russia", OURS),
    ]
    with NewsroomThread([outlet]) as room:
        house.reads([(outlet, room.base(outlet.name))])
        assert {each["name"]: each["enabled"] for each in house.json("topic", "list")} == {MAIN: True, SECOND: False}
        house.run("topic", "enable", SECOND)
        house.run("crawl", "--quiet")
    told = {each["evidence"]["title"]: each["evidence"]["topic"] for each in house.json("alerts", "list")}
    assert told == {
        "India gets its fourth S-400 regiment": SECOND,
        "Pakistani officers to train in Russia": MAIN,
    }
    assert house.rows("select count(*) from assessments") == [(4,)]
    house.run("topic", "disable", SECOND)
    assert [each["name"] for each in house.json("topic", "list") if each["enabled"]] == [MAIN]
    refused = house.run("topic", "disable", MAIN, code=2)
    assert "only topic that is watched" in refused.stderr


def _scores(house: House) -> dict[int, float]:
    return dict(house.rows("select article_id, score from assessments where topic = 'russia-pakistan-us'"))  # type: ignore[arg-type]


def test_a_threshold_is_tried_taken_and_taken_back_and_nobody_hears_old_news(reading_house: House) -> None:
    house = reading_house
    house.run("crawl", "--quiet")
    alerts = len(house.json("alerts", "list"))
    scores = _scores(house)
    file = house.folder / "seeds" / "topics" / f"{MAIN}.toml"
    before = file.read_text(encoding="utf-8")
    ((relevant,),) = house.rows("select count(*) from assessments where relevant")
    (same,) = house.json("topic", "diff")
    assert (same["articles"], same["relevant"], same["gained"], same["lost"]) == (len(scores), relevant, [], [])

    high = sorted(score for score in scores.values() if score >= 0.5)[3] - 0.00005
    strict = {number for number, score in scores.items() if 0.46 <= score < high}
    assert strict
    (stricter,) = house.json("topic", "diff", "--threshold", str(high))
    assert {each["id"] for each in stricter["lost"]} == strict
    assert stricter["gained"] == []
    assert file.read_text(encoding="utf-8") == before
    assert house.rows("select count(*) from assessments where relevant") == [(relevant,)]

    done = house.run("topic", "apply", "--threshold", str(high))
    assert "0 alerts queued" in done.stdout
    assert house.rows("select count(*) from assessments where relevant") == [(relevant - len(strict),)]
    edited = file.read_text(encoding="utf-8")
    assert f"threshold = {high:g}" in edited
    assert [line for line in edited.split("\n") if not line.startswith("threshold")] == before.split("\n")
    assert house.json("topic", "diff")[0]["lost"] == []

    back = done.stderr.split("to go back: tripoint topic apply --topic ")[1].split("\n")[0]
    again = house.json("topic", "apply", "--topic", back)
    assert again["alerts_queued"] == 0
    assert file.read_text(encoding="utf-8") == before
    assert _scores(house) == scores
    assert len(house.json("alerts", "list")) == alerts


def test_what_becomes_relevant_is_told_only_when_asked_and_once(reading_house: House) -> None:
    house = reading_house
    house.run("topic", "apply", "--threshold", "0.9999")
    house.run("crawl", "--quiet")
    assert house.json("alerts", "list") == []
    (found,) = house.json("topic", "diff", "--threshold", "0.46")
    assert len(found["gained"]) > 5
    assert {each["before"] for each in found["gained"]} == {each["after"] for each in found["gained"]}
    done = house.json("topic", "apply", "--threshold", "0.46", "--tell")
    gained = ", ".join(str(each["id"]) for each in found["gained"])
    stories = house.rows(f"select distinct story from articles where id in ({gained})")  # noqa: S608 - our own numbers
    assert done["alerts_queued"] == len(stories) < len(found["gained"])
    assert house.json("topic", "apply", "--tell")["alerts_queued"] == 0
    assert len(house.json("alerts", "list")) == len(stories)


def test_a_new_topic_is_tried_on_the_archive_before_it_is_saved(
    reading_house: House, tmp_path: Path, desk: list[DeskOutlet]
) -> None:
    reading_house.run("crawl", "--quiet")
    text = (packaged_seeds() / "topics" / f"{SECOND}.toml").read_text(encoding="utf-8")
    edited = tmp_path / "china.toml"
    text = text.replace(SECOND, "china-russia").replace("third.india", "third.china")
    edited.write_text(text, encoding="utf-8")
    (found,) = reading_house.json("topic", "diff", "--topic", str(edited))
    assert found["topic"] == "china-russia"
    assert found["articles"] == sum(page.kind == "article" for outlet in desk for page in outlet.pages)
    edited.write_text(text.replace("[facets]", "[facet]"), encoding="utf-8")
    wrong = reading_house.run("topic", "diff", "--topic", str(edited), code=2)
    assert "unknown key `facet`" in wrong.stderr
    missing = reading_house.run("topic", "diff", "--name", "nothing", code=2)
    assert f"choose one with --name: {SECOND}, {MAIN}" in missing.stderr


def test_a_verdict_is_kept_counts_once_and_moves_the_weights(reading_house: House) -> None:
    house = reading_house
    house.run("crawl", "--quiet")
    calibration = (house.folder / "seeds" / "calibration.json").read_bytes()
    told = house.rows("select article_id from assessments where relevant order by article_id")
    url = house.rows(f"select url from articles where id = {told[0][0]}")[0][0]  # noqa: S608 - a number of our own
    house.run("feedback", url + "?utm_source=mail", "relevant")
    house.run("feedback", str(told[0][0]), "irrelevant", "--note", "only a commentary")
    for (number,) in told[1:6]:
        house.run("feedback", str(number), "irrelevant")
    said = house.json("feedback")
    assert [each["relevant"] for each in said] == [False] * 6
    assert said[0]["note"] == "only a commentary"

    plain = json.loads(house.run("calibrate", "--dry-run", "--json").stdout)["topics"][MAIN]
    learned = json.loads(house.run("calibrate", "--with-feedback", "--dry-run", "--json").stdout)["topics"][MAIN]
    assert learned["report"]["examples"] == plain["report"]["examples"] + 6
    assert learned["weights"] != plain["weights"]
    shown = house.run("calibrate", "--with-feedback", "--dry-run").stdout
    assert "\twas\tis\tchange" in shown
    assert (house.folder / "seeds" / "calibration.json").read_bytes() == calibration

    house.run("feedback", str(told[0][0]), "forget")
    assert len(house.json("feedback")) == 5
    assert "nothing was said" in house.run("feedback", str(told[0][0]), "forget", code=2).stderr
    assert "no article 99999 is stored" in house.run("feedback", "99999", "relevant", code=2).stderr


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('name = "x"\n\n[facets]\na = 1\n', 'name = "x"\nthreshold = 0.6\n\n[facets]\na = 1\n'),
        ("threshold = 0.5  # old\n[a]\nthreshold = 1\n", "threshold = 0.6\n[a]\nthreshold = 1\n"),
        ('list = [\n  "a",\n  "b",\n]\n# note\n[a]\n', 'list = [\n  "a",\n  "b",\n]\nthreshold = 0.6\n# note\n[a]\n'),
        ("", "threshold = 0.6\n"),
    ],
)
def test_a_key_is_set_in_a_file_and_nothing_else_moves(text: str, wanted: str) -> None:
    assert with_key(text, "threshold", "0.6") == wanted


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('weights_of = "russia-pakistan-us"', 'weights_of = "nobody"', '"nobody" has no fitted weights'),
        ('move = ["move.*", "act.*"]', 'move = ["move.*"]\nact = ["move.*"]', "already is of facet move"),
        ('core = ["third.india"]', 'core = ["third.indai"]', '"third.indai" names no concept'),
        ("enabled = false", 'enabled = "no"', "`enabled` is a text"),
    ],
)
def test_a_mistake_in_a_topic_says_where(old: str, new: str, said: str) -> None:
    text = (packaged_seeds() / "topics" / f"{SECOND}.toml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(SeedError) as error:
        parse_topic(read_seed("t.toml", text.replace(old, new)), _SEEDS.lexicon, load_fitted(packaged_seeds(), ""))
    assert said in str(error.value)
    assert str(error.value).startswith("t.toml:")
