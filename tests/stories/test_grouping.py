"""The grouping on reports of our own, and each of its parts by itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.fit_stories import alike
from tests.house import House
from tripoint.app.evaluated import Report, evaluate, load_reports
from tripoint.app.seeds import load_seeds
from tripoint.domain.errors import SeedError
from tripoint.stories import tokens as t
from tripoint.stories.figures import b_cubed, pairwise
from tripoint.stories.fitting import Labelled, fit_grouping, pairs_of
from tripoint.stories.grouping import group
from tripoint.stories.signature import Reader

FILE = Path(__file__).parent / "labelled.jsonl"
REPORTS = load_reports(FILE)
SEEDS = load_seeds()
GROUPING = SEEDS.grouping
READER = Reader(SEEDS.glossary, GROUPING.rarity)
AT = datetime(2026, 11, 24, 9, tzinfo=UTC)  # a Tuesday


def test_the_labelled_reports_are_many_and_bilingual() -> None:
    languages: dict[str, set[str]] = {}
    for each in REPORTS:
        languages.setdefault(each.story, set()).add(each.language)
    assert len(REPORTS) >= 300
    assert len(languages) >= 60
    assert sum(len(each) == 2 for each in languages.values()) >= 30
    assert all(38 <= len(each.text.split()) <= 90 for each in REPORTS)


def test_events_that_the_weights_never_saw_are_grouped() -> None:
    """Fit on four fifths of the events and group the last fifth among all others, five times over."""
    labelled = [Labelled(each.story, GROUPING.vector(_read(each))) for each in REPORTS]
    events = sorted({each.event for each in labelled})
    in_order = sorted(range(len(labelled)), key=lambda at: (REPORTS[at].published, REPORTS[at].id))
    pairs = pairs_of(labelled, alike())
    precision = recall = right = found_pairs = true_pairs = 0.0
    for fold in range(5):
        held = set(events[fold::5])
        seen = [each for each in pairs if each.one.event not in held and each.other.event not in held]
        grouping = fit_grouping(GROUPING.rarity, seen, GROUPING.join_from)
        found = dict(zip(in_order, group(grouping, [labelled[at].vector for at in in_order]), strict=True))
        mine = [at for at in in_order if labelled[at].event in held]
        stories, true = [found[at] for at in in_order], [labelled[at].event for at in in_order]
        for at in mine:
            together = {one for one, story in zip(in_order, stories, strict=True) if story == found[at]}
            event = {one for one, name in zip(in_order, true, strict=True) if name == labelled[at].event}
            precision += len(together & event) / len(together)
            recall += len(together & event) / len(event)
            across = {one for one in together if REPORTS[one].language != REPORTS[at].language}
            should = {one for one in event if REPORTS[one].language != REPORTS[at].language}
            right, found_pairs, true_pairs = (
                right + len(across & should),
                found_pairs + len(across),
                true_pairs + len(should),
            )
    precision, recall = precision / len(REPORTS), recall / len(REPORTS)
    assert 2 * precision * recall / (precision + recall) >= 0.92
    assert 2 * right / (found_pairs + true_pairs) >= 0.85


def _read(report: Report) -> object:
    return READER.read(report.title, report.text, report.language, report.published)


def test_the_order_of_arrival_matters_little() -> None:
    done = evaluate(GROUPING, READER, REPORTS)
    assert done.order >= 0.97


def test_a_new_round_a_year_later_is_a_new_story() -> None:
    report = next(each for each in REPORTS if each.story == "monsoon26")
    vectors = [
        GROUPING.vector(READER.read(report.title, report.text, "en", AT + timedelta(days=days))) for days in (0, 1, 365)
    ]
    one, two, later = group(GROUPING, vectors)
    assert one == two != later


def test_numbers_dates_and_names_carry_over() -> None:
    english = t.tokens("Shoigu signed for four Mi-35M's, $1.5 billion, on August 7; 1,200 men came on Monday.")
    vietnamese = t.tokens("Ông Sôi-gu ký mua 4 chiếc Mi-35M, 1,5 tỷ USD, ngày 7/8; 1.200 người tới hôm thứ hai.")
    assert set(t.numbers(english, "en")) == set(t.numbers(vietnamese, "vi")) == {"4", "1500000000", "1200"}
    assert set(t.dates(english, "en", AT)) == set(t.dates(vietnamese, "vi", AT)) == {(8, 7), (11, 23)}
    assert "soigu" in set(t.names(english)) & set(t.names(vietnamese))
    assert set(t.models(english)) == set(t.models(vietnamese)) == {"mi35m"}


@pytest.mark.parametrize(
    ("text", "language", "dates"),
    [
        ("ngày 7 tháng 8", "vi", {(8, 7)}),
        ("hôm nay", "vi", {(11, 24)}),
        ("hôm qua", "vi", {(11, 23)}),
        ("Chủ nhật", "vi", {(11, 22)}),
        ("ngày 31/13", "vi", set()),
        ("on 7 August", "en", {(8, 7)}),
        ("Aug 7th", "en", {(8, 7)}),
        ("yesterday", "en", {(11, 23)}),
        ("he may 7 times", "en", set()),
    ],
)
def test_dates(text: str, language: str, dates: set[tuple[int, int]]) -> None:
    assert set(t.dates(t.tokens(text), language, AT)) == dates


def test_figures_by_hand() -> None:
    found, true = ["a", "a", "b", "c"], ["x", "x", "x", "y"]
    figures = b_cubed(found, true)
    assert (figures.precision, round(figures.recall, 4)) == (1.0, round((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4, 4))
    pairs = pairwise(found, true)
    assert (pairs.precision, pairs.recall, pairs.count) == (1.0, 1 / 3, 3)
    assert b_cubed([], []).f1 == 0.0


def test_evaluate_stories_prints_figures(house: House) -> None:
    done = house.json("evaluate", "stories", str(FILE), "--json")
    assert done["reports"] == len(REPORTS)
    assert done["b_cubed"]["f1"] >= 0.92
    assert set(done["by_language"]) == {"en", "vi"}
    assert "pairs across languages" in house.run("evaluate", "stories", str(FILE)).stdout


def test_a_line_that_is_no_report_is_named(tmp_path: Path) -> None:
    file = tmp_path / "reports.jsonl"
    good = {"id": "1", "story": "s", "lang": "en", "published": "2026-11-24", "title": "T", "text": "Text."}
    for wrong, told in (
        ("{", r"reports.jsonl:2.*not JSON"),
        (json.dumps({**good, "published": "soon"}), "reports.jsonl:2.*published"),
        (json.dumps({"id": "1"}), "reports.jsonl:2.*lacks 'published'"),
    ):
        file.write_text(json.dumps(good) + "\n" + wrong + "\n")
        with pytest.raises(SeedError, match=told):
            load_reports(file)


def test_a_line_separator_inside_a_text_ends_no_report(tmp_path: Path) -> None:
    file = tmp_path / "reports.jsonl"
    row = {"id": "1", "story": "s", "lang": "en", "published": "2026-11-24", "title": "T", "text": "One.\u2028Two."}
    file.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert [each.text for each in load_reports(file)] == ["One.\u2028Two."]
