"""The committed calibration, the figures that it is judged by, and examples however they are written."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.house import House
from tripoint.app.calibrated import load_anchors, load_examples, read_examples
from tripoint.app.fitting import as_json, fit
from tripoint.app.seeds import load_seeds, packaged_seeds
from tripoint.domain.errors import SeedError
from tripoint.domain.text import strip_marks
from tripoint.relevance.assess import Judge
from tripoint.relevance.calibration import Example
from tripoint.relevance.explain import flips
from tripoint.relevance.figures import Judged, average_precision, best_threshold, calibration_error, figures
from tripoint.relevance.language import LanguageGuesser
from tripoint.relevance.matcher import Matcher
from tripoint.relevance.topic import NEGATIVE, POSITIVE

_SEEDS = load_seeds()
_JUDGE = Judge(_SEEDS.topics, _SEEDS.lexicon, LanguageGuesser())
_MATCHER = Matcher(_SEEDS.lexicon)
_SURFACES = sorted({alias.text for concept in _SEEDS.lexicon.concepts for alias in concept.aliases})
_EXAMPLES = load_examples(packaged_seeds())
_TOPIC = _SEEDS.topics[0]
_ANCHORS = load_anchors(packaged_seeds(), _TOPIC)


def test_the_committed_calibration_is_what_calibrate_writes() -> None:
    """Run `tripoint --seeds seeds calibrate` after any change to lexicon, topic, examples or features."""
    fitted = fit(_SEEDS, packaged_seeds(), _EXAMPLES)
    assert as_json(fitted) == (packaged_seeds() / "calibration.json").read_text(encoding="utf-8")


def test_every_weight_has_the_sign_that_it_means() -> None:
    assert all(_TOPIC.weights.of[name] >= 0 for name in POSITIVE)
    assert all(_TOPIC.weights.of[name] <= 0 for name in NEGATIVE)


def test_the_anchors_score_high() -> None:
    assert len(_ANCHORS) >= 5
    for text in _ANCHORS:
        assert _JUDGE.assess("", text, "vi")[0].score >= 0.95


def test_the_examples_are_many_and_hard() -> None:
    assert len(_EXAMPLES) >= 300
    vietnamese = sum(each.language == "vi" for each in _EXAMPLES)
    assert 0.45 <= vietnamese / len(_EXAMPLES) <= 0.55
    negatives = [each for each in _EXAMPLES if each.grade < 2]
    assert len(negatives) * 2 >= len(_EXAMPLES)
    for language in ("vi", "en"):
        lengths = [len(each.text.split()) for each in _EXAMPLES if each.language == language]
        assert min(lengths) <= 45
        assert max(lengths) >= 850
        assert sum(length >= 300 for length in lengths) >= 8
    report = json.loads((packaged_seeds() / "calibration.json").read_text(encoding="utf-8"))
    assert report["topics"][_TOPIC.name]["report"]["naive_rule"]["precision"] < 0.6


VARIANTS: dict[str, Callable[[str, str], tuple[str, str]]] = {
    "decomposed": lambda title, text: (unicodedata.normalize("NFD", title), unicodedata.normalize("NFD", text)),
    "capitals": lambda title, text: (title.upper(), text.upper()),
    "no title": lambda title, text: ("", text),
    "without diacritics": lambda title, text: (strip_marks(title), strip_marks(text)),
    "first paragraphs": lambda title, text: (title, "\n".join(text.split("\n")[:3])),
    "links of the page": lambda title, text: (
        title,
        f"Tin nóng\n{text}\nĐọc thêm: Nga - Pakistan tập trận chung\nRead more: US suspends military aid to Pakistan",
    ),
}


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("how", VARIANTS)
def test_how_a_text_is_written_hardly_matters(how: str, language: str) -> None:
    judged = [
        Judged(
            each.id,
            language,
            each.category,
            each.grade,
            _JUDGE.assess(*VARIANTS[how](each.title, each.text), language)[0].score,
        )
        for each in _EXAMPLES
        if each.language == language
    ]
    f1 = figures(judged, _TOPIC.threshold)["f1"]
    assert f1 is not None
    assert f1 >= (0.85 if how == "no title" else 0.9)


WRITTEN: dict[str, Callable[[str], str]] = {
    "no diacritics": strip_marks,
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "capitals": str.upper,
    "older tones": lambda text: re.sub(
        r"(?:oà|oá|uỷ|uý)(?!\w)", lambda found: {"oà": "òa", "oá": "óa", "uỷ": "ủy", "uý": "úy"}[found[0]], text
    ),
    "soft hyphens": lambda text: "\u00ad".join(text[place : place + 3] for place in range(0, len(text), 3)),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "zero-width": lambda text: text.replace("a", "a\u200b"),
}


def concepts(text: str) -> set[str]:
    return {match.concept for match in _MATCHER.find(text)}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(_EXAMPLES), st.lists(st.sampled_from(list(WRITTEN)), min_size=1, max_size=3, unique=True))
def test_writing_it_otherwise_finds_the_same_concepts(example: Example, ways: list[str]) -> None:
    """In any of these ways, or in several at once: all of an example's concepts are found, and no other."""
    for text in (example.title, example.text):
        other = text
        for how in ways:
            other = WRITTEN[how](other)
        assert concepts(other) == concepts(text)
        assert all(0 <= match.start < match.end <= len(other) for match in _MATCHER.find(other))


