"""The phrase catalogue: complete in both languages, and nothing asked of it is missing."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from tripoint.app.web.phrases import LANGUAGES, phrases, preferred
from tripoint.domain.health import HealthState
from tripoint.domain.types import AlertState, Outcome, PlacementKind, PollStatus, Verdict
from tripoint.relevance.topic import FACETS, NEGATIVE, POSITIVE

TEMPLATES = resources.files("tripoint.app.web") / "templates"
FIELD = re.compile(r"\{(\w+)")
ASKED = re.compile(r"""say(\.count|\.name)?\(["']([\w.-]+)["']( ~)?""")


def test_both_languages_say_the_same() -> None:
    english, vietnamese = (phrases(each).of for each in ("en", "vi"))
    plain = {key for key in english if not key.endswith(".one")}
    assert plain == {key for key in vietnamese if not key.endswith(".one")}
    for key in plain:
        assert sorted(FIELD.findall(english[key])) == sorted(FIELD.findall(vietnamese[key])), key
        assert english[key].strip(), key
        assert vietnamese[key].strip(), key


def test_vietnamese_is_not_english() -> None:
    """Hardly any phrase is the same in both; a copied file would be."""
    english, vietnamese = (phrases(each).of for each in ("en", "vi"))
    same = [key for key in vietnamese if english.get(key) == vietnamese[key] and len(vietnamese[key]) > 3]
    assert set(same) <= {"line.of_listing", "country.PK", "country.IR", "country.SG", "country.AF", "country.QA"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_that_a_template_asks_for_is_there(language: str) -> None:
    known = phrases(language).of
    asked = 0
    for file in TEMPLATES.iterdir():
        for how, key, joined in ASKED.findall(file.read_text(encoding="utf-8")):
            asked += 1
            if how == ".count":
                assert f"{key}.other" in known, (file.name, key)
            elif how == ".name" or joined:
                assert any(each.startswith(key.rstrip(".") + ".") for each in known), (file.name, key)
            else:
                assert key in known, (file.name, key)
    assert asked > 100


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("health", [*HealthState, "disabled"]),
        ("alert", AlertState),
        ("outcome", Outcome),
        ("ruling", Verdict),
        ("placement", PlacementKind),
        ("poll", PollStatus),
        ("facet", FACETS),
        ("feature", [*POSITIVE, *NEGATIVE]),
        ("weekday", "1234567"),
    ],
)
def test_every_value_has_a_name(kind: str, values: list[str]) -> None:
    for language in LANGUAGES:
        for value in values:
            assert f"{kind}.{value}" in phrases(language).of


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("vi-VN,vi;q=0.9,en;q=0.8", "vi"),
        ("en-GB,en;q=0.9,vi;q=0.8", "en"),
        ("fr, vi;q=0.5, en;q=0.7", "en"),
        ("de", "en"),
        ("", "en"),
        ("vi;q=0, en;q=0.1", "en"),
        ("vi;q=nonsense", "en"),
    ],
)
def test_the_browser_is_asked(header: str, language: str) -> None:
    assert preferred(header) == language


def test_numbers_are_written_as_each_language_does() -> None:
    assert phrases("en").count("ago.hours", 1) == "1 hour ago"
    assert phrases("en").count("stories.count", 12345) == "12,345 stories"
    assert phrases("vi").count("stories.count", 12345) == "12.345 sự kiện"
