"""What a person types into the search: read as meant, or refused with the place; never anything else."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.search_plan import Fts5, TsQuery, written
from tripoint.domain.highlight import snippet, spans
from tripoint.domain.searchtext import Concept, Either, Every, SearchTextError, Words, leaves, parse
from tripoint.domain.searchwords import indexed_text, span_tags, span_tags_between, words_of

ALWAYS_THE_SAME = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
TYPED = st.text(max_size=80) | st.text("aĐđ \"()*-:ORNTAD“”«»{}^\\'", max_size=60)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", None),
        ("Đường", Words(("duong",), "Đường")),
        ("S-400", Words(("s", "400"), "S-400")),
        ("mi*", Words(("mi",), "mi", is_prefix=True)),
        ("“tập trận”", Words(("tap", "tran"), "tập trận")),
        ("concept:Platform.MI35", Concept("platform.mi35")),
        ("a or b", Every((Words(("a",), "a"), Words(("or",), "or"), Words(("b",), "b")))),
        ("a OR b c", Either((Words(("a",), "a"), Every((Words(("b",), "b"), Words(("c",), "c")))))),
        ("a -b", Every((Words(("a",), "a"),), (Words(("b",), "b"),))),
        ("a NOT -b", Every((Words(("a",), "a"), Words(("b",), "b")))),
        ("a - b", Every((Words(("a",), "a"), Words(("b",), "b")))),
    ],
)
def test_what_is_meant(text: str, meant: object) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ('drill "tập', 6, "quotation mark"),
        ("a (b", 2, "never closed"),
        ("a) b", 1, "closes none"),
        ("-a", 0, "left out"),
        ("a OR", 4, "missing"),
        ("AND a", 0, "before this AND"),
        ("a NOT", 2, "follows"),
        ("x*", 0, "two letters"),
        ('"a b"*', 5, "after a phrase"),
        ("a concept:", 2, "concept"),
        ("(" * 25 + "a" + ")" * 25, 20, "too many parentheses"),
        ("a " * 70, 120, "too many words"),
        ("a" * 1001, 1000, "too long"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, place: int, word: str) -> None:
    with pytest.raises(SearchTextError, match=word) as told:
        parse(text)
    assert told.value.at == place


@given(TYPED)
@ALWAYS_THE_SAME
def test_any_text_is_read_or_refused(text: str) -> None:
    """And what is read can only become quoted letters and digits between operators of ours."""
    try:
        question = parse(text)
    except SearchTextError:
        return
    if question is None:
        return
    bare = re.sub(r'"[^\W_]+(?: [^\W_]+)*"|"·concept·[\w·‐‿]+"', "W", written(Fts5(), question))
    assert re.fullmatch(r"(?:W|AND|OR|NOT|[() *])+", bare)
    bare = re.sub(r"'[^\W_]+'|'·concept·[\w·‐‿]+'", "W", written(TsQuery(), question))
    assert re.fullmatch(r"(?:W|<->|[()&|! ]|:\*)+", bare)


@given(st.text(max_size=200))
@ALWAYS_THE_SAME
def test_folding_settles_at_once(text: str) -> None:
    once = words_of(text)
    assert words_of(" ".join(once)) == once
    assert all(each.isalnum() for each in once)
    assert indexed_text(text) == once


@given(st.text(max_size=300), TYPED)
@ALWAYS_THE_SAME
def test_a_snippet_is_the_text_with_spans_inside(text: str, asked: str) -> None:
    try:
        words = [each for each in leaves(parse(asked)) if isinstance(each, Words)]
    except SearchTextError:
        return
    cut = snippet(text, words)
    assert all(0 <= start < end <= len(cut.text) for start, end in cut.spans)
    assert cut.text.removeprefix("… ").removesuffix(" …") in text.replace("\n", " ")
    assert all(b <= c for (_, b), (c, _) in zip(spans(text, words), spans(text, words)[1:], strict=False))


@ALWAYS_THE_SAME
@given(st.integers(0, 1 << 45), st.integers(0, 1 << 45))
def test_tags_of_a_stretch_of_time_leave_nothing_out(one: int, other: int) -> None:
    lowest, highest = sorted((one, one + other % (900 * 86_400 * 4096)))
    wanted = set(span_tags_between(lowest, highest))
    assert len(wanted) <= 60
    for place in (lowest, (lowest + highest) // 2, highest):
        assert wanted & set(span_tags(place))
    assert not wanted & set(span_tags(highest + 17 * 8 * 86_400 * 4096))