@pytest.mark.parametrize("how", WRITTEN)
def test_every_example_holds_the_same_concepts_however_it_is_written(how: str) -> None:
    for each in _EXAMPLES:
        for text in (each.title, each.text):
            assert concepts(WRITTEN[how](text)) == concepts(text), each.id


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(_SURFACES), st.text(max_size=8)), max_size=12), st.sampled_from(" \n,.-"))
@example(["(Mỹ)", "àa", "5th Fleet"], ".")  # a small letter with a mark is no beginning of a sentence
def test_diacritics_are_never_looked_at(pieces: list[str], between: str) -> None:
    """Whatever the text, not only an example: the same concepts at the same places, and the same verdict."""
    text = unicodedata.normalize("NFC", between.join(pieces))
    bare = strip_marks(text)
    assert concepts(bare) == concepts(text)
    if len(bare) == len(text):
        assert _MATCHER.find(bare) == _MATCHER.find(text)
        assert _JUDGE.assess("", bare, "vi")[0].score == _JUDGE.assess("", text, "vi")[0].score


def test_every_plain_alias_is_found() -> None:
    """So that a new alias needs no test of its own."""
    missed = []
    for concept in _SEEDS.lexicon.concepts:
        if concept.kind in {"shield", "echo"} or concept.id not in _TOPIC.facet_of:
            continue
        for alias in concept.aliases:
            if alias.needs or alias.name or alias.case or alias.after or alias.before:
                continue
            ways = [alias.text, alias.text.upper(), unicodedata.normalize("NFD", alias.text)]
            around = {"vi": "quân đội các nước tin rằng – {} –", "en": "their generals say that – {} –"}.get(
                alias.line, "– {} –"
            )
            for way in [*ways, strip_marks(alias.text)]:
                found = {hit.concept for hit in _JUDGE.assess("", around.format(way), alias.language)[0].hits}
                if concept.id not in found:
                    missed.append((concept.id, way, found))
    assert not missed


def judged(*scores: tuple[float, int]) -> list[Judged]:
    return [Judged(str(place), "en", "", grade, score) for place, (score, grade) in enumerate(scores)]


def test_figures_are_as_counted_by_hand() -> None:
    four = judged((0.9, 3), (0.8, 0), (0.6, 2), (0.1, 2))
    assert figures(four, 0.5)["precision"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures(four, 0.5)["recall"] == pytest.approx(2 / 3, abs=1e-4)
    # After the first, the third and the fourth: 1/1, 2/3 and 3/4.
    assert average_precision(four) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert calibration_error(judged((0.95, 3), (0.95, 0))) == pytest.approx(0.45)
    assert best_threshold(judged((0.9, 3), (0.7, 2), (0.3, 0), (0.2, 1))) == pytest.approx(0.5)
    assert figures([], 0.5)["precision"] is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "x.jsonl:2: no JSON"),
        ("[]", "x.jsonl:2: no JSON object"),
        ('{"id": "a", "title": "t", "grade": 4}', "`grade` is 4"),
        ('{"id": "a", "title": "t", "grade": true}', "`grade` is True"),
        ('{"title": "t", "grade": 1}', "`id` is missing"),
        ('{"id": "a", "grade": 1}', "neither title nor text"),
        ('{"id": "a", "title": 5, "grade": 1}', "`title` is no text"),
        ('{"id": "ok", "title": "t", "grade": 1}', 'the id "ok" stands twice'),
    ],
)
def test_a_mistake_in_the_examples_says_where(line: str, said: str) -> None:
    good = '{"id": "ok", "title": "t", "text": "x", "lang": "en", "grade": 0}'
    with pytest.raises(SeedError) as error:
        read_examples("x.jsonl", f"{good}\n{line}\n")
    assert said in str(error.value)


def test_evaluate_judges_any_labelled_file(house: House) -> None:
    rows = [
        {
            "id": 1,
            "title": "Russia and Pakistan open the Druzhba military exercise",
            "text": "",
            "lang": "en",
            "grade": 3,
        },
        {"id": 2, "title": "Cake wins a prize", "text": "It was baked.", "lang": "en", "grade": 0},
        {
            "id": 3,
            "title": "A gallery opens",
            "text": "It shows paintings.",
            "lang": "en",
            "grade": 2,
            "category": "odd",
        },
    ]
    file = house.folder / "judged.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    report = house.json("evaluate", str(file))
    assert (report["all"]["precision"], report["all"]["recall"]) == (1.0, 0.5)
    assert report["by_category"]["odd"]["recall"] == 0.0
    assert [each["id"] for each in report["mistakes"]] == ["3"]


