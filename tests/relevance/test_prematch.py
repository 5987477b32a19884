"""A page that is passed over unread must be one that could not have been relevant."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from html import escape
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.extract.page import read_page
from crawler.markup import parse_html
from tests.newsroom.past import html_of, past_outlets
from tripoint.app.seeds import load_seeds
from tripoint.domain.types import Article, Candidate, Found, Page, Source
from tripoint.relevance.assess import Judge
from tripoint.relevance.language import LanguageGuesser
from tripoint.relevance.matcher import Matcher
from tripoint.relevance.prematch import Cues, Prematch, core_names

SEEDS = load_seeds(None)
NAMES = core_names(SEEDS.topics, SEEDS.lexicon)
PREMATCH = Prematch(Cues(NAMES))
MATCHER = Matcher(SEEDS.lexicon)
CORE = {each for topic in SEEDS.topics for each in topic.core} | {
    concept for topic in SEEDS.topics for concept, state in topic.speaks_for.items() if state in topic.core
}
NOW = datetime(2026, 11, 24, tzinfo=UTC)
EXAMPLES = [
    json.loads(line)
    for file in sorted((Path(__file__).parents[2] / "seeds" / "examples").glob("*.jsonl"))
    for line in file.read_text(encoding="utf-8").split("\n")
    if line
]
JUDGE = Judge(SEEDS.topics, SEEDS.lexicon, LanguageGuesser())
# Of one that names nobody the matcher finds nothing in the article either, and the page cannot hold more.
RELEVANT = [
    each
    for each in EXAMPLES
    if each["grade"] >= 2 and any(one.relevant for one in JUDGE.assess(each["title"], each["text"], each["lang"]))
]


def plainly(text: str) -> str:
    """Write text as most pages do."""
    return escape(text)


def in_numbers(text: str) -> str:
    """Write every character that is not ASCII, and some that are, as a number."""
    return "".join(f"&#{ord(each)};" if each > "z" or each in "kK" else escape(each) for each in text)


def apart(text: str) -> str:
    """Write letters and marks apart, with what nobody sees between some of them."""
    return escape(unicodedata.normalize("NFD", text)).replace("s", "s\u00ad").replace("ta", "t\u200ba")


def tagged(text: str) -> str:
    """Put tags into words, as drop capitals and highlighting do."""
    said = escape(text, quote=False)
    for each in ("Pa", "I", "R", "Is", "K"):
        said = said.replace(each, f'<span class="drop">{each[0]}</span><!-- -->{each[1:]}')
    return said


def broken_up(text: str) -> str:
    """Let a line end between any two words."""
    return escape(text).replace(" ", "\n\t")


WAYS = [plainly, in_numbers, apart, tagged, broken_up]


def page(title: str, text: str, write: Callable[[str], str]) -> str:
    """Return a page that tells an article."""
    body = "".join(f"<p>{write(each)}</p>" for each in text.split("\n") if each)
    return f"<!doctype html><html><head><title>{write(title)}</title></head><body><h1>{write(title)}</h1>{body}</body>"


@pytest.mark.parametrize("write", WAYS)
def test_no_relevant_example_is_passed_over(write: Callable[[str], str]) -> None:
    assert len(RELEVANT) > 150
    lost = [each["id"] for each in RELEVANT if not PREMATCH.may_match(page(each["title"], each["text"], write))]
    assert lost == []


def test_others_are_passed_over() -> None:
    outlets = past_outlets(400, date(2018, 1, 1), date(2019, 1, 1), 0)
    dull = [html_of(outlet, page, "https://a.example").decode() for outlet in outlets for page in outlet.pages]
    assert not any(map(PREMATCH.may_match, dull))


@pytest.mark.parametrize("write", WAYS)
def test_whatever_is_read_and_relevant_was_let_through(write: Callable[[str], str]) -> None:
    source = Source("a", "A", "en", "PK", "UTC", "https://a.example/")
    dice = random.Random(7)  # noqa: S311 - the same examples each time
    for each in dice.sample(RELEVANT, 12):
        html = page(each["title"], each["text"], write)
        body = html.encode()
        url = "https://a.example/1"
        read = read_page(Page(url, url, 200, "text/html", body, NOW), Candidate(url, "a", Found.BACKFILL, NOW), source)
        if isinstance(read, Article) and any(m.concept in CORE for m in MATCHER.find(f"{read.title}\n{read.text}")):
            assert PREMATCH.may_match(html)


def test_what_stands_in_json_and_meta_counts() -> None:
    headline = json.dumps({"@type": "NewsArticle", "headline": "Pa\u2013ki\u2013xtan", "articleBody": "a\nISPR said"})
    assert PREMATCH.may_match(f'<script type="application/ld+json">{headline}</script>')
    assert PREMATCH.may_match('<script type="application/ld+json">{"articleBody": "a\\nISPR said"}</script>')
    assert PREMATCH.may_match('<meta property="og:title" content="Qu&#x1ebf;tta">')
    assert PREMATCH.may_match('<script>//<![CDATA[\n{"headline": "Lahore"}\n//]]></script>')
    assert not PREMATCH.may_match('<a href="/pakistan"><img alt="Lahore"></a>')


@pytest.mark.parametrize(
    "tag",
    [
        '<span title="a > b">',
        "<span title = 'a <b> c' class=x>",
        '<span data-x="<i>1</i>" hidden>',
        '<span class="a"">',
        '<span class="a>',
        f'<span title="{"> " * 1900}">',
    ],
)
def test_an_attribute_that_holds_signs_of_tags_hides_nothing(tag: str) -> None:
    said = page("Harbour", f'P{tag}a</span>kistan said "it" was', str)
    tree = parse_html(said, "https://a.example/1")
    assert tree is not None
    if "Pakistan" in str(tree.text_content()):
        assert PREMATCH.may_match(said)
    assert PREMATCH.may_match(page("Harbour", f'{tag}Pakistan</span> said "it" was', str))
    assert not PREMATCH.may_match(page("Harbour", f'{tag}Harbour</span> said "it" was', str))


def test_a_short_name_must_stand_by_itself() -> None:
    assert not PREMATCH.may_match("<p>A business growth course along the coast</p>")
    assert PREMATCH.may_match("<p>COAS visits</p>")
    assert PREMATCH.may_match("<p>x</p><p>the<b>CO</b>AS visits</p>")


def test_words_of_a_query_must_all_be_there() -> None:
    words = Prematch(Cues((), ("tập trận", "S-400")))
    assert words.may_match("<p>Cuộc tập <b>trận</b> có S&#8209;400</p>")
    assert not words.may_match("<p>Cuộc tập trận</p>")


_ALIASES = [alias for one in SEEDS.lexicon.concepts if one.id in CORE for alias in one.aliases if not alias.needs]
_FILLS = st.sampled_from(["", "<b>", "</b>", "<!-- -->", "\u00ad", "\u200b", "<span class='a b'>"])
_SIGNS = [" ", "<p>", "</p>", ". ", "\u201c", "\u2014", "(", "\n"]
_AROUND = st.tuples(st.sampled_from([*_SIGNS, "x "]), st.sampled_from([*_SIGNS, " x"]))  # never a letter beside it


@given(
    alias=st.sampled_from(_ALIASES),
    fills=st.lists(_FILLS, min_size=40, max_size=40),
    around=_AROUND,
    write=st.sampled_from([plainly, in_numbers, apart, str.upper]),
)
def test_an_alias_is_found_however_it_is_written(
    alias: object, fills: list[str], around: tuple[str, str], write: Callable[[str], str]
) -> None:
    text = write(alias.text)  # type: ignore[attr-defined]
    marked = text if "&" in text else "".join(f"{each}{fill}" for each, fill in zip(text, cycle(fills), strict=False))
    assert PREMATCH.may_match(f"<p>{around[0]}{marked}{around[1]}</p>")
