"""Words as the search index has them: without marks, đ as d, in small letters; and the tags by which it filters.

Both databases are given these words and no text, so that neither's own idea of a word decides what is found.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from tripoint.domain.text import strip_marks

# PostgreSQL counts no positions beyond 16,383, and keeps no more than 255 of one word.
_TITLE_WORDS, _TITLE_REPEATS = 300, 50
_TEXT_WORDS, _TEXT_REPEATS = 16_000, 200
_FILLER = "·"  # holds the place of a word that is not indexed there
_LONGEST_WORD = 200
_RUN = re.compile(r"\S+")
_WORD = re.compile(r"[^\W_]+")
_IN_TAGS = str.maketrans({".": "·", "-": "‐", "_": "‿", " ": "‿"})

_TICKS_PER_S = 4096  # places for the articles of one second
_SPAN = 8 * 86_400 * _TICKS_PER_S  # eight days: of a year, at most some dozen tags are asked for
_LONGER = 16  # of them
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=65_536)
def _bare(run: str) -> tuple[str, ...]:
    """Return the words of a run of characters; a language has few of them, and texts ask for each again and again."""
    if run.isascii():
        folded = run.lower()
    else:
        folded = unicodedata.normalize("NFC", strip_marks(unicodedata.normalize("NFKC", run).casefold()))
    return tuple(each[:_LONGEST_WORD] for each in _WORD.findall(folded))


def words_of(text: str) -> list[str]:
    """Return the words of a text, folded."""
    return [word for run in _RUN.findall(text) for word in _bare(run)]


def indexed_title(title: str) -> list[str]:
    """Return the words of a title that are indexed."""
    return _capped(words_of(title)[:_TITLE_WORDS], _TITLE_REPEATS)


def indexed_text(text: str) -> list[str]:
    """Return the words of a text that are indexed: the first ones, and each only so often as both databases keep it."""
    return _capped(words_of(text)[:_TEXT_WORDS], _TEXT_REPEATS)


def _capped(words: list[str], repeats: int) -> list[str]:
    if len(words) <= repeats or Counter(words).most_common(1)[0][1] <= repeats:
        return words
    seen: Counter[str] = Counter()
    for at, word in enumerate(words):
        seen[word] += 1
        if seen[word] > repeats:
            words[at] = _FILLER
    return words


def tag(kind: str, value: str) -> str:
    """Return a token that no word of a text can be."""
    return f"·{kind}·{value.casefold().translate(_IN_TAGS)}"


def title_tag(word: str) -> str:
    """Return the tag of a word that stands in a title, for an index that does not know where its words stand."""
    return tag("t", word)


def score_tags(least: float) -> list[str]:
    """Return the tags of which an article with at least this score has one."""
    return [tag("score", str(tenth)) for tenth in range(_tenth(least), 11)]


def _tenth(score: float) -> int:
    return min(10, max(0, int(score * 10)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one topic made of an article, as far as searching asks."""

    topic: str
    score: float
    relevant: bool


def tags_of(source: str, language: str, verdicts: Sequence[Verdict], concepts: Iterable[str]) -> list[str]:
    """Return everything but words by which an article is found."""
    tags = [tag("source", source), tag("language", language)]
    if verdicts:
        tags.append(tag("score", str(_tenth(max(each.score for each in verdicts)))))
    relevant = [each.topic for each in verdicts if each.relevant]
    if relevant:
        tags.append(RELEVANT)
    tags.extend(tag("topic", each) for each in relevant)
    tags.extend(tag("concept", each) for each in sorted(set(concepts)))
    return tags


RELEVANT = tag("relevant", "yes")


def moment_of(published: datetime | None, first_seen_at: datetime) -> datetime:
    """Return the time by which an article is sorted: when it was published, which cannot be after it was seen."""
    return min(published, first_seen_at) if published else first_seen_at


def place_of(moment: datetime, tie: int = 0) -> int:
    """Return the number of a document in the index: later articles have higher ones, so that newest first is free."""
    seconds = (moment - _EPOCH).total_seconds() // 1
    return int(seconds) * _TICKS_PER_S + tie % _TICKS_PER_S


def span_tags(place: int) -> list[str]:
    """Return the tags of the time that a place stands for: a stretch of days, and a longer one that holds it."""
    span = place // _SPAN
    return [tag("span", str(span)), tag("spans", str(span // _LONGER))]


def span_tags_between(lowest: int, highest: int) -> list[str]:
    """Return tags of which each place between two has at least one, as few as can be, with little beyond them."""
    tags: list[str] = []
    span, last = lowest // _SPAN, highest // _SPAN
    while span <= last:
        if span % _LONGER == 0 and span + _LONGER - 1 <= last:
            tags.append(tag("spans", str(span // _LONGER)))
            span += _LONGER
        else:
            tags.append(tag("span", str(span)))
            span += 1
    return tags


def long_span_tags_between(lowest: int, highest: int) -> list[str]:
    """Return the few tags of long stretches that hold all places between two, and many beyond them."""
    long = _SPAN * _LONGER
    return [tag("spans", str(each)) for each in range(lowest // long, highest // long + 1)]


def last_place_near(place: int) -> int:
    """Return where the hour after a place ends, up to which its articles may move on when a second is full."""
    return place + 3600 * _TICKS_PER_S