def test_calibrate_writes_the_same_again_and_notices_a_change(house: House) -> None:
    folder = house.folder / "seeds"
    house.run("calibrate", "--check")
    first = (folder / "calibration.json").read_bytes()
    house.run("calibrate")
    assert (folder / "calibration.json").read_bytes() == first
    examples = next((folder / "examples").glob("*.jsonl"))
    lines = examples.read_text(encoding="utf-8").splitlines()
    examples.write_text("\n".join(lines[:-3]) + "\n", encoding="utf-8")
    found = house.run("calibrate", "--check", code=2)
    assert "stale" in found.stderr


def test_a_broken_calibration_says_how_to_mend_it(house: House) -> None:
    (house.folder / "seeds" / "calibration.json").write_text("{}")
    found = house.run("score", "text", code=2)
    assert "run `tripoint calibrate` again" in found.stderr


@pytest.mark.parametrize("grade", [0, 1, 2, 3])
def test_what_is_said_to_flip_a_verdict_flips_it(grade: int) -> None:
    seen = 0
    for each in _EXAMPLES:
        if each.grade != grade:
            continue
        assessment = _JUDGE.assess(each.title, each.text, each.language)[0]
        for flip in flips(_TOPIC, assessment):
            if not flip.feature:
                continue
            values = {share.feature: share.value for share in assessment.shares} | {flip.feature: flip.value}
            logit = _TOPIC.weights.bias + sum(_TOPIC.weights.of[name] * value for name, value in values.items())
            assert (1 / (1 + math.exp(-logit)) >= _TOPIC.threshold) is not assessment.relevant
            seen += 1
    assert seen


def test_the_gate_is_named_where_it_holds_a_text_down() -> None:
    found = _JUDGE.assess("", "The United States and Russia held talks about military exercises.", "en")[0]
    assert [each.reason for each in flips(_TOPIC, found)] == ["it names the core and a partner"]


_NATURAL = {
    language: sorted(
        {
            alias.text
            for concept in _SEEDS.lexicon.concepts
            for alias in concept.aliases
            # A name that its capital alone tells from a word, written without it, is lost in capitals for any reader.
            if alias.language == language and alias.text not in {"nga", "my"}
        }
    )
    for language in ("vi", "en")
}
_AROUND = {"vi": "Quân đội các nước tin rằng – {} –", "en": "Their generals say that – {} –"}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["vi", "en"]), st.data())
def test_capitals_hide_nothing_where_names_have_theirs(language: str, data: st.DataObject) -> None:
    """Whatever the text, not only an example: lines of one language that write names with the capitals they have."""
    pieces = data.draw(st.lists(st.sampled_from(_NATURAL[language]), min_size=1, max_size=6))
    text = "\n".join(_AROUND[language].format(each) for each in pieces)
    assert concepts(text.upper()) == concepts(text)


def test_what_capitals_take_away_no_reader_can_give_back() -> None:
    """Two texts that mean different things are one in capitals, so no matcher can find in it what each of them holds."""
    pronoun, country = "Please ask us about it.", "Please ask US about it."
    assert pronoun.upper() == country.upper()
    assert "actor.us" not in concepts(pronoun)
    assert "actor.us" in concepts(country)


def test_both_sides_are_the_two_that_were_named_last() -> None:
    """An act of "both armies" is one of Russia and Pakistan where these were named, and of others where they were."""
    tail = " Meeting in the mountains, the two armies opened a joint exercise."
    ours = _JUDGE.assess("", "Pakistan is glad of it. So is Russia. It rained all day." + tail, "en")[0]
    others = _JUDGE.assess(
        "", "Pakistan is glad of it. So are India and China. Russia is not. India and China met." + tail, "en"
    )[0]
    assert ours.evidence
    assert "the two armies" in ours.evidence[0].text
    assert ours.score > others.score
    vietnamese = _JUDGE.assess(
        "", "Pakistan vui mừng. Nga cũng vậy. Trời mưa cả ngày. Hai quân đội tập trận chung.", "vi"
    )[0]
    assert any("Hai quân đội" in each.text for each in vietnamese.evidence)


def test_the_committed_calibration_tells_how_it_did() -> None:
    """Figures by language and category, points of the curve, and how far scores may be taken for chances."""
    report = json.loads((packaged_seeds() / "calibration.json").read_text(encoding="utf-8"))
    report = report["topics"][_TOPIC.name]["report"]
    for language in ("vi", "en"):
        told = report["by_language"][language]
        assert min(told["precision"], told["recall"]) >= 0.95
    assert set(report["by_category"]) == {each.category for each in _EXAMPLES}
    recalls = [each["recall"] for each in report["curve"]]
    assert len(recalls) >= 10
    assert recalls == sorted(recalls, reverse=True)
    assert sum(each["articles"] for each in report["reliability"]) == len(_EXAMPLES)
